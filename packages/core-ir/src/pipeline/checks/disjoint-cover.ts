import { RegionIndex } from '../../expand/region-index.js';
import { type Box, contains, formatBox, isEmpty, volume } from '../../ir/box.js';

/** What is wrong with boxes that should lie inside `whole`, share no element and cover it; undefined if nothing. Near-linear for grids. */
export function coverFault(boxes: readonly Box[], whole: Box, mayOverlap = false): string | undefined {
  let covered = 0;
  for (const box of boxes) {
    if (!isBox(box, whole.length)) return `${JSON.stringify(box)} is no box of rank ${whole.length}`;
    if (isEmpty(box)) return `${formatBox(box)} is empty`;
    if (!contains(whole, box)) return `${formatBox(box)} lies outside ${formatBox(whole)}`;
    covered += volume(box);
  }
  if (mayOverlap) return undefined;
  const index = new RegionIndex([...boxes.keys()], boxes);
  // Cells of a grid share nothing.
  for (const [k, box] of index.isGrid ? [] : boxes.entries()) {
    let other = -1;
    index.forEach(box, (hit) => {
      if (hit !== k) other = hit;
    });
    if (other >= 0) return `${formatBox(box)} and ${formatBox(boxes[other])} overlap`;
  }
  if (covered !== volume(whole)) return `the boxes cover ${covered} of the ${volume(whole)} elements of ${formatBox(whole)}`;
  return undefined;
}

function isBox(box: unknown, rank: number): box is Box {
  return (
    Array.isArray(box) &&
    box.length === rank &&
    box.every((range) => Array.isArray(range) && range.length === 2 && range.every((bound) => Number.isSafeInteger(bound)))
  );
}
