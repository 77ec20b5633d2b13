import type { IndexMap, Operation, Program, Tensor, Values } from '@regrain/core-ir';
import fc from 'fast-check';
import type { SegmentLimits } from './segment.js';

/** Nothing limits a segment but that nothing is computed again. */
export const LIMITS: SegmentLimits = {
  maxTiles: 6400,
  bands: [1, 2],
  maxOperations: 40,
  extraMacs: 0,
  most: () => Number.POSITIVE_INFINITY,
  keep: 24,
  align: 1,
  capacity: Number.POSITIVE_INFINITY,
  mayRecompute: () => true,
  access: () => undefined,
};

/** One inverted residual: widens by `expand`, slides a `kernel` over the rows and columns, narrows to `channels`, adds its input where it can. */
export interface BlockChoice {
  readonly expand: number;
  readonly kernel: 1 | 3 | 5;
  readonly stride: 1 | 2;
  readonly channels: number;
  readonly residual: boolean;
  /** The wide map is scaled by a gate that its sums decide (squeeze-and-excite). */
  readonly squeeze: boolean;
}

const d = (n: number): IndexMap[number] => ({ at: { d: n } });

/** A network of inverted residuals over int32 maps, with sums for convolutions (no weights); optionally ends in global pooling. */
export function network(size: number, blocks: readonly BlockChoice[], pool: boolean, width = size): Program {
  const tensors: Tensor[] = [{ name: 'x', shape: [1, 2, size, width], dtype: 'int32', kind: 'input' }];
  const operations: Operation[] = [];
  const result = (shape: readonly number[]): number =>
    tensors.push({ name: `t${tensors.length}`, shape, dtype: 'int32', kind: 'computed' }) - 1;
  const push = (
    name: string,
    reads: Operation['operands'][number][],
    to: number,
    extents: number[],
    reduce: number[],
    body: Operation['body'],
    write?: IndexMap,
  ): void => {
    operations.push({
      name: `${name}${operations.length}`,
      type: name,
      attributes: {},
      domain: [
        ...extents.map((extent) => ({ extent, kind: 'parallel' as const })),
        ...reduce.map((extent) => ({ extent, kind: 'reduction' as const })),
      ],
      operands: [...reads, { tensor: to, mode: 'write', map: write ?? extents.map((_, k) => d(k)) }],
      body,
      macs: [...extents, ...reduce].reduce((a, b) => a * b, 1),
    });
  };
  const sum = { acc: 'int32', init: 0, step: { fn: 'add', args: ['acc', { x: 0 }] }, finish: 'acc' } as const;
  const pointwise = (x: number, channels: number): number => {
    const [, c, h, w] = tensors[x].shape;
    const y = result([1, channels, h, w]);
    push('pointwise', [{ tensor: x, mode: 'read', map: [d(0), d(4), d(2), d(3)] }], y, [1, channels, h, w], [c], sum);
    return y;
  };
  const depthwise = (x: number, kernel: number, stride: number): number => {
    const [, c, h, w] = tensors[x].shape;
    const [oh, ow] = [Math.ceil(h / stride), Math.ceil(w / stride)];
    const y = result([1, c, oh, ow]);
    const at = (p: number, k: number): IndexMap[number] => ({ at: ['+', ['+', ['*', { d: p }, stride], { d: k }], -((kernel - 1) >> 1)] });
    push(
      'depthwise',
      [{ tensor: x, mode: 'read', outside: 0, map: [d(0), d(1), at(2, 4), at(3, 5)] }],
      y,
      [1, c, oh, ow],
      [kernel, kernel],
      sum,
    );
    return y;
  };
  const summed = (x: number): number => {
    const [, c, h, w] = tensors[x].shape;
    const y = result([1, c, 1, 1]);
    push('pool', [{ tensor: x, mode: 'read', map: [0, 1, 2, 3].map(d) }], y, [1, c], [h, w], sum, [d(0), d(1), { at: 0 }, { at: 0 }]);
    return y;
  };
  const gated = (x: number): number => {
    const gate = summed(x);
    const y = result(tensors[x].shape);
    const body = { acc: 'int32', init: 0, step: 0, finish: { fn: 'add', args: [{ x: 0 }, { x: 1 }] } } as const;
    const reads: Operation['operands'][number][] = [
      { tensor: x, mode: 'read', map: [0, 1, 2, 3].map(d) },
      { tensor: gate, mode: 'read', map: [d(0), d(1), { at: 0 }, { at: 0 }] },
    ];
    push('gate', reads, y, [...tensors[x].shape], [], body);
    return y;
  };
  let x = 0;
  for (const { expand, kernel, stride, channels, residual, squeeze } of blocks) {
    const wide = depthwise(pointwise(x, tensors[x].shape[1] * expand), kernel, stride);
    const narrow = pointwise(squeeze ? gated(wide) : wide, channels);
    if (!residual || String(tensors[narrow].shape) !== String(tensors[x].shape)) {
      x = narrow;
      continue;
    }
    const map = [0, 1, 2, 3].map(d);
    const y = result(tensors[x].shape);
    const read = (tensor: number): Operation['operands'][number] => ({ tensor, mode: 'read', map });
    const body = { acc: 'int32', init: 0, step: 0, finish: { fn: 'add', args: [{ x: 0 }, { x: 1 }] } } as const;
    push('add', [read(narrow), read(x)], y, [...tensors[x].shape], [], body);
    x = y;
  }
  if (pool) x = summed(x);
  return { name: 'network', tensors, operations, outputs: [x], states: [] };
}

export const networks: fc.Arbitrary<Program> = fc
  .record({
    size: fc.integer({ min: 3, max: 12 }),
    width: fc.integer({ min: 3, max: 12 }),
    blocks: fc.array(
      fc.record({
        expand: fc.integer({ min: 1, max: 4 }),
        // A window smaller than its stride leaves elements that nobody reads; no network does.
        kernel: fc.constantFrom(3 as const, 5 as const),
        stride: fc.constantFrom(1 as const, 2 as const),
        channels: fc.integer({ min: 1, max: 3 }),
        residual: fc.boolean(),
        squeeze: fc.boolean(),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    pool: fc.boolean(),
  })
  .map(({ size, width, blocks, pool }) => network(size, blocks, pool, width));

/** Small whole numbers for the one input. */
export function inputOf({ tensors: [x] }: Program): ReadonlyMap<string, Values> {
  const count = x.shape.reduce((a, b) => a * b, 1);
  return new Map([[x.name, { dtype: x.dtype, shape: x.shape, data: Int32Array.from({ length: count }, (_, k) => ((k * 7919) % 13) - 6) }]]);
}
