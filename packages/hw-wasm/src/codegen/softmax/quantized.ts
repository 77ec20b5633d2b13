import { type DType, domainBox } from '@regrain/core-ir';
import { Addresses } from '../addresses.js';
import type { Expression, FunctionBuilder, Local } from '../function-builder.js';
import { readParameters } from '../generic.js';
import type { Imports } from '../imports.js';
import type { KernelShape } from '../kernel.js';
import { ScalarCode } from '../scalar.js';
import type { Rows } from './rows.js';

export interface Quantized {
  /** Of what is read; its zero point cancels, softmax only sees differences. */
  readonly scale: number;
  readonly outputScale: number;
  readonly outputZero: number;
  readonly from: DType;
  readonly to: DType;
  /** What the written type holds. */
  readonly range: readonly [number, number];
}

/** Softmax between dequantisation and quantisation, element by element in doubles: equal to its operator set's definition to the bit. */
export function writeQuantizedSoftmax(shape: KernelShape, rows: Rows, quantized: Quantized, fn: FunctionBuilder, imports: Imports): void {
  const { operation, operands } = shape;
  const { m, wasm } = fn;
  const { f64 } = m;
  const { scale, outputScale, outputZero, from, to, range } = quantized;
  const code = new ScalarCode(fn, imports);
  const exponential = imports.use('exp', 1);
  const addresses = new Addresses(fn, domainBox(operation));
  const parameters = readParameters(fn, operation.domain.length);
  for (const operand of operands) if (operand?.kind === 'view') parameters.base(operand.parameter);
  const point: (Local | undefined)[] = operation.domain.map(() => undefined);
  const address = (k: number): Local => {
    const operand = operands[k];
    if (operand?.kind !== 'view') return () => m.i32.const(0);
    return fn.keep(wasm.i32, addresses.address(operation.operands[k].map, operand.view, parameters.base(operand.parameter), point));
  };
  const row = (): void => {
    const [x, y] = [address(rows.read), address(rows.write)];
    const at = (base: Local, k: Local, stride: number): Expression => m.i32.add(base(), addresses.times(k(), stride));
    const real = (k: Local): Expression => f64.mul(code.load(from, at(x, k, rows.from)), f64.const(scale));
    const each = (body: (k: Local) => void): void => void fn.loop(m.i32.const(0), () => m.i32.const(rows.length), 1, body);
    const [greatest, setGreatest] = fn.variable(wasm.f64);
    setGreatest(f64.const(Number.NEGATIVE_INFINITY));
    each((k) => setGreatest(f64.max(greatest(), real(k))));
    const power = (k: Local): Expression => m.call(exponential, [f64.sub(real(k), greatest())], wasm.f64);
    const [total, setTotal] = fn.variable(wasm.f64);
    setTotal(f64.const(0));
    each((k) => setTotal(f64.add(total(), power(k))));
    each((k) => {
      const units = f64.div(f64.div(power(k), total()), f64.const(outputScale));
      const whole = f64.add(f64.nearest(f64.promote(m.f32.demote(units))), f64.const(outputZero));
      const [low, high] = range;
      fn.push(code.store(to, at(y, k, rows.to), f64.min(f64.max(whole, f64.const(low)), f64.const(high))));
    });
  };
  const nest = (d: number): void => {
    if (d === operation.domain.length) {
      row();
      return;
    }
    fn.loop(parameters.lo[d](), parameters.hi[d], 1, (i) => {
      point[d] = i;
      nest(d + 1);
      point[d] = undefined;
    });
  };
  nest(0);
}
