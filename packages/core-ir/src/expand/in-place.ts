import { overlaps, sameBox } from '../ir/box.js';
import type { Decomposition, Region, Task } from '../ir/decomposition.js';
import type { Operation, Program } from '../ir/program.js';
import { indexRegions, type RegionIndexes } from './region-index.js';

/** Per operand of an operation: the read whose bytes it may take, if both go through the same map. */
type Sources = readonly (number | undefined)[];

const NONE: Sources = [];

/** Per task the region whose bytes its result may take, and the result's region; -1 where there is none. */
export interface InPlace {
  readonly from: Int32Array;
  readonly to: Int32Array;
}

/** Writes that may be in place, by task; a task has one entry per such write. */
interface Candidates {
  readonly program: Program;
  readonly regions: readonly Region[];
  readonly task: readonly number[];
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/**
 * The regions that an in-place write of each task reads and writes, where the target may take the source's bytes if nobody needs the
 * source afterwards. Each is one region, read or written whole; the source is read by one operand only, and both operands have the same
 * map, so that every element is read just before it is overwritten. `free` names instances that take no bytes of the plan (constants,
 * external inputs).
 */
export function inPlaceWrites(program: Program, work: Decomposition, free: (instance: number) => boolean): InPlace {
  const candidates = candidatesOf(program, work);
  const from = new Int32Array(work.tasks.length).fill(-1);
  const to = new Int32Array(work.tasks.length).fill(-1);
  candidates.task.forEach((task, k) => {
    if (from[task] >= 0 || free(work.regions[candidates.from[k]].instance)) return;
    from[task] = candidates.from[k];
    to[task] = candidates.to[k];
  });
  return { from, to };
}

const known = new WeakMap<readonly Task[], Candidates>();

function candidatesOf(program: Program, work: Decomposition): Candidates {
  const before = known.get(work.tasks);
  if (before?.program === program && before.regions === work.regions) return before;
  const found = { program, regions: work.regions, task: [] as number[], from: [] as number[], to: [] as number[] };
  const sources = allSources(program);
  const indexes = indexRegions(work);
  for (let t = 0; t < work.tasks.length; t++) {
    const task = work.tasks[t];
    if (sources[task.operation] !== NONE && task.phase === undefined) addCandidates(work, indexes, t, sources[task.operation], found);
  }
  known.set(work.tasks, found);
  return found;
}

function addCandidates(
  work: Decomposition,
  indexes: RegionIndexes,
  t: number,
  sources: Sources,
  into: { readonly task: number[]; readonly from: number[]; readonly to: number[] },
): void {
  const { accesses } = work.tasks[t];
  for (const write of accesses) {
    const source = write.operand >= 0 && write.mode === 'write' ? sources[write.operand] : undefined;
    const read = source === undefined ? undefined : accesses.find(({ operand }) => operand === source);
    if (!read) continue;
    const from = indexes.touched(read.instance, read.box);
    const to = indexes.touched(write.instance, write.box);
    if (from.length !== 1 || to.length !== 1) continue;
    const [a, b] = [work.regions[from[0]], work.regions[to[0]]];
    const once = accesses.every((other) => other === read || other.instance !== read.instance || !overlaps(other.box, a.box));
    const sameOrder = String(work.instances[a.instance].order) === String(work.instances[b.instance].order);
    if (!once || !sameOrder || a.bytes !== b.bytes) continue;
    if (!sameBox(a.box, read.box) || !sameBox(b.box, write.box) || !sameBox(a.box, b.box)) continue;
    into.task.push(t);
    into.from.push(from[0]);
    into.to.push(to[0]);
  }
}

const sourcesKnown = new WeakMap<Program, readonly Sources[]>();

function allSources(program: Program): readonly Sources[] {
  let sources = sourcesKnown.get(program);
  if (!sources) {
    sources = program.operations.map(sourcesOf);
    sourcesKnown.set(program, sources);
  }
  return sources;
}

function sourcesOf({ operands }: Operation): Sources {
  let any = false;
  for (const { inPlaceOf } of operands) if (inPlaceOf !== undefined) any = true;
  if (!any) return NONE;
  return operands.map(({ map, inPlaceOf }) =>
    inPlaceOf !== undefined && JSON.stringify(map) === JSON.stringify(operands[inPlaceOf].map) && !map.includes('all')
      ? inPlaceOf
      : undefined,
  );
}
