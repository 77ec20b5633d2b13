import { STAGED_PIXELS } from '../layout/staging.js';
import { FunctionBuilder, type Module, type Wasm } from './function-builder.js';

/**
 * `interleave(planes, to, count)` writes so many pixels, colour by colour, from the three planes of floats that lie at `planes`: what the
 * host's own loops take four times as long for.
 */
export function writeInterleave(wasm: Wasm, m: Module): void {
  const fn = new FunctionBuilder(wasm, m, [wasm.i32, wasm.i32, wasm.i32]);
  const [planes, to, count] = [0, 1, 2].map((k) => fn.param(k));
  const plane = (k: number): number => 4 * STAGED_PIXELS * k;
  const [i, assign] = fn.variable(wasm.i32);
  assign(m.i32.const(0));
  const from = () => m.i32.add(planes(), m.i32.shl(i(), m.i32.const(2)));
  const target = () => m.i32.add(to(), m.i32.mul(i(), m.i32.const(12)));
  fn.loopOn(
    i,
    assign,
    () => m.i32.sub(count(), m.i32.const(3)),
    4,
    () => {
      const [a, b, c] = [0, 1, 2].map((k) => fn.keep(wasm.v128, m.v128.load(plane(k), 4, from())));
      const pick = (one: typeof a, other: typeof a, words: readonly number[]) =>
        fn.keep(
          wasm.v128,
          m.i8x16.shuffle(
            one(),
            other(),
            words.flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * word + byte)),
          ),
        );
      // Words 0 to 3 are of the first vector, 4 to 7 of the second.
      const rows = [
        pick(pick(a, b, [0, 4, 1, 5]), c, [0, 1, 4, 2]),
        pick(pick(b, c, [1, 5, 2, 6]), a, [0, 1, 6, 2]),
        pick(pick(c, a, [2, 7, 3, 3]), b, [0, 1, 7, 2]),
      ];
      rows.forEach((row, k) => {
        fn.push(m.v128.store(16 * k, 4, target(), row()));
      });
    },
  );
  fn.loopOn(i, assign, count, 1, () => {
    for (const k of [0, 1, 2]) fn.push(m.f32.store(4 * k, 4, target(), m.f32.load(plane(k), 4, from())));
  });
  fn.finish('interleave');
  m.addFunctionExport('interleave', 'interleave');
}
