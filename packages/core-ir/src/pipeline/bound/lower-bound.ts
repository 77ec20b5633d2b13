import { type Box, boxOf, intersect, volume } from '../../ir/box.js';
import type { Constraint } from '../../ir/constraint.js';
import { image } from '../../ir/index-map.js';
import type { Machine } from '../../ir/machine.js';
import { domainBox, type Operation, type Program } from '../../ir/program.js';
import { ELEMENT_BYTES, elements, tensorBytes } from '../../ir/tensor.js';
import { InputAccesses } from '../input-access.js';
import { gapless } from './gapless.js';
import { type Moment, Moments } from './moments.js';

/** No plan holds less at its peak, and why: a moment that comes in every plan, and what is held then. */
export interface LowerBound {
  readonly bytes: number;
  readonly when: string;
  /** Sums to `bytes`. */
  readonly holds: readonly { readonly tensor: string; readonly bytes: number }[];
}

/**
 * Bytes of counted spaces that every plan holds at some time in which no multiply-accumulate runs twice, whatever its grain and order.
 * The largest of:
 * - all outputs and state, which are there at the end;
 * - all resident inputs that anything reads, which are there at the start;
 * - what one point of an opaque operation uses at once (the operation cannot be split further), a write that may take the bytes of
 *   a read counted once;
 * - the outputs of a dense operation but one, and what that one still reads;
 * - what separates, at a moment that comes in every plan, what is then computed from what is not (`Moments`).
 * Where data may move out of the counted spaces only the third holds. Not the least possible: between these lie orders that no
 * term here rules out.
 */
export function lowerBound(program: Program, machine: Machine, constraints: readonly Constraint[]): LowerBound {
  const { terms, confined, takesBytes, kept } = boundTerms(program, machine, constraints);
  const all = confined ? [...terms, ...lastOfDense(program, takesBytes, kept)] : terms;
  const highest = confined ? new Moments(program, takesBytes, kept).highest() : undefined;
  const { bytes, when, holds } = [...all, ...(highest ? [highest] : [])].reduce((a, b) => (b.bytes > a.bytes ? b : a), NOTHING);
  return { bytes, when, holds: holds.map((each) => ({ tensor: program.tensors[each.tensor].name, bytes: each.bytes })) };
}

/**
 * The part of the bound that holds with recomputation, too. 0 where tasks may work outside the counted spaces: where the user pins a
 * tensor there, or data is moved between spaces and tasks reach them all.
 */
export function provenBound(program: Program, machine: Machine, constraints: readonly Constraint[]): number {
  const uncounted = new Set(machine.spaces.flatMap(({ name, counted }) => (counted ? [] : [name])));
  const pinned = constraints.some((each) => each.kind === 'pin' && uncounted.has(each.space));
  const reached = machine.engines.some(({ runs, spaces }) => runs === 'tasks' && spaces.some((space) => !machine.spaces[space].counted));
  const moves = machine.engines.some(({ runs }) => runs === 'moves');
  if (pinned || (reached && moves)) return 0;
  return Math.max(0, ...boundTerms(program, machine, constraints).terms.map(({ bytes }) => bytes));
}

const NOTHING: Moment = { bytes: 0, when: 'at any moment', holds: [] };

interface Terms {
  readonly terms: readonly Moment[];
  /** Nothing can leave the counted spaces. */
  readonly confined: boolean;
  readonly takesBytes: (tensor: number) => boolean;
  /** Tensors that are there at the end. */
  readonly kept: ReadonlySet<number>;
}

function boundTerms(program: Program, machine: Machine, constraints: readonly Constraint[]): Terms {
  const inputs = new InputAccesses(program, constraints);
  const uncounted = new Set(machine.spaces.flatMap(({ name, counted }) => (counted ? [] : [name])));
  const elsewhere = new Set(constraints.flatMap((each) => (each.kind === 'pin' && uncounted.has(each.space) ? [each.tensor] : [])));
  const takesBytes = (tensor: number): boolean =>
    program.tensors[tensor].kind !== 'constant' && inputs.of(tensor) !== 'external' && !elsewhere.has(program.tensors[tensor].name);
  const whole = (when: string, tensors: Iterable<number>): Moment => {
    const holds = [...new Set(tensors)].filter(takesBytes).map((tensor) => ({ tensor, bytes: tensorBytes(program.tensors[tensor]) }));
    return { bytes: holds.reduce((sum, { bytes }) => sum + bytes, 0), when, holds };
  };
  const points = program.operations.flatMap((operation) => (operation.body ? [] : [pointOf(program, operation, takesBytes)]));
  const confined = machine.spaces.every(({ counted }) => counted) || !machine.engines.some(({ runs }) => runs === 'moves');
  if (!confined || program.trace) return { terms: points, confined: false, takesBytes, kept: new Set() };
  const counted = (space: number): boolean => machine.spaces[space]?.counted ?? false;
  const states = program.states.flatMap(({ from, to }) => [from.tensor, to.tensor]);
  const read = new Set(
    program.operations.flatMap(({ operands }) => operands.flatMap(({ tensor, mode }) => (mode === 'read' ? [tensor] : []))),
  );
  const resident = program.tensors.flatMap((_, id) => (inputs.of(id) === 'resident' && (read.has(id) || states.includes(id)) ? [id] : []));
  const kept = counted(machine.home.output) ? [...program.outputs, ...states] : [];
  const atStart = counted(machine.home.input) ? resident : [];
  return { terms: [...points, whole('at the end', kept), whole('at the start', atStart)], confined: true, takesBytes, kept: new Set(kept) };
}

/** What one point of an opaque operation uses, the less of its first and its last point: padding makes boxes smaller at the ends. */
function pointOf(program: Program, operation: Operation, takesBytes: (tensor: number) => boolean): Moment {
  const at = (pick: (extent: number) => number): Moment => {
    const box: Box = operation.domain.map(({ extent, kind }) => (kind === 'parallel' ? [pick(extent), pick(extent) + 1] : [0, extent]));
    const holds = new Map<number, number>();
    for (const { tensor, mode, map, inPlaceOf } of operation.operands) {
      if (!takesBytes(tensor) || holds.has(tensor)) continue;
      const { shape, dtype } = program.tensors[tensor];
      const touched = intersect(image(map, box, shape), boxOf(shape));
      holds.set(tensor, touched && (mode === 'read' || inPlaceOf === undefined) ? volume(touched) * ELEMENT_BYTES[dtype] : 0);
    }
    const bytes = [...holds.values()].reduce((sum, each) => sum + each, operation.scratchBytes ?? 0);
    return { bytes, when: `at one point of ${operation.name}`, holds: [...holds].map(([tensor, held]) => ({ tensor, bytes: held })) };
  };
  const [first, last] = [at(() => 0), at((extent) => extent - 1)];
  return first.bytes <= last.bytes ? first : last;
}

/**
 * When the last element of an output is begun, all others are (complete, or a sum that is begun). Where each element needs all of an
 * operand, either none of them is complete, or the operand is, and the last element has yet to read it.
 */
function* lastOfDense(program: Program, takesBytes: (tensor: number) => boolean, kept: ReadonlySet<number>): Iterable<Moment> {
  for (const operation of program.operations) {
    const write = operation.operands.find(({ mode }) => mode !== 'read');
    if (!operation.body || !write || !kept.has(write.tensor) || !takesBytes(write.tensor)) continue;
    const { shape, dtype, name } = program.tensors[write.tensor];
    const others = operation.domain.reduce((count, { extent, kind }) => (kind === 'parallel' ? count * extent : count), 1) - 1;
    if (others !== elements(shape) - 1) continue;
    const operands = new Set(
      operation.operands.flatMap(({ tensor, mode, map }) => {
        const maker = program.operations.find(({ operands: of }) => of.some((each) => each.tensor === tensor && each.mode !== 'read'));
        const once = program.tensors[tensor].kind === 'input' || (maker?.macs ?? 0) > 0;
        return mode === 'read' && takesBytes(tensor) && once && dense(program, operation, tensor, map) ? [tensor] : [];
      }),
    );
    const sum = ELEMENT_BYTES[operation.body.acc];
    const holds = [...operands].map((tensor) => ({ tensor, bytes: tensorBytes(program.tensors[tensor]) }));
    const read = holds.reduce((total, { bytes }) => total + bytes, 0);
    const complete = others * Math.min(sum, ELEMENT_BYTES[dtype]) + read;
    const when = `before the last element of ${name} is begun`;
    if (complete <= others * sum) yield { bytes: complete, when, holds: [{ tensor: write.tensor, bytes: complete - read }, ...holds] };
    else yield { bytes: others * sum, when, holds: [{ tensor: write.tensor, bytes: others * sum }] };
  }
}

/** Whether each point reads all of a tensor: no parallel dimension selects a part of it. */
function dense(program: Program, operation: Operation, tensor: number, map: Operation['operands'][number]['map']): boolean {
  const { shape } = program.tensors[tensor];
  const point = operation.domain.map(({ extent, kind }) => (kind === 'parallel' ? ([0, 1] as const) : ([0, extent] as const)));
  const last = operation.domain.map(({ extent, kind }) => (kind === 'parallel' ? ([extent - 1, extent] as const) : ([0, extent] as const)));
  return [point, last, domainBox(operation)].every((box) => {
    const touched = image(map, box, shape);
    return !map.includes('all') && gapless(map, box) && touched.every(([lo, hi], axis) => lo <= 0 && hi >= shape[axis]);
  });
}
