import type { Box, Plan } from '@regrain/core-ir';
import { type Faults, Names } from './faults.js';
import { BoxLookup, count, covered, meet, shared, within } from './geometry.js';
import type { HappensBefore } from './happens-before.js';

/** What happened to one placement, in the order of the steps. */
export interface History {
  /** Steps that put values into it (tasks and moves), each with the box that it filled. */
  readonly fills: { readonly step: number; readonly box: Box }[];
  /** Elements of the region that are there, counted by disjoint fills. */
  held: number;
  /** How many of the region's writes it has seen: a copy made before a later write is stale. */
  seen: number;
  /** Holds values from the start, or from its `first` time on (inputs, constants). */
  readonly given: boolean;
  /** Every step that reads or writes it. */
  readonly touches: number[];
}

/**
 * Rule `values` (of models): walks the steps in order. Each read finds, in a space that its engine reaches, a live placement of every
 * region that its box meets, filled there by all that was written to the region so far; and each fill has happened before the read,
 * whatever the engines' relative speed. Each write finds exactly one live placement. Returns what happened to each placement.
 */
export function walkSteps(plan: Plan, before: HappensBefore, faults: Faults): readonly History[] {
  return new Walk(plan, before, faults).run();
}

class Walk {
  private readonly names: Names;
  private readonly lookups: BoxLookup[];
  private readonly regionsOf: number[][];
  /** Per region: its placements. */
  private readonly placementsOf: number[][];
  /** Per region: writes so far. */
  private readonly writes: Int32Array;
  private readonly histories: History[];
  private readonly external: Uint8Array;

  constructor(
    private readonly plan: Plan,
    private readonly before: HappensBefore,
    private readonly faults: Faults,
  ) {
    const { decomposition, program, placements, constraints } = plan;
    this.names = new Names(plan);
    this.regionsOf = decomposition.instances.map(() => []);
    decomposition.regions.forEach(({ instance }, r) => {
      this.regionsOf[instance].push(r);
    });
    this.lookups = this.regionsOf.map((list) => new BoxLookup(list.map((r) => decomposition.regions[r].box)));
    this.writes = new Int32Array(decomposition.regions.length);
    const outside = new Set(constraints.flatMap((each) => (each.kind === 'input' && each.access === 'external' ? [each.tensor] : [])));
    this.external = Uint8Array.from(decomposition.instances, ({ tensor }) => {
      const { kind, name } = program.tensors[tensor];
      return Number(kind === 'constant' || (kind === 'input' && outside.has(name)));
    });
    this.placementsOf = decomposition.regions.map(() => []);
    placements.forEach(({ holds }, p) => {
      if ('region' in holds) this.placementsOf[holds.region].push(p);
    });
    this.histories = placements.map(({ holds }, p) => {
      const given = 'region' in holds && this.isGiven(p);
      return {
        fills: [],
        held: given && 'region' in holds ? count(decomposition.regions[holds.region].box) : 0,
        seen: 0,
        given,
        touches: [],
      };
    });
    for (const list of this.placementsOf) list.sort((a, b) => placements[a].first - placements[b].first);
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
    return !this.placementsOf[holds.region].some((other) => {
      const { first: start, space: where } = placements[other];
      return where === space && (start < first || (start === first && other < p));
    });
  }

  run(): readonly History[] {
    const { steps, decomposition } = this.plan;
    steps.forEach((step, s) => {
      if (step.kind === 'move') {
        this.move(s, step.from, step.to);
        return;
      }
      const { accesses } = decomposition.tasks[step.task];
      for (const { instance, box, mode } of accesses)
        if (mode !== 'write') this.eachRegion(instance, box, s, (r, part) => this.read(s, r, part));
      for (const { instance, box, mode } of accesses) {
        if (mode !== 'read') this.eachRegion(instance, box, s, (r, part) => this.write(s, r, part, mode === 'accumulate'));
      }
    });
    this.checkScratch();
    this.checkOutputs();
    return this.histories;
  }

  private eachRegion(instance: number, box: Box, step: number, visit: (region: number, part: Box) => void): void {
    if (this.external[instance]) return;
    const list = this.regionsOf[instance];
    let found = 0;
    this.lookups[instance].visit(box, (k) => {
      const part = meet(box, this.plan.decomposition.regions[list[k]].box);
      found += count(part);
      visit(list[k], part);
    });
    if (found < count(box))
      this.faults.add(
        'values',
        `${this.names.step(step)} accesses ${this.names.box(box)} of ${this.names.instance(instance)}, of which ${count(box) - found} elements lie in no region`,
      );
  }

  /** Placements of a region that live during a step where its engine reaches, nearest space first. */
  private reachable(step: number, region: number): number[] {
    const { placements, steps, machine } = this.plan;
    const { spaces } = machine.engines[steps[step].engine];
    const live = this.placementsOf[region].filter((p) => {
      const { first, last, space } = placements[p];
      return first <= step + 1 && step + 1 <= last && spaces.includes(space);
    });
    return live.length < 2 ? live : live.sort((a, b) => spaces.indexOf(placements[a].space) - spaces.indexOf(placements[b].space));
  }

  private holds(p: number, region: number, part: Box): boolean {
    const { given, fills, seen, held } = this.histories[p];
    if (given && this.writes[region] === 0) return true;
    if (seen !== this.writes[region]) return false;
    if (held >= count(this.plan.decomposition.regions[region].box)) return true;
    return covered(
      part,
      fills.map(({ box }) => box),
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
    this.histories[source].touches.push(step);
  }

  /** Rule `order`: every fill of the part has ended before the step, by engine order or waits. */
  private afterFills(step: number, placement: number, part: Box, does: string): void {
    for (const fill of this.histories[placement].fills) {
      if (fill.step === step || this.before.ordered(fill.step, step) || shared(fill.box, part) === 0) continue;
      this.faults.add(
        'order',
        `${this.names.step(step)} ${does} what ${this.names.step(fill.step)} writes, but does not wait for it (${this.names.placement(placement)})`,
      );
      return;
    }
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
    const history = this.histories[p];
    if (!accumulates) this.afterFills(step, p, part, 'overwrites');
    const current = history.seen === this.writes[region];
    this.writes[region]++;
    if (current || within(this.plan.decomposition.regions[region].box, part)) history.seen = this.writes[region];
    if (!accumulates) history.held += count(part);
    history.fills.push({ step, box: part });
    history.touches.push(step);
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
    const [source, target] = [this.histories[from], this.histories[to]];
    if (source.held === 0) fault(`copies a placement that holds nothing yet: ${this.names.placement(from)}`);
    this.afterFills(step, from, box, 'copies');
    this.afterFills(step, to, box, 'overwrites');
    target.seen = source.given && this.writes[region] === 0 ? 0 : source.seen;
    target.held = source.held;
    if (source.held >= count(box)) target.fills.push({ step, box });
    else for (const fill of source.fills) target.fills.push({ step, box: fill.box });
    source.touches.push(step);
    target.touches.push(step);
  }

  private checkScratch(): void {
    const { decomposition, program, placements, steps, machine } = this.plan;
    const scratch = new Map<number, number>();
    placements.forEach(({ holds }, p) => {
      if ('scratch' in holds) scratch.set(holds.scratch, p);
    });
    steps.forEach((step, s) => {
      if (step.kind !== 'task') return;
      const wanted = program.operations[decomposition.tasks[step.task].operation].scratchBytes ?? 0;
      const p = scratch.get(step.task);
      if (p === undefined) {
        if (wanted > 0) this.faults.add('values', `${this.names.step(s)} has no place for its ${wanted} bytes of scratch`);
        return;
      }
      const { first, last, space } = placements[p];
      if (first > s + 1 || last < s + 1 || !machine.engines[step.engine].spaces.includes(space))
        this.faults.add('values', `${this.names.step(s)} does not find its scratch while it runs: ${this.names.placement(p)}`);
      this.histories[p].touches.push(s);
      this.histories[p].fills.push({ step: s, box: [] });
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
      const last = this.placementsOf[r].filter(
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
