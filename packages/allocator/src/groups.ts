import type { Packing } from '@regrain/core-ir';

/** A buffer's part of a group: `at` bytes behind the group's own offset. */
export interface Piece {
  readonly buffer: number;
  readonly at: number;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

/** Buffers that are tied together (`with`) and placed as one. */
export interface Group {
  readonly pieces: readonly Piece[];
  /** The group's offset is a multiple of this. */
  readonly align: number;
  /** Given by a fixed member. */
  readonly fixed?: number;
  /** The most bytes from its lowest to its highest end. */
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

/** One group per untied buffer or tree of ties, in the order of their first buffers. Buffers of no bytes are groups too. */
export function groupsOf({ buffers }: Packing): Group[] {
  const root = new Int32Array(buffers.length).fill(-1);
  const at = new Float64Array(buffers.length);
  for (let b = 0; b < buffers.length; b++) {
    if (root[b] >= 0) continue;
    if (!buffers[b].with) {
      root[b] = b;
      continue;
    }
    const path: number[] = [];
    let top = b;
    while (root[top] < 0 && buffers[top].with) {
      path.push(top);
      top = buffers[top].with?.buffer as number;
      if (path.length > buffers.length) throw new RangeError(`the ties of buffer ${b} form a circle`);
    }
    if (root[top] < 0) root[top] = top;
    for (const member of path.reverse()) {
      const tie = buffers[member].with as { buffer: number; delta: number };
      root[member] = root[tie.buffer];
      at[member] = at[tie.buffer] + tie.delta;
    }
  }
  // Members by root, ascending: those of b are `member[row[b]] … member[row[b + 1] - 1]`.
  const row = new Int32Array(buffers.length + 2);
  for (const top of root) row[top + 2]++;
  for (let b = 2; b < row.length; b++) row[b] += row[b - 1];
  const member = new Int32Array(buffers.length);
  for (let b = 0; b < buffers.length; b++) member[row[root[b] + 1]++] = b;
  const groups: Group[] = [];
  // A root may come behind others that are tied to it.
  for (let b = 0; b < buffers.length; b++) {
    const top = root[b];
    if (member[row[top]] !== b) continue;
    const count = row[top + 1] - row[top];
    groups.push(count === 1 ? single(b, buffers[b]) : groupOf(Array.from(member.subarray(row[top], row[top + 1])), buffers, at));
  }
  return groups;
}

/** A buffer that nothing is tied to. */
function single(buffer: number, { bytes, align, first, last, fixed }: Packing['buffers'][number]): Group {
  const group = { pieces: [{ buffer, at: 0, bytes, first, last }], align, bytes, first, last };
  return fixed === undefined ? group : { ...group, fixed };
}

function groupOf(list: readonly number[], buffers: Packing['buffers'], at: Float64Array): Group {
  const lowest = list.reduce((least, b) => Math.min(least, at[b]), 0);
  const pieces = list.map(
    (b): Piece => ({ buffer: b, at: at[b] - lowest, bytes: buffers[b].bytes, first: buffers[b].first, last: buffers[b].last }),
  );
  const fixed = list.find((b) => buffers[b].fixed !== undefined);
  return {
    pieces,
    align: list.reduce(
      (most, b) =>
        lcm(
          most,
          at[b] - lowest === 0 ? buffers[b].align : gcd(buffers[b].align, at[b] - lowest) === buffers[b].align ? buffers[b].align : 1,
        ),
      1,
    ),
    ...(fixed === undefined ? {} : { fixed: (buffers[fixed].fixed as number) - (at[fixed] - lowest) }),
    bytes: pieces.reduce((most, piece) => Math.max(most, piece.at + piece.bytes), 0),
    first: pieces.reduce((least, piece) => Math.min(least, piece.first), Number.POSITIVE_INFINITY),
    last: pieces.reduce((most, piece) => Math.max(most, piece.last), Number.NEGATIVE_INFINITY),
  };
}

function gcd(a: number, b: number): number {
  while (b > 0) [a, b] = [b, a % b];
  return a;
}

function lcm(a: number, b: number): number {
  return b === 0 ? a : (a / gcd(a, b)) * b;
}
