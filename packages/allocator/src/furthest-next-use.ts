import {
  type Context,
  type Decomposition,
  type Dependences,
  formatBox,
  InfeasibleError,
  type Mover,
  noOptions,
  type Program,
  type Residency,
  type Schedule,
  type Step,
  usableBytes,
} from '@regrain/core-ir';
import { injectable } from 'inversify';
import { OneSpaceMover } from './one-space.js';
import { homesOf, pinnedTensors, workingSpace } from './spaces.js';
import { type Positions, positionsOf, type Uses, usesOf, writes } from './uses.js';

export const furthestNextUseOptions = noOptions;

/**
 * Keeps in the working space what is needed soonest. Where a task's regions do not fit, the region whose next use is furthest away
 * leaves: written back if the space below has no copy of it, dropped otherwise; it is fetched again just before its next use. The
 * optimal rule for equal sizes (Belady 1966); of regions with equally far uses the largest leaves. What the user pins stays: in the working
 * space it never leaves, elsewhere tasks use it where it is. Where the machine has no engine that
 * moves, or everything fits, it is `one-space`. O(accesses + evictions × live regions).
 */
@injectable()
export class FurthestNextUseMover implements Mover {
  move(
    program: Program,
    work: Decomposition,
    needs: Dependences,
    schedule: Schedule,
    context: Context,
  ): { steps: Step[]; residencies: Residency[] } {
    const fast = workingSpace(context.machine);
    const link = linkOf(context, fast);
    const simple = new OneSpaceMover().move(program, work, needs, schedule, context);
    const limit = usableBytes(context.machine, fast, context.constraints);
    const { align } = context.machine.spaces[fast];
    if (!link || (simple.residencies.every(({ space }) => space === fast) && peakOf(simple, align) <= limit)) return simple;
    return new Eviction(program, work, schedule, context, fast, link, limit).run();
  }
}

interface Link {
  readonly engine: number;
  readonly below: number;
}

/** The engine that moves between the working space and the largest other one. */
function linkOf({ machine }: Context, fast: number): Link | undefined {
  const links = machine.engines.flatMap(({ runs, spaces }, engine) =>
    runs === 'moves' && spaces.includes(fast) ? spaces.filter((space) => space !== fast).map((below) => ({ engine, below })) : [],
  );
  return links.toSorted((a, b) => machine.spaces[b.below].bytes - machine.spaces[a.below].bytes)[0];
}

/** Live bytes at the worst moment, every region rounded up to the alignment. */
function peakOf(
  { residencies, steps }: { readonly steps: readonly Step[]; readonly residencies: readonly Residency[] },
  align: number,
): number {
  const change = new Float64Array(steps.length + 3);
  for (const { first, last, bytes, with: tie } of residencies) {
    change[tie ? first + 1 : first] += rounded(bytes, align);
    change[last + 1] -= rounded(bytes, align);
  }
  let live = 0;
  let peak = 0;
  for (const delta of change) peak = Math.max(peak, (live += delta));
  return peak;
}

function rounded(bytes: number, align: number): number {
  return Math.ceil(bytes / align) * align;
}

const NEVER = Number.POSITIVE_INFINITY;

class Eviction {
  private readonly uses: Uses;
  private readonly home: Int32Array;
  /** 1: pinned by the user to its home. */
  private readonly pinned: Uint8Array;
  private readonly align: number;
  private readonly steps: Step[] = [];
  private readonly residencies: { -readonly [key in keyof Residency]: Residency[key] }[] = [];
  /** Per region: its residency in the working space and below, -1 where it has none. */
  private readonly above: Int32Array;
  private readonly under: Int32Array;
  /** 1: the copy below is what the region holds. */
  private readonly clean: Uint8Array;
  /** The step that last wrote the region or moved it, for waits. */
  private readonly touchedBy: Int32Array;
  private readonly movedBy: Int32Array;
  private readonly positions: Positions;
  /** Position in `positions.at` of each region's next use. */
  private readonly next: Int32Array;
  private readonly inside = new Set<number>();
  private live = 0;

  constructor(
    private readonly program: Program,
    private readonly work: Decomposition,
    private readonly schedule: Schedule,
    private readonly context: Context,
    private readonly fast: number,
    private readonly link: Link,
    private readonly limit: number,
  ) {
    this.uses = usesOf(program, work, schedule, context);
    this.home = homesOf(program, work, context);
    this.align = context.machine.spaces[fast].align;
    const pins = pinnedTensors(context);
    this.pinned = Uint8Array.from(work.regions, ({ instance }) => {
      const { tensor, role } = work.instances[instance];
      return role === 'primary' && pins.has(program.tensors[tensor].name) ? 1 : 0;
    });
    const count = work.regions.length;
    this.above = new Int32Array(count).fill(-1);
    this.under = new Int32Array(count).fill(-1);
    this.clean = new Uint8Array(count);
    this.touchedBy = new Int32Array(count).fill(-1);
    this.movedBy = new Int32Array(count).fill(-1);
    this.positions = positionsOf(this.uses, schedule);
    this.next = this.positions.of.slice(0, count);
  }

  run(): { steps: Step[]; residencies: Residency[] } {
    const { work, uses } = this;
    work.regions.forEach((_, region) => {
      if (!uses.starts[region]) return;
      if (this.homeOf(region) === this.fast) this.enter(region, 0);
      else if (uses.first[region] >= 0) {
        this.under[region] = this.open(region, this.homeOf(region), 0);
        this.clean[region] = 1;
      }
    });
    // What waits in the working space before the first task cannot leave earlier.
    if (this.live > this.limit) throw this.infeasible(0, new Set(), 'the beginning, where the inputs wait');
    this.schedule.order.forEach((task, position) => {
      if (position % 1024 === 0) this.context.signal.throwIfAborted();
      this.task(task, position);
    });
    this.finish();
    return { steps: this.steps, residencies: this.residencies };
  }

  private homeOf(region: number): number {
    return this.home[this.work.regions[region].instance];
  }

  /** Pinned to another space than that in which tasks work: it is used there. */
  private isAway(region: number): boolean {
    return this.pinned[region] === 1 && this.homeOf(region) !== this.fast;
  }

  private size(region: number): number {
    return rounded(this.work.regions[region].bytes, this.align);
  }

  private time(): number {
    return this.steps.length + 1;
  }

  private task(task: number, position: number): void {
    const { uses, work } = this;
    const touched = new Set(uses.region.subarray(uses.row[task], uses.row[task + 1]));
    const away = [...touched].filter((region) => this.isAway(region));
    const wanted = new Set([...touched].filter((region) => !this.isAway(region)));
    const scratch = rounded(this.program.operations[work.tasks[task].operation].scratchBytes ?? 0, this.align);
    const takesFrom = uses.takesFrom[task];
    const dying =
      takesFrom >= 0 &&
      wanted.has(takesFrom) &&
      wanted.has(uses.takesTo[task]) &&
      uses.last[takesFrom] === position &&
      this.above[uses.takesTo[task]] < 0;
    const missing = [...wanted].filter((region) => this.above[region] < 0);
    let room = scratch;
    for (const region of missing) if (!(dying && region === uses.takesTo[task])) room += this.size(region);
    this.makeRoom(room, wanted, () => this.nameOf(task));
    const waits = new Set<number>();
    const fresh: number[] = [];
    for (const region of missing) {
      if (this.under[region] >= 0) {
        this.fetch(region);
        waits.add(this.movedBy[region]);
      } else fresh.push(region);
    }
    const time = this.time();
    for (const region of fresh) {
      this.enter(region, time);
      if (dying && region === uses.takesTo[task] && this.above[takesFrom] >= 0) {
        this.residencies[this.above[region]].with = { placement: this.above[takesFrom], delta: 0 };
        this.live -= this.size(region); // it shares the bytes of what leaves below
      }
    }
    if (scratch > 0)
      this.residencies.push({
        holds: { scratch: task },
        space: this.fast,
        bytes: this.program.operations[work.tasks[task].operation].scratchBytes ?? 0,
        first: time,
        last: time,
      });
    for (const region of away) {
      if (this.under[region] < 0) this.under[region] = this.open(region, this.homeOf(region), time);
      this.residencies[this.under[region]].last = time;
    }
    for (let e = uses.row[task]; e < uses.row[task + 1]; e++) {
      const region = uses.region[e];
      if (this.isAway(region)) continue;
      if (this.movedBy[region] >= 0) waits.add(this.movedBy[region]);
      this.touchedBy[region] = this.steps.length;
      this.residencies[this.above[region]].last = time;
      if (writes(uses, e)) {
        this.clean[region] = 0;
        this.under[region] = -1;
      }
    }
    this.steps.push({ kind: 'task', task, engine: this.schedule.engine[position], waits: [...waits].sort((a, b) => a - b) });
    for (const region of wanted) {
      this.next[region] = this.firstAfter(region, position);
      if (this.next[region] < this.positions.of[region + 1] || uses.keeps[region]) continue;
      this.inside.delete(region);
      this.above[region] = -1;
      // In place the bytes live on in the result.
      if (!(dying && region === takesFrom)) this.live -= this.size(region);
    }
  }

  private firstAfter(region: number, position: number): number {
    let at = this.next[region];
    while (at < this.positions.of[region + 1] && this.positions.at[at] <= position) at++;
    return at;
  }

  /** When the region is used next; never, for an output that only waits for the end. */
  private nextUse(region: number): number {
    return this.next[region] < this.positions.of[region + 1] ? this.positions.at[this.next[region]] : NEVER;
  }

  private makeRoom(room: number, wanted: ReadonlySet<number>, where: () => string): void {
    while (this.live + room > this.limit) {
      let victim = -1;
      for (const region of this.inside) {
        if (wanted.has(region) || this.pinned[region] || (this.uses.keeps[region] && this.uses.starts[region])) continue;
        if (
          victim < 0 ||
          this.nextUse(region) > this.nextUse(victim) ||
          (this.nextUse(region) === this.nextUse(victim) && this.size(region) > this.size(victim))
        )
          victim = region;
      }
      if (victim < 0) throw this.infeasible(room, wanted, where());
      this.evict(victim);
    }
  }

  private evict(region: number): void {
    if (!this.clean[region]) {
      const time = this.time();
      const from = this.above[region];
      this.under[region] = this.open(region, this.link.below, time);
      this.residencies[from].last = time;
      this.move(region, from, this.under[region], this.touchedBy[region]);
      this.clean[region] = 1;
    }
    this.inside.delete(region);
    this.above[region] = -1;
    this.live -= this.size(region);
  }

  private fetch(region: number): void {
    const time = this.time();
    const from = this.under[region];
    this.enter(region, time);
    this.residencies[from].last = time;
    this.move(region, from, this.above[region], -1);
  }

  private move(region: number, from: number, to: number, after: number): void {
    const waits = [after, this.movedBy[region]].filter((step) => step >= 0 && this.steps[step].engine !== this.link.engine);
    this.movedBy[region] = this.steps.length;
    this.steps.push({ kind: 'move', from, to, engine: this.link.engine, waits });
  }

  private enter(region: number, time: number): void {
    this.above[region] = this.open(region, this.fast, time);
    this.inside.add(region);
    this.live += this.size(region);
  }

  private open(region: number, space: number, time: number): number {
    return this.residencies.push({ holds: { region }, space, bytes: this.work.regions[region].bytes, first: time, last: time }) - 1;
  }

  /** Outputs and state end where they are at home. */
  private finish(): void {
    const { uses, work } = this;
    const kept = work.regions.flatMap((_, region) => (uses.keeps[region] ? [region] : []));
    for (const region of kept) {
      const home = this.homeOf(region);
      if (home === this.fast && this.above[region] < 0 && this.under[region] >= 0) {
        this.makeRoom(this.size(region), new Set(kept), () => 'the end, where the outputs come back');
        this.fetch(region);
      } else if (home !== this.fast && !this.isAway(region) && this.above[region] >= 0 && !this.clean[region]) this.evict(region);
    }
    const end = this.steps.length + 1;
    for (const region of kept) {
      const final = this.homeOf(region) === this.fast ? this.above[region] : this.under[region];
      if (final >= 0) this.residencies[final].last = end;
    }
  }

  private nameOf(task: number): string {
    const { operation, box } = this.work.tasks[task];
    return `${this.program.operations[operation].name}${formatBox(box)}`;
  }

  private infeasible(room: number, wanted: ReadonlySet<number>, where: string): InfeasibleError {
    const { machine } = this.context;
    const parts = [...new Set([...wanted, ...this.inside])].map((region) => {
      const { instance, box, bytes } = this.work.regions[region];
      return { what: `${this.program.tensors[this.work.instances[instance].tensor].name}${formatBox(box)}`, bytes };
    });
    return new InfeasibleError({
      space: machine.spaces[this.fast].name,
      required: this.live + room,
      available: this.limit,
      task: where,
      peak: parts.toSorted((a, b) => b.bytes - a.bytes).slice(0, 5),
    });
  }
}
