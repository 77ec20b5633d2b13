import {
  type Access,
  type AnalysisOptions,
  type Box,
  boxKey,
  type Decomposition,
  type Dependences,
  hull,
  indexRegions,
  isEmpty,
  RAW,
} from '@regrain/core-ir';
import type { Cells } from './cell.js';
import { Collector } from './collector.js';
import { DependenceTracker } from './tracker.js';
import type { WrittenOnce } from './written-once.js';

/** How an instance's elements are kept, given all boxes that are accessed of it, each once, and the number of accesses. */
export type Store = (boxes: readonly Box[], accesses: number) => Cells;

/**
 * Goes over all tasks in their order. Instances that are never written (constants, inputs) cost nothing, those of `once` a look at who
 * wrote; the tracker keeps the history of all others.
 */
export function analyzeWith(work: Decomposition, options: AnalysisOptions, store: Store, once?: WrittenOnce): Dependences {
  const boxesOf = options.snap ? snapped(work) : (access: Access): readonly Box[] => [access.box];
  const tracked = new Uint8Array(work.instances.length);
  for (const { accesses } of work.tasks) for (const { instance, mode } of accesses) if (mode !== 'read') tracked[instance] = 1;
  for (let i = 0; i < tracked.length; i++) if (once?.has(i)) tracked[i] = 0;
  const collector = new Collector(work.tasks.length, options.elements === true);
  const cells = cellsOf(work, tracked, boxesOf, store);
  const tracker = new DependenceTracker(cells, options, boxesOf, collector);
  const note = (from: number): void => collector.note(from, RAW);
  for (const task of work.tasks) {
    let history = false;
    for (const { instance, mode, box } of task.accesses) {
      if (tracked[instance]) history = true;
      else if (mode === 'read') once?.writers(instance, box, note);
    }
    if (history) tracker.add(task, collector.task);
    collector.close();
  }
  return collector.finish();
}

/** Per instance that is tracked its cells, made for all boxes that are accessed of it. */
function cellsOf(
  work: Decomposition,
  tracked: Uint8Array,
  boxesOf: (access: Access) => readonly Box[],
  store: Store,
): readonly (Cells | undefined)[] {
  const boxes: (Map<string, Box> | undefined)[] = new Array(work.instances.length).fill(undefined);
  const counts = new Int32Array(work.instances.length);
  for (const { accesses } of work.tasks) {
    for (const access of accesses) {
      if (!tracked[access.instance] || isEmpty(access.box)) continue;
      counts[access.instance]++;
      boxes[access.instance] ??= new Map();
      const found = boxes[access.instance] as Map<string, Box>;
      for (const box of boxesOf(access)) found.set(boxKey(box), box);
    }
  }
  return boxes.map((found, instance) => found && store([...found.values()], counts[instance]));
}

/** Every access widened to the regions that it touches, as a region table sees it. */
function snapped(work: Decomposition): (access: Access) => readonly Box[] {
  const indexes = indexRegions(work);
  return ({ instance, box }) => indexes.touched(instance, box).map((region) => work.regions[region].box);
}

/** The box around all. */
export function around(boxes: readonly Box[]): Box {
  return boxes.reduce((all, box) => hull(all, box));
}
