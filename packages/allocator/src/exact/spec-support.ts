import { type Buffer, type Packing, seeded } from '@regrain/core-ir';
import fc from 'fast-check';

/** The lowest height there is: every order of placing, each buffer at the lowest free place, tied ones with their first. */
export function lowestHeight(buffers: readonly Buffer[]): number {
  const roots = buffers.flatMap(({ with: tie }, b) => (tie ? [] : [b]));
  const group = roots.map((root) => buffers.flatMap(({ with: tie }, b) => (b === root || tie?.buffer === root ? [b] : [])));
  const at = new Map<number, number>();
  const meet = (a: Buffer, b: Buffer): boolean => a.first <= b.last && b.first <= a.last;
  const free = (g: number, offset: number): boolean =>
    group[g].every((b) =>
      [...at].every(
        ([other, base]) =>
          other === g ||
          group[other].every(
            (o) => !meet(buffers[b], buffers[o]) || offset + buffers[b].bytes <= base || base + buffers[o].bytes <= offset,
          ),
      ),
    );
  const top = (g: number, offset: number): number => offset + Math.max(...group[g].map((b) => buffers[b].bytes));
  let best = Number.POSITIVE_INFINITY;
  const visit = (left: readonly number[], height: number): void => {
    if (height >= best) return;
    if (left.length === 0) best = height;
    for (const g of left) {
      const align = buffers[roots[g]].align;
      let offset = 0;
      while (!free(g, offset)) offset += align;
      at.set(g, offset);
      visit(
        left.filter((other) => other !== g),
        Math.max(height, top(g, offset)),
      );
      at.delete(g);
    }
  };
  const given = roots.flatMap((root, g) => (buffers[root].fixed === undefined ? [] : [g]));
  for (const g of given) at.set(g, buffers[roots[g]].fixed as number);
  visit(
    roots.flatMap((_, g) => (given.includes(g) ? [] : [g])),
    Math.max(0, ...given.map((g) => top(g, at.get(g) as number))),
  );
  return best;
}

/** Few buffers whose bytes and lives collide often, so that list orders miss the optimum. */
export const tightPackings = fc
  .array(fc.record({ bytes: fc.integer({ min: 1, max: 9 }), first: fc.nat(6), length: fc.nat(4), align: fc.constantFrom(1, 1, 1, 2, 4) }), {
    minLength: 1,
    maxLength: 7,
  })
  .map(
    (picks): Packing => ({
      capacity: Number.POSITIVE_INFINITY,
      buffers: picks.map(({ bytes, first, length, align }) => ({ bytes, align, first, last: first + length })),
      near: [],
    }),
  );

/** The same with buffers that take over the place of others, smaller or larger, at any time. */
export const tiedPackings = fc
  .tuple(tightPackings, fc.array(fc.tuple(fc.nat(6), fc.integer({ min: 1, max: 9 }), fc.nat(6), fc.nat(3)), { maxLength: 3 }))
  .map(
    ([packing, ties]): Packing => ({
      ...packing,
      buffers: [
        ...packing.buffers,
        ...ties.map(([of, bytes, first, length]) => ({
          bytes,
          align: 1,
          first,
          last: first + length,
          with: { buffer: of % packing.buffers.length, delta: 0 },
        })),
      ],
    }),
  );

/** Where buffers lie if each is put at its lowest free place, in the order given. */
function placedInTurn(buffers: readonly Buffer[]): number[] {
  const at: number[] = [];
  for (const { bytes, align, first, last } of buffers) {
    const free = (offset: number): boolean =>
      at.every(
        (base, o) => first > buffers[o].last || buffers[o].first > last || offset + bytes <= base || base + buffers[o].bytes <= offset,
      );
    let offset = 0;
    while (!free(offset)) offset += align;
    at.push(offset);
  }
  return at;
}

/** Aligned buffers, some of them given where they lie in one placement, all of those as much higher: obstacles for the others. */
export const givenPackings = fc
  .tuple(tightPackings, fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }), fc.nat(2))
  .map(([packing, given, higher]): Packing => {
    const at = placedInTurn(packing.buffers);
    const fixed = (b: number): Pick<Buffer, 'fixed'> => (given[b] ? { fixed: at[b] + 4 * higher } : {});
    return { ...packing, buffers: packing.buffers.map((buffer, b) => ({ ...buffer, ...fixed(b) })) };
  });

const HEIGHT = 12;

/** A full rectangle of 20 times, cut into 24 buffers: they fit without a gap. Then some are aligned; with many, they mostly fit no longer. */
export function cutUp(seed: number, aligned: number): Packing {
  const random = seeded(seed);
  const upTo = (n: number): number => Math.floor(random() * n);
  const buffers: Buffer[] = [{ bytes: HEIGHT, align: 1, first: 0, last: 19 }];
  while (buffers.length < 24) {
    const at = upTo(buffers.length);
    const { bytes, first, last } = buffers[at];
    if (random() < 0.5 && last > first) {
      const cut = first + upTo(last - first);
      buffers.splice(at, 1, { bytes, align: 1, first, last: cut }, { bytes, align: 1, first: cut + 1, last });
    } else if (bytes > 1) {
      const cut = 1 + upTo(bytes - 1);
      buffers.splice(at, 1, { bytes: cut, align: 1, first, last }, { bytes: bytes - cut, align: 1, first, last });
    }
  }
  for (let k = 0; k < aligned; k++) {
    const at = upTo(buffers.length);
    buffers[at] = { ...buffers[at], align: 3 };
  }
  return { capacity: HEIGHT, buffers, near: [] };
}
