import type { PartialPlacement } from './partial-placement.js';

/**
 * 96 bits of all that decides about a part: what is still to be placed (`list[begin … end - 1]`, sorted), where it may lie at the lowest,
 * and what is too low to be next.
 */
export function hashPart(
  so: PartialPlacement,
  list: Int32Array,
  begin: number,
  end: number,
  offset: number,
  after: number,
  into: Int32Array,
): void {
  const { low } = so;
  let a = 1;
  let b = 2;
  let c = 3;
  for (let k = begin; k < end; k++) {
    const item = list[k];
    const at = low[item];
    const dead = so.isDead(item, offset, after) ? 1 : 0;
    const upper = Math.floor(at / 4294967296);
    const word = (at | 0) ^ Math.imul(upper, 0x9e3779b1);
    const name = 2 * item + dead;
    a = Math.imul(a ^ word, 0x85ebca6b) + Math.imul(name, 0xc2b2ae35);
    a ^= a >>> 15;
    b = Math.imul(b ^ name, 0x27d4eb2f) + Math.imul(word, 0x165667b1);
    b ^= b >>> 13;
    c = Math.imul(c + word, 0x2c1b3c6d) ^ Math.imul(name, 0x297a2d39);
    c ^= c >>> 16;
  }
  into[0] = a;
  into[1] = b | 1;
  into[2] = c;
}
