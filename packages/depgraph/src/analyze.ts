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
} from '@regrain/core-ir';
import type { Cells } from './cell.js';
import { DependenceTracker } from './tracker.js';

/** How an instance's elements are kept, given all boxes that are accessed of it, each once, and the number of accesses. */
export type Store = (boxes: readonly Box[], accesses: number) => Cells;

/** Runs the tracker over all tasks. Instances that are never written (constants, inputs) cost nothing. */
export function analyzeWith(work: Decomposition, options: AnalysisOptions, store: Store): Dependences {
  const boxesOf = options.snap ? snapped(work) : (access: Access): readonly Box[] => [access.box];
  const written = new Uint8Array(work.instances.length);
  for (const { accesses } of work.tasks) for (const { instance, mode } of accesses) if (mode !== 'read') written[instance] = 1;
  const boxes: Map<string, Box>[] = work.instances.map(() => new Map());
  const counts = new Int32Array(work.instances.length);
  for (const { accesses } of work.tasks) {
    for (const access of accesses) {
      if (!written[access.instance] || isEmpty(access.box)) continue;
      counts[access.instance]++;
      for (const box of boxesOf(access)) boxes[access.instance].set(boxKey(box), box);
    }
  }
  const cells = boxes.map((found, instance) => (found.size > 0 ? store([...found.values()], counts[instance]) : undefined));
  const tracker = new DependenceTracker(cells, work.tasks.length, options, boxesOf);
  for (const task of work.tasks) tracker.add(task);
  return tracker.finish();
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
