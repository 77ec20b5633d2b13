import { elements, type Values, valueAt } from '@regrain/core-ir';
import type { Graph, GraphNode } from './graph.js';

/**
 * BatchNormalization behind a convolution with constant weights becomes part of the weights: w' = w g / sqrt(v + e), and the same for
 * the bias (Jacob et al. 2018, section 3.2). In doubles, rounded once.
 */
export function foldBatchNorm(graph: Graph): Graph {
  const constants = new Map(graph.constants);
  const writer = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const readers = new Map<string, number>();
  for (const node of graph.nodes) for (const input of node.inputs) readers.set(input, (readers.get(input) ?? 0) + 1);
  const outputs = new Set(graph.outputs);
  const replaced = new Map<GraphNode, GraphNode | undefined>();
  for (const node of graph.nodes) {
    if (
      node.type !== 'BatchNormalization' ||
      node.domain !== '' ||
      node.outputs.filter(Boolean).length !== 1 ||
      Number(node.attributes.training_mode ?? 0) !== 0
    )
      continue;
    const conv = writer.get(node.inputs[0]);
    if (
      !conv ||
      replaced.has(conv) ||
      (conv.type !== 'Conv' && conv.type !== 'ConvTranspose') ||
      readers.get(node.inputs[0]) !== 1 ||
      outputs.has(node.inputs[0])
    )
      continue;
    const weights = constants.get(conv.inputs[1]);
    const bias = conv.inputs[2] ? constants.get(conv.inputs[2]) : undefined;
    const [gamma, beta, mean, variance] = node.inputs.slice(1).map((name) => constants.get(name));
    if (!weights || !gamma || !beta || !mean || !variance || (conv.inputs[2] && !bias) || weights.dtype !== 'float32') continue;
    const group = Number(conv.attributes.group ?? 1);
    const channels = gamma.shape[0];
    const epsilon = Number(node.attributes.epsilon ?? 1e-5);
    const factor = Float64Array.from({ length: channels }, (_, c) => valueAt(gamma, c) / Math.sqrt(valueAt(variance, c) + epsilon));
    const offset = Float32Array.from(
      { length: channels },
      (_, c) => ((bias ? valueAt(bias, c) : 0) - valueAt(mean, c)) * factor[c] + valueAt(beta, c),
    );
    const [weightName, biasName] = [`${node.name}/weights`, `${node.name}/bias`];
    constants.set(weightName, scaled(weights, factor, conv.type === 'Conv' ? undefined : group));
    constants.set(biasName, { dtype: 'float32', shape: [channels], data: offset });
    replaced.set(conv, undefined);
    replaced.set(node, { ...conv, inputs: [conv.inputs[0], weightName, biasName], outputs: node.outputs.slice(0, 1) });
  }
  return { ...graph, constants, nodes: graph.nodes.flatMap((node) => (replaced.has(node) ? (replaced.get(node) ?? []) : [node])) };
}

/** Weights times a factor per output channel: dimension 0 of Conv; of ConvTranspose [C, M / group, …] the group's part of dimension 1. */
function scaled(weights: Values, factor: Float64Array, group: number | undefined): Values {
  const { shape } = weights;
  if (weights.splat !== undefined && factor.every((value) => value === factor[0]))
    return { ...weights, splat: Math.fround(weights.splat * factor[0]) };
  const data = new Float32Array(elements(shape));
  const inner = elements(shape.slice(group === undefined ? 1 : 2));
  for (let k = 0; k < data.length; k++) {
    const block = Math.floor(k / inner);
    const channel =
      group === undefined ? block : Math.floor(Math.floor(block / shape[1]) / (shape[0] / group)) * shape[1] + (block % shape[1]);
    data[k] = valueAt(weights, k) * factor[channel];
  }
  return { dtype: weights.dtype, shape, data };
}
