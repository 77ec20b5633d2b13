import { boxKey, overlaps, sameBox } from '../ir/box.js';
import type { Decomposition, Task } from '../ir/decomposition.js';
import type { Operation, Program } from '../ir/program.js';
import type { RegionIndex } from './region-index.js';

const NONE: readonly undefined[] = [];
const elementwise = new WeakMap<Operation, readonly (number | undefined)[]>();

/**
 * The regions that an in-place write of a task reads and writes: `[source, target]`, where the target may take the source's bytes if
 * nobody needs the source afterwards. Each is one region, read or written whole; the source is read by one operand only, and both
 * operands have the same map, so that every element is read just before it is overwritten. `free` names instances that take no
 * bytes of the plan (constants, external inputs).
 */
export function inPlaceRegions(
  program: Program,
  work: Decomposition,
  task: Task,
  indexes: readonly RegionIndex[],
  free: (instance: number) => boolean,
): readonly [source: number, target: number] | undefined {
  if (task.phase !== undefined) return undefined;
  const sources = sourcesOf(program.operations[task.operation]);
  if (sources.length === 0) return undefined;
  for (const write of task.accesses) {
    const source = write.operand >= 0 && write.mode === 'write' ? sources[write.operand] : undefined;
    const read = source === undefined ? undefined : task.accesses.find(({ operand }) => operand === source);
    if (!read || free(read.instance)) continue;
    const from = indexes[read.instance].touched(read.box);
    const to = indexes[write.instance].touched(write.box);
    if (from.length !== 1 || to.length !== 1) continue;
    const [a, b] = [work.regions[from[0]], work.regions[to[0]]];
    const once = task.accesses.every((other) => other === read || other.instance !== read.instance || !overlaps(other.box, a.box));
    const sameOrder = String(work.instances[a.instance].order) === String(work.instances[b.instance].order);
    if (
      once &&
      sameOrder &&
      a.bytes === b.bytes &&
      sameBox(a.box, read.box) &&
      sameBox(b.box, write.box) &&
      boxKey(a.box) === boxKey(b.box)
    ) {
      return [from[0], to[0]];
    }
  }
  return undefined;
}

/** Per operand: the read whose bytes it may take, if both go through the same map. */
function sourcesOf(operation: Operation): readonly (number | undefined)[] {
  // The table is kept small: a million entries, with as many keys that it must not hold, are slow to collect.
  if (!operation.operands.some(({ inPlaceOf }) => inPlaceOf !== undefined)) return NONE;
  let known = elementwise.get(operation);
  if (!known) {
    known = operation.operands.map(({ map, inPlaceOf }) =>
      inPlaceOf !== undefined && JSON.stringify(map) === JSON.stringify(operation.operands[inPlaceOf].map) && !map.includes('all')
        ? inPlaceOf
        : undefined,
    );
    elementwise.set(operation, known);
  }
  return known;
}
