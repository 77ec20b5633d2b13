import type { Box, Plan } from '@regrain/core-ir';
import { type Faults, Names } from './faults.js';
import { BoxLookup, count, covered, meet, shared, within } from './geometry.js';
import type { HappensBefore } from './happens-before.js';
import { Histories } from './histories.js';
import { type Rows, rowsBy } from './tables.js';

/**
 * Rule `values` (of models): walks the steps in order. Each read finds, in a space that its engine reaches, a live placement of every
 * region that its box meets, filled there by all that was written to the region so far; and each fill has happened before the read,
 * whatever the engines' relative speed. Each write finds exactly one live placement. Returns what happened to each placement.
 */
export function walkSteps(plan: Plan, before: HappensBefore, faults: Faults): Histories {
  return new Walk(plan, before, faults).run();
}

const NOWHERE: readonly number[] = [];

type Mode = 'read' | 'write' | 'accumulate';

class Walk {
  private readonly names: Names;
  /** Of instances that have several regions, made when they are asked for first. */
  private readonly lookups = new Map<number, BoxLookup>();
  private readonly regionsOf: Rows;
  /** Per region: its placements, by their first time. */
  private readonly placementsOf: Rows;
  /** Per region: writes so far. */
  private readonly writes: Int32Array;
  private readonly histories: Histories;
  private readonly external: Uint8Array;
  /** Of the placements. */
  private readonly first: Int32Array;
  private readonly last: Int32Array;
  /** The only placement that a step reaches. */
  private readonly only: number[] = [-1];

  constructor(
    private readonly plan: Plan,
    private readonly before: HappensBefore,
    private readonly faults: Faults,
  ) {
    const { decomposition, program, placements, constraints } = plan;
    const { regions, instances } = decomposition;
    this.names = new Names(plan);
    const instanceOf = new Int32Array(regions.length);
    for (let r = 0; r < regions.length; r++) instanceOf[r] = regions[r].instance;
    this.regionsOf = rowsBy(instanceOf, instances.length);
    this.writes = new Int32Array(regions.length);
    const outside = new Set(constraints.flatMap((each) => (each.kind === 'input' && each.access === 'external' ? [each.tensor] : [])));
    this.external = new Uint8Array(instances.length);
    for (let i = 0; i < instances.length; i++) {
      const { kind, name } = program.tensors[instances[i].tensor];
      if (kind === 'constant' || (kind === 'input' && outside.has(name))) this.external[i] = 1;
    }
    this.first = new Int32Array(placements.length);
    this.last = new Int32Array(placements.length);
    const regionOf = new Int32Array(placements.length).fill(-1);
    for (let p = 0; p < placements.length; p++) {
      const { holds, first, last } = placements[p];
      this.first[p] = first;
      this.last[p] = last;
      if ('region' in holds) regionOf[p] = holds.region;
    }
    this.placementsOf = rowsBy(regionOf, regions.length);
    const { row, member } = this.placementsOf;
    for (let r = 0; r < regions.length; r++)
      if (row[r + 1] - row[r] > 1) member.subarray(row[r], row[r + 1]).sort((a, b) => this.first[a] - this.first[b] || a - b);
    this.histories = new Histories(placements.length);
    for (let p = 0; p < placements.length; p++) {
      if (regionOf[p] < 0 || !this.isGiven(p)) continue;
      this.histories.given[p] = 1;
      this.histories.held[p] = count(regions[regionOf[p]].box);
    }
  }

  /** An input's values: resident ones are at home from the start; a streamed region arrives once, when its placement begins. */
  private isGiven(p: number): boolean {
    const { program, decomposition, machine, placements, constraints } = this.plan;
    const { holds, space, first } = placements[p];
    if (!('region' in holds)) return false;
    const { tensor, role } = decomposition.instances[decomposition.regions[holds.region].instance];
    const { kind, name } = program.tensors[tensor];
    if (kind === 'constant') return first === 0;
    if (kind !== 'input' || role !== 'primary') return false;
    const pinned = constraints.some((each) => each.kind === 'pin' && each.tensor === name);
    if (space !== machine.home.input && !pinned) return false;
    const access = constraints.find((each) => each.kind === 'input' && each.tensor === name);
    if (access?.kind !== 'input' || access.access === 'resident') return first === 0;
    // A second arrival of the same region would be a second reading of the stream.
    const { row, member } = this.placementsOf;
    return !member.subarray(row[holds.region], row[holds.region + 1]).some((other) => {
      const { first: start, space: where } = placements[other];
      return where === space && (start < first || (start === first && other < p));
    });
  }

  run(): Histories {
    const { steps, decomposition } = this.plan;
    steps.forEach((step, s) => {
      if (step.kind === 'move') {
        this.move(s, step.from, step.to);
        return;
      }
      const { accesses } = decomposition.tasks[step.task];
      for (const { instance, box, mode } of accesses) if (mode !== 'write') this.access(instance, box, s, 'read');
      for (const { instance, box, mode } of accesses) if (mode !== 'read') this.access(instance, box, s, mode);
    });
    this.checkScratch();
    this.checkOutputs();
    return this.histories;
  }

  /** Reads, or writes, what the box meets of each region. */
  private access(instance: number, box: Box, step: number, mode: Mode): void {
    if (this.external[instance]) return;
    const { row, member } = this.regionsOf;
    const start = row[instance];
    const regions = row[instance + 1] - start;
    let found = 0;
    if (regions === 1) found = this.part(member[start], box, step, mode);
    else if (regions > 1) {
      let lookup = this.lookups.get(instance);
      if (!lookup) {
        const boxes = Array.from(member.subarray(start, start + regions), (r) => this.plan.decomposition.regions[r].box);
        lookup = new BoxLookup(boxes);
        this.lookups.set(instance, lookup);
      }
      lookup.visit(box, (k) => {
        found += this.part(member[start + k], box, step, mode);
      });
    }
    if (found < count(box))
      this.faults.add(
        'values',
        `${this.names.step(step)} accesses ${this.names.box(box)} of ${this.names.instance(instance)}, of which ${count(box) - found} elements lie in no region`,
      );
  }

  /** The elements that the box and a region share, which are read or written. */
  private part(region: number, box: Box, step: number, mode: Mode): number {
    const own = this.plan.decomposition.regions[region].box;
    if (shared(own, box) === 0) return 0;
    // Mostly one lies in the other, and no box need be made.
    const part = within(box, own) ? box : within(own, box) ? own : meet(box, own);
    if (mode === 'read') this.read(step, region, part);
    else this.write(step, region, part, mode === 'accumulate');
    return count(part);
  }

  /** Placements of a region that live during a step where its engine reaches, nearest space first. */
  private reachable(step: number, region: number): readonly number[] {
    const { placements, steps, machine } = this.plan;
    const { spaces } = machine.engines[steps[step].engine];
    const { row, member } = this.placementsOf;
    const [from, to] = [row[region], row[region + 1]];
    // Mostly it has one, and no list need be made.
    if (to - from === 1) {
      this.only[0] = member[from];
      return this.isReached(member[from], step, spaces) ? this.only : NOWHERE;
    }
    const live = Array.from(member.subarray(from, to)).filter((p) => this.isReached(p, step, spaces));
    return live.sort((a, b) => spaces.indexOf(placements[a].space) - spaces.indexOf(placements[b].space));
  }

  private isReached(p: number, step: number, spaces: readonly number[]): boolean {
    return this.first[p] <= step + 1 && step + 1 <= this.last[p] && spaces.includes(this.plan.placements[p].space);
  }

  private holds(p: number, region: number, part: Box): boolean {
    const { given, seen, held } = this.histories;
    if (given[p] && this.writes[region] === 0) return true;
    if (seen[p] !== this.writes[region]) return false;
    if (held[p] >= count(this.plan.decomposition.regions[region].box)) return true;
    return covered(
      part,
      this.histories.fillsOf(p).map(({ box }) => box),
    );
  }

  private read(step: number, region: number, part: Box): void {
    const live = this.reachable(step, region);
    const source = live.find((p) => this.holds(p, region, part));
    if (source === undefined) {
      const why =
        live.length === 0
          ? 'has no live placement that the engine reaches'
          : `does not hold ${this.names.box(part)} yet, or no longer, at ${this.names.placement(live[0])}`;
      this.faults.add('values', `${this.names.step(step)} reads ${this.names.region(region)}, which ${why}`);
      return;
    }
    this.afterFills(step, source, part, 'reads');
    if (!this.before.isOneChain) this.histories.touch(source, step);
  }

  /** Rule `order`: every fill of the part has ended before the step, by engine order or waits. */
  private afterFills(step: number, placement: number, part: Box, does: string): void {
    // Steps of one engine run in their order.
    if (this.before.isOneChain) return;
    this.histories.someFill(placement, (fill, box) => {
      if (fill === step || this.before.ordered(fill, step) || shared(box, part) === 0) return false;
      this.faults.add(
        'order',
        `${this.names.step(step)} ${does} what ${this.names.step(fill)} writes, but does not wait for it (${this.names.placement(placement)})`,
      );
      return true;
    });
  }

  private write(step: number, region: number, part: Box, accumulates: boolean): void {
    const live = this.reachable(step, region);
    if (live.length !== 1) {
      this.faults.add(
        'values',
        live.length === 0
          ? `${this.names.step(step)} writes ${this.names.region(region)}, which has no live placement that the engine reaches`
          : `${this.names.step(step)} writes ${this.names.region(region)}, which lives in ${live.length} places at once`,
      );
      return;
    }
    const [p] = live;
    const { seen, held } = this.histories;
    if (!accumulates) this.afterFills(step, p, part, 'overwrites');
    const current = seen[p] === this.writes[region];
    this.writes[region]++;
    if (current || within(this.plan.decomposition.regions[region].box, part)) seen[p] = this.writes[region];
    if (!accumulates) held[p] += count(part);
    // In one chain nothing is asked of who filled what when, and of what was filled only as long as a part is missing.
    if (!this.before.isOneChain) this.histories.touch(p, step);
    else if (held[p] >= count(this.plan.decomposition.regions[region].box)) return;
    this.histories.fill(p, step, part);
  }

  private move(step: number, from: number, to: number): void {
    const { placements, steps, machine, decomposition } = this.plan;
    const fault = (message: string): void => this.faults.add('values', `${this.names.step(step)} ${message}`);
    const [a, b] = [placements[from], placements[to]];
    if (!('region' in a.holds) || !('region' in b.holds) || a.holds.region !== b.holds.region) {
      fault('copies between different regions');
      return;
    }
    const { spaces } = machine.engines[steps[step].engine];
    for (const p of [from, to]) {
      const { first, last, space } = placements[p];
      if (first > step + 1 || last < step + 1) fault(`uses a placement that does not live then: ${this.names.placement(p)}`);
      if (!spaces.includes(space)) fault(`is on an engine that does not reach ${machine.spaces[space].name}`);
    }
    const { region } = a.holds;
    const { box } = decomposition.regions[region];
    const { histories } = this;
    const { held, seen, given } = histories;
    if (held[from] === 0) fault(`copies a placement that holds nothing yet: ${this.names.placement(from)}`);
    this.afterFills(step, from, box, 'copies');
    this.afterFills(step, to, box, 'overwrites');
    seen[to] = given[from] && this.writes[region] === 0 ? 0 : seen[from];
    held[to] = held[from];
    if (held[from] >= count(box)) histories.fill(to, step, box);
    else for (const fill of histories.fillsOf(from)) histories.fill(to, step, fill.box);
    histories.touch(from, step);
    histories.touch(to, step);
  }

  private checkScratch(): void {
    const { decomposition, program, placements, steps, machine } = this.plan;
    const scratch = new Int32Array(decomposition.tasks.length).fill(-1);
    for (let p = 0; p < placements.length; p++) {
      const { holds } = placements[p];
      if ('scratch' in holds) scratch[holds.scratch] = p;
    }
    steps.forEach((step, s) => {
      if (step.kind !== 'task') return;
      const wanted = program.operations[decomposition.tasks[step.task].operation].scratchBytes ?? 0;
      const p = scratch[step.task];
      if (p < 0) {
        if (wanted > 0) this.faults.add('values', `${this.names.step(s)} has no place for its ${wanted} bytes of scratch`);
        return;
      }
      const { first, last, space } = placements[p];
      if (first > s + 1 || last < s + 1 || !machine.engines[step.engine].spaces.includes(space))
        this.faults.add('values', `${this.names.step(s)} does not find its scratch while it runs: ${this.names.placement(p)}`);
      this.histories.touch(p, s);
      this.histories.fill(p, s, []);
    });
  }

  /** At the end every output is at home, whole. */
  private checkOutputs(): void {
    const { program, decomposition, placements, steps, machine } = this.plan;
    const states = new Set(program.states.map(({ from }) => from.tensor));
    const wanted = new Set([...program.outputs, ...states]);
    decomposition.regions.forEach(({ instance, box }, r) => {
      const { tensor, role } = decomposition.instances[instance];
      if (!wanted.has(tensor) || role !== 'primary' || program.tensors[tensor].kind !== 'computed') return;
      const pinned = program.tensors[tensor].name;
      const anywhere = states.has(tensor) || this.plan.constraints.some((each) => each.kind === 'pin' && each.tensor === pinned);
      const { row, member } = this.placementsOf;
      const last = Array.from(member.subarray(row[r], row[r + 1])).filter(
        (p) => placements[p].last === steps.length + 1 && (anywhere || placements[p].space === machine.home.output),
      );
      if (!last.some((p) => this.holds(p, r, box)))
        this.faults.add(
          'values',
          `${this.names.region(r)} of the output is not whole at ${machine.spaces[machine.home.output].name} when the run ends`,
        );
    });
  }
}
