import { type Decomposition, type Dependences, RAW, WAR, WAW } from '@regrain/core-ir';

export type EdgeRow = readonly [from: number, to: number, kind: 'raw' | 'war' | 'waw', sharedElements: number];

const KINDS = [
  [RAW, 'raw'],
  [WAR, 'war'],
  [WAW, 'waw'],
] as const;

/** One row per pair and kind, by rising `to`, then `from`. Tasks go by the position of their instruction in the trace, or by `nameOf`. */
export function* edgeRows(
  work: Decomposition,
  { row, from, kinds, elements }: Dependences,
  nameOf: (task: number) => number = (task) => work.tasks[task].operation,
): Iterable<EdgeRow> {
  for (let task = 0; task + 1 < row.length; task++) {
    for (let e = row[task]; e < row[task + 1]; e++) {
      for (const [k, [bit, name]] of KINDS.entries()) {
        if (kinds[e] & bit) yield [nameOf(from[e]), nameOf(task), name, elements?.[3 * e + k] ?? 0];
      }
    }
  }
}
