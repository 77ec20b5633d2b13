import { elements, type Lowered, type ModelNode, type Operation, unsupported, type Values } from '@regrain/core-ir';
import { flag, number, numbers, text } from './attributes.js';
import { input, type Lowering, opaqueWhole, operatorFamily, placed, resultsOf, type Shaped, wrong } from './lowering.js';
import { unrolledLstm } from './lstm.js';

type Activation = (value: number) => number;

/** The activations that recurrent cells name, with ONNX's default parameters. */
const ACTIVATIONS: Readonly<Record<string, (alpha: number | undefined, beta: number | undefined) => Activation>> = {
  sigmoid: () => (v) => 1 / (1 + Math.exp(-v)),
  tanh: () => Math.tanh,
  relu: () => (v) => Math.max(0, v),
  affine:
    (alpha = 1, beta = 0) =>
    (v) =>
      alpha * v + beta,
  leakyrelu:
    (alpha = 0.01) =>
    (v) =>
      v < 0 ? alpha * v : v,
  thresholdedrelu:
    (alpha = 1) =>
    (v) =>
      v > alpha ? v : 0,
  scaledtanh:
    (alpha = 1, beta = 1) =>
    (v) =>
      alpha * Math.tanh(beta * v),
  hardsigmoid:
    (alpha = 0.2, beta = 0.5) =>
    (v) =>
      Math.min(1, Math.max(0, alpha * v + beta)),
  elu:
    (alpha = 1) =>
    (v) =>
      v < 0 ? alpha * Math.expm1(v) : v,
  softsign: () => (v) => v / (1 + Math.abs(v)),
  softplus: () => (v) => Math.log1p(Math.exp(v)),
};

interface Cell {
  readonly gates: number;
  readonly activations: readonly string[];
  /** One step of one direction for one batch row; updates `h` (and `c`). */
  step(own: Direction, data: Float64Array, h: Float64Array, c: Float64Array): void;
}

/** What one direction of the network has. */
interface Direction {
  readonly hidden: number;
  /** Sums `W x + Wb` and `R h + Rb` of a gate's row. */
  readonly fromData: (gate: number, row: number, data: Float64Array) => number;
  readonly fromState: (gate: number, row: number, h: Float64Array) => number;
  readonly peephole: (gate: number, row: number) => number;
  readonly f: readonly Activation[];
  readonly clip: Activation;
  readonly linearBeforeReset: boolean;
  readonly inputForget: boolean;
}

const RNN: Cell = {
  gates: 1,
  activations: ['tanh'],
  step(own, data, h) {
    const next = h.map((_, i) => own.f[0](own.clip(own.fromData(0, i, data) + own.fromState(0, i, h))));
    h.set(next);
  },
};

/** Gates z, r, h (ONNX GRU). */
const GRU: Cell = {
  gates: 3,
  activations: ['sigmoid', 'tanh'],
  step(own, data, h) {
    const gate = (g: number, i: number): number => own.f[0](own.clip(own.fromData(g, i, data) + own.fromState(g, i, h)));
    const reset = h.map((_, i) => gate(1, i));
    const masked = h.map((value, i) => value * reset[i]);
    const next = h.map((value, i) => {
      const update = gate(0, i);
      const state = own.linearBeforeReset ? reset[i] * own.fromState(2, i, h) : own.fromState(2, i, masked);
      return (1 - update) * own.f[1](own.clip(own.fromData(2, i, data) + state)) + update * value;
    });
    h.set(next);
  },
};

/** Gates i, o, f, c with peepholes (ONNX LSTM). */
const LSTM: Cell = {
  gates: 4,
  activations: ['sigmoid', 'tanh', 'tanh'],
  step(own, data, h, c) {
    const before = h.slice();
    const sum = (g: number, i: number): number => own.fromData(g, i, data) + own.fromState(g, i, before);
    for (let i = 0; i < own.hidden; i++) {
      const enter = own.f[0](own.clip(sum(0, i) + own.peephole(0, i) * c[i]));
      const keep = own.inputForget ? 1 - enter : own.f[0](own.clip(sum(2, i) + own.peephole(2, i) * c[i]));
      const next = keep * c[i] + enter * own.f[1](own.clip(sum(3, i)));
      h[i] = own.f[0](own.clip(sum(1, i) + own.peephole(1, i) * next)) * own.f[2](next);
      c[i] = next;
    }
  },
};

/** Inputs X, W, R, B, sequence_lens, initial_h, initial_c, P; results Y, Y_h, Y_c. Opaque, except a short LSTM. */
const recurrent = (cell: Cell): Lowering => ({
  lower: (node) => lower(node, cell),
  evaluate: (attributes, inputs) => evaluate(cell, attributes, inputs),
});

function lower(node: ModelNode, cell: Cell): Lowered {
  const [data, weights] = [input(node, 0), input(node, 1)];
  const hidden = number(node, 'hidden_size', weights.shape[1] / cell.gates);
  const direction = text(node, 'direction', 'forward');
  const directions = direction === 'bidirectional' ? 2 : 1;
  const state = input(node, 2);
  if (
    weights.shape.join() !== [directions, cell.gates * hidden, data.shape[2]].join() ||
    state.shape.join() !== [directions, cell.gates * hidden, hidden].join()
  ) {
    throw wrong(node, `weights [${weights.shape}] and [${state.shape}] do not fit data [${data.shape}] and hidden size ${hidden}`);
  }
  const names = ((node.attributes.activations as readonly string[] | undefined) ?? Array(directions).fill(cell.activations).flat()).map(
    (name) => name.toLowerCase(),
  );
  const unknown = names.find((name) => !ACTIVATIONS[name]);
  if (unknown) throw unsupported(`node ${node.name || '(unnamed)'} (${node.type}): activation ${unknown} is not handled`);
  const batchFirst = flag(node, 'layout');
  const [steps, batch] = batchFirst ? [data.shape[1], data.shape[0]] : data.shape;
  const last = { shape: batchFirst ? [batch, directions, hidden] : [directions, batch, hidden], dtype: data.dtype };
  const all: Shaped = { shape: batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden], dtype: data.dtype };
  const unrolled = cell === LSTM ? unrolledLstm(node) : undefined;
  if (unrolled) return unrolled;
  const lowered = opaqueWhole(node, [all, last, last].slice(0, Math.max(1, node.outputs)), {
    hidden,
    direction,
    batchFirst,
    activations: names,
    alphas: numbers(node, 'activation_alpha', []),
    betas: numbers(node, 'activation_beta', []),
    clip: number(node, 'clip', Number.POSITIVE_INFINITY),
    linearBeforeReset: flag(node, 'linear_before_reset'),
    inputForget: flag(node, 'input_forget'),
  });
  const macs = steps * batch * (elements(weights.shape) + elements(state.shape));
  return { ...lowered, operations: lowered.operations.map((operation) => ({ ...operation, macs })) };
}

function evaluate(cell: Cell, attributes: Operation['attributes'], inputs: readonly Values[]): Values[] {
  const [data, weights, states, bias, lengths, firstH, firstC, peepholes] = placed(attributes, inputs) as [
    Values,
    Values,
    Values,
    ...(Values | undefined)[],
  ];
  const hidden = attributes.hidden as number;
  const batchFirst = attributes.batchFirst as boolean;
  const directions = attributes.direction === 'bidirectional' ? 2 : 1;
  const [steps, batch] = batchFirst ? [data.shape[1], data.shape[0]] : data.shape;
  const width = data.shape[2];
  const results = resultsOf(attributes);
  const outputs = [steps, 1, 1].map((count) => new Float64Array(count * directions * batch * hidden));
  for (let d = 0; d < directions; d++) {
    const own = directionOf(cell, attributes, d, hidden, width, { weights, states, bias, peepholes });
    const backward = attributes.direction === 'reverse' || d === 1;
    for (let b = 0; b < batch; b++) {
      const place = batchFirst ? b * directions + d : d * batch + b;
      const [h, c] = [firstH, firstC].map((first) => Float64Array.from({ length: hidden }, (_, i) => first?.data[place * hidden + i] ?? 0));
      const length = lengths?.data[b] ?? steps;
      for (let k = 0; k < length; k++) {
        const t = backward ? length - 1 - k : k;
        const from = (batchFirst ? b * steps + t : t * batch + b) * width;
        cell.step(
          own,
          Float64Array.from({ length: width }, (_, i) => data.data[from + i]),
          h,
          c,
        );
        outputs[0].set(h, (batchFirst ? (b * steps + t) * directions + d : (t * directions + d) * batch + b) * hidden);
      }
      outputs[1].set(h, place * hidden);
      outputs[2].set(c, place * hidden);
    }
  }
  return results.map((result, i) => ({ ...result, data: outputs[i] }));
}

function directionOf(
  cell: Cell,
  attributes: Operation['attributes'],
  d: number,
  hidden: number,
  width: number,
  given: { weights: Values; states: Values; bias?: Values; peepholes?: Values },
): Direction {
  const rows = cell.gates * hidden;
  const count = cell.activations.length;
  const limit = attributes.clip as number;
  const dot = (matrix: Values, row: number, columns: number, vector: Float64Array): number => {
    const base = (d * rows + row) * columns;
    let sum = 0;
    for (let k = 0; k < columns; k++) sum += matrix.data[base + k] * vector[k];
    return sum;
  };
  const biasAt = (index: number): number => given.bias?.data[d * 2 * rows + index] ?? 0;
  return {
    hidden,
    fromData: (gate, row, vector) => dot(given.weights, gate * hidden + row, width, vector) + biasAt(gate * hidden + row),
    fromState: (gate, row, vector) => dot(given.states, gate * hidden + row, hidden, vector) + biasAt(rows + gate * hidden + row),
    peephole: (gate, row) => given.peepholes?.data[(d * 3 + gate) * hidden + row] ?? 0,
    f: cell.activations.map((_, k) => {
      const at = d * count + k;
      const name = (attributes.activations as readonly string[])[at];
      return ACTIVATIONS[name]((attributes.alphas as readonly number[])[at], (attributes.betas as readonly number[])[at]);
    }),
    clip: (value) => Math.min(limit, Math.max(-limit, value)),
    linearBeforeReset: attributes.linearBeforeReset as boolean,
    inputForget: attributes.inputForget as boolean,
  };
}

export const RecurrentOperators = operatorFamily('', { RNN: recurrent(RNN), GRU: recurrent(GRU), LSTM: recurrent(LSTM) });
