import { domainBox } from '@regrain/core-ir';
import { Addresses } from '../addresses.js';
import type { Expression, FunctionBuilder, Local } from '../function-builder.js';
import { readParameters } from '../generic.js';
import type { Imports } from '../imports.js';
import type { KernelShape } from '../kernel.js';
import { LaneCode } from '../lanes/code.js';
import { laneBlock, laneStride } from '../operand-access.js';
import type { Rows } from './rows.js';

/** Of a softmax over float32, along rows. */
export interface FloatRows extends Rows {
  /** Short or scattered rows are computed four at a time: the dimension along which they lie, and bytes from one to the next. */
  readonly together?: { readonly d: number; readonly from: number; readonly to: number };
}

/** Shorter rows, or those whose elements do not follow each other, go four at a time where they lie evenly. */
const LONG = 16;

export function floatRows(shape: KernelShape, rows: Rows): FloatRows {
  const long = rows.length >= LONG && rows.from === 4 && rows.to === 4;
  const together = long ? undefined : togetherOf(shape, rows);
  return { ...rows, ...(together ? { together } : {}) };
}

/** The innermost dimension whose rows are evenly apart. */
function togetherOf(shape: KernelShape, { read, write }: Rows): FloatRows['together'] {
  const { domain } = shape.operation;
  for (let d = domain.length - 1; d >= 0; d--) {
    const [from, to] = [read, write].map((k) => (laneBlock(shape, k, d) === undefined ? laneStride(shape, k, d) : undefined));
    if (domain[d].extent >= 4 && from && to) return { d, from, to };
  }
  return undefined;
}

/** Exponentials of the differences to the greatest, then divided by their sum, so that nothing overflows; in single precision. */
export function writeFloatSoftmax(shape: KernelShape, softmax: FloatRows, fn: FunctionBuilder, imports: Imports): void {
  const { operation, operands } = shape;
  const { m, wasm } = fn;
  const { f32x4 } = m;
  const code = new LaneCode(fn, imports, false);
  const addresses = new Addresses(fn, domainBox(operation));
  const parameters = readParameters(fn, operation.domain.length);
  for (const operand of operands) if (operand?.kind === 'view') parameters.base(operand.parameter);
  const point: (Local | undefined)[] = operation.domain.map(() => undefined);
  const { length, from, to } = softmax;
  const vectors = from === 4 && to === 4 && !softmax.together ? Math.floor(length / 4) * 4 : 0;

  const address = (k: number): Local => {
    const operand = operands[k];
    if (operand?.kind !== 'view') return () => m.i32.const(0);
    return fn.keep(wasm.i32, addresses.address(operation.operands[k].map, operand.view, parameters.base(operand.parameter), point));
  };
  const row = (): void => {
    const [x, y] = [address(softmax.read), address(softmax.write)];
    const at = (base: Local, k: Local, stride: number): Expression => m.i32.add(base(), addresses.times(k(), stride));
    /** All elements: by fours, then one by one. */
    const each = (four: (k: Local) => void, one: (k: Local) => void): void => {
      if (vectors > 0) fn.loop(m.i32.const(0), () => m.i32.const(vectors), 4, four);
      if (vectors < length) fn.loop(m.i32.const(vectors), () => m.i32.const(length), 1, one);
    };
    const load = (base: Local, k: Local): Expression => m.v128.load(0, 4, at(base, k, 4));
    const splat = (base: Local, k: Local, stride: number): Expression => m.v128.load32_splat(0, 4, at(base, k, stride));

    const [greatest, setGreatest] = fn.variable(wasm.v128);
    setGreatest(f32x4.splat(m.f32.const(Number.NEGATIVE_INFINITY)));
    each(
      (k) => setGreatest(code.greater(greatest, fn.keep(wasm.v128, load(x, k)))),
      (k) => setGreatest(code.greater(greatest, fn.keep(wasm.v128, splat(x, k, from)))),
    );
    const [most, setMost] = fn.variable(wasm.f32);
    setMost(f32x4.extract_lane(greatest(), 0));
    for (let lane = 1; lane < 4; lane++) setMost(m.f32.max(most(), f32x4.extract_lane(greatest(), lane)));
    const top = fn.keep(wasm.v128, f32x4.splat(most()));

    const [sums, setSums] = fn.variable(wasm.v128);
    setSums(f32x4.splat(m.f32.const(0)));
    const [rest, setRest] = fn.variable(wasm.f32);
    setRest(m.f32.const(0));
    const power = (value: Expression): Local => code.exponential(f32x4.sub(value, top()));
    each(
      (k) => {
        const e = power(load(x, k));
        fn.push(m.v128.store(0, 4, at(y, k, 4), e()));
        setSums(f32x4.add(sums(), e()));
      },
      (k) => {
        const e = power(splat(x, k, from));
        fn.push(m.v128.store32_lane(0, 4, 0, at(y, k, to), e()));
        setRest(m.f32.add(rest(), f32x4.extract_lane(e(), 0)));
      },
    );
    for (let lane = 0; lane < 4; lane++) setRest(m.f32.add(rest(), f32x4.extract_lane(sums(), lane)));
    each(
      (k) => fn.push(m.v128.store(0, 4, at(y, k, 4), f32x4.div(load(y, k), f32x4.splat(rest())))),
      (k) => fn.push(m.f32.store(0, 4, at(y, k, to), m.f32.div(m.f32.load(0, 4, at(y, k, to)), rest()))),
    );
  };
  /** Four rows, a lane each, in the order of `row`. */
  const four = (step: { readonly from: number; readonly to: number }): void => {
    const [x, y] = [address(softmax.read), address(softmax.write)];
    const at = (base: Local, k: Local, stride: number): Local => fn.keep(wasm.i32, m.i32.add(base(), addresses.times(k(), stride)));
    const load = (base: Local, k: Local, stride: number, apart: number): Local =>
      code.f32(code.gather('float32', at(base, k, stride), apart));
    const each = (body: (k: Local) => void): void => void fn.loop(m.i32.const(0), () => m.i32.const(length), 1, body);
    const [top, setTop] = fn.variable(wasm.v128);
    setTop(f32x4.splat(m.f32.const(Number.NEGATIVE_INFINITY)));
    each((k) => setTop(code.greater(top, load(x, k, from, step.from))));
    const [sum, setSum] = fn.variable(wasm.v128);
    setSum(f32x4.splat(m.f32.const(0)));
    each((k) => {
      const e = code.exponential(f32x4.sub(load(x, k, from, step.from)(), top()));
      code.store('float32', at(y, k, to)(), { kind: 'f32', v: e }, step.to, 4);
      setSum(f32x4.add(sum(), e()));
    });
    each((k) => {
      const value = fn.keep(wasm.v128, f32x4.div(load(y, k, to, step.to)(), sum()));
      code.store('float32', at(y, k, to)(), { kind: 'f32', v: value }, step.to, 4);
    });
  };
  const nest = (d: number): void => {
    if (d === operation.domain.length) {
      row();
      return;
    }
    const body = (i: Local): void => {
      point[d] = i;
      nest(d + 1);
      point[d] = undefined;
    };
    const { together } = softmax;
    if (together?.d !== d) {
      fn.loop(parameters.lo[d](), parameters.hi[d], 1, body);
      return;
    }
    const [i, assign] = fn.variable(wasm.i32);
    assign(parameters.lo[d]());
    const whole = (): Expression => m.i32.sub(parameters.hi[d](), m.i32.const(3));
    fn.loopOn(i, assign, whole, 4, () => {
      point[d] = i;
      inner(d + 1, () => four(together));
      point[d] = undefined;
    });
    fn.loopOn(i, assign, parameters.hi[d], 1, body);
  };
  const inner = (d: number, body: () => void): void => {
    if (d === operation.domain.length) {
      body();
      return;
    }
    fn.loop(parameters.lo[d](), parameters.hi[d], 1, (i) => {
      point[d] = i;
      inner(d + 1, body);
      point[d] = undefined;
    });
  };
  nest(0);
}
