import type { Buffer, Packing } from '@regrain/core-ir';
import fc from 'fast-check';

/** Random packings: buffers of any size, alignment and life; some at fixed offsets that do not clash, some tied to another. */
export function packings(buffers = 12): fc.Arbitrary<Packing> {
  const plain = fc.record({
    bytes: fc.integer({ min: 1, max: 64 }),
    align: fc.constantFrom(1, 4, 16),
    first: fc.nat(10),
    length: fc.nat(6),
    special: fc.constantFrom('none', 'none', 'none', 'fixed', 'tied'),
  });
  return fc.array(plain, { minLength: 1, maxLength: buffers }).map((picks) => {
    const made: Buffer[] = [];
    let above = 0;
    picks.forEach(({ bytes, align, first, length, special }, k) => {
      const buffer = { bytes, align, first, last: first + length };
      const before = made[k - 1];
      if (special === 'fixed') {
        // One above the other: they never clash, whenever they live.
        const fixed = Math.ceil(above / align) * align;
        above = fixed + bytes;
        made.push({ ...buffer, fixed });
      } else if (special === 'tied' && before && !before.with && before.fixed === undefined) {
        // Takes over the bytes of the one before, at the moment at which that one ends.
        made.push({
          bytes: before.bytes,
          align: before.align,
          first: before.last,
          last: before.last + length,
          with: { buffer: k - 1, delta: 0 },
        });
      } else made.push(buffer);
    });
    return { capacity: Number.POSITIVE_INFINITY, buffers: made, near: [] };
  });
}
