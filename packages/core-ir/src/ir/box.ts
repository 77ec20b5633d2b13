/** Half-open n-d interval of a tensor's index space: `[lo, hi)` per dimension. A scalar's box is `[]` and has one element. */
export type Box = readonly (readonly [lo: number, hi: number])[];

/** The box that covers a whole shape. */
export function boxOf(shape: readonly number[]): Box {
  return shape.map((extent) => [0, extent] as const);
}

/** Number of elements; 0 if any interval is empty. */
export function volume(box: Box): number {
  let product = 1;
  for (const [lo, hi] of box) product *= hi > lo ? hi - lo : 0;
  return product;
}

export function isEmpty(box: Box): boolean {
  return box.some(([lo, hi]) => hi <= lo);
}

/** The common part, or undefined where there is none. */
export function intersect(a: Box, b: Box): Box | undefined {
  const result: [number, number][] = [];
  for (let d = 0; d < a.length; d++) {
    const lo = Math.max(a[d][0], b[d][0]);
    const hi = Math.min(a[d][1], b[d][1]);
    if (hi <= lo) return undefined;
    result.push([lo, hi]);
  }
  return result;
}

export function overlaps(a: Box, b: Box): boolean {
  for (let d = 0; d < a.length; d++) {
    if (Math.max(a[d][0], b[d][0]) >= Math.min(a[d][1], b[d][1])) return false;
  }
  return true;
}

export function contains(outer: Box, inner: Box): boolean {
  return isEmpty(inner) || outer.every(([lo, hi], d) => lo <= inner[d][0] && inner[d][1] <= hi);
}

export function sameBox(a: Box, b: Box): boolean {
  return a.length === b.length && a.every(([lo, hi], d) => lo === b[d][0] && hi === b[d][1]);
}

/** The smallest box that covers both; empty boxes do not count. */
export function hull(a: Box, b: Box): Box {
  if (isEmpty(a)) return b;
  if (isEmpty(b)) return a;
  return a.map(([lo, hi], d) => [Math.min(lo, b[d][0]), Math.max(hi, b[d][1])] as const);
}

/** `a` less `b` as at most 2 × rank disjoint boxes. */
export function subtract(a: Box, b: Box): Box[] {
  if (isEmpty(a)) return [];
  const common = intersect(a, b);
  if (!common) return [a];
  const pieces: Box[] = [];
  const rest = a.map(([lo, hi]) => [lo, hi] as [number, number]);
  for (let d = 0; d < a.length; d++) {
    const [lo, hi] = common[d];
    if (rest[d][0] < lo) {
      const piece = rest.map(([l, h]) => [l, h] as [number, number]);
      piece[d][1] = lo;
      pieces.push(piece);
    }
    if (hi < rest[d][1]) {
      const piece = rest.map(([l, h]) => [l, h] as [number, number]);
      piece[d][0] = hi;
      pieces.push(piece);
    }
    rest[d] = [lo, hi];
  }
  return pieces;
}

/** `a` less every box of `others`, as disjoint boxes. */
export function subtractAll(a: Box, others: Iterable<Box>): Box[] {
  let pieces: Box[] = isEmpty(a) ? [] : [a];
  for (const other of others) {
    if (pieces.length === 0) break;
    // Most of many lie elsewhere: nothing is made for them.
    if (pieces.some((piece) => overlaps(piece, other))) pieces = pieces.flatMap((piece) => subtract(piece, other));
  }
  return pieces;
}

/** `[0:4, 2:3]`, for messages. */
export function formatBox(box: Box): string {
  return `[${box.map(([lo, hi]) => `${lo}:${hi}`).join(', ')}]`;
}

/** A key that equal boxes share. */
export function boxKey(box: Box): string {
  return box.map(([lo, hi]) => `${lo}:${hi}`).join(',');
}
