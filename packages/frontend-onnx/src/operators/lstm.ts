import { type DType, type Expr, elements, type IndexMap, type Lowered, type ModelNode, type Operand, type Scalar } from '@regrain/core-ir';
import { flag, number, numbers, text } from './attributes.js';
import { accumulatorOf, at, constantOf, dims, input, parallel, pointBody, read, reduction, type Shaped, write } from './lowering.js';
import { add, call, clamp, max, mul, sub, x } from './scalar.js';

/** Steps times directions that are written out; longer sequences stay one opaque operation. */
const MOST_STEPS = 64;

/** Where the gates i, o, f, c (ONNX's order) begin, in units of the hidden size. */
const GATE = { input: 0, output: 1, forget: 2, cell: 3 };

/**
 * LSTM (opset 1 to 22) of a short sequence as products and elementwise gates, which kernels know: once `X W' + Wb + Rb` of all steps, then
 * per step `H R'` and the gates. Undefined where it must stay opaque: lengths per row, activations without a scalar function, many steps.
 */
export function unrolledLstm(node: ModelNode): Lowered | undefined {
  const [data, weights] = [input(node, 0), input(node, 1)];
  const direction = text(node, 'direction', 'forward');
  const directions = direction === 'bidirectional' ? 2 : 1;
  const hidden = number(node, 'hidden_size', weights.shape[1] / 4);
  const batchFirst = flag(node, 'layout');
  const [steps, batch] = batchFirst ? [data.shape[1], data.shape[0]] : data.shape;
  const width = data.shape[2];
  const lengths = constantOf(node, 4);
  if (steps * directions > MOST_STEPS || elements(data.shape) === 0) return undefined;
  if (node.inputs[4] && (!lengths || Array.from(lengths).some((length) => length !== steps))) return undefined;
  const activations = activationsOf(node, directions);
  if (!activations) return undefined;

  const { dtype } = data;
  const gates = 4 * hidden;
  const limit = number(node, 'clip', Number.POSITIVE_INFINITY);
  const clip = (value: Scalar): Scalar => clamp(value, -limit, limit);
  const last = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
  const all = batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden];
  const outputs: Shaped[] = [all, last, last].slice(0, Math.max(1, node.outputs)).map((shape) => ({ shape, dtype }));
  const extra: { shape: readonly number[]; dtype: DType }[] = [];
  const operations: Lowered['operations'][number][] = [];
  const [result, hiddenResult, cellResult] = [0, 1, 2].map((k) => node.inputs.length + k);
  const own = (shape: readonly number[]): number => node.inputs.length + outputs.length + extra.push({ shape, dtype }) - 1;
  const b = { d: 0 };
  const unit = { d: 1 };
  const atStep = (t: number, d: number): IndexMap => (batchFirst ? [at(b), at(t), at(d), at(unit)] : [at(t), at(d), at(b), at(unit)]);
  const ofState = (d: number): IndexMap => (batchFirst ? [at(b), at(d), at(unit)] : [at(d), at(b), at(unit)]);
  const gate = (index: number): IndexMap => [at(b), at(shifted(unit, index * hidden))];
  const push = (
    part: string,
    domain: ReturnType<typeof parallel>,
    operands: readonly Operand[],
    body: Lowered['operations'][number]['body'],
    { macs = 0, type = node.type }: { readonly macs?: number; readonly type?: string } = {},
  ): void => {
    operations.push({ name: `${node.name}/${part}`, type, attributes: {}, domain, operands, macs, ...(body ? { body } : {}) });
  };
  const product = { acc: accumulatorOf(dtype), init: 0, step: add('acc', mul(x(0), x(1))) };

  for (let d = 0; d < directions; d++) {
    const backward = direction === 'reverse' || d === 1;
    const [f, g, h] = activations[d];
    const place = (name: string): string => (directions > 1 ? `${name} of direction ${d}` : name);
    // Domain: step, batch, gate's row | input.
    const fromData = own([steps, batch, gates]);
    const bias = node.inputs[3] ? [0, gates].map((from) => read(3, [at(d), at(shifted({ d: 2 }, from))])) : [];
    push(
      place('data'),
      [...parallel([steps, batch, gates]), ...reduction([width])],
      [
        read(0, batchFirst ? [at({ d: 1 }), at({ d: 0 }), at({ d: 3 })] : [at({ d: 0 }), at({ d: 1 }), at({ d: 3 })]),
        read(1, [at(d), at({ d: 2 }), at({ d: 3 })]),
        ...bias,
        write(fromData, dims(0, 3)),
      ],
      { ...product, finish: bias.length > 0 ? add(add('acc', x(2)), x(3)) : 'acc' },
      { macs: steps * batch * gates * width },
    );
    let cell: { readonly tensor: number; readonly map: IndexMap } | undefined = node.inputs[6] && { tensor: 6, map: ofState(d) };
    let state: { readonly tensor: number; readonly map: (unit: Expr) => IndexMap } | undefined = node.inputs[5] && {
      tensor: 5,
      map: (k) => replaced(ofState(d), k),
    };
    for (let k = 0; k < steps; k++) {
      const t = backward ? steps - 1 - k : k;
      const name = (part: string): string => place(`${part} ${t}`);
      const dataAt = (row: IndexMap): IndexMap => [at(t), ...row];
      let sums = (index: number): Operand => read(fromData, dataAt(gate(index)));
      if (state) {
        const withState = own([1, batch, gates]);
        push(
          name('state'),
          [...parallel([batch, gates]), ...reduction([hidden])],
          [
            read(state.tensor, state.map({ d: 2 })),
            read(2, [at(d), at(unit), at({ d: 2 })]),
            read(fromData, dataAt([at(b), at(unit)])),
            // Of a single step in place of the data's part.
            write(withState, [at(0), at(b), at(unit)], 2),
          ],
          { ...product, finish: add('acc', x(2)) },
          { macs: batch * gates * hidden },
        );
        sums = (index) => read(withState, [at(0), ...gate(index)]);
      }
      const peephole = (index: number): Operand[] => (node.inputs[7] ? [read(7, [at(d), at(shifted(unit, index * hidden))])] : []);
      // The new cell, in operands: gates i, f, c, then the cell before, then peepholes of i and f.
      const before = cell;
      const next =
        k === steps - 1 && node.outputs > 2 ? { tensor: cellResult, map: ofState(d) } : { tensor: own([batch, hidden]), map: dims(0, 2) };
      const peeped = (index: number, from: number): Scalar => {
        if (!node.inputs[7] || !before) return x(index);
        return add(x(index), mul(x(from), x(3)));
      };
      const enter = f(clip(peeped(0, 4)));
      const keep = flag(node, 'input_forget') ? sub(1, enter) : f(clip(peeped(1, 5)));
      const fresh = mul(enter, g(clip(x(2))));
      const reads = [
        sums(GATE.input),
        sums(GATE.forget),
        sums(GATE.cell),
        ...(before ? [read(before.tensor, before.map), ...peephole(0), ...peephole(2)] : []),
      ];
      push(
        name('cell'),
        parallel([batch, hidden]),
        [...reads, write(next.tensor, next.map)],
        pointBody(dtype, before ? add(mul(keep, x(3)), fresh) : fresh),
      );
      const open = f(clip(node.inputs[7] ? add(x(0), mul(x(2), x(1))) : x(0)));
      push(
        name('hidden'),
        parallel([batch, hidden]),
        [sums(GATE.output), read(next.tensor, next.map), ...peephole(1), write(result, atStep(t, d))],
        pointBody(dtype, mul(open, h(x(1)))),
      );
      cell = next;
      state = { tensor: result, map: (row) => replaced(atStep(t, d), row) };
    }
    const end = backward ? 0 : steps - 1;
    if (node.outputs > 1)
      push(
        place('last'),
        parallel([batch, hidden]),
        [read(result, atStep(end, d)), write(hiddenResult, ofState(d))],
        pointBody(dtype, x(0)),
        { type: 'Copy' },
      );
  }
  return { outputs, extra, operations };
}

const shifted = (expr: Expr, by: number): Expr => (by === 0 ? expr : ['+', expr, by]);

/** The map with its last index, the hidden unit, as another. */
const replaced = (map: IndexMap, unit: Expr): IndexMap => [...map.slice(0, -1), at(unit)];

type Activation = (value: Scalar) => Scalar;

/** Per direction the activations of the gates, of the cell and of the result; undefined where one has no simple scalar form. */
function activationsOf(node: ModelNode, directions: number): Activation[][] | undefined {
  const names =
    (node.attributes.activations as readonly string[] | undefined) ?? Array(directions).fill(['sigmoid', 'tanh', 'tanh']).flat();
  const [alphas, betas] = [numbers(node, 'activation_alpha', []), numbers(node, 'activation_beta', [])];
  const found = names.map((name, k): Activation | undefined => {
    switch (name.toLowerCase()) {
      case 'sigmoid':
        return (value) => call('sigmoid', value);
      case 'tanh':
        return (value) => call('tanh', value);
      case 'relu':
        return (value) => max(value, 0);
      case 'hardsigmoid':
        return (value) => clamp(add(mul(value, alphas[k] ?? 0.2), betas[k] ?? 0.5), 0, 1);
      default:
        return undefined;
    }
  });
  if (found.length !== 3 * directions || found.includes(undefined)) return undefined;
  return Array.from({ length: directions }, (_, d) => (found as Activation[]).slice(3 * d, 3 * d + 3));
}
