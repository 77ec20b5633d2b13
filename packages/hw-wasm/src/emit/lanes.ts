import type { Plan, Step, Task } from '@regrain/core-ir';
import type { LiveRegions } from '../layout/live.js';
import type { Segment } from '../layout/segment.js';
import { STAGED_BYTES } from '../layout/staging.js';
import type { Located } from '../layout/view.js';
import type { Action, Held, KernelKind, Lane, Sync } from '../program.js';

/** Counters of different lanes are not in one line of a cache. */
const CACHE_LINE = 64;

/** A function of the table with its descriptor's words. */
export interface Call {
  readonly place: number;
  readonly kernel: KernelKind;
  readonly words: readonly number[];
  /** Bytes that the kernel works in; their address becomes the descriptor's last word. */
  readonly scratch?: number;
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

/** What every lane does, step by step, and what it waits for. One lane per engine, or one for all. */
export class LaneBuilders {
  private readonly lanes: readonly LaneBuilder[];
  /** Per engine its lane. */
  private readonly laneOf: readonly number[];
  /** Per step: what its lane's counter is when it is done. */
  private readonly position: Int32Array;
  /** Regions of inputs that arrive while the plan runs: before which step. */
  private readonly arrival = new Map<number, number>();
  /** Address of the word that ends all waits; undefined with one lane. */
  readonly abort: number | undefined;

  constructor(
    private readonly plan: Plan,
    private readonly segment: Segment,
    private readonly live: LiveRegions,
    oneLane: boolean,
  ) {
    const engines = [...new Set(plan.steps.map(({ engine }) => engine))].sort((a, b) => a - b);
    const several = engines.length > 1 && !oneLane;
    this.laneOf = plan.machine.engines.map((_, engine) => (several ? Math.max(0, engines.indexOf(engine)) : 0));
    this.lanes = (several ? engines : [0]).map(() => ({
      actions: [],
      schedule: [],
      entries: [],
      scratch: { bytes: 0, users: [] },
      ...(several ? { counter: segment.reserve(CACHE_LINE, CACHE_LINE) } : {}),
    }));
    this.abort = several ? segment.reserve(CACHE_LINE, CACHE_LINE) : undefined;
    const done = new Int32Array(this.lanes.length);
    this.position = Int32Array.from(plan.steps, ({ engine }) => ++done[this.laneOf[engine]]);
  }

  get several(): boolean {
    return this.lanes.length > 1;
  }

  /** A part of an input that comes before a step, or after the last. */
  arrive(region: number, placed: Held, before: number): void {
    const next = this.plan.steps[before];
    if (next) this.arrival.set(region, before);
    const { actions } = next ? this.laneAt(next) : this.lanes[0];
    actions.push({
      kind: 'arrive',
      ...placed,
      ...(next ? { step: before } : {}),
      ...(next && this.several ? { sync: { waits: this.waits(next) } } : {}),
    });
  }

  move(index: number, step: Step, from: number, to: number, bytes: number): void {
    this.laneAt(step).actions.push({ kind: 'move', ...this.sync(index, step), step: index, from, to, bytes });
  }

  host(index: number, step: Step, task: Task, operands: Extract<Action, { kind: 'host' }>['operands']): void {
    const { operation, box } = task;
    this.laneAt(step).actions.push({ kind: 'host', ...this.sync(index, step, this.arrivals(task)), step: index, operation, box, operands });
  }

  /** A task that the module computes. */
  run(index: number, step: Step, task: Task, { place, kernel, words, scratch }: Call): void {
    const descriptor = this.segment.putWords(scratch === undefined ? words : [...words, 0]);
    const lane = this.laneAt(step);
    if (scratch !== undefined) {
      lane.scratch.bytes = Math.max(lane.scratch.bytes, scratch);
      lane.scratch.users.push(descriptor + 4 * words.length);
    }
    lane.entries.push(place, descriptor);
    if (this.several) lane.entries.push(this.waits(step, this.arrivals(task)), this.position[index]);
    lane.schedule.push({ step: index, kernel });
    const entry = lane.schedule.length;
    const before = lane.actions.at(-1);
    if (before?.kind === 'run') lane.actions[lane.actions.length - 1] = { ...before, to: entry };
    else lane.actions.push({ kind: 'run', from: entry - 1, to: entry });
  }

  /** Makes room for what kernels work in; bytes of all lanes. */
  placeScratch(): number {
    let all = 0;
    for (const { scratch } of this.lanes) {
      if (scratch.bytes === 0) continue;
      all += scratch.bytes;
      const address = this.segment.reserve(scratch.bytes, CACHE_LINE);
      for (const user of scratch.users) this.segment.setWord(user, address);
    }
    return all;
  }

  finish(): Lane[] {
    const { segment } = this;
    return this.lanes.map(({ actions, schedule, entries, counter }) => ({
      actions,
      schedule,
      entries: segment.putWords(entries),
      ...(counter === undefined ? {} : { counter }),
      ...(actions.some((action) => action.kind === 'arrive' && byColours(action.at)) ? { staging: segment.reserve(STAGED_BYTES) } : {}),
    }));
  }

  private laneAt({ engine }: Step): LaneBuilder {
    return this.lanes[this.laneOf[engine]];
  }

  private sync(index: number, step: Step, more: readonly number[] = []): { readonly sync?: Sync } {
    return this.several ? { sync: { waits: this.waits(step, more), done: this.position[index] } } : {};
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
}

/** Floats of which three lie side by side, pixel by pixel: an image that is stored channels last. */
function byColours({ view: { dtype, strides, table } }: Located): boolean {
  return dtype === 'float32' && table.length === 0 && strides.includes(4) && strides.at(-1) === 12;
}
