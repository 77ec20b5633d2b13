import type { Context, Metrics, Observations, Plan } from '@regrain/core-ir';

/** One tensor's part of a batch: its groups of regions become one (`merge`) or fall into `parts` (`split`). */
export interface Change {
  readonly kind: 'split' | 'merge';
  /** Region ids. */
  readonly groups: readonly (readonly number[])[];
  readonly factor: number;
  /** Every reader of the tensor writes a tensor that is split in the same batch. */
  readonly readersFollow: boolean;
  /** Of a split: bytes that a sliding window over the new regions keeps for the halos of its readers. */
  readonly kept: number;
  /** Tasks that write the tensor. */
  readonly tasks: number;
  /** Of a merge: accesses that no longer touch a second region. */
  readonly lookups: number;
  /** Time that tasks waited for the tensor. */
  readonly waited: number;
}

/**
 * Predicts the figures of an edited plan from the old one, without planning again: the schedule stays as it is, a merged region lives
 * as long as all of its parts together, a split one counts with one part while it is being written and (if its readers follow) while
 * it is read for the last time. Every task costs at least the shortest task that was seen. Crude, but it ranks; execution decides.
 * O(steps + regions edited) for each batch.
 */
export class Estimator {
  private readonly live: Float64Array[];
  private readonly most: number[];
  /** Placements of each region, in compressed sparse rows. */
  private readonly row: Int32Array;
  private readonly placed: Int32Array;
  private readonly opens: Float64Array;
  private readonly overhead: number;
  private readonly engines: number;
  private readonly score: number;
  private readonly delta: Differences;
  /** Per space: most live bytes up to, and from, each time. */
  private readonly before: Float64Array[];
  private readonly after: Float64Array[];

  constructor(
    private readonly plan: Plan,
    seen: Observations,
    private readonly context: Context,
  ) {
    const { placements, steps, machine } = plan;
    this.live = machine.spaces.map(() => new Float64Array(steps.length + 3));
    this.delta = new Differences(steps.length + 3);
    this.opens = openTimes(plan);
    this.row = new Int32Array(plan.decomposition.regions.length + 1);
    placements.forEach(({ holds, space, bytes, last }, p) => {
      this.live[space][this.opens[p]] += bytes;
      this.live[space][last + 1] -= bytes;
      if ('region' in holds) this.row[holds.region + 1]++;
    });
    for (let r = 1; r < this.row.length; r++) this.row[r] += this.row[r - 1];
    this.placed = new Int32Array(this.row[this.row.length - 1]);
    const next = this.row.slice();
    placements.forEach(({ holds }, p) => {
      if ('region' in holds) this.placed[next[holds.region]++] = p;
    });
    for (const live of this.live) for (let t = 1; t < live.length; t++) live[t] += live[t - 1];
    this.before = this.live.map((live) => live.slice());
    this.after = this.live.map((live) => live.slice());
    for (const most of this.before) for (let t = 1; t < most.length; t++) most[t] = Math.max(most[t], most[t - 1]);
    for (const most of this.after) for (let t = most.length - 2; t >= 0; t--) most[t] = Math.max(most[t], most[t + 1]);
    this.most = this.live.map((live) => live.reduce((a, b) => Math.max(a, b), 0));
    let shortest = Number.POSITIVE_INFINITY;
    steps.forEach((step, i) => {
      if (step.kind === 'task') shortest = Math.min(shortest, seen.end[i] - seen.start[i]);
    });
    this.overhead = Number.isFinite(shortest) ? shortest : 0;
    this.engines = Math.max(1, machine.engines.filter(({ runs }) => runs === 'tasks').length);
    this.score = context.objective.score(plan.metrics, machine);
  }

  /** The first step with the most live bytes in the arena's space. */
  get peakStep(): number {
    return Math.max(0, this.live[0].indexOf(this.most[0]) - 1);
  }

  /** Share of the score that the changes should save; negative if they should cost. */
  gain(changes: readonly Change[]): number {
    const { machine } = this.plan;
    const peaks = machine.spaces.map((_, space) => this.peakWith(changes, space));
    let { cycles } = this.plan.metrics;
    for (const { kind, factor, tasks, waited, lookups } of changes) {
      const more = kind === 'split' ? tasks * (factor - 1) : -tasks * (1 - 1 / factor);
      // Whatever tracks regions takes at least a cycle to look one up.
      cycles += (more * this.overhead - lookups) / this.engines;
      // Halves arrive in half the time: so much of the wait can go, or comes.
      cycles -= kind === 'split' ? (waited * (1 - 1 / factor)) / this.engines : -(waited * (factor - 1)) / this.engines;
    }
    return this.gainOf(peaks, Math.max(1, cycles), this.plan.metrics.macs);
  }

  /** The same for recomputing a tensor, of which at most `held` bytes live at a time then, for `macs` more. */
  gainOfRecompute(regions: readonly number[], held: number, macs: number): number {
    const { machine, metrics } = this.plan;
    const rate = metrics.macs > 0 ? metrics.cycles / metrics.macs : 0;
    const peaks = machine.spaces.map((_, space) => {
      this.delta.clear();
      for (const region of regions) {
        for (let k = this.row[region]; k < this.row[region + 1]; k++) {
          const p = this.placed[k];
          const { bytes, last } = this.plan.placements[p];
          if (this.plan.placements[p].space === space) this.delta.add(this.opens[p], last, bytes);
        }
      }
      return this.peakOf(space, (live, bytes) => live - Math.max(0, bytes - held));
    });
    return this.gainOf(peaks, metrics.cycles + macs * rate, metrics.macs + macs);
  }

  private gainOf(peaks: readonly number[], cycles: number, macs: number): number {
    const { metrics, machine } = this.plan;
    const scaled = (bytes: readonly number[]) => bytes.map((b, s) => (this.most[s] > 0 ? Math.round((b * peaks[s]) / this.most[s]) : b));
    const predicted: Metrics = { ...metrics, peakBytes: scaled(metrics.peakBytes), arenaBytes: scaled(metrics.arenaBytes), cycles, macs };
    if (this.score === 0) return 0;
    return (this.score - this.context.objective.score(predicted, machine)) / this.score;
  }

  private peakWith(changes: readonly Change[], space: number): number {
    const { placements, steps } = this.plan;
    const { delta } = this;
    if (this.most[space] === 0) return 0;
    delta.clear();
    let brought = 0;
    let left = 0;
    for (const change of changes) {
      for (const group of change.groups) {
        let first = Number.POSITIVE_INFINITY;
        let end = 0;
        let sum = 0;
        for (const region of group) {
          for (let k = this.row[region]; k < this.row[region + 1]; k++) {
            const p = this.placed[k];
            if (placements[p].space !== space) continue;
            const { bytes, last } = placements[p];
            const opens = this.opens[p];
            if (change.kind === 'split') {
              const rest = bytes - bytes / change.factor;
              if (opens === 0) brought += bytes;
              if (last > steps.length) left += bytes;
              if (opens > 0) delta.add(opens, opens, -rest);
              if (change.readersFollow && last > opens && last <= steps.length) delta.add(last, last, -rest);
              continue;
            }
            delta.add(opens, last, -bytes);
            first = Math.min(first, opens);
            end = Math.max(end, last);
            sum += bytes;
          }
        }
        if (sum > 0) delta.add(first, end, sum);
      }
    }
    const peak = this.peakOf(space, (live, bytes) => live + bytes);
    // However short each region lives: to stream through all tensors at once, all halos live at once, beside the whole input at the
    // start and the whole output at the end.
    const kept = space === 0 ? changes.reduce((sum, change) => sum + change.kept, 0) + Math.max(brought, left) : 0;
    return Math.max(peak, Math.min(kept, this.most[space]));
  }

  /** The new most live bytes, where only times between the first and the last difference change. */
  private peakOf(space: number, combine: (live: number, change: number) => number): number {
    const live = this.live[space];
    const { values, from, to } = this.delta;
    if (from > to) return this.most[space];
    let peak = Math.max(from > 0 ? this.before[space][from - 1] : 0, to + 1 < live.length ? this.after[space][to + 1] : 0);
    let change = 0;
    for (let t = from; t <= to; t++) {
      change += values[t];
      peak = Math.max(peak, combine(live[t], change));
    }
    return peak;
  }
}

/** Per placement the step at which it adds bytes: a step later than its first where it takes over what another ends with. */
function openTimes({ placements, steps, machine }: Plan): Float64Array {
  const times = steps.length + 2;
  const key = (space: number, offset: number, time: number) => (offset * times + time) * machine.spaces.length + space;
  const ends = new Set<number>();
  for (const { space, offset, last } of placements) ends.add(key(space, offset, last));
  return Float64Array.from(placements, ({ space, offset, first, last }) =>
    first > 0 && last > first && ends.has(key(space, offset, first)) ? first + 1 : first,
  );
}

/** Changes of a function of time, and the range in which there are any. */
class Differences {
  readonly values: Float64Array;
  from: number;
  to = -1;

  constructor(times: number) {
    this.values = new Float64Array(times);
    this.from = times;
  }

  clear(): void {
    if (this.to >= this.from) this.values.fill(0, this.from, this.to + 1);
    this.from = this.values.length;
    this.to = -1;
  }

  /** `bytes` more from `first` to `last`, both included. */
  add(first: number, last: number, bytes: number): void {
    this.values[first] += bytes;
    this.values[last + 1] -= bytes;
    this.from = Math.min(this.from, first);
    this.to = Math.max(this.to, last + 1);
  }
}
