import type { DType, IndexMap, Operand, Operation, Program, Tensor } from '@regrain/core-ir';

/** Builds convolution networks for benchmarks: shapes and dependences are those of the real network, weights are splats. */
export class NetworkBuilder {
  private readonly tensors: Tensor[] = [];
  private readonly operations: Operation[] = [];

  constructor(
    private readonly name: string,
    shape: readonly number[],
    private readonly dtype: DType = 'int8',
  ) {
    this.tensors.push({ name: 'input', shape, dtype, kind: 'input' });
  }

  /** The network's input. */
  readonly input = 0;

  shapeOf(tensor: number): readonly number[] {
    return this.tensors[tensor].shape;
  }

  /** Dense convolution with same padding; NCHW. */
  conv(x: number, channels: number, kernel: number, stride = 1): number {
    const [, c] = this.shapeOf(x);
    return this.window('Conv', x, channels, kernel, stride, c);
  }

  depthwise(x: number, kernel: number, stride = 1): number {
    return this.window('Conv', x, this.shapeOf(x)[1], kernel, stride, 1);
  }

  add(a: number, b: number): number {
    const shape = this.shapeOf(a);
    const y = this.computed('add', shape);
    const map: IndexMap = shape.map((_, d) => ({ at: { d } }));
    const operands: Operand[] = [
      { tensor: a, mode: 'read', map },
      { tensor: b, mode: 'read', map },
      { tensor: y, mode: 'write', map, inPlaceOf: 0 },
    ];
    this.push(
      'Add',
      shape.map((extent) => ({ extent, kind: 'parallel' as const })),
      operands,
      { fn: 'add', args: [{ x: 0 }, { x: 1 }] },
      0,
    );
    return y;
  }

  /** The largest of each window of `side` × `side`. */
  maxPool(x: number, side: number): number {
    const [n, c, h, w] = this.shapeOf(x);
    const shape = [n, c, Math.floor(h / side), Math.floor(w / side)];
    const y = this.computed('pool', shape);
    const along = (d: number, k: number): IndexMap[number] => ({ at: ['+', ['*', { d }, side], { d: k }] });
    this.operations.push({
      name: `pool${this.operations.length}`,
      type: 'MaxPool',
      attributes: {},
      domain: [...shape, side, side].map((extent, d) => ({ extent, kind: d < 4 ? 'parallel' : 'reduction' })),
      operands: [
        { tensor: x, mode: 'read', map: [{ at: { d: 0 } }, { at: { d: 1 } }, along(2, 4), along(3, 5)] },
        { tensor: y, mode: 'write', map: shape.map((_, d) => ({ at: { d } })) },
      ],
      body: {
        acc: this.dtype,
        init: this.dtype === 'int8' ? -128 : Number.NEGATIVE_INFINITY,
        step: { fn: 'max', args: ['acc', { x: 0 }] },
        finish: 'acc',
      },
      macs: 0,
    });
    return y;
  }

  globalPool(x: number): number {
    const [n, c, h, w] = this.shapeOf(x);
    const y = this.computed('pool', [n, c, 1, 1]);
    const operands: Operand[] = [
      { tensor: x, mode: 'read', map: [{ at: { d: 0 } }, { at: { d: 1 } }, { at: { d: 2 } }, { at: { d: 3 } }] },
      { tensor: y, mode: 'write', map: [{ at: { d: 0 } }, { at: { d: 1 } }, { at: 0 }, { at: 0 }] },
    ];
    this.operations.push({
      name: `pool${this.operations.length}`,
      type: 'GlobalAveragePool',
      attributes: {},
      domain: [
        { extent: n, kind: 'parallel' },
        { extent: c, kind: 'parallel' },
        { extent: h, kind: 'reduction' },
        { extent: w, kind: 'reduction' },
      ],
      operands,
      body: { acc: 'int32', init: 0, step: { fn: 'add', args: ['acc', { x: 0 }] }, finish: { fn: 'div', args: ['acc', h * w] } },
      macs: n * c * h * w,
    });
    return y;
  }

  /** Fully connected over the channels of a [1, C, 1, 1] tensor. */
  dense(x: number, channels: number): number {
    return this.window('Gemm', x, channels, 1, 1, this.shapeOf(x)[1]);
  }

  build(...outputs: number[]): Program {
    return { name: this.name, tensors: this.tensors, operations: this.operations, outputs, states: [] };
  }

  private window(type: string, x: number, channels: number, kernel: number, stride: number, perGroup: number): number {
    const [n, c, h, w] = this.shapeOf(x);
    const [oh, ow] = [Math.ceil(h / stride), Math.ceil(w / stride)];
    // Same padding, the odd row at the end, as TensorFlow has it.
    const pad = Math.max(0, (oh - 1) * stride + kernel - h) >> 1;
    const weights =
      this.tensors.push({
        name: `w${this.tensors.length}`,
        shape: [channels, perGroup, kernel, kernel],
        dtype: this.dtype,
        kind: 'constant',
        data: { splat: 1 },
      }) - 1;
    const y = this.computed(type.toLowerCase(), [n, channels, oh, ow]);
    const at = (d: number, k: number): IndexMap[number] => ({ at: ['+', ['+', ['*', { d }, stride], { d: k }], -pad] });
    const depthwise = perGroup === 1 && channels === c;
    const operands: Operand[] = [
      {
        tensor: x,
        mode: 'read',
        map: [{ at: { d: 0 } }, { at: { d: depthwise ? 1 : 4 } }, at(2, 5), at(3, 6)],
        ...(kernel > 1 ? { outside: 0 } : {}),
      },
      { tensor: weights, mode: 'read', map: [{ at: { d: 1 } }, { at: { d: 4 } }, { at: { d: 5 } }, { at: { d: 6 } }] },
      { tensor: y, mode: 'write', map: [{ at: { d: 0 } }, { at: { d: 1 } }, { at: { d: 2 } }, { at: { d: 3 } }] },
    ];
    const extents = [n, channels, oh, ow, perGroup, kernel, kernel];
    this.push(
      type,
      extents.map((extent, d) => ({ extent, kind: d < 4 ? ('parallel' as const) : ('reduction' as const) })),
      operands,
      { fn: 'clamp', args: ['acc', -128, 127] },
      extents.reduce((a, b) => a * b, 1),
    );
    return y;
  }

  private push(
    type: string,
    domain: Operation['domain'],
    operands: Operand[],
    finish: NonNullable<Operation['body']>['finish'],
    macs: number,
  ): void {
    const step = domain.some(({ kind }) => kind === 'reduction')
      ? ({ fn: 'add', args: ['acc', { fn: 'mul', args: [{ x: 0 }, { x: 1 }] }] } as const)
      : 0;
    this.operations.push({
      name: `${type.toLowerCase()}${this.operations.length}`,
      type,
      attributes: {},
      domain,
      operands,
      body: { acc: this.dtype === 'int8' ? 'int32' : this.dtype, init: 0, step, finish },
      macs,
    });
  }

  private computed(name: string, shape: readonly number[]): number {
    return this.tensors.push({ name: `${name}${this.tensors.length}`, shape, dtype: this.dtype, kind: 'computed' }) - 1;
  }
}
