import type { Plan } from '@regrain/core-ir';
import { type Faults, Names } from './faults.js';
import { count } from './geometry.js';
import type { HappensBefore } from './happens-before.js';

/** Rules `capacity`, `alignment` and `constraint`: what the machine and the user demand of places, order and work. */
export function checkDemands(plan: Plan, before: HappensBefore, faults: Faults): void {
  checkPlaces(plan, faults);
  checkPins(plan, faults);
  checkOrder(plan, before, faults);
  checkWork(plan, faults);
}

function checkPlaces(plan: Plan, faults: Faults): void {
  const { machine, placements, constraints, decomposition, program } = plan;
  const names = new Names(plan);
  const limit = machine.spaces.map(({ name, bytes }) =>
    constraints.reduce(
      (least, each) => (each.kind === 'capacity' && each.space === name ? Math.min(least, each.bytes) : least),
      bytes ?? Number.POSITIVE_INFINITY,
    ),
  );
  const pinned = new Set(constraints.flatMap((each) => (each.kind === 'pin' && each.offset !== undefined ? [each.tensor] : [])));
  const fixed = (p: number): boolean => {
    const { holds } = placements[p];
    if (!('region' in holds)) return false;
    return pinned.has(program.tensors[decomposition.instances[decomposition.regions[holds.region].instance].tensor].name);
  };
  placements.forEach(({ space, offset, bytes }, p) => {
    const { name, align } = machine.spaces[space];
    if (offset + bytes > limit[space])
      faults.add('capacity', `${names.placement(p)} ends at byte ${offset + bytes} of ${name}, which holds ${limit[space]}`);
    if (align > 1 && offset % align !== 0 && !fixed(p)) faults.add('alignment', `${names.placement(p)} is not aligned to ${align} bytes`);
    for (const each of constraints) {
      if (each.kind === 'reserve' && each.space === name && each.offset < offset + bytes && offset < each.offset + each.bytes)
        faults.add('constraint', `${names.placement(p)} takes bytes of the reserved ${each.offset} to ${each.offset + each.bytes}`);
    }
  });
}

/** A pinned tensor's regions are in its space; with an offset, its first region is there and the others follow in their order. */
function checkPins(plan: Plan, faults: Faults): void {
  const { machine, placements, constraints, decomposition, program } = plan;
  const names = new Names(plan);
  for (const each of constraints) {
    if (each.kind !== 'pin') continue;
    const at = new Map<number, number>();
    let next = each.offset ?? 0;
    decomposition.regions.forEach(({ instance, bytes }, r) => {
      const { tensor, role } = decomposition.instances[instance];
      if (program.tensors[tensor].name !== each.tensor || role !== 'primary') return;
      at.set(r, next);
      next += bytes;
    });
    placements.forEach(({ holds, space, offset }, p) => {
      if (!('region' in holds) || !at.has(holds.region)) return;
      if (machine.spaces[space].name !== each.space)
        faults.add('constraint', `${names.placement(p)} is not in ${each.space}, where ${each.tensor} is pinned`);
      else if (each.offset !== undefined && offset !== at.get(holds.region))
        faults.add('constraint', `${names.placement(p)} is not at offset ${at.get(holds.region)}, where ${each.tensor} is pinned`);
    });
  }
}

function checkOrder(plan: Plan, before: HappensBefore, faults: Faults): void {
  const { constraints, decomposition, program, steps } = plan;
  const names = new Names(plan);
  for (const each of constraints) {
    if (each.kind !== 'before') continue;
    const earlier: number[] = [];
    const later: number[] = [];
    steps.forEach((step, s) => {
      if (step.kind !== 'task') return;
      const { name } = program.operations[decomposition.tasks[step.task].operation];
      if (name === each.first) earlier.push(s);
      if (name === each.then) later.push(s);
    });
    for (const b of later) {
      const a = earlier.find((s) => s > b || !before.ordered(s, b));
      if (a === undefined) continue;
      faults.add('constraint', `${names.step(b)} does not come after ${names.step(a)}, which the user demands`);
      break;
    }
  }
}

/** Multiply-accumulates with recomputation, over those of the program. */
function checkWork(plan: Plan, faults: Faults): void {
  const { constraints, decomposition, program } = plan;
  const limit = constraints.reduce(
    (least, each) => (each.kind === 'mac-factor' ? Math.min(least, each.max) : least),
    Number.POSITIVE_INFINITY,
  );
  if (limit === Number.POSITIVE_INFINITY) return;
  const once = program.operations.reduce((sum, { macs }) => sum + macs, 0);
  let all = 0;
  for (const { operation, box } of decomposition.tasks) {
    const { macs, domain } = program.operations[operation];
    const points = domain.reduce((product, { extent }) => product * extent, 1);
    if (points > 0) all += (macs * count(box)) / points;
  }
  if (once > 0 && all > once * limit * (1 + 1e-9))
    faults.add('constraint', `${all} multiply-accumulates are ${all / once} times the program's, more than ${limit}`);
}
