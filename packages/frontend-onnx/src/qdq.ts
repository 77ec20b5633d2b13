import { type DType, materialize, type Values } from '@regrain/core-ir';
import type { Graph, GraphNode } from './graph.js';
import { DTYPE_OF } from './schema.js';

/** `real = (stored - zeroPoint) * scale`. */
interface Affine {
  readonly scale: readonly number[];
  readonly zeroPoint: readonly number[];
  readonly axis: number;
}

interface Dequantized {
  readonly stored: string;
  readonly affine: Affine;
  /** Of the stored values; undefined where only the model's run would tell. */
  readonly dtype: DType | undefined;
}

/** Operators that have an integer form; the position of inputs that must be quantised, others may be real. */
const INTEGER_FORMS = new Set(
  'Conv Gemm MatMul ReduceMean AveragePool GlobalAveragePool Softmax Add Sub Mul Div Sigmoid HardSigmoid HardSwish Tanh Relu LeakyRelu Clip PRelu Resize Sqrt Exp'.split(
    ' ',
  ),
);
/** Operators that only move elements: with the same quantisation on both sides they work on the integers. */
const MOVES = new Set(
  'Reshape Transpose Squeeze Unsqueeze Flatten Identity MaxPool Slice Concat Split DepthToSpace SpaceToDepth Gather Expand'.split(' '),
);

/**
 * Makes one integer operation of each DequantizeLinear → operator (→ Relu or Clip) → QuantizeLinear. The operator's new name is
 * `Q<Type>` in the domain `regrain`; its attribute `quant` holds scales and zero points. Clusters that do not match stay.
 */
export function fuseQuantized(graph: Graph): Graph {
  const writer = new Map<string, GraphNode>();
  const readers = new Map<string, GraphNode[]>();
  for (const node of graph.nodes) {
    for (const output of node.outputs) writer.set(output, node);
    for (const input of node.inputs) readers.set(input, [...(readers.get(input) ?? []), node]);
  }
  const outputs = new Set(graph.outputs);
  const single = (tensor: string): boolean => !outputs.has(tensor) && readers.get(tensor)?.length === 1;
  const dequantized = (tensor: string): Dequantized | undefined => {
    const node = writer.get(tensor);
    const affine = node?.type === 'DequantizeLinear' ? affineOf(graph, node) : undefined;
    return node && affine ? { stored: node.inputs[0], affine, dtype: graph.constants.get(node.inputs[2] ?? '')?.dtype } : undefined;
  };
  const replaced = new Map<GraphNode, GraphNode | undefined>();
  for (const quantize of graph.nodes) {
    if (quantize.type !== 'QuantizeLinear') continue;
    const output = affineOf(graph, quantize);
    const outputDtype = zeroType(graph, quantize);
    if (output?.scale.length !== 1 || !outputDtype) continue;
    let last = writer.get(quantize.inputs[0]);
    if (!last || !single(quantize.inputs[0])) continue;
    const chain: GraphNode[] = [last];
    let limits: { min: number; max: number } | undefined = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
    const inner = writer.get(last.inputs[0]);
    const clamp = clampOf(graph, last);
    if (clamp && inner && inner.type !== 'DequantizeLinear' && single(last.inputs[0])) {
      limits = clamp;
      last = inner;
      chain.push(last);
    }
    const operator = last;
    const inputs = operator.inputs.map((name) => (name ? dequantized(name) : undefined));
    if (MOVES.has(operator.type) && chain.length === 1 && operator.outputs.length === 1) {
      const data = operator.inputs.map((_, i) => i).filter((i) => operator.type === 'Concat' || i === 0);
      if (!data.every((i) => inputs[i] && inputs[i].dtype === outputDtype && sameAffine(inputs[i].affine, output))) continue;
      replaced.set(operator, undefined);
      replaced.set(quantize, {
        ...operator,
        inputs: operator.inputs.map((name, i) => (data.includes(i) ? (inputs[i]?.stored ?? name) : name)),
        outputs: quantize.outputs,
      });
      continue;
    }
    if (!INTEGER_FORMS.has(operator.type) || operator.domain !== '') continue;
    const quantizedInputs = ['Conv', 'Gemm', 'MatMul'].includes(operator.type) ? [0, 1] : [0];
    if (!quantizedInputs.every((i) => inputs[i])) continue;
    if (operator.inputs.some((name, i) => name && !inputs[i] && !graph.constants.has(name) && !(operator.type === 'Clip' && i > 0)))
      continue;
    const quant = {
      inputs: inputs.map((input) => input?.affine ?? null),
      output: { scale: output.scale, zeroPoint: output.zeroPoint },
      outputDtype,
    };
    for (const node of chain) replaced.set(node, undefined);
    replaced.set(quantize, {
      name: operator.name,
      type: `Q${operator.type}`,
      domain: 'regrain',
      inputs: operator.inputs.map((name, i) => inputs[i]?.stored ?? name),
      outputs: quantize.outputs,
      attributes: { ...operator.attributes, quant, ...limits },
    });
  }
  const nodes = graph.nodes.flatMap((node) => (replaced.has(node) ? (replaced.get(node) ?? []) : [node]));
  return { ...graph, nodes };
}

function affineOf(graph: Graph, node: GraphNode): Affine | undefined {
  const scale = graph.constants.get(node.inputs[1]);
  const zero = node.inputs[2] ? graph.constants.get(node.inputs[2]) : undefined;
  if (!scale || (node.inputs[2] && !zero) || Number(node.attributes.block_size ?? 0) !== 0) return undefined;
  const scales = Array.from(materialize(scale));
  const zeros = zero ? Array.from(materialize(zero)) : scales.map(() => 0);
  return { scale: scales, zeroPoint: zeros, axis: Number(node.attributes.axis ?? 1) };
}

function zeroType(graph: Graph, node: GraphNode): DType | undefined {
  const zero = node.inputs[2] ? graph.constants.get(node.inputs[2]) : undefined;
  if (zero) return zero.dtype;
  const asked = Number(node.attributes.output_dtype ?? 0);
  return asked === 0 ? 'uint8' : DTYPE_OF[asked];
}

/** The limits of a Relu or Clip with constant bounds. */
function clampOf(graph: Graph, node: GraphNode): { min: number; max: number } | undefined {
  if (node.type === 'Relu') return { min: 0, max: Number.POSITIVE_INFINITY };
  if (node.type !== 'Clip') return undefined;
  const limit = (i: number, name: string, none: number): number | undefined => {
    if (!node.inputs[i]) return Number(node.attributes[name] ?? none);
    const values: Values | undefined = graph.constants.get(node.inputs[i]);
    return values && (values.splat ?? values.data[0]);
  };
  const min = limit(1, 'min', Number.NEGATIVE_INFINITY);
  const max = limit(2, 'max', Number.POSITIVE_INFINITY);
  return min === undefined || max === undefined ? undefined : { min, max };
}

function sameAffine(a: Affine, b: Affine): boolean {
  return a.scale.length === 1 && b.scale.length === 1 && a.scale[0] === b.scale[0] && a.zeroPoint[0] === b.zeroPoint[0];
}
