import type { Box, IndexMap, Program, Scalar } from '@regrain/core-ir';

/** Anything with its `readonly`s gone: what a mutation may write to. Index expressions, which nest without end, stay as they are. */
export type Writable<T> = T extends IndexMap | Scalar
  ? T
  : T extends readonly [infer A, infer B]
    ? [Writable<A>, Writable<B>]
    : T extends readonly (infer E)[]
      ? Writable<E>[]
      : T extends object
        ? { -readonly [K in keyof T]: Writable<T[K]> }
        : T;

/** Bands of so many rows. */
export function rowBands(shape: readonly number[], rows: number): Box[] {
  const bands: Box[] = [];
  for (let lo = 0; lo < shape[0]; lo += rows)
    bands.push(shape.map((extent, d) => (d === 0 ? ([lo, Math.min(extent, lo + rows)] as const) : ([0, extent] as const))));
  return bands;
}

/** x [6, 4] → three-row blur a → doubled b → column sums s; out = a + b + s. */
export function chainProgram(): Program {
  const parallel = (...extents: number[]) => extents.map((extent) => ({ extent, kind: 'parallel' as const }));
  const reduction = (extent: number) => ({ extent, kind: 'reduction' as const });
  const same = [{ at: { d: 0 } }, { at: { d: 1 } }];
  const add = (operand: number) => ({ fn: 'add', args: ['acc', { x: operand }] }) as const;
  const tensor = (name: string, shape: number[], kind: 'input' | 'computed' = 'computed') => ({
    name,
    shape,
    dtype: 'float32' as const,
    kind,
  });
  return {
    name: 'chain',
    tensors: [tensor('x', [6, 4], 'input'), tensor('a', [6, 4]), tensor('b', [6, 4]), tensor('s', [4]), tensor('out', [6, 4])],
    operations: [
      {
        name: 'blur',
        type: 'blur',
        attributes: {},
        domain: [...parallel(6, 4), reduction(3)],
        operands: [
          { tensor: 0, mode: 'read', outside: 0, map: [{ at: ['+', ['+', { d: 0 }, { d: 2 }], -1] }, { at: { d: 1 } }] },
          { tensor: 1, mode: 'write', map: same },
        ],
        body: { acc: 'float32', init: 0, step: add(0), finish: 'acc' },
        macs: 72,
      },
      {
        name: 'double',
        type: 'double',
        attributes: {},
        domain: parallel(6, 4),
        operands: [
          { tensor: 1, mode: 'read', map: same },
          { tensor: 2, mode: 'write', map: same },
        ],
        body: { acc: 'float32', init: 0, step: 0, finish: { fn: 'mul', args: [{ x: 0 }, 2] } },
        macs: 24,
      },
      {
        name: 'sum',
        type: 'sum',
        attributes: {},
        domain: [...parallel(4), reduction(6)],
        operands: [
          { tensor: 2, mode: 'read', map: [{ at: { d: 1 } }, { at: { d: 0 } }] },
          { tensor: 3, mode: 'write', map: [{ at: { d: 0 } }] },
        ],
        body: { acc: 'float32', init: 0, step: add(0), finish: 'acc' },
        macs: 24,
      },
      {
        name: 'join',
        type: 'join',
        attributes: {},
        domain: parallel(6, 4),
        operands: [
          { tensor: 1, mode: 'read', map: same },
          { tensor: 2, mode: 'read', map: same },
          { tensor: 3, mode: 'read', map: [{ at: { d: 1 } }] },
          { tensor: 4, mode: 'write', map: same, inPlaceOf: 1 },
        ],
        body: { acc: 'float32', init: 0, step: 0, finish: { fn: 'add', args: [{ x: 0 }, { fn: 'add', args: [{ x: 1 }, { x: 2 }] }] } },
        macs: 24,
      },
    ],
    outputs: [4],
    states: [],
  };
}
