import type { Plan } from '@regrain/core-ir';
import type { Faults } from './faults.js';
import { count } from './geometry.js';
import { rowsBy } from './tables.js';

/** Rule `metrics`: a plan claims no less memory, movement or work than it takes. Figures that it does not give are not judged. */
export function checkMetrics(plan: Plan, faults: Faults): void {
  const { machine, metrics, placements, steps, decomposition, program } = plan;
  const claim = (what: string, claimed: number | undefined, real: number): void => {
    if (claimed !== undefined && claimed < real) faults.add('metrics', `the plan claims ${what} ${claimed}, but it is ${real}`);
  };
  const arena = machine.spaces.map(() => 0);
  for (const { space, offset, bytes } of placements) arena[space] = Math.max(arena[space], offset + bytes);
  machine.spaces.forEach(({ name }, space) => {
    claim(`arena bytes of ${name}`, metrics.arenaBytes?.[space], arena[space]);
  });
  if (!metrics.peakBytes?.length) return;
  const peak = peaks(plan);
  machine.spaces.forEach(({ name }, space) => {
    claim(`peak bytes of ${name}`, metrics.peakBytes[space], peak[space]);
  });
  claim(
    'moved bytes',
    metrics.movedBytes,
    steps.reduce((sum, step) => (step.kind === 'move' ? sum + placements[step.to].bytes : sum), 0),
  );
  const macs = decomposition.tasks.reduce((sum, { operation, box }) => {
    const { macs: all, domain } = program.operations[operation];
    const points = domain.reduce((product, { extent }) => product * extent, 1);
    return points > 0 ? sum + (all * count(box)) / points : sum;
  }, 0);
  claim('multiply-accumulates', metrics.macs, Math.floor(macs * (1 - 1e-9)));
}

/** Per space the most bytes that are live at one time; bytes that a write takes over from what it reads count once. */
function peaks({ machine, placements, steps }: Plan): number[] {
  const change = machine.spaces.map(() => new Float64Array(steps.length + 3));
  const lasts = new Int32Array(placements.length);
  for (let p = 0; p < placements.length; p++) {
    const { space, bytes, first, last } = placements[p];
    change[space][first] += bytes;
    change[space][last + 1] -= bytes;
    lasts[p] = last;
  }
  const { row, member } = rowsBy(lasts, steps.length + 2);
  for (let q = 0; q < placements.length; q++) {
    const next = placements[q];
    for (let e = row[next.first]; e < row[next.first + 1]; e++) {
      const p = member[e];
      const before = placements[p];
      const twice = Math.min(before.offset + before.bytes, next.offset + next.bytes) - Math.max(before.offset, next.offset);
      if (p === q || before.space !== next.space || twice <= 0) continue;
      change[next.space][next.first] -= twice;
      change[next.space][next.first + 1] += twice;
    }
  }
  return change.map((changes) => {
    let [live, most] = [0, 0];
    for (const each of changes) most = Math.max(most, (live += each));
    return most;
  });
}
