import { sameBox } from '../ir/box.js';
import type { Grain } from '../ir/grain.js';
import { countedBytes } from '../plan/metrics.js';
import { type Draft, having } from './draft.js';
import { type Merging, mergedGrain } from './merged-regions.js';
import { nearWishes, sharingOf } from './packing.js';
import { type Finished, isInfeasible } from './plan-grain.js';
import type { Run } from './run.js';
import { STAGES, withGrain } from './stages.js';

/**
 * So many neighbours are merged at least; where little lives, they may fill the space to the share `room` of the most that lives, and where
 * much does, take the share `part` of the height that may be given.
 */
const MERGES: readonly (Pick<Merging, 'least' | 'room'> & { readonly part: number })[] = [
  { least: 2, room: 0.75, part: 0.375 },
  { least: 2, room: 1, part: 1 },
  { least: 1, room: 0.9, part: 0.45 },
  { least: 4, room: 0.75, part: 0.375 },
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
    const { met } = sharingOf(found.plan);
    if (met > most) [best, most] = [found, met];
  };
  const place = async (each: Finished): Promise<void> => {
    // Merged regions may leave more than they were given.
    const more = (heightOf(run, draft) * (1 + slack)) / heightOf(run, each) - 1;
    if (most < ENOUGH && sharingOf(each.plan).possible > most)
      keep(await sideBySide(run, each, each === draft ? slack : Math.max(0, more)));
  };
  const tried = new Set<string>();
  /** Those in which alignment alone keeps too much apart. */
  const hopeless: Finished[] = [];
  for (const larger of slack > 0 ? largerGrains(run, draft, slack) : []) {
    if (most >= ENOUGH) break;
    const key = JSON.stringify(larger.regions);
    if (tried.has(key)) continue;
    tried.add(key);
    const merged = await planOn(run, draft, larger);
    if (!merged || merged.score >= limit) continue;
    if (sharingOf(merged.plan).possible < ENOUGH) hopeless.push(merged);
    else await place(merged);
  }
  for (const each of [...hopeless, draft]) await place(each);
  return best;
}

function heightOf({ machine }: Run, { plan }: Finished): number {
  return countedBytes(plan.metrics.arenaBytes, machine);
}

async function sideBySide(run: Run, draft: Finished, slack: number): Promise<Finished | undefined> {
  return planFrom(run.with({ adjacency: slack }), draft, 'allocate');
}

function* largerGrains(run: Run, draft: Finished, slack: number): Generator<Grain> {
  const { program, constraints, machine } = run;
  const drafted = having(draft, 'grain', 'work', 'residencies', 'steps');
  const pinned = new Set(constraints.flatMap((each) => (each.kind === 'pin' ? [each.tensor] : [])));
  const near = nearWishes(program, drafted.work, drafted.steps, drafted.residencies);
  for (const { least, room, part } of MERGES) {
    const larger = mergedGrain(program, drafted, machine, pinned, near, { least, room, slack: slack * part });
    if (larger) yield larger;
  }
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
