import { domainBox, type Scalar } from '@regrain/core-ir';
import { Addresses, type Point } from './addresses.js';
import type { Expression, FunctionBuilder, Local } from './function-builder.js';
import type { Imports } from './imports.js';
import type { KernelShape } from './kernel.js';
import { ScalarCode } from './scalar.js';

/** The parameters of a task, read from its descriptor. */
export interface Parameters {
  readonly lo: readonly Local[];
  readonly hi: readonly Local[];
  readonly base: (parameter: number) => Local;
}

export function readParameters(fn: FunctionBuilder, dimensions: number): Parameters {
  const { m, wasm } = fn;
  const word = (k: number): Local => fn.keep(wasm.i32, m.i32.load(4 * k, 4, fn.param(0)()));
  const bases = new Map<number, Local>();
  const lo = Array.from({ length: dimensions }, (_, d) => word(2 * d));
  const hi = Array.from({ length: dimensions }, (_, d) => word(2 * d + 1));
  return {
    lo,
    hi,
    base: (parameter) => {
      const known = bases.get(parameter);
      if (known) return known;
      const base = word(2 * dimensions + parameter);
      bases.set(parameter, base);
      return base;
    },
  };
}

/** The operands that a scalar uses. */
export function operandsIn(scalar: Scalar, into: Set<number> = new Set()): Set<number> {
  if (typeof scalar === 'object') {
    if ('x' in scalar) into.add(scalar.x);
    else for (const argument of scalar.args) operandsIn(argument, into);
  }
  return into;
}

/**
 * Any operation with a body, element by element in doubles, its terms in the interpreter's order: slow, and right to the bit.
 */
export function writeGeneric(shape: KernelShape): (fn: FunctionBuilder, imports: Imports) => void {
  return (fn, imports) => {
    const { operation, shapes, operands, phase, accumulator } = shape;
    const { body, domain } = operation;
    if (!body) return;
    const { m, wasm } = fn;
    const code = new ScalarCode(fn, imports);
    const addresses = new Addresses(fn, domainBox(operation));
    const parameters = readParameters(fn, domain.length);
    for (const operand of [...operands, accumulator]) if (operand?.kind === 'view') parameters.base(operand.parameter);
    const parallel = domain.flatMap(({ kind }, d) => (kind === 'reduction' ? [] : [d]));
    const reduced = domain.flatMap(({ kind }, d) => (kind === 'reduction' ? [d] : []));
    const write = operation.operands.findIndex(({ mode }) => mode !== 'read');
    const point: (Local | undefined)[] = domain.map(() => undefined);

    const element = (k: number, at: Point): Expression => {
      const operand = operands[k];
      const { map, outside } = operation.operands[k];
      if (!operand) return m.f64.const(outside ?? 0);
      if (operand.kind === 'splat' && outside === undefined) return m.f64.const(operand.value);
      const inside = outside === undefined ? undefined : addresses.inside(map, shapes[k], at);
      if (operand.kind === 'splat') {
        return inside ? m.select(inside, m.f64.const(operand.value), m.f64.const(outside ?? 0)) : m.f64.const(operand.value);
      }
      const [value, assign] = fn.variable(wasm.f64);
      const load = (): void =>
        assign(code.load(operand.view.dtype, addresses.address(map, operand.view, parameters.base(operand.parameter), at)));
      if (inside) fn.when(inside, load, () => assign(m.f64.const(outside ?? 0)));
      else load();
      return value();
    };
    const written = (target: Extract<KernelShape['operands'][number], { kind: 'view' }>): Expression =>
      addresses.address(operation.operands[write].map, target.view, parameters.base(target.parameter), point);
    const evaluate = (scalar: Scalar, acc: Local): Expression => {
      const values = new Map([...operandsIn(scalar)].map((k) => [k, fn.keep(wasm.f64, element(k, point))]));
      return code.compile(scalar, (k) => values.get(k)?.() ?? m.f64.const(0), acc);
    };
    const nest = (dims: readonly number[], inner: () => void): void => {
      if (dims.length === 0) {
        inner();
        return;
      }
      const [d, ...rest] = dims;
      fn.loop(parameters.lo[d](), parameters.hi[d], 1, (i) => {
        point[d] = i;
        nest(rest, inner);
        point[d] = undefined;
      });
    };

    nest(parallel, () => {
      const [acc, assign] = fn.variable(wasm.f64);
      if ((phase === 'step' || phase === 'finish') && accumulator) assign(code.load(accumulator.view.dtype, written(accumulator)));
      else assign(code.rounded(body.acc, evaluate(body.init, acc)));
      if (phase !== 'init' && phase !== 'finish' && reduced.length > 0) {
        nest(reduced, () => assign(code.rounded(body.acc, evaluate(body.step, acc))));
      }
      const target = operands[write];
      if ((phase === 'init' || phase === 'step') && accumulator) {
        fn.push(code.store(accumulator.view.dtype, written(accumulator), acc()));
      } else if (target?.kind === 'view') {
        const value = fn.keep(wasm.f64, evaluate(body.finish, acc));
        fn.push(code.store(target.view.dtype, written(target), value()));
      }
    });
  };
}
