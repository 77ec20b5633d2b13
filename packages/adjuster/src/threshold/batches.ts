import type { Box, Edit } from '@regrain/core-ir';

/** Edits of one tensor along one axis: which regions (by position) become one, or each several. The edits are made when asked for. */
export interface TensorBatch {
  /** Of a merge: the positions that become one region; of a split: each position alone. */
  readonly groups: readonly (readonly number[])[];
  /** How many edits there are. */
  readonly count: number;
  edits(): Edit[];
}

/** Cuts every region into `parts` about equal parts along `axis`; regions that are too thin stay as they are. */
export function splitRegions(tensor: number, boxes: readonly Box[], axis: number, parts: number): TensorBatch {
  const groups: number[][] = [];
  let count = 0;
  const partsOf = ([lo, hi]: readonly [number, number]) => Math.min(parts, hi - lo);
  boxes.forEach((box, position) => {
    if (partsOf(box[axis]) < 2) return;
    groups.push([position]);
    count += partsOf(box[axis]) - 1;
  });
  const edits = () =>
    groups.flatMap(([position]) => {
      const box = boxes[position];
      const [lo, hi] = box[axis];
      const pieces = partsOf(box[axis]);
      let rest = box;
      return Array.from({ length: pieces - 1 }, (_, k): Edit => {
        const cut = lo + Math.round(((hi - lo) * (k + 1)) / pieces);
        const at = { tensor, box: rest };
        rest = withRange(rest, axis, [cut, hi]);
        return { kind: 'split', at, axis, cut, tasks: true };
      });
    });
  return { groups, count, edits };
}

/** Joins runs of `length` regions that follow each other along `axis` and agree on all other axes. */
export function mergeRegions(
  tensor: number,
  boxes: readonly Box[],
  axis: number,
  length: number,
  lines: readonly (readonly number[])[] = linesAlong(boxes, axis),
): TensorBatch {
  const groups: number[][] = [];
  let count = 0;
  for (const line of lines) {
    for (let from = 0; from < line.length; from += length) {
      const group = [line[from]];
      for (let k = from + 1; k < Math.min(line.length, from + length); k++) {
        if (boxes[line[k - 1]][axis][1] !== boxes[line[k]][axis][0]) break;
        group.push(line[k]);
      }
      if (group.length === 1) continue;
      groups.push(group);
      count += group.length - 1;
    }
  }
  const edits = () =>
    groups.flatMap(([first, ...others]) => {
      let union = boxes[first];
      return others.map((position): Edit => {
        const next = boxes[position];
        const pair = [union, next] as const;
        union = withRange(union, axis, [union[axis][0], next[axis][1]]);
        return { kind: 'merge', tensor, boxes: pair, tasks: true };
      });
    });
  return { groups, count, edits };
}

/** Positions of the regions that agree on every axis but one, each list ascending along that axis. */
export function linesAlong(boxes: readonly Box[], axis: number): number[][] {
  const lines = new Map<string, number[]>();
  boxes.forEach((box, position) => {
    const key = box.map(([lo, hi], d) => (d === axis ? '' : `${lo}:${hi}`)).join();
    const line = lines.get(key);
    if (line) line.push(position);
    else lines.set(key, [position]);
  });
  for (const line of lines.values()) line.sort((a, b) => boxes[a][axis][0] - boxes[b][axis][0]);
  return [...lines.values()];
}

function withRange(box: Box, axis: number, range: readonly [number, number]): Box {
  return box.map((old, d) => (d === axis ? range : old));
}
