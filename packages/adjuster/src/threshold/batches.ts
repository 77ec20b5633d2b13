import type { Box, Edit } from '@regrain/core-ir';

/** Edits of one tensor along one axis, and which regions (by position among its boxes) become one, or one several. */
export interface TensorEdits {
  readonly edits: readonly Edit[];
  /** Of a merge: the positions that become one region; of a split: each position alone. */
  readonly groups: readonly (readonly number[])[];
}

/** Cuts every region into `parts` about equal parts along `axis`; regions that are too thin stay as they are. */
export function splitRegions(tensor: number, boxes: readonly Box[], axis: number, parts: number): TensorEdits {
  const edits: Edit[] = [];
  const groups: number[][] = [];
  boxes.forEach((box, position) => {
    const [lo, hi] = box[axis];
    const count = Math.min(parts, hi - lo);
    if (count < 2) return;
    groups.push([position]);
    let rest = box;
    for (let k = 1; k < count; k++) {
      const cut = lo + Math.round(((hi - lo) * k) / count);
      edits.push({ kind: 'split', at: { tensor, box: rest }, axis, cut, tasks: true });
      rest = replace(rest, axis, [cut, hi]);
    }
  });
  return { edits, groups };
}

/** Joins runs of `count` regions that follow each other along `axis` and agree on all other axes. */
export function mergeRegions(tensor: number, boxes: readonly Box[], axis: number, count: number): TensorEdits {
  const edits: Edit[] = [];
  const groups: number[][] = [];
  for (const line of linesAlong(boxes, axis)) {
    for (let from = 0; from < line.length; from += count) {
      const group = [line[from]];
      let union = boxes[line[from]];
      for (let k = from + 1; k < Math.min(line.length, from + count); k++) {
        const next = boxes[line[k]];
        if (union[axis][1] !== next[axis][0]) break;
        edits.push({ kind: 'merge', tensor, boxes: [union, next], tasks: true });
        union = replace(union, axis, [union[axis][0], next[axis][1]]);
        group.push(line[k]);
      }
      if (group.length > 1) groups.push(group);
    }
  }
  return { edits, groups };
}

/** Positions of the regions that agree on every axis but one, each list ascending along that axis. */
function linesAlong(boxes: readonly Box[], axis: number): number[][] {
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

function replace(box: Box, axis: number, range: readonly [number, number]): Box {
  return box.map((old, d) => (d === axis ? range : old));
}
