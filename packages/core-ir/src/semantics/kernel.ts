import { RegrainError } from '../errors.js';
import type { Box } from '../ir/box.js';
import { bounds, dimensionsOf } from '../ir/index-map.js';
import { domainBox, type Operation, type Scalar } from '../ir/program.js';
import type { DType } from '../ir/tensor.js';
import { roundToHalf } from './half.js';
import { expressionText, type Linear, linear, offsetOf } from './linear.js';
import { INLINE_FUNCTIONS, SCALAR_FUNCTIONS } from './scalar-functions.js';

/** What a kernel must know of each operand's tensor. `splat`: its argument is one number instead of an array. */
export interface OperandType {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly splat?: boolean;
}

/** The whole body, or one of the parts of a split reduction, over an accumulator of the written tensor's shape. */
export type Phase = 'whole' | 'init' | 'step' | 'finish';

/**
 * Runs a body over the box `[lo, hi)` of the domain. `arrays[i]` is the whole tensor of operand i (a number for a splat; the write's
 * own target is among them), `accumulator` what the phases carry.
 */
export type Kernel = (
  arrays: readonly (ArrayLike<number> | number | undefined)[],
  accumulator: ArrayLike<number> | undefined,
  lo: readonly number[],
  hi: readonly number[],
) => void;

/**
 * Compiles the scalar body of an operation to nested loops: parallel dimensions outside, then the reduction, both in the domain's
 * order, so that an element's terms are always added in the same order. Where it reads memory better, the last parallel dimension
 * goes innermost over a row of accumulators; each element still sees its terms in the same order. Offsets are running sums.
 */
export function compileKernel(operation: Operation, types: readonly OperandType[], phase: Phase): Kernel {
  const source = new KernelSource(operation, types, phase).text();
  return new Function('F', 'H', 'A', 'acc', 'lo', 'hi', source).bind(undefined, SCALAR_FUNCTIONS, roundToHalf) as Kernel;
}

/** Where an operand's offset stands while loops are opened: `at` is text, `open` what waits for dimensions that are not bound yet. */
interface Cursor {
  readonly operand: number;
  readonly at: string;
  readonly open: Linear;
  /** Conditions for being inside the tensor that wait for their dimensions. */
  readonly checks: readonly { readonly text: string; readonly needs: ReadonlySet<number> }[];
  /** Text that is true where the element lies inside; empty if it always does. */
  readonly inside: string;
}

type Inner = (cursors: readonly Cursor[], bound: ReadonlySet<number>) => string;

const NONE: ReadonlySet<number> = new Set();

class KernelSource {
  private names = 0;
  private readonly domain: Box;
  private readonly parallel: number[] = [];
  private readonly reduced: number[] = [];
  private readonly write: number;

  constructor(
    private readonly operation: Operation,
    private readonly types: readonly OperandType[],
    private readonly phase: Phase,
  ) {
    this.domain = domainBox(operation);
    operation.domain.forEach(({ kind }, d) => {
      (kind === 'reduction' ? this.reduced : this.parallel).push(d);
    });
    this.write = operation.operands.findIndex(({ mode }) => mode !== 'read');
  }

  text(): string {
    const { operation } = this;
    if (!operation.body || this.write < 0) throw this.wrong('has no body to compile');
    const { body } = operation;
    const steps = this.reduced.length > 0 && (this.phase === 'whole' || this.phase === 'step');
    const row = steps ? this.rowDimension() : undefined;
    const outer = this.parallel.filter((d) => d !== row);
    const head = [
      "'use strict';",
      ...operation.operands.map((_, k) => `const a${k} = A[${k}];`),
      ...operation.domain.map((_, d) => `const l${d} = lo[${d}], h${d} = hi[${d}];`),
    ];
    if (row !== undefined) head.push(`const row = new ${ROW_ARRAYS[body.acc]}(h${row} - l${row});`);
    const used = operandsOf(body.init, operandsOf(body.step, operandsOf(body.finish))).add(this.write);
    const loops = this.nest(outer, this.cursors(used, head), NONE, (at, bound) => {
      if (row === undefined) {
        const start = `let acc1 = ${this.start(at)};`;
        const sum = steps
          ? this.nest(this.reduced, at, bound, (inner) => `acc1 = ${rounded(body.acc, this.scalar(body.step, inner, 'acc1'))};`)
          : '';
        return `${start}${sum}${this.end(at, 'acc1')}`;
      }
      const begin = this.nest([row], at, bound, (inner) => `row[i${row} - l${row}] = ${this.start(inner)};`);
      const slot = `row[i${row} - l${row}]`;
      const sum = this.nest(
        [...this.reduced, row],
        at,
        bound,
        (inner) => `${slot} = ${rounded(body.acc, this.scalar(body.step, inner, slot))};`,
      );
      return begin + sum + this.nest([row], at, bound, (inner) => this.end(inner, slot));
    });
    return `${head.join('\n')}\n${loops}`;
  }

  /** The accumulator's first value at a point. */
  private start(cursors: readonly Cursor[]): string {
    const { body } = this.operation;
    if (!body) return '0';
    if (this.phase === 'step' || this.phase === 'finish') return `acc[${this.offset(cursors)}]`;
    return rounded(body.acc, this.scalar(body.init, cursors, '0'));
  }

  /** What becomes of the accumulator at the end. */
  private end(cursors: readonly Cursor[], accumulated: string): string {
    const { body } = this.operation;
    const offset = this.offset(cursors);
    if (!body || this.phase === 'init' || this.phase === 'step') return `acc[${offset}] = ${accumulated};`;
    return `a${this.write}[${offset}] = ${stored(this.types[this.write].dtype, this.scalar(body.finish, cursors, accumulated))};`;
  }

  private offset(cursors: readonly Cursor[]): string {
    return cursors.find(({ operand }) => operand === this.write)?.at ?? '0';
  }

  private cursors(used: ReadonlySet<number>, lines: string[]): Cursor[] {
    return [...used].map((operand) => {
      const { map, outside } = this.operation.operands[operand];
      const { shape, splat } = this.types[operand];
      const checks: { text: string; needs: Set<number> }[] = [];
      map.forEach((range, d) => {
        if (range === 'all' || (range.size ?? 1) !== 1) throw this.wrong(`operand ${operand} is not read element by element`);
        if (outside === undefined) return;
        const [low, high] = bounds(range.at, this.domain);
        const at = expressionText(range.at, this.domain);
        const parts = [low < 0 ? `${at} >= 0` : '', high >= shape[d] ? `${at} < ${shape[d]}` : ''].filter(Boolean);
        if (parts.length > 0) checks.push({ text: parts.join(' && '), needs: dimensionsOf(range.at) });
      });
      const open = splat ? linear() : offsetOf(map, shape);
      return this.settle({ operand, at: `${open.constant}`, open: { ...open, constant: 0 }, checks, inside: '' }, NONE, lines);
    });
  }

  /** Opens loops over `dims` in order around `inner`. */
  private nest(dims: readonly number[], cursors: readonly Cursor[], bound: ReadonlySet<number>, inner: Inner): string {
    if (dims.length === 0) return inner(cursors, bound);
    const [d, ...rest] = dims;
    const now = new Set(bound).add(d);
    const starts = [`i${d} = l${d}`];
    const advances = [`i${d}++`];
    const lines: string[] = [];
    const moved = cursors.map((cursor) => {
      const by = cursor.open.terms.get(d);
      let next = cursor;
      if (by) {
        const name = this.name('o');
        starts.push(`${name} = ${cursor.at} + l${d} * ${by}`);
        advances.push(`${name} += ${by}`);
        const terms = new Map(cursor.open.terms);
        terms.delete(d);
        next = { ...cursor, at: name, open: { ...cursor.open, terms } };
      }
      return this.settle(next, now, lines);
    });
    return `for (let ${starts.join(', ')}; i${d} < h${d}; ${advances.join(', ')}) {\n${lines.join('\n')}\n${this.nest(rest, moved, now, inner)}\n}\n`;
  }

  /** Adds to a cursor the parts whose dimensions are all bound; new variables go to `lines`. */
  private settle(cursor: Cursor, bound: ReadonlySet<number>, lines: string[]): Cursor {
    let { at, inside } = cursor;
    const ready = (needs: ReadonlySet<number>): boolean => [...needs].every((d) => bound.has(d));
    const rest = cursor.open.rest.filter(({ expr, by }) => {
      if (!ready(dimensionsOf(expr))) return true;
      const name = this.name('o');
      lines.push(`const ${name} = ${at} + ${expressionText(expr, this.domain)} * ${by};`);
      at = name;
      return false;
    });
    const checks = cursor.checks.filter(({ text, needs }) => {
      if (!ready(needs)) return true;
      const name = this.name('g');
      lines.push(`const ${name} = ${inside ? `${inside} && ` : ''}${text};`);
      inside = name;
      return false;
    });
    return { ...cursor, at, inside, checks, open: { ...cursor.open, rest } };
  }

  private scalar(value: Scalar, cursors: readonly Cursor[], accumulator: string): string {
    if (typeof value === 'number') return literal(value);
    if (value === 'acc') return accumulator;
    if ('x' in value) return this.read(value.x, cursors);
    const args = value.args.map((argument) => this.scalar(argument, cursors, accumulator));
    if (!Object.hasOwn(SCALAR_FUNCTIONS, value.fn)) throw this.wrong(`is wrong: there is no scalar function ${value.fn}`);
    if (Object.hasOwn(INLINE_FUNCTIONS, value.fn)) return INLINE_FUNCTIONS[value.fn](...args);
    return `F.${value.fn}(${args.join(', ')})`;
  }

  private read(operand: number, cursors: readonly Cursor[]): string {
    const cursor = cursors.find((candidate) => candidate.operand === operand);
    if (!cursor) throw this.wrong(`reads operand ${operand}, which it does not have`);
    const element = this.types[operand].splat ? `a${operand}` : `a${operand}[${cursor.at}]`;
    return cursor.inside ? `(${cursor.inside} ? ${element} : ${literal(this.operation.operands[operand].outside ?? 0)})` : element;
  }

  /**
   * The parallel dimension to put innermost, or undefined to sum element by element. Costs are rough nanoseconds of one step: a read
   * along the cache line 1, across 4; a row of accumulators 1.5; a chain of dependent float32 additions 3; loop overhead by length.
   */
  private rowDimension(): number | undefined {
    const { body, operands } = this.operation;
    if (!body) return undefined;
    const cost = (inner: number): number => {
      const extent = this.operation.domain[inner].extent;
      let sum = 6 / extent;
      for (const k of operandsOf(body.step)) {
        if (this.types[k].splat) continue;
        const { terms, rest } = offsetOf(operands[k].map, this.types[k].shape);
        const stride = Math.abs(terms.get(inner) ?? 0);
        if (rest.some(({ expr }) => dimensionsOf(expr).has(inner))) sum += 4;
        else sum += stride === 0 ? 0.2 : stride <= 2 ? 1 : 4;
      }
      return sum;
    };
    const last = this.reduced[this.reduced.length - 1];
    let best: number | undefined;
    let least = cost(last) + (body.acc === 'float32' || body.acc === 'float64' ? 3 : 0);
    for (const d of this.parallel) {
      const price = cost(d) + 1.5;
      if (this.operation.domain[d].extent > 1 && price < least) [best, least] = [d, price];
    }
    return best;
  }

  private name(prefix: string): string {
    return `${prefix}${this.names++}_`;
  }

  private wrong(what: string): RegrainError {
    return new RegrainError('internal', `operation ${this.operation.name} (${this.operation.type}) ${what}`);
  }
}

const ROW_ARRAYS: Readonly<Record<DType, string>> = {
  float32: 'Float32Array',
  float16: 'Float32Array',
  float64: 'Float64Array',
  int64: 'Float64Array',
  uint64: 'Float64Array',
  int32: 'Int32Array',
  uint32: 'Uint32Array',
  int16: 'Int16Array',
  uint16: 'Uint16Array',
  int8: 'Int8Array',
  uint8: 'Uint8Array',
  bool: 'Uint8Array',
};

/** Text that rounds a number to a type: floats to the nearest, integers cut towards zero and wrapped, 64-bit integers cut. */
function rounded(dtype: DType, value: string): string {
  switch (dtype) {
    case 'float32':
      return `Math.fround(${value})`;
    case 'float16':
      return `H(${value})`;
    case 'float64':
      return value;
    case 'int64':
    case 'uint64':
      return `Math.trunc(${value})`;
    case 'int32':
      return `(${value} | 0)`;
    case 'uint32':
      return `(${value} >>> 0)`;
    case 'int16':
      return `(${value} << 16 >> 16)`;
    case 'uint16':
      return `(${value} & 65535)`;
    case 'int8':
      return `(${value} << 24 >> 24)`;
    case 'uint8':
      return `(${value} & 255)`;
    case 'bool':
      return `(${value} !== 0 ? 1 : 0)`;
  }
}

/** As `rounded`, where the array that takes the value rounds what it can itself. */
function stored(dtype: DType, value: string): string {
  return dtype === 'float16' || dtype === 'int64' || dtype === 'uint64' || dtype === 'bool' ? rounded(dtype, value) : value;
}

function literal(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '(-Infinity)';
  if (Object.is(value, -0)) return '(-0)';
  return value < 0 ? `(${value})` : `${value}`;
}

/** The operands that a scalar expression uses. */
export function operandsOf(scalar: Scalar, into: Set<number> = new Set()): Set<number> {
  if (typeof scalar === 'object') {
    if ('x' in scalar) into.add(scalar.x);
    else for (const argument of scalar.args) operandsOf(argument, into);
  }
  return into;
}
