import type { Values } from '@regrain/core-ir';
import { type ProtoModel, type ProtoNode, tensorValues } from './onnx-proto.js';
import { plainView } from './plain-views.js';
import { attributesOf, runNode, setFor } from './run-node.js';

/** The type of a node that cannot be run here. */
export class UnknownOperator extends Error {}

/** Runs a graph node by node with the operator sets; `given` are its inputs, `constant` tells which of them may be bound as constants. `seen` may put another value in a result's place. */
export function runGraph(
  model: ProtoModel,
  given: ReadonlyMap<string, Values>,
  constant: (input: string) => boolean = () => false,
  seen: (node: ProtoNode, name: string, values: Values) => Values = (_, __, values) => values,
): Map<string, Values> {
  const values = new Map(given);
  const known = new Set([...given.keys()].filter(constant));
  for (const tensor of model.graph.initializer) {
    const read = tensorValues(tensor);
    if (!read) throw new UnknownOperator(`tensor ${tensor.name} of type ${tensor.data_type}`);
    values.set(tensor.name, read);
    known.add(tensor.name);
  }
  for (const node of model.graph.node) {
    const attributes = attributesOf(node);
    const inputs = node.input.map((name) => (name === '' ? undefined : values.get(name)));
    if (node.input.some((name, i) => name !== '' && !inputs[i])) throw new UnknownOperator(`${node.op_type} reads what was not computed`);
    const view = plainView(node.op_type, attributes, inputs, node.output.length);
    if (!view && !setFor(node.domain, node.op_type)) throw new UnknownOperator(node.op_type);
    const outputs =
      view ??
      runNode({
        type: node.op_type,
        domain: node.domain,
        opset: model.opset_import.find(({ domain }) => domain === node.domain)?.version ?? 1,
        attributes,
        inputs,
        constants: node.input.flatMap((name, i) => (known.has(name) ? [i] : [])),
        outputs: node.output.length,
      });
    const folds = node.op_type === 'Shape' || node.op_type === 'Size' || node.input.every((name) => name === '' || known.has(name));
    node.output.forEach((name, i) => {
      if (name === '' || !outputs[i]) return;
      values.set(name, seen(node, name, outputs[i]));
      if (folds) known.add(name);
    });
  }
  return values;
}
