import type { Expr, IndexRange } from '../ir/index-map.js';
import { dimensionsOf } from '../ir/index-map.js';
import type { Operand, Operation, Scalar } from '../ir/program.js';
import { INLINE, SCALAR_FUNCTIONS } from './scalar-functions.js';

/**
 * What part of a body runs: all of it, or one phase of a split reduction (the accumulator then stands in an array of its own, laid
 * out as the result).
 */
export type Phase = 'whole' | 'init' | 'step' | 'finish';

/** `read[i]` is operand i's whole tensor (undefined for a splat, whose value is in `splats[i]`), `out` the result's, `acc` the accumulator's. */
export type Kernel = (
  read: readonly (ArrayLike<number> | undefined)[],
  splats: readonly number[],
  out: { [index: number]: number },
  acc: { [index: number]: number },
  lo: ArrayLike<number>,
  hi: ArrayLike<number>,
) => void;

/**
 * Writes an operation's body as nested loops over its domain, parallel dimensions outermost. Index arithmetic is placed in the
 * outermost loop in which it can stand. `shapes[i]` is the shape of operand i's tensor. An unknown function is a `RangeError`.
 */
export function generateKernel(
  operation: Operation,
  shapes: readonly (readonly number[])[],
  splat: readonly boolean[],
  phase: Phase,
): Kernel {
  return new Function('F', kernelSource(operation, shapes, splat, phase))(SCALAR_FUNCTIONS) as Kernel;
}

function kernelSource(operation: Operation, shapes: readonly (readonly number[])[], splat: readonly boolean[], phase: Phase): string {
  const { body, domain, operands } = operation;
  if (!body) throw new RangeError(`operation ${operation.name} has no body`);
  const outer = domain.flatMap(({ kind }, d) => (kind === 'reduction' ? [] : [d]));
  const inner = domain.flatMap(({ kind }, d) => (kind === 'reduction' ? [d] : []));
  const loops = [...outer, ...inner];
  const depthOf = new Map(loops.map((d, k) => [d, k + 1]));
  const write = operands.findIndex(({ mode }) => mode !== 'read');
  const reduces = inner.length > 0 && (phase === 'whole' || phase === 'step');
  const inStep = reduces ? operandsOf(body.step) : new Set<number>();
  const after = phase === 'init' ? operandsOf(body.init) : phase === 'step' ? new Set<number>() : operandsOf(body.finish);
  const before = phase === 'whole' ? operandsOf(body.init) : new Set<number>();
  // code[depth]: what stands at the top of the loop at that depth (0: before all loops).
  const code: string[][] = Array.from({ length: loops.length + 1 }, () => []);
  const access = new Map<number, string>();
  for (const i of new Set([...inStep, ...after, ...before])) access.set(i, addressing(i, operands[i], shapes[i], splat[i], depthOf, code));
  addressing(write, operands[write], shapes[write], false, depthOf, code);
  const read = (i: number): string => access.get(i) ?? 'NaN';
  const target = `w${write}`;
  const js = (scalar: Scalar): string => scalarSource(scalar, read);
  const lines: string[] = [];
  operands.forEach(({ mode }, i) => {
    if (mode === 'read') lines.push(`const x${i} = read[${i}], c${i} = splats[${i}];`);
  });
  lines.push(...code[0]);
  const open = (d: number, k: number): void => {
    lines.push(`for (let d${d} = lo[${d}]; d${d} < hi[${d}]; d${d}++) {`, ...code[k]);
  };
  outer.forEach((d, k) => {
    open(d, k + 1);
  });
  if (phase === 'init') lines.push(`acc[${target}] = ${js(body.init)};`);
  else {
    lines.push(`let a = ${phase === 'whole' ? js(body.init) : `acc[${target}]`};`);
    if (reduces) {
      inner.forEach((d, k) => {
        open(d, outer.length + k + 1);
      });
      lines.push(`a = ${js(body.step)};`, '}'.repeat(inner.length));
    }
    lines.push(phase === 'step' ? `acc[${target}] = a;` : `out[${target}] = ${js(body.finish)};`);
  }
  lines.push('}'.repeat(outer.length));
  return `return function (read, splats, out, acc, lo, hi) {\n${lines.join('\n')}\n}`;
}

/** Emits the flat index of an operand as sums per loop depth, and gives the expression that reads it. */
function addressing(
  i: number,
  operand: Operand,
  shape: readonly number[],
  isSplat: boolean,
  depthOf: ReadonlyMap<number, number>,
  code: string[][],
): string {
  const strides = shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1));
  const terms: string[][] = code.map(() => []);
  const tests: string[][] = code.map(() => []);
  let deepest = 0;
  operand.map.forEach((range: IndexRange, dimension) => {
    if (range === 'all' || (range.size ?? 1) !== 1) throw new RangeError(`operand ${i} of a body must read one element per point`);
    const depth = Math.max(0, ...[...dimensionsOf(range.at)].map((d) => depthOf.get(d) ?? 0));
    deepest = Math.max(deepest, depth);
    const name = `i${i}_${dimension}`;
    const checked = operand.outside !== undefined;
    if (checked) code[depth].push(`const ${name} = ${exprSource(range.at)};`);
    if (checked) tests[depth].push(`${name} >= 0 && ${name} < ${shape[dimension]}`);
    if (strides[dimension] !== 0)
      terms[depth].push(`${checked ? name : exprSource(range.at)}${strides[dimension] === 1 ? '' : ` * ${strides[dimension]}`}`);
  });
  let base = '';
  let test = '';
  for (let depth = 0; depth <= deepest; depth++) {
    if (terms[depth].length > 0) {
      const name = depth === deepest ? `w${i}` : `b${i}_${depth}`;
      code[depth].push(`const ${name} = ${[...(base ? [base] : []), ...terms[depth]].join(' + ')};`);
      base = name;
    } else if (depth === deepest) {
      code[depth].push(`const w${i} = ${base || '0'};`);
    }
    if (tests[depth].length > 0) {
      const name = `t${i}_${depth}`;
      code[depth].push(`const ${name} = ${[...(test ? [test] : []), ...tests[depth]].join(' && ')};`);
      test = name;
    }
  }
  const value = isSplat ? `c${i}` : `x${i}[w${i}]`;
  return operand.outside === undefined ? value : `(${test || 'true'} ? ${value} : ${numberSource(operand.outside)})`;
}

function exprSource(expr: Expr): string {
  if (typeof expr === 'number') return numberSource(expr);
  if ('d' in expr) return `d${expr.d}`;
  const a = exprSource(expr[1]);
  switch (expr[0]) {
    case '+':
      return `(${a} + ${exprSource(expr[2])})`;
    case '*':
      return `(${a} * ${numberSource(expr[2])})`;
    case 'div':
      return `Math.floor(${a} / ${expr[2]})`;
    case 'mod':
      return `(${a} - Math.floor(${a} / ${expr[2]}) * ${expr[2]})`;
    default:
      return `Math.${expr[0]}(${a}, ${expr[2]})`;
  }
}

function scalarSource(scalar: Scalar, read: (operand: number) => string): string {
  if (typeof scalar === 'number') return numberSource(scalar);
  if (scalar === 'acc') return 'a';
  if ('x' in scalar) return read(scalar.x);
  const args = scalar.args.map((argument) => scalarSource(argument, read));
  const inline = INLINE[scalar.fn];
  if (inline) return inline.replace(/\$(\d)/g, (_, k: string) => args[Number(k)]);
  if (!Object.hasOwn(SCALAR_FUNCTIONS, scalar.fn)) throw new RangeError(`there is no scalar function ${scalar.fn}`);
  return `F.${scalar.fn}(${args.join(', ')})`;
}

function numberSource(value: number): string {
  return Object.is(value, -0) ? '(-0)' : value < 0 ? `(${value})` : String(value);
}

function operandsOf(scalar: Scalar, into: Set<number> = new Set()): Set<number> {
  if (typeof scalar === 'object') {
    if ('x' in scalar) into.add(scalar.x);
    else for (const argument of scalar.args) operandsOf(argument, into);
  }
  return into;
}
