import type { IndexMap, Plan } from '@regrain/core-ir';
import { BYTES } from '../verify/geometry.js';
import { valueAt } from '../verify/index-maps.js';
import { pointsOf } from './dependences.js';
import { inside } from './hulls.js';
import type { Add, Reach } from './reach.js';

/** Rules that need no values: each task once, sizes, addresses by byte and time, capacities, reserved bytes, alignment. */
export function checkRules(plan: Plan, reach: Reach, add: Add): void {
  const { decomposition, machine, placements, steps, constraints, program } = plan;
  const runs = decomposition.tasks.map((_, t) => steps.filter((step) => step.kind === 'task' && step.task === t).length);
  if (runs.some((times) => times !== 1)) add('structure', 'a task does not run exactly once');
  steps.forEach(({ engine, waits, kind }, s) => {
    if (waits.some((wait) => wait >= s || wait < 0)) add('structure', `step ${s} waits for a later one`);
    if (machine.engines[engine]?.runs !== `${kind}s`) add('structure', `step ${s} is on an engine that does not run it`);
  });
  decomposition.tasks.forEach(({ operation, box, phase }, t) => {
    const { domain } = program.operations[operation];
    const good = box.every(
      ([lo, hi], d) =>
        ((phase === 'init' || phase === 'finish') && domain[d].kind === 'reduction') || (lo >= 0 && lo < hi && hi <= domain[d].extent),
    );
    if (!good) add('structure', `task ${t} leaves its domain`);
  });
  if (!program.trace) {
    const taken = new Set<string>();
    for (const { instance, box } of decomposition.regions) {
      for (const point of pointsOf(box))
        if (taken.size === taken.add(`${instance}:${point}`).size) add('structure', `regions overlap at ${point}`);
    }
    for (let time = 0; time <= steps.length + 1; time++) checkOwners(plan, time, add);
  }
  for (const { holds, space, offset, bytes, first, last } of placements) {
    if ('region' in holds && bytes !== decomposition.regions[holds.region].bytes) add('structure', 'a placement has the wrong size');
    if (first < 0 || last < first || last > steps.length + 1) add('structure', 'a placement lives at impossible times');
    if (offset % machine.spaces[space].align !== 0) add('alignment', `offset ${offset}`);
    const limits = constraints.flatMap((each) =>
      each.kind === 'capacity' && each.space === machine.spaces[space].name ? [each.bytes] : [],
    );
    if (offset + bytes > Math.min(machine.spaces[space].bytes ?? Number.POSITIVE_INFINITY, ...limits))
      add('capacity', `byte ${offset + bytes}`);
    for (const each of constraints) {
      if (
        each.kind === 'reserve' &&
        each.space === machine.spaces[space].name &&
        each.offset < offset + bytes &&
        offset < each.offset + each.bytes
      )
        add('constraint', `bytes at ${offset} are reserved`);
    }
  }
  const named = (step: (typeof steps)[number]): string =>
    step.kind === 'task' ? program.operations[decomposition.tasks[step.task].operation].name : '';
  for (const each of constraints) {
    if (each.kind !== 'before') continue;
    steps.forEach((a, i) => {
      steps.forEach((b, j) => {
        if (named(a) === each.first && named(b) === each.then && (i > j || !reach[i][j]))
          add('constraint', `step ${j} must follow step ${i}`);
      });
    });
  }
}

/** No byte has two owners at one time, unless one takes over from the other in place. */
function checkOwners(plan: Plan, time: number, add: Add): void {
  const owners = plan.machine.spaces.map(() => new Map<number, number>());
  plan.placements.forEach(({ space, offset, bytes, first, last }, p) => {
    if (first > time || last < time) return;
    for (let byte = offset; byte < offset + bytes; byte++) {
      const other = owners[space].get(byte);
      if (other !== undefined && !takesOver(plan, other, p) && !takesOver(plan, p, other))
        add('overlap', `placements ${other} and ${p} share bytes`);
      owners[space].set(byte, p);
    }
  });
}

/** Every point of the task at the shared step reads, of p's region, just the element at whose address it writes q's. */
function takesOver(plan: Plan, p: number, q: number): boolean {
  const { placements, steps, decomposition, program } = plan;
  const [a, b] = [placements[p], placements[q]];
  if (a.last !== b.first || a.offset !== b.offset || a.bytes !== b.bytes || !('region' in a.holds) || !('region' in b.holds)) return false;
  const step = steps[b.first - 1];
  if (step?.kind !== 'task') return false;
  const { operation, box, accesses, phase } = decomposition.tasks[step.task];
  const { operands, domain } = program.operations[operation];
  const [old, made] = [decomposition.regions[a.holds.region], decomposition.regions[b.holds.region]];
  const place = (region: typeof old, point: readonly number[]): number => {
    const { order, dtype } = decomposition.instances[region.instance];
    const dims = order.length > 0 ? order : point.map((_, d) => d);
    return dims.reduce((sum, d) => sum * (region.box[d][1] - region.box[d][0]) + point[d] - region.box[d][0], 0) * BYTES[dtype];
  };
  const write = accesses.find(({ instance, mode }) => instance === made.instance && mode === 'write');
  const reads = accesses.filter(
    ({ instance, box: part }) => instance === old.instance && part.every(([lo, hi], d) => lo < old.box[d][1] && old.box[d][0] < hi),
  );
  if (!write || write.operand < 0 || reads.length !== 1 || operands[write.operand].inPlaceOf !== reads[0].operand) return false;
  const written = new Set<number>();
  const ends = phase === 'finish';
  for (const point of pointsOf(ends ? box.map((side, d) => (domain[d].kind === 'reduction' ? ([0, 1] as const) : side)) : box)) {
    const at = (map: IndexMap): number[] | undefined => {
      const element = map.map((range) => (range === 'all' || (range.size ?? 1) !== 1 ? Number.NaN : valueAt(range.at, point)));
      return element.some(Number.isNaN) ? undefined : element;
    };
    const [from, to] = [at(operands[reads[0].operand].map), at(operands[write.operand].map)];
    if (!from || !to) return false;
    if (inside(from, old.box) !== inside(to, made.box)) return false;
    if (!inside(to, made.box)) continue;
    if (place(old, from) !== place(made, to)) return false;
    written.add(place(made, to));
  }
  const { dtype } = decomposition.instances[made.instance];
  return written.size * BYTES[dtype] === b.bytes;
}
