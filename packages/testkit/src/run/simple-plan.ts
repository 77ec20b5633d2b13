import type { Constraint, Decomposition, Dependences, Machine, Placement, Plan, Program, Step } from '@regrain/core-ir';
import { bruteForceDependences } from '../brute/dependences.js';

export interface SimplePlanOptions {
  readonly machine?: Machine;
  readonly constraints?: readonly Constraint[];
  /** Decisions by number: `random(n)` is a whole number below n. Absent: always 0, so tasks keep their order on the first engine. */
  readonly random?: (below: number) => number;
  /** Moves some regions out to the last space and back between two uses. */
  readonly spill?: boolean;
}

/** Two engines, a transfer engine, a counted scratchpad and a large memory behind it. */
export const testMachine: Machine = {
  name: 'test',
  spaces: [
    { name: 'near', bytes: Number.POSITIVE_INFINITY, align: 4, counted: true },
    { name: 'far', bytes: Number.POSITIVE_INFINITY, align: 4, counted: false },
  ],
  engines: [
    { name: 'pe0', spaces: [0], runs: 'tasks' },
    { name: 'pe1', spaces: [0], runs: 'tasks' },
    { name: 'dma', spaces: [0, 1], runs: 'moves' },
  ],
  home: { input: 0, constant: 0, output: 0 },
  detail: {},
};

type Event = { readonly task: number } | { readonly region: number; readonly out: boolean };

/**
 * A plan by the plainest means: an order that obeys the dependences, one placement per region from first to last use, first fit, every
 * wait that could matter. For tests; slow, and never the planner of anything real.
 */
export function simplePlan(program: Program, work: Decomposition, options: SimplePlanOptions = {}): Plan {
  const machine = options.machine ?? testMachine;
  const random = options.random ?? (() => 0);
  const constraints = options.constraints ?? [];
  const needs = bruteForceDependences(work);
  const order = topological(needs, random);
  const touched = work.tasks.map((task) => regionsOf(program, work, constraints, task.accesses));
  const events = program.trace || !options.spill ? order.map((task) => ({ task })) : withSpills(order, touched, random);
  const engines = machine.engines.flatMap(({ runs }, e) => (runs === 'tasks' ? [e] : []));
  const mover = machine.engines.findIndex(({ runs }) => runs === 'moves');
  const placements = program.trace ? [] : place(program, work, machine, constraints, events, touched);
  const steps: Step[] = events.map((event, s) => {
    if ('task' in event) {
      const wanted = machine.engines.findIndex(({ name }) => name === program.operations[work.tasks[event.task].operation].engine);
      return { kind: 'task', task: event.task, engine: wanted >= 0 ? wanted : engines[random(engines.length)], waits: [] };
    }
    const at = placements.findIndex(
      ({ holds, space, last }) => 'region' in holds && holds.region === event.region && (space === 0) === event.out && last === s + 1,
    );
    const to = placements.findIndex(
      ({ holds, space, first }) => 'region' in holds && holds.region === event.region && (space === 0) !== event.out && first === s + 1,
    );
    return { kind: 'move', from: at, to, engine: mover, waits: [] };
  });
  return {
    format: 'regrain.plan/1',
    program,
    machine,
    constraints,
    decomposition: work,
    steps: withWaits(steps, placements, touched, needs),
    placements,
    metrics: { peakBytes: [], arenaBytes: [], movedBytes: 0, macs: 0, cycles: 0 },
    trials: [],
  };
}

function topological({ row, from }: Dependences, random: (below: number) => number): number[] {
  const left = Array.from({ length: row.length - 1 }, (_, t) => t);
  const done = new Set<number>();
  const order: number[] = [];
  while (left.length > 0) {
    const ready = left.filter((t) => from.subarray(row[t], row[t + 1]).every((before) => done.has(before)));
    const next = ready[random(ready.length)];
    left.splice(left.indexOf(next), 1);
    done.add(next);
    order.push(next);
  }
  return order;
}

/** Regions that need a place, with whether the task writes them. */
function regionsOf(
  program: Program,
  work: Decomposition,
  constraints: readonly Constraint[],
  accesses: Decomposition['tasks'][number]['accesses'],
): Map<number, boolean> {
  const found = new Map<number, boolean>();
  for (const { instance, box, mode } of accesses) {
    const { kind, name } = program.tensors[work.instances[instance].tensor];
    const external = constraints.some((each) => each.kind === 'input' && each.tensor === name && each.access === 'external');
    if (kind === 'constant' || external) continue;
    work.regions.forEach((region, r) => {
      if (region.instance !== instance || !region.box.every(([lo, hi], d) => lo < box[d][1] && box[d][0] < hi)) return;
      found.set(r, (found.get(r) ?? false) || mode !== 'read');
    });
  }
  return found;
}

/** Some regions leave after a use and come back before the next. */
function withSpills(order: readonly number[], touched: readonly Map<number, boolean>[], random: (below: number) => number): Event[] {
  const events: Event[] = order.map((task) => ({ task }));
  for (const region of new Set(touched.flatMap((map) => [...map.keys()]))) {
    if (random(3) !== 1) continue;
    const uses = events.flatMap((event, s) => ('task' in event && touched[event.task].has(region) ? [s] : []));
    const k = uses.findIndex((use, i) => i + 1 < uses.length && uses[i + 1] > use + 1);
    if (k < 0) continue;
    events.splice(uses[k + 1], 0, { region, out: false });
    events.splice(uses[k] + 1, 0, { region, out: true });
  }
  return events;
}

interface Life {
  readonly region: number;
  readonly space: number;
  first: number;
  last: number;
}

function place(
  program: Program,
  work: Decomposition,
  machine: Machine,
  constraints: readonly Constraint[],
  events: readonly Event[],
  touched: readonly Map<number, boolean>[],
): Placement[] {
  const lives: Life[] = [];
  const current = new Map<number, Life>();
  const open = (region: number, space: number, first: number): Life => {
    const life = { region, space, first, last: first };
    lives.push(life);
    current.set(region, life);
    return life;
  };
  const end = events.length + 1;
  work.regions.forEach(({ instance }, region) => {
    const { kind, name } = program.tensors[work.instances[instance].tensor];
    const access = constraints.find((each) => each.kind === 'input' && each.tensor === name);
    if (kind === 'input' && (access?.kind !== 'input' || access.access === 'resident')) open(region, 0, 0);
  });
  events.forEach((event, s) => {
    const time = s + 1;
    if ('task' in event) {
      for (const region of touched[event.task].keys()) (current.get(region) ?? open(region, 0, time)).last = time;
      return;
    }
    const before = current.get(event.region);
    if (before) before.last = time;
    open(event.region, event.out ? 1 : 0, time);
  });
  const outputs = new Set(program.outputs);
  for (const [region, life] of current) {
    const { instance } = work.regions[region];
    const { tensor, role } = work.instances[instance];
    if (outputs.has(tensor) && role === 'primary') life.last = end;
  }
  const placements: Placement[] = [];
  for (const { region, space, first, last } of lives.sort((a, b) => a.first - b.first)) {
    const { bytes } = work.regions[region];
    const { align } = machine.spaces[space];
    const taken = takenOver(program, work, placements, events, { region, space, first });
    const live = placements
      .filter((other) => other.space === space && other.last >= first && other !== taken)
      .sort((a, b) => a.offset - b.offset);
    let offset = 0;
    for (const other of live) {
      if (other.offset >= offset + bytes) break;
      offset = Math.max(offset, Math.ceil((other.offset + other.bytes) / align) * align);
    }
    if (taken && live.every((other) => other.offset + other.bytes <= taken.offset || taken.offset + bytes <= other.offset))
      offset = taken.offset;
    else if (taken && offset < taken.offset + taken.bytes && taken.offset < offset + bytes)
      offset = Math.ceil(Math.max(...live.map((o) => o.offset + o.bytes), taken.offset + taken.bytes) / align) * align;
    placements.push({ holds: { region }, space, offset, bytes, first, last });
  }
  return placements;
}

/** The placement whose bytes a region may take: an operation that says so, identical maps and boxes, one access, no later use. */
function takenOver(
  program: Program,
  work: Decomposition,
  placements: readonly Placement[],
  events: readonly Event[],
  { region, space, first }: Omit<Life, 'last'>,
): Placement | undefined {
  const event = events[first - 1];
  if (!event || !('task' in event)) return undefined;
  const { operation, accesses } = work.tasks[event.task];
  const { operands } = program.operations[operation];
  const made = work.regions[region];
  const write = accesses.find(({ instance, mode, operand }) => instance === made.instance && mode === 'write' && operand >= 0);
  const source = write ? operands[write.operand].inPlaceOf : undefined;
  if (write === undefined || source === undefined || String(write.box) !== String(made.box)) return undefined;
  if (JSON.stringify(operands[source].map) !== JSON.stringify(operands[write.operand].map)) return undefined;
  return placements.find((other) => {
    if (!('region' in other.holds) || other.space !== space || other.last !== first || other.first >= first) return false;
    const old = work.regions[other.holds.region];
    const reads = accesses.filter(
      ({ instance, box }) => instance === old.instance && box.every(([lo, hi], d) => lo < old.box[d][1] && old.box[d][0] < hi),
    );
    const sameOrder = String(work.instances[old.instance].order) === String(work.instances[made.instance].order);
    return (
      sameOrder &&
      old.bytes === made.bytes &&
      String(old.box) === String(made.box) &&
      reads.length === 1 &&
      reads[0].operand === source &&
      String(reads[0].box) === String(old.box)
    );
  });
}

/** Waits on other engines for dependences, for moves, and for whoever used the same bytes before. */
function withWaits(
  steps: readonly Step[],
  placements: readonly Placement[],
  touched: readonly Map<number, boolean>[],
  { row, from }: Dependences,
): Step[] {
  const stepOf = new Map(steps.flatMap((step, s) => (step.kind === 'task' ? [[step.task, s] as const] : [])));
  const uses: number[][] = placements.map(() => []);
  const waits = steps.map(() => new Set<number>());
  steps.forEach((step, s) => {
    if (step.kind === 'move') {
      uses[step.from].push(s);
      uses[step.to].push(s);
      return;
    }
    for (let e = row[step.task]; e < row[step.task + 1]; e++) waits[s].add(stepOf.get(from[e]) ?? 0);
    placements.forEach(({ holds, first, last, space }, p) => {
      if ('region' in holds && space === 0 && first <= s + 1 && s + 1 <= last && touched[step.task].has(holds.region)) uses[p].push(s);
    });
  });
  placements.forEach((a, p) => {
    const mover = (s: number): boolean => steps[s].kind === 'move';
    for (const s of uses[p]) for (const other of uses[p]) if (other < s && (mover(s) || mover(other))) waits[s].add(other);
    placements.forEach((b, q) => {
      if (p === q || a.space !== b.space || a.last > b.first || a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset) return;
      for (const s of uses[q]) for (const other of uses[p]) if (other < s) waits[s].add(other);
    });
  });
  return steps.map((step, s) => ({
    ...step,
    waits: [...waits[s]].filter((other) => steps[other].engine !== step.engine).sort((a, b) => a - b),
  }));
}
