import { sameBox } from '../ir/box.js';
import type { Grain } from '../ir/grain.js';
import { countedBytes } from '../plan/metrics.js';
import { type Draft, having } from './draft.js';
import { mergedGrain } from './merged-regions.js';
import { shareSideBySide } from './packing.js';
import { type Finished, isInfeasible } from './plan-grain.js';
import type { Run } from './run.js';
import { STAGES, withGrain } from './stages.js';

/** So many neighbours are merged at least; where little lives, they may fill the space to such a share of the most that lives. */
const MERGES: readonly (readonly [least: number, room: number])[] = [
  [1, 0.9],
  [1, 0.75],
  [1, 0.5],
  [2, 0.75],
  [4, 0.75],
];
/** A plan that meets this share of what is read together is good enough: no further one is tried. */
const ENOUGH = 0.95;

/**
 * The same plan with its regions placed once more, side by side what is read together; undefined where that is worse or not asked for.
 * Where height may be given for it, regions are also merged first in several ways as far as that fits, and the plan that meets the largest
 * share is taken.
 */
export async function placeSideBySide(run: Run, draft: Finished): Promise<Finished | undefined> {
  const slack = run.options.adjacency ?? 0;
  if (slack === false) return undefined;
  const limit = draft.score * (1 + slack) + 1;
  let best: Finished | undefined;
  let most = -1;
  const keep = (found: Finished | undefined): void => {
    // A byte of arena outweighs whatever the objective breaks ties by.
    if (!found || found.score >= limit) return;
    const share = shareSideBySide(run.program, found.plan);
    if (share > most) [best, most] = [found, share];
  };
  const tried = new Set<string>();
  for (const [least, room] of slack > 0 ? MERGES : []) {
    if (most >= ENOUGH) break;
    const larger = largerGrain(run, draft, room, slack, least);
    const key = larger && JSON.stringify(larger.regions);
    if (!key || tried.has(key)) continue;
    tried.add(key);
    const merged = await planOn(run, draft, larger);
    if (!merged || merged.score >= limit) continue;
    // Merged regions may leave more than they were given.
    keep(await sideBySide(run, merged, Math.max(0, (heightOf(run, draft) * (1 + slack)) / heightOf(run, merged) - 1)));
  }
  if (most < ENOUGH) keep(await sideBySide(run, draft, slack));
  return best;
}

function heightOf({ machine }: Run, { plan }: Finished): number {
  return countedBytes(plan.metrics.arenaBytes, machine);
}

async function sideBySide(run: Run, draft: Finished, slack: number): Promise<Finished | undefined> {
  return planFrom(run.with({ adjacency: slack }), draft, 'allocate');
}

function largerGrain(
  { program, constraints, machine }: Run,
  draft: Finished,
  room: number,
  slack: number,
  least: number,
): Grain | undefined {
  const { by, grain, work, residencies, steps } = having(draft, 'grain', 'work', 'residencies', 'steps');
  const pinned = new Set(constraints.flatMap((each) => (each.kind === 'pin' ? [each.tensor] : [])));
  return mergedGrain(program, { by, grain, work, residencies, steps }, machine, pinned, room, (slack * room) / 2, least);
}

/** The same tasks in the same order on larger regions; undefined where the tasks would not be the same, or nothing fits. */
async function planOn(run: Run, draft: Finished, larger: Grain): Promise<Finished | undefined> {
  const { work, schedule } = having(draft, 'work', 'schedule');
  const next = having(await withGrain(run, { by: draft.by }, larger), 'work');
  const same = next.work.tasks.length === work.tasks.length;
  if (!same || !next.work.tasks.every(({ operation, box }, t) => operation === work.tasks[t].operation && sameBox(box, work.tasks[t].box)))
    return undefined;
  const { apply } = STAGES.find(({ name }) => name === 'analyze') as (typeof STAGES)[number];
  return planFrom(run, { ...(await apply(run, next, draft.by['analyze'])), schedule }, 'move');
}

/** The plan of a draft, by the same plugins, from a stage on; undefined where nothing fits. */
async function planFrom(run: Run, draft: Draft, from: string): Promise<Finished | undefined> {
  let current = draft;
  try {
    for (const { name, apply } of STAGES.slice(STAGES.findIndex((stage) => stage.name === from)))
      current = await apply(run, current, draft.by[name]);
  } catch (error) {
    if (!isInfeasible(error)) throw error;
    return undefined;
  }
  return having(current, 'grain', 'plan', 'seen', 'needs', 'score');
}
