import { type Box, boxOf, type Plan, RegrainError, type Task, tensorBytes } from '@regrain/core-ir';
import { inputAccess } from '../inputs.js';
import type { LiveRegions } from '../layout/live.js';
import type { Segment } from '../layout/segment.js';
import { dense, type Located, locate } from '../layout/view.js';
import type { Held, HostOperand } from '../program.js';

/** Where tasks find their operands at the step in hand: in regions, in inputs outside the arena, among the constants. */
export class Locations {
  private readonly external = new Map<number, Located>();

  constructor(
    private readonly plan: Plan,
    private readonly constants: Uint8Array,
    private readonly segment: Segment,
    private readonly live: LiveRegions,
  ) {}

  /** Makes room for the inputs that lie outside the arena. */
  placeExternal(): void {
    const { program, decomposition } = this.plan;
    program.tensors.forEach((tensor, t) => {
      if (tensor.kind !== 'input' || inputAccess(this.plan, t) !== 'external') return;
      const order = decomposition.instances.find((instance) => instance.tensor === t)?.order ?? [];
      this.external.set(t, dense(this.segment.reserve(tensorBytes(tensor)), tensor.shape, order, tensor.dtype));
    });
  }

  /** Inputs outside the arena, whole. */
  outside(): Held[] {
    const { tensors } = this.plan.program;
    return [...this.external].map(([tensor, at]) => ({ tensor, box: boxOf(tensors[tensor].shape), at }));
  }

  /** The constant's own bytes in the data segment, row-major. */
  constant(tensor: number): Located {
    const { shape, dtype, data } = this.plan.program.tensors[tensor];
    const address = this.segment.once(`constant ${tensor}`, () => {
      if (!data || 'splat' in data) throw new RegrainError('internal', `constant ${tensor} has no bytes`);
      return this.segment.put(this.constants.subarray(data.offset, data.offset + tensorBytes({ shape, dtype })));
    });
    return dense(address, shape, [], dtype);
  }

  /** A box of an instance as an engine sees it now. */
  at(instance: number, box: Box, engine: number): Located {
    const { program, decomposition } = this.plan;
    const { tensor, order, dtype } = decomposition.instances[instance];
    return this.external.get(tensor) ?? locate(box, this.live.pieces(instance, box, engine), order, program.tensors[tensor].shape, dtype);
  }

  /** A region where it is placed. */
  ofPlacement(p: number): Held | undefined {
    const { decomposition, program, placements } = this.plan;
    const { holds } = placements[p];
    if (!('region' in holds)) return undefined;
    const { instance, box } = decomposition.regions[holds.region];
    const { tensor, order } = decomposition.instances[instance];
    const { shape, dtype } = program.tensors[tensor];
    return { tensor, box, at: locate(box, [{ box, address: this.live.address(p) }], order, shape, dtype) };
  }

  /** Puts a view's table into the segment; its base is then an address. */
  tabled(at: Located): Located {
    if (!at.entries) return at;
    const { entries, view, base } = at;
    const table = this.segment.once(`table ${entries.join()}`, () => this.segment.putWords(entries));
    return { view, base: base + table };
  }

  /** Operands of a task that the host computes. */
  ofHost(task: Task, engine: number): HostOperand[] {
    const { program, decomposition } = this.plan;
    return task.accesses.flatMap(({ operand, instance, box }) => {
      const { tensor } = decomposition.instances[instance];
      if (operand < 0 || program.tensors[tensor].kind === 'constant') return [];
      return [{ operand, dtype: program.tensors[tensor].dtype, box, at: this.tabled(this.at(instance, box, engine)) }];
    });
  }

  /** The parts of a tensor after the last step. */
  atEnd(tensor: number): Held[] {
    const { decomposition, program, placements, steps, machine } = this.plan;
    const { shape, kind } = program.tensors[tensor];
    if (kind === 'constant') return [];
    const instance = decomposition.instances.findIndex((each) => each.tensor === tensor && each.role === 'primary');
    const outside = this.external.get(tensor);
    if (outside) return [{ tensor, box: boxOf(shape), at: outside }];
    return placements.flatMap(({ holds, last, space }, p) => {
      if (!('region' in holds) || last !== steps.length + 1 || space !== machine.home.output) return [];
      return decomposition.regions[holds.region].instance === instance ? (this.ofPlacement(p) ?? []) : [];
    });
  }
}
