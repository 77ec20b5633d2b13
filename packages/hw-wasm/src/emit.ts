import {
  type Box,
  boxOf,
  constantValues,
  type Operation,
  type Plan,
  RegrainError,
  type Step,
  type Task,
  tensorBytes,
} from '@regrain/core-ir';
import type { FunctionBuilder as Builder, Wasm } from './codegen/function-builder.js';
import { FunctionBuilder } from './codegen/function-builder.js';
import { Imports } from './codegen/imports.js';
import { writeInterleave } from './codegen/interleave.js';
import type { KernelShape, OperandCode } from './codegen/kernel.js';
import { writeScheduler } from './codegen/scheduler.js';
import { selectKernel } from './codegen/select.js';
import { inputAccess, isGiven } from './inputs.js';
import { LiveRegions } from './layout/live.js';
import { Segment } from './layout/segment.js';
import { layoutSpaces } from './layout/spaces.js';
import { STAGED_BYTES } from './layout/staging.js';
import { dense, type Located, locate, type Piece } from './layout/view.js';
import type { Action, Held, HostOperand, KernelKind, Sync, WasmProgram } from './program.js';
import { hasRelaxedSimd } from './web-assembly.js';

/**
 * `exact`: floats give the same bits on every machine and by every decomposition (partial sums apart). `fast`: products and sums may be
 * fused (relaxed SIMD, where the host has it), and windows may be computed by Winograd's short convolutions, so last bits differ.
 */
export type Arithmetic = 'exact' | 'fast';

export interface EmitOptions {
  /** Only element-by-element kernels: slow, and equal to the reference interpreter to the bit. */
  readonly generic?: boolean;
  /** `fast`: see `Math`; default `exact`. */
  readonly math?: Arithmetic;
  /** One thread runs the steps of all engines, in the plan's order. */
  readonly oneLane?: boolean;
}

/** Room behind the last byte: vector loads may reach past what they need. */
const SLACK = 64;

/** Counters of different lanes are not in one line of a cache. */
const CACHE_LINE = 64;

/** 4 GiB. */
const MAX_PAGES = 65536;

/** Turns a plan into one WebAssembly module whose memory begins with the plan's arena. */
export async function emitWasm(plan: Plan, constants: Uint8Array, options: EmitOptions = {}): Promise<WasmProgram> {
  const { default: wasm } = await import('binaryen');
  return new Emitter(wasm, plan, constants, options).emit();
}

interface LaneBuilder {
  readonly actions: Action[];
  readonly schedule: { step: number; kernel: KernelKind }[];
  /** Words per entry: the function's place in the table and the address of its descriptor; of several lanes also waits and position. */
  readonly entries: number[];
  readonly counter?: number;
  /** What kernels of the lane work in, and the words of descriptors that are to be its address. */
  readonly scratch: { bytes: number; readonly users: number[] };
}

/** Floats of which three lie side by side, pixel by pixel: an image that is stored channels last. */
function byColours({ view: { dtype, strides, table } }: Located): boolean {
  return dtype === 'float32' && table.length === 0 && strides.includes(4) && strides.at(-1) === 12;
}

class Emitter {
  private readonly spaces;
  private readonly segment: Segment;
  private readonly live: LiveRegions;
  private readonly imports = new Imports();
  private readonly module;
  private readonly functions = new Map<string, number>();
  private readonly names: string[] = [];
  private readonly kinds: KernelKind[] = [];
  private readonly lanes: LaneBuilder[];
  /** Per engine its lane. */
  private readonly laneOf: readonly number[];
  /** Per step: what its lane's counter is when it is done. */
  private readonly position: Int32Array;
  private readonly abort: number | undefined;
  /** Relaxed SIMD is allowed and there. */
  private readonly fused: boolean;
  /** Regions of inputs that arrive while the plan runs: before which step. */
  private readonly arrival = new Map<number, number>();
  private readonly external = new Map<number, Located>();

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
    const engines = [...new Set(plan.steps.map(({ engine }) => engine))].sort((a, b) => a - b);
    const several = engines.length > 1 && !options.oneLane;
    this.laneOf = plan.machine.engines.map((_, engine) => (several ? Math.max(0, engines.indexOf(engine)) : 0));
    this.lanes = (several ? engines : [0]).map(() => ({
      actions: [],
      schedule: [],
      entries: [],
      scratch: { bytes: 0, users: [] },
      ...(several ? { counter: this.segment.reserve(CACHE_LINE, CACHE_LINE) } : {}),
    }));
    this.abort = several ? this.segment.reserve(CACHE_LINE, CACHE_LINE) : undefined;
    const done = new Int32Array(this.lanes.length);
    this.position = Int32Array.from(plan.steps, ({ engine }) => ++done[this.laneOf[engine]]);
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
  }

  emit(): WasmProgram {
    const { plan, segment } = this;
    const { steps, program } = plan;
    this.placeExternal();
    const held: Held[] = [];
    for (let time = 0; time <= steps.length + 1; time++) {
      for (const p of this.live.advance(time)) this.arrive(p, time - 1);
      const step = steps[time - 1];
      if (step) this.step(time - 1, step);
    }
    const last = [...program.outputs, ...program.states.map(({ from }) => from.tensor)];
    for (const tensor of new Set(last)) held.push(...this.holdAtEnd(tensor));
    for (const { scratch } of this.lanes) {
      if (scratch.bytes === 0) continue;
      const address = segment.reserve(scratch.bytes, CACHE_LINE);
      for (const user of scratch.users) segment.setWord(user, address);
    }
    const memoryBytes = segment.end + SLACK;
    const lanes = this.lanes.map(({ actions, schedule, entries, counter }) => ({
      actions,
      schedule,
      entries: segment.putWords(entries),
      ...(counter === undefined ? {} : { counter }),
      ...(actions.some((action) => action.kind === 'arrive' && byColours(action.at)) ? { staging: segment.reserve(STAGED_BYTES) } : {}),
    }));
    if (lanes.some(({ staging }) => staging !== undefined)) writeInterleave(this.wasm, this.module);
    const module = this.finish();
    return {
      module,
      data: { address: segment.start, bytes: segment.content() },
      arenaBytes: this.spaces.end,
      scratchBytes: this.lanes.reduce((sum, { scratch }) => sum + scratch.bytes, 0),
      relaxed: this.fused,
      memoryBytes: Math.max(memoryBytes, segment.end + SLACK),
      lanes,
      ...(this.abort === undefined ? {} : { abort: this.abort }),
      held,
      external: [...this.external].map(([tensor, at]) => ({ tensor, box: boxOf(program.tensors[tensor].shape), at })),
      kernels: {
        contraction: this.kinds.filter((kind) => kind === 'contraction').length,
        window: this.kinds.filter((kind) => kind === 'window').length,
        lanes: this.kinds.filter((kind) => kind === 'lanes').length,
        generic: this.kinds.filter((kind) => kind === 'generic').length,
      },
    };
  }

  private placeExternal(): void {
    const { program, decomposition } = this.plan;
    program.tensors.forEach((tensor, t) => {
      if (tensor.kind !== 'input' || inputAccess(this.plan, t) !== 'external') return;
      const order = decomposition.instances.find((instance) => instance.tensor === t)?.order ?? [];
      this.external.set(t, dense(this.segment.reserve(tensorBytes(tensor)), tensor.shape, order, tensor.dtype));
    });
  }

  private arrive(p: number, before: number): void {
    if (!isGiven(this.plan, p)) return;
    const { decomposition, program, placements } = this.plan;
    const { holds } = placements[p];
    if (!('region' in holds)) return;
    const { instance, box } = decomposition.regions[holds.region];
    const { tensor, order } = decomposition.instances[instance];
    const { shape, dtype } = program.tensors[tensor];
    const at = this.located(locate(box, [{ box, address: this.live.address(p) }], order, shape, dtype));
    const next = this.plan.steps[before];
    if (next) this.arrival.set(holds.region, before);
    const { actions } = this.lanes[next ? this.laneOf[next.engine] : 0];
    actions.push({
      kind: 'arrive',
      tensor,
      box,
      at,
      ...(next ? { step: before } : {}),
      ...(next && this.lanes.length > 1 ? { sync: { waits: this.waits(next) } } : {}),
    });
  }

  private step(index: number, step: Step): void {
    const { placements, decomposition, program } = this.plan;
    if (step.kind === 'move') {
      this.lanes[this.laneOf[step.engine]].actions.push({
        kind: 'move',
        ...this.sync(index, step),
        step: index,
        from: this.live.address(step.from),
        to: this.live.address(step.to),
        bytes: placements[step.from].bytes,
      });
      return;
    }
    const task = decomposition.tasks[step.task];
    const operation = program.operations[task.operation];
    if (this.task(index, step, task, operation)) return;
    this.lanes[this.laneOf[step.engine]].actions.push({
      kind: 'host',
      ...this.sync(index, step, this.arrivals(task)),
      step: index,
      operation: task.operation,
      box: task.box,
      operands: this.hostOperands(task, step.engine),
    });
  }

  /** Adds a task to its lane's schedule; false where no kernel computes it. */
  private task(index: number, step: Step, task: Task, operation: Operation): boolean {
    const { program } = this.plan;
    const { engine } = step;
    const bases: number[] = [];
    const code = (at: Located): Extract<OperandCode, { kind: 'view' }> => {
      const { view, base } = this.located(at);
      bases.push(base);
      return { kind: 'view', view, parameter: bases.length - 1 };
    };
    const operands = operation.operands.map(({ tensor, mode }, k): OperandCode | undefined => {
      const { data } = program.tensors[tensor];
      if (data && 'splat' in data) return { kind: 'splat', value: data.splat };
      if (mode === 'read' && program.tensors[tensor].kind === 'constant') return code(this.constant(tensor));
      const access = task.accesses.find((each) => each.operand === k && (mode === 'read' ? each.mode === 'read' : each.mode !== 'read'));
      return access ? code(this.at(access.instance, access.box, engine)) : undefined;
    });
    const sum = task.accesses.find(({ operand }) => operand === -1);
    const accumulator = sum ? code(this.at(sum.instance, sum.box, engine)) : undefined;
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
    const { kind, key, write, extra, scratch } = selected;
    let place = this.functions.get(key);
    if (place === undefined) {
      place = this.names.length;
      const name = `k${place}`;
      const fn: Builder = new FunctionBuilder(this.wasm, this.module, undefined, this.fused);
      write(fn, this.imports);
      fn.finish(name);
      this.functions.set(key, place);
      this.names.push(name);
      this.kinds.push(kind);
    }
    const ends = shape.phase === 'init' || shape.phase === 'finish';
    const sides = task.box.flatMap(([lo, hi], d) => (ends && operation.domain[d].kind === 'reduction' ? [0, 1] : [lo, hi]));
    const words = [...sides, ...bases, ...extra, ...(scratch === undefined ? [] : [0])];
    const descriptor = this.segment.putWords(words);
    const lane = this.lanes[this.laneOf[engine]];
    if (scratch !== undefined) {
      lane.scratch.bytes = Math.max(lane.scratch.bytes, scratch);
      lane.scratch.users.push(descriptor + 4 * (words.length - 1));
    }
    lane.entries.push(place, descriptor);
    if (this.lanes.length > 1) lane.entries.push(this.waits(step, this.arrivals(task)), this.position[index]);
    lane.schedule.push({ step: index, kernel: kind });
    const entry = lane.schedule.length;
    const before = lane.actions.at(-1);
    if (before?.kind === 'run') lane.actions[lane.actions.length - 1] = { ...before, to: entry };
    else lane.actions.push({ kind: 'run', from: entry - 1, to: entry });
    return true;
  }

  private sync(index: number, step: Step, more: readonly number[] = []): { readonly sync?: Sync } {
    return this.lanes.length > 1 ? { sync: { waits: this.waits(step, more), done: this.position[index] } } : {};
  }

  /** The steps before which the parts of inputs arrive that a task reads: whoever reads them on another lane waits for that step. */
  private arrivals({ accesses }: Task): number[] {
    const { decomposition, program } = this.plan;
    return accesses.flatMap(({ instance, box }) => {
      if (program.tensors[decomposition.instances[instance].tensor].kind !== 'input') return [];
      return this.live.regions(instance, box).flatMap((region) => this.arrival.get(region) ?? []);
    });
  }

  /** Address of a list: how many waits, then for each the address of a lane's counter and what it must have reached. 0 for none. */
  private waits({ waits, engine }: Step, more: readonly number[] = []): number {
    const least = new Map<number, number>();
    for (const wait of [...waits, ...more]) {
      const lane = this.laneOf[this.plan.steps[wait].engine];
      if (lane !== this.laneOf[engine]) least.set(lane, Math.max(least.get(lane) ?? 0, this.position[wait]));
    }
    if (least.size === 0) return 0;
    return this.segment.putWords([least.size, ...[...least].flatMap(([lane, position]) => [this.lanes[lane].counter ?? 0, position])]);
  }

  private hostOperands(task: Task, engine: number): HostOperand[] {
    const { program, decomposition } = this.plan;
    return task.accesses.flatMap(({ operand, instance, box }) => {
      const { tensor } = decomposition.instances[instance];
      if (operand < 0 || program.tensors[tensor].kind === 'constant') return [];
      return [{ operand, dtype: program.tensors[tensor].dtype, box, at: this.located(this.at(instance, box, engine)) }];
    });
  }

  /** The constant's own bytes in the data segment, row-major. */
  private constant(tensor: number): Located {
    const { shape, dtype, data } = this.plan.program.tensors[tensor];
    const address = this.segment.once(`constant ${tensor}`, () => {
      if (!data || 'splat' in data) throw new RegrainError('internal', `constant ${tensor} has no bytes`);
      return this.segment.put(this.constants.subarray(data.offset, data.offset + tensorBytes({ shape, dtype })));
    });
    return dense(address, shape, [], dtype);
  }

  private at(instance: number, box: Box, engine: number): Located {
    const { program, decomposition } = this.plan;
    const { tensor, order, dtype } = decomposition.instances[instance];
    const outside = this.external.get(tensor);
    if (outside) return outside;
    const pieces: Piece[] = this.live.pieces(instance, box, engine);
    return locate(box, pieces, order, program.tensors[tensor].shape, dtype);
  }

  /** Puts a view's table into the segment; its base is then an address. */
  private located(at: Located): Located {
    if (!at.entries) return at;
    const { entries, view, base } = at;
    const table = this.segment.once(`table ${entries.join()}`, () => this.segment.putWords(entries));
    return { view, base: base + table };
  }

  private holdAtEnd(tensor: number): Held[] {
    const { decomposition, program, placements, steps, machine } = this.plan;
    const { shape, dtype, kind } = program.tensors[tensor];
    if (kind === 'constant') return [];
    const instance = decomposition.instances.findIndex((each) => each.tensor === tensor && each.role === 'primary');
    const outside = this.external.get(tensor);
    if (outside) return [{ tensor, box: boxOf(shape), at: outside }];
    return placements.flatMap(({ holds, last, space }, p) => {
      if (!('region' in holds) || last !== steps.length + 1 || space !== machine.home.output) return [];
      const region = decomposition.regions[holds.region];
      if (region.instance !== instance) return [];
      const { order } = decomposition.instances[instance];
      return [
        { tensor, box: region.box, at: locate(region.box, [{ box: region.box, address: this.live.address(p) }], order, shape, dtype) },
      ];
    });
  }

  private finish(): Uint8Array {
    const { module: m, wasm, names } = this;
    writeScheduler(wasm, m, this.abort);
    m.addTable('kernels', names.length, names.length);
    m.addActiveElementSegment('kernels', 'all', names, m.i32.const(0));
    this.imports.declare(wasm, m);
    if (!m.validate()) throw new RegrainError('internal', `the module of ${this.plan.program.name} is not valid`);
    const binary = m.emitBinary();
    m.dispose();
    return binary;
  }
}
