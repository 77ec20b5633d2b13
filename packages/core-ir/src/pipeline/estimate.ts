import type { Metrics } from '../ir/plan.js';
import { arenaOf, greatest, liveProfileOf, macsOf } from '../plan/index.js';
import { type Draft, having } from './draft.js';
import type { Run } from './run.js';

/** Drafts that are packed and executed; more cost time and, by experience, never win from behind. */
const PACKED_AT_MOST = 2;

/** The drafts that score best with their live bytes in place of the arena: packing every combination would cost more than it finds. */
export function mostPromising(run: Run, drafts: readonly Draft[]): readonly Draft[] {
  if (drafts.length <= PACKED_AT_MOST || run.target.measures) return drafts;
  const scored = drafts.map((draft) => ({ draft, score: run.objective.score(leastOf(run, draft), run.machine) }));
  scored.sort((a, b) => a.score - b.score);
  return scored.slice(0, PACKED_AT_MOST).map(({ draft }) => draft);
}

/** What a draft takes at least: its arena is that of the live bytes as long as it is not placed, a step counts as a cycle. */
export function leastOf(run: Run, draft: Draft): Metrics {
  if (draft.plan) return draft.plan.metrics;
  const { work, steps, residencies } = having(draft, 'work', 'steps', 'residencies');
  const peakBytes = run.machine.spaces.map((_, space) => greatest(liveProfileOf(residencies, space, steps.length)));
  const arenaBytes = draft.placements ? arenaOf(draft.placements, run.machine) : peakBytes;
  let movedBytes = 0;
  for (const step of steps) if (step.kind === 'move') movedBytes += residencies[step.to].bytes;
  return { peakBytes, arenaBytes, movedBytes, macs: macsOf(run.program, work), cycles: steps.length };
}
