import type { Body, DType, Expr, IndexMap, Operand, Operation, Program, Tensor, Values } from '@regrain/core-ir';
import fc from 'fast-check';

/** A program with what it needs to run; `evaluateOpaque` computes its opaque operations. */
export interface Example {
  readonly program: Program;
  readonly constants: Uint8Array;
  readonly inputs: ReadonlyMap<string, Values>;
  readonly evaluateOpaque: (operation: Operation, inputs: readonly Values[]) => readonly Values[] | undefined;
}

const KINDS = [
  'window',
  'pool',
  'pointwise',
  'residual',
  'transpose',
  'rowSum',
  'matmul',
  'concat',
  'softmax',
  'broadcast',
  'upsample',
  'twoResults',
] as const;
type Kind = (typeof KINDS)[number];

interface Choice {
  readonly kind: Kind;
  /** Which earlier tensors it reads, counted from the newest. */
  readonly a: number;
  readonly b: number;
  readonly axis: 0 | 1;
  readonly taps: number;
  readonly output: boolean;
}

const choice: fc.Arbitrary<Choice> = fc.record({
  kind: fc.constantFrom(...KINDS),
  a: fc.nat(3),
  b: fc.nat(3),
  axis: fc.constantFrom(0 as const, 1 as const),
  taps: fc.integer({ min: 1, max: 3 }),
  output: fc.boolean(),
});

/**
 * Random small programs over matrices of at most six rows and columns: windows with halos and padding, strided pooling, pointwise and
 * residual operations (that may work in place), transposition, sums, products, concatenation by writes into parts, opaque rows,
 * broadcasts, divided indices, two results. At most `operations` choices (a concatenation makes two operations).
 */
export function examples(operations = 6): fc.Arbitrary<Example> {
  return fc
    .record({
      rows: fc.integer({ min: 1, max: 6 }),
      columns: fc.integer({ min: 1, max: 6 }),
      second: fc.boolean(),
      choices: fc.array(choice, { minLength: 1, maxLength: operations }),
      seed: fc.integer({ min: 1, max: 1000 }),
      dtype: fc.constantFrom<DType>('float32', 'float32', 'int32', 'int8'),
    })
    .map((picked) => new Builder(picked.dtype, picked.seed).build(picked.rows, picked.columns, picked.second, picked.choices));
}

/** The programs alone. */
export function programs(operations = 6): fc.Arbitrary<Program> {
  return examples(operations).map(({ program }) => program);
}

const LIMIT = 6;
const d = (dimension: number): Expr => ({ d: dimension });
const plus = (a: Expr, b: Expr): Expr => ['+', a, b];
const same: IndexMap = [{ at: d(0) }, { at: d(1) }];
const sumOf = (acc: DType): Body => ({ acc, init: 0, step: { fn: 'add', args: ['acc', { x: 0 }] }, finish: 'acc' });

class Builder {
  private readonly tensors: Tensor[] = [];
  private readonly operations: Operation[] = [];
  private readonly bytes: number[] = [];
  /** What later operations may read. */
  private readonly pool: number[] = [];
  private readonly outputs = new Set<number>();

  constructor(
    private readonly dtype: DType,
    private state: number,
  ) {}

  build(rows: number, columns: number, second: boolean, choices: readonly Choice[]): Example {
    this.pool.push(this.tensor('x', [rows, columns], 'input'));
    if (second) this.pool.push(this.tensor('y', [columns, rows], 'input'));
    for (const each of choices) this.add(each);
    const read = new Set(
      this.operations.flatMap(({ operands }) => operands.filter(({ mode }) => mode === 'read').map(({ tensor }) => tensor)),
    );
    this.tensors.forEach(({ kind }, id) => {
      if (kind === 'computed' && !read.has(id)) this.outputs.add(id);
    });
    const program: Program = {
      name: 'example',
      tensors: this.tensors,
      operations: this.operations,
      outputs: [...this.outputs].sort((a, b) => a - b),
      states: [],
    };
    const inputs = new Map<string, Values>();
    for (const { name, shape, kind, dtype } of this.tensors) {
      if (kind === 'input')
        inputs.set(name, { dtype, shape, data: Float64Array.from({ length: shape[0] * shape[1] }, () => this.random()) });
    }
    return { program, constants: Uint8Array.from(this.bytes), inputs, evaluateOpaque };
  }

  /** Park and Miller's generator: small numbers that are no powers of two, so that wrong orders of addition show. */
  private random(): number {
    this.state = (this.state * 16807) % 2147483647;
    const whole = (this.state % 19) - 9;
    return this.dtype === 'float32' ? Math.fround(whole * 0.37) : whole;
  }

  private tensor(name: string, shape: readonly number[], kind: Tensor['kind'], data?: Tensor['data']): number {
    this.tensors.push({ name, shape, dtype: this.dtype, kind, ...(data ? { data } : {}) });
    return this.tensors.length - 1;
  }

  private result(shape: readonly number[], output: boolean): number {
    const id = this.tensor(`t${this.tensors.length}`, shape, 'computed');
    this.pool.push(id);
    if (output) this.outputs.add(id);
    return id;
  }

  private pick(back: number): number {
    return this.pool[Math.max(0, this.pool.length - 1 - back)];
  }

  private push(type: string, extents: readonly number[], reduced: readonly number[], operands: readonly Operand[], body?: Body): void {
    const domain = [
      ...extents.map((extent) => ({ extent, kind: 'parallel' as const })),
      ...reduced.map((extent) => ({ extent, kind: 'reduction' as const })),
    ];
    const macs = [...extents, ...reduced].reduce((product, extent) => product * extent, 1);
    this.operations.push({ name: `${type}${this.operations.length}`, type, attributes: {}, domain, operands, body, macs });
  }

  private add({ kind, a: backA, b: backB, axis, taps, output }: Choice): void {
    const a = this.pick(backA);
    const [rows, columns] = this.tensors[a].shape;
    const { dtype } = this;
    const read = (tensor: number, map: IndexMap, outside?: number): Operand => ({
      tensor,
      mode: 'read',
      map,
      ...(outside === undefined ? {} : { outside }),
    });
    const write = (tensor: number, map: IndexMap = same, inPlaceOf?: number): Operand => ({
      tensor,
      mode: 'write',
      map,
      ...(inPlaceOf === undefined ? {} : { inPlaceOf }),
    });
    const along = (expr: Expr): IndexMap => same.map((range, k) => (k === axis ? { at: expr } : range));
    switch (kind) {
      case 'window': {
        const t = this.result([rows, columns], output);
        const map = along(plus(plus(d(axis), d(2)), -(taps >> 1)));
        this.push('window', [rows, columns], [taps], [read(a, map, 1), write(t)], sumOf(dtype));
        return;
      }
      case 'pool': {
        const shape = [rows, columns].map((extent, k) => (k === axis ? Math.ceil(extent / 2) : extent));
        const t = this.result(shape, output);
        const body: Body = { acc: dtype, init: -100, step: { fn: 'max', args: ['acc', { x: 0 }] }, finish: 'acc' };
        this.push('pool', shape, [taps], [read(a, along(plus(['*', d(axis), 2], d(2))), -100), write(t)], body);
        return;
      }
      case 'residual': {
        const other = this.pool.filter((id) => String(this.tensors[id].shape) === String([rows, columns]));
        const b = other[backB % other.length];
        const t = this.result([rows, columns], output);
        this.push('residual', [rows, columns], [], [read(a, same), read(b, same), write(t, same, 0)], {
          acc: dtype,
          init: 0,
          step: 0,
          finish: { fn: 'add', args: [{ x: 0 }, { fn: 'mul', args: [{ x: 1 }, 2] }] },
        });
        return;
      }
      case 'transpose': {
        const t = this.result([columns, rows], output);
        const body: Body = { acc: dtype, init: 0, step: 0, finish: { x: 0 } };
        this.push('transpose', [columns, rows], [], [read(a, [{ at: d(1) }, { at: d(0) }]), write(t, same, 0)], body);
        return;
      }
      case 'rowSum': {
        const t = this.result([1, columns], output);
        this.push('rowSum', [columns], [rows], [read(a, [{ at: d(1) }, { at: d(0) }]), write(t, [{ at: 0 }, { at: d(0) }])], sumOf(dtype));
        return;
      }
      case 'matmul': {
        const n = taps + 1;
        const weights = this.weights(columns, n);
        const t = this.result([rows, n], output);
        const body: Body = { ...sumOf(dtype), step: { fn: 'add', args: ['acc', { fn: 'mul', args: [{ x: 0 }, { x: 1 }] }] } };
        this.push(
          'matmul',
          [rows, n],
          [columns],
          [read(a, [{ at: d(0) }, { at: d(2) }]), read(weights, [{ at: d(2) }, { at: d(1) }]), write(t)],
          body,
        );
        return;
      }
      case 'concat': {
        const fits = this.pool.filter((id) => this.tensors[id].shape[1] === columns && this.tensors[id].shape[0] + rows <= LIMIT);
        if (fits.length === 0) {
          this.add({ kind: 'pointwise', a: backA, b: backB, axis, taps, output });
          return;
        }
        const b = fits[backB % fits.length];
        const more = this.tensors[b].shape[0];
        const t = this.result([rows + more, columns], output);
        const scale = (by: number): Body => ({ acc: dtype, init: 0, step: 0, finish: { fn: 'mul', args: [{ x: 0 }, by] } });
        this.push('concat', [rows, columns], [], [read(a, same), write(t, same, 0)], scale(1));
        this.push('concat', [more, columns], [], [read(b, same), write(t, [{ at: plus(d(0), rows) }, { at: d(1) }], 0)], scale(3));
        return;
      }
      case 'softmax': {
        const t = this.result([rows, columns], output);
        const row: IndexMap = [{ at: d(0) }, { at: 0, size: columns }];
        this.push('softmax', [rows], [], [read(a, row), write(t, row)]);
        return;
      }
      case 'broadcast': {
        const t = this.result([rows, columns], output);
        const body: Body = { acc: dtype, init: 0, step: 0, finish: { fn: 'sub', args: [{ x: 0 }, { x: 1 }] } };
        this.push('broadcast', [rows, columns], [], [read(a, same), read(a, [{ at: 0 }, { at: d(1) }]), write(t)], body);
        return;
      }
      case 'upsample': {
        const shape = [rows, columns].map((extent, k) => (k === axis ? Math.min(LIMIT, extent * 2) : extent));
        const t = this.result(shape, output);
        const body: Body = { acc: dtype, init: 0, step: 0, finish: { x: 0 } };
        this.push('upsample', shape, [], [read(a, along(['div', d(axis), 2])), write(t)], body);
        return;
      }
      case 'twoResults': {
        const first = this.result([rows, columns], output);
        const second = this.result([rows, columns], output);
        const row: IndexMap = [{ at: d(0) }, { at: 0, size: columns }];
        this.push('twoResults', [rows], [], [read(a, row), write(first, row), write(second, row)]);
        return;
      }
      case 'pointwise': {
        const t = this.result([rows, columns], output);
        const body: Body = { acc: dtype, init: 0, step: 0, finish: { fn: 'sub', args: [5, { x: 0 }] } };
        this.push('pointwise', [rows, columns], [], [read(a, same), write(t, same, 0)], body);
      }
    }
  }

  /** A constant matrix, 8-byte aligned. */
  private weights(rows: number, columns: number): number {
    const offset = this.bytes.length;
    const cell = new DataView(new ArrayBuffer(4));
    for (let k = 0; k < rows * columns; k++) {
      if (this.dtype === 'float32') cell.setFloat32(0, this.random(), true);
      else cell.setInt32(0, this.random(), true);
      for (let byte = 0; byte < (this.dtype === 'int8' ? 1 : 4); byte++) this.bytes.push(cell.getUint8(byte));
    }
    while (this.bytes.length % 8 !== 0) this.bytes.push(0);
    return this.tensor(`w${this.tensors.length}`, [rows, columns], 'constant', { offset, sha256: '' });
  }
}

/** Row by row: `softmax` shifts by the greatest value of its row, `twoResults` gives the running sum and its negative. */
function evaluateOpaque(operation: Operation, [x]: readonly Values[]): readonly Values[] | undefined {
  const [rows, columns] = x.shape;
  const map = (fn: (row: readonly number[]) => readonly number[]): Values => {
    const data = Array.from({ length: rows }, (_, r) => fn(Array.from({ length: columns }, (__, c) => x.data[r * columns + c]))).flat();
    return { dtype: x.dtype, shape: x.shape, data };
  };
  const running = (row: readonly number[]): number[] => {
    let sum = 0;
    return row.map((value) => (sum += value));
  };
  if (operation.type === 'softmax') return [map((row) => row.map((value) => value - Math.max(...row)))];
  if (operation.type === 'twoResults') return [map(running), map((row) => running(row).map((value) => -value))];
  return undefined;
}
