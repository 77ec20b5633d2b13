import {
  type Access,
  type Box,
  type Decomposition,
  type DependenceAnalyzer,
  type Plan,
  READS,
  type Task,
  touchedRegions,
  WAR,
  WAW,
  WRITES,
} from '@regrain/core-ir';

/**
 * Pairs of steps that must keep their order only because one uses bytes that the other used before: the dependence analysis run over
 * addresses instead of tensors (DESIGN section 5), with a placement as the unit of access. A space is a tensor of bytes.
 */
export async function reuseDependences(plan: Plan, analyzer: DependenceAnalyzer): Promise<number> {
  const { row, kinds } = await analyzer.analyze(byAddress(plan), {});
  let pairs = 0;
  for (let e = 0; e < row[row.length - 1]; e++) if (kinds[e] & (WAR | WAW)) pairs++;
  return pairs;
}

/** A decomposition whose instances are the spaces and whose tasks are the plan's steps. */
export function byAddress(plan: Plan): Decomposition {
  const { decomposition, steps, placements, machine } = plan;
  const { row, region, how } = touchedRegions(decomposition);
  const placementsOf: number[][] = decomposition.regions.map(() => []);
  placements.forEach(({ holds }, p) => {
    if ('region' in holds) placementsOf[holds.region].push(p);
  });
  const access = (placement: number, mode: Access['mode']): Access => {
    const { space, offset, bytes } = placements[placement];
    return { operand: 0, instance: space, box: [[offset, offset + bytes]], mode };
  };
  const tasks = steps.map((step, i): Task => {
    const accesses: Access[] = [];
    if (step.kind === 'move') accesses.push(access(step.from, 'read'), access(step.to, 'write'));
    else {
      for (let e = row[step.task]; e < row[step.task + 1]; e++) {
        const mode = how[e] === (READS | WRITES) ? 'accumulate' : how[e] === WRITES ? 'write' : 'read';
        for (const p of placementsOf[region[e]]) {
          if (placements[p].first <= i + 1 && i + 1 <= placements[p].last) accesses.push(access(p, mode));
        }
      }
    }
    return { operation: 0, box: [], accesses };
  });
  const spaces = machine.spaces.map((_, space) => pages(plan, space));
  return {
    grain: { regions: spaces, tasks: [], order: spaces.map(() => []), recompute: [], reduce: [] },
    instances: spaces.map((_, s) => ({ tensor: s, role: 'primary', dtype: 'uint8', order: [] })),
    regions: spaces.flatMap((boxes, s) => boxes.map((box) => ({ instance: s, box, bytes: box[0][1] - box[0][0] }))),
    tasks,
  };
}

/** At most so many pages for a space. */
const PAGES = 4096;

/** A space cut into pages about as large as its placements, so that an analyser that goes by regions finds neighbours quickly. */
function pages({ placements }: Plan, space: number): Box[] {
  const own = placements.filter((placement) => placement.space === space);
  const height = own.reduce((most, { offset, bytes }) => Math.max(most, offset + bytes), 0);
  if (height === 0) return [];
  const mean = own.reduce((sum, { bytes }) => sum + bytes, 0) / own.length;
  const page = Math.ceil(Math.max(mean, height / PAGES, 1));
  return Array.from({ length: Math.ceil(height / page) }, (_, i): Box => [[i * page, Math.min(height, (i + 1) * page)]]);
}
