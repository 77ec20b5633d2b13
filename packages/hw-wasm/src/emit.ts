import { constantValues, type Operation, type Plan, RegrainError, type Step, type Task } from '@regrain/core-ir';
import type { Wasm } from './codegen/function-builder.js';
import { Imports } from './codegen/imports.js';
import { writeInterleave } from './codegen/interleave.js';
import type { KernelShape, OperandCode } from './codegen/kernel.js';
import { writeScheduler } from './codegen/scheduler.js';
import { selectKernel } from './codegen/select.js';
import { KernelTable } from './emit/kernel-table.js';
import { LaneBuilders } from './emit/lanes.js';
import { Locations } from './emit/locations.js';
import { isGiven } from './inputs.js';
import { LiveRegions } from './layout/live.js';
import { Segment } from './layout/segment.js';
import { layoutSpaces } from './layout/spaces.js';
import type { Located } from './layout/view.js';
import type { WasmProgram } from './program.js';
import { hasRelaxedSimd } from './web-assembly.js';

/**
 * `exact`: floats give the same bits on every machine and by every decomposition (partial sums apart). `fast`: products and sums may be
 * fused (relaxed SIMD, where the host has it), and windows may be computed by Winograd's short convolutions, so last bits differ.
 */
export type Arithmetic = 'exact' | 'fast';

export interface EmitOptions {
  /** Only element-by-element kernels: slow, and equal to the reference interpreter to the bit. */
  readonly generic?: boolean;
  /** `fast`: see `Arithmetic`; default `exact`. */
  readonly math?: Arithmetic;
  /** One thread runs the steps of all engines, in the plan's order. */
  readonly oneLane?: boolean;
}

/** Room behind the last byte: vector loads may reach past what they need. */
const SLACK = 64;

/** 4 GiB. */
const MAX_PAGES = 65536;

/** Turns a plan into one WebAssembly module whose memory begins with the plan's arena. */
export async function emitWasm(plan: Plan, constants: Uint8Array, options: EmitOptions = {}): Promise<WasmProgram> {
  const { default: wasm } = await import('binaryen');
  return new Emitter(wasm, plan, constants, options).emit();
}

class Emitter {
  private readonly spaces;
  private readonly segment: Segment;
  private readonly live: LiveRegions;
  private readonly lanes: LaneBuilders;
  private readonly locations: Locations;
  private readonly module;
  private readonly kernels: KernelTable;
  /** Relaxed SIMD is allowed and there. */
  private readonly fused: boolean;

  constructor(
    private readonly wasm: Wasm,
    private readonly plan: Plan,
    private readonly constants: Uint8Array,
    private readonly options: EmitOptions,
  ) {
    if (plan.program.trace)
      throw new RegrainError('unsupported', `${plan.program.name} is a trace: its instructions have no meaning to run`);
    this.fused = options.math === 'fast' && hasRelaxedSimd();
    this.spaces = layoutSpaces(plan);
    this.segment = new Segment(this.spaces.end);
    this.live = new LiveRegions(plan, this.spaces);
    this.lanes = new LaneBuilders(plan, this.segment, this.live, options.oneLane === true);
    this.locations = new Locations(plan, constants, this.segment, this.live);
    const { several } = this.lanes;
    this.module = new wasm.Module();
    this.module.setFeatures(
      wasm.Features.SIMD128 |
        wasm.Features.NontrappingFPToInt |
        wasm.Features.BulkMemory |
        wasm.Features.SignExt |
        wasm.Features.MutableGlobals |
        (this.fused ? wasm.Features.RelaxedSIMD : 0) |
        (several ? wasm.Features.Atomics : 0),
    );
    // Loads and stores refer to the memory that exists when they are made.
    this.module.setMemory(1, MAX_PAGES, undefined, undefined, several);
    this.module.addMemoryImport('0', 'host', 'memory', several);
    this.kernels = new KernelTable(wasm, this.module, new Imports(), this.fused);
  }

  emit(): WasmProgram {
    const { plan, segment, locations } = this;
    const { steps, program } = plan;
    locations.placeExternal();
    for (let time = 0; time <= steps.length + 1; time++) {
      for (const p of this.live.advance(time)) this.arrive(p, time - 1);
      const step = steps[time - 1];
      if (step) this.step(time - 1, step);
    }
    const last = new Set([...program.outputs, ...program.states.map(({ from }) => from.tensor)]);
    const held = [...last].flatMap((tensor) => locations.atEnd(tensor));
    const scratchBytes = this.lanes.placeScratch();
    const lanes = this.lanes.finish();
    if (lanes.some(({ staging }) => staging !== undefined)) writeInterleave(this.wasm, this.module);
    const module = this.finish();
    return {
      module,
      data: { address: segment.start, bytes: segment.content() },
      arenaBytes: this.spaces.end,
      scratchBytes,
      relaxed: this.fused,
      memoryBytes: segment.end + SLACK,
      lanes,
      ...(this.lanes.abort === undefined ? {} : { abort: this.lanes.abort }),
      held,
      external: locations.outside(),
      kernels: this.kernels.count(),
    };
  }

  private arrive(p: number, before: number): void {
    if (!isGiven(this.plan, p)) return;
    const { holds } = this.plan.placements[p];
    const placed = this.locations.ofPlacement(p);
    if (placed && 'region' in holds) this.lanes.arrive(holds.region, placed, before);
  }

  private step(index: number, step: Step): void {
    const { placements, decomposition, program } = this.plan;
    if (step.kind === 'move') {
      this.lanes.move(index, step, this.live.address(step.from), this.live.address(step.to), placements[step.from].bytes);
      return;
    }
    const task = decomposition.tasks[step.task];
    if (!this.task(index, step, task, program.operations[task.operation]))
      this.lanes.host(index, step, task, this.locations.ofHost(task, step.engine));
  }

  /** Adds a task to its lane's schedule; false where no kernel computes it. */
  private task(index: number, step: Step, task: Task, operation: Operation): boolean {
    const { program } = this.plan;
    const { engine } = step;
    const bases: number[] = [];
    const code = (at: Located): Extract<OperandCode, { kind: 'view' }> => {
      const { view, base } = this.locations.tabled(at);
      bases.push(base);
      return { kind: 'view', view, parameter: bases.length - 1 };
    };
    const operands = operation.operands.map(({ tensor, mode }, k): OperandCode | undefined => {
      const { data } = program.tensors[tensor];
      if (data && 'splat' in data) return { kind: 'splat', value: data.splat };
      if (mode === 'read' && program.tensors[tensor].kind === 'constant') return code(this.locations.constant(tensor));
      const access = task.accesses.find((each) => each.operand === k && (mode === 'read' ? each.mode === 'read' : each.mode !== 'read'));
      return access ? code(this.locations.at(access.instance, access.box, engine)) : undefined;
    });
    const sum = task.accesses.find(({ operand }) => operand === -1);
    const accumulator = sum ? code(this.locations.at(sum.instance, sum.box, engine)) : undefined;
    const shape: KernelShape = {
      operation,
      shapes: operation.operands.map(({ tensor }) => program.tensors[tensor].shape),
      operands,
      phase: task.phase ?? 'whole',
      ...(accumulator ? { accumulator } : {}),
    };
    const selected = selectKernel(
      shape,
      {
        program,
        segment: this.segment,
        valuesOf: (tensor) => constantValues(program, tensor, this.constants),
        generic: this.options.generic === true,
        fast: this.options.math === 'fast',
      },
      task.box,
    );
    if (!selected) return false;
    const ends = shape.phase === 'init' || shape.phase === 'finish';
    const sides = task.box.flatMap(([lo, hi], d) => (ends && operation.domain[d].kind === 'reduction' ? [0, 1] : [lo, hi]));
    const { kind, extra, scratch } = selected;
    this.lanes.run(index, step, task, {
      place: this.kernels.place(selected),
      kernel: kind,
      words: [...sides, ...bases, ...extra],
      scratch,
    });
    return true;
  }

  private finish(): Uint8Array {
    const { module: m, wasm } = this;
    writeScheduler(wasm, m, this.lanes.abort);
    this.kernels.finish();
    if (!m.validate()) throw new RegrainError('internal', `the module of ${this.plan.program.name} is not valid`);
    const binary = m.emitBinary();
    m.dispose();
    return binary;
  }
}
