import { badInput, type DType, type Freeze, nearest, unsupported, type Values } from '@regrain/core-ir';
import { DTYPE_OF, decodeModel, type ProtoAttribute, type ProtoInfo, type ProtoModel, type ProtoNode, toNumber } from './schema.js';
import { checkedShape, readTensor, type Source } from './tensor-data.js';

export interface GraphNode {
  readonly name: string;
  readonly type: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface GraphValue {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** A model's graph in a legal order, its shapes frozen. */
export interface Graph {
  readonly name: string;
  readonly opsets: ReadonlyMap<string, number>;
  readonly inputs: readonly GraphValue[];
  readonly constants: Map<string, Values>;
  readonly nodes: readonly GraphNode[];
  readonly outputs: readonly string[];
  readonly declared: ReadonlyMap<string, readonly (number | undefined)[]>;
}

const OLDEST = 7;
const NEWEST = 26;

/** Decodes and checks a model: bytes that are no model, opsets out of range, cycles, missing tensors, open dimensions. */
export function readGraph(source: Source, bytes: Uint8Array, freeze: Freeze): Graph {
  if (bytes.length === 0) throw badInput(`${source.path}: the file is empty; give an ONNX model`);
  const model = decode(source, bytes);
  const { graph } = model;
  if (!graph || (graph.node.length === 0 && graph.output.length === 0))
    throw badInput(`${source.path}: this is no ONNX model, or one without a graph`);
  const opsets = new Map(model.opset_import.map(({ domain, version }) => [domain === 'ai.onnx' ? '' : domain, toNumber(version)]));
  const opset = opsets.get('') ?? (opsets.size === 0 ? OLDEST : NEWEST);
  if (opset < OLDEST || opset > NEWEST)
    throw unsupported(`${source.path}: operator set ${opset} is not handled; convert the model to one from ${OLDEST} to ${NEWEST}`);
  const constants = new Map<string, Values>();
  for (const tensor of graph.initializer) {
    if (constants.has(tensor.name)) throw badInput(`${source.path}: tensor ${tensor.name} is defined twice; export the model again`);
    constants.set(tensor.name, readTensor(source, tensor));
  }
  const names = graph.input.map(({ name }) => name);
  for (const [name, values] of freeze.values ?? []) {
    if (!names.includes(name)) throw unknown(source, 'input', name, names, '--bind');
    constants.set(name, values);
  }
  const inputs = freezeInputs(
    source,
    graph.input.filter(({ name }) => !constants.has(name)),
    freeze,
  );
  const nodes = ordered(
    source,
    graph.node.map((node, i) => readNode(source, node, i)),
    new Set([...constants.keys(), ...inputs.map(({ name }) => name)]),
  );
  const made = new Set([...constants.keys(), ...inputs.map(({ name }) => name), ...nodes.flatMap(({ outputs }) => outputs)]);
  for (const { name } of graph.output) if (!made.has(name)) throw badInput(`${source.path}: output ${name} is written by no node`);
  if (graph.output.length === 0) throw badInput(`${source.path}: the graph has no output`);
  const declared = new Map(
    graph.output.map((info) => [info.name, dimsOf(info)?.map((dim) => (typeof dim === 'number' ? dim : undefined)) ?? []]),
  );
  return { name: graph.name, opsets, inputs, constants, nodes, outputs: graph.output.map(({ name }) => name), declared };
}

function decode(source: Source, bytes: Uint8Array): ProtoModel {
  try {
    return decodeModel(bytes);
  } catch (cause) {
    throw badInput(
      `${source.path}: this is no ONNX model, or a part of one (${(cause as Error).message.split('\n')[0]}); check that the file is whole`,
      cause,
    );
  }
}

function readNode(source: Source, node: ProtoNode, index: number): GraphNode {
  const name = node.name || `${node.op_type}_${index}`;
  const attributes = Object.fromEntries(
    node.attribute.map((attribute) => [attribute.name, valueOf(source, name, node.op_type, attribute)]),
  );
  return {
    name,
    type: node.op_type,
    domain: node.domain === 'ai.onnx' ? '' : node.domain,
    inputs: node.input,
    outputs: node.output,
    attributes,
  };
}

function valueOf(source: Source, node: string, type: string, attribute: ProtoAttribute): unknown {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
  switch (attribute.type || guessType(attribute)) {
    case 1:
      return attribute.f;
    case 2:
      return toNumber(attribute.i);
    case 3:
      return text(attribute.s);
    case 4:
      return attribute.t ? readTensor(source, attribute.t, `${attribute.name} of node ${node}`) : undefined;
    case 6:
      return [...attribute.floats];
    case 7:
      return attribute.ints.map(toNumber);
    case 8:
      return attribute.strings.map(text);
    case 5:
    case 10:
      throw unsupported(
        `${source.path}: node ${node} (${type}) has a graph inside; control flow is not handled, export the model without it`,
      );
    default:
      return undefined;
  }
}

/** Old files leave the type out. */
function guessType(attribute: ProtoAttribute): number {
  if (attribute.ints.length > 0) return 7;
  if (attribute.floats.length > 0) return 6;
  if (attribute.strings.length > 0) return 8;
  if (attribute.t) return 4;
  if (attribute.s.length > 0) return 3;
  return attribute.f !== 0 ? 1 : 2;
}

function dimsOf(info: ProtoInfo): (number | string)[] | undefined {
  const shape = info.type?.tensor_type?.shape;
  return shape?.dim.map((dim) =>
    dim.dim_param ? dim.dim_param : dim.dim_value !== undefined && dim.dim_value !== null ? toNumber(dim.dim_value) : '',
  );
}

function freezeInputs(source: Source, infos: readonly ProtoInfo[], freeze: Freeze): GraphValue[] {
  const names = infos.map(({ name }) => name);
  const symbols = [
    ...new Set(infos.flatMap((info) => (dimsOf(info) ?? []).filter((dim) => typeof dim === 'string' && dim !== ''))),
  ] as string[];
  names.forEach((name, i) => {
    if (names.indexOf(name) !== i) throw badInput(`${source.path}: input ${name} is listed twice; export the model again`);
  });
  for (const [name, size] of [
    ...Object.entries(freeze.dims),
    ...Object.entries(freeze.shapes).flatMap(([name, s]) => s.map((d) => [name, d] as const)),
  ])
    if (!Number.isSafeInteger(size) || size < 1)
      throw badInput(`${source.path}: ${name} cannot have the size ${size}; sizes are whole numbers from 1`);
  for (const name of Object.keys(freeze.shapes)) if (!names.includes(name)) throw unknown(source, 'input', name, names, '--shape');
  for (const name of Object.keys(freeze.dims)) if (!symbols.includes(name)) throw unknown(source, 'open dimension', name, symbols, '--dim');
  const open: string[] = [];
  const values = infos.map((info): GraphValue => {
    const dtype = DTYPE_OF[info.type?.tensor_type?.elem_type ?? 0];
    if (!dtype) throw unsupported(`${source.path}: input ${info.name} is no tensor of a type that is handled`);
    const dims = dimsOf(info);
    const given = Object.hasOwn(freeze.shapes, info.name) ? freeze.shapes[info.name] : undefined;
    if (given && dims && dims.length !== given.length)
      throw badInput(
        `${source.path}: --shape ${info.name}=${given.join(',')} has ${given.length} dimensions, the input has ${dims.length}`,
      );
    if (!dims && !given) {
      open.push(`${info.name} (no shape)`);
      return { name: info.name, shape: [], dtype };
    }
    const shape = (dims ?? [...(given ?? [])]).map((dim, d) => {
      const own = typeof dim === 'number' && dim > 0 ? dim : undefined;
      if (given && own !== undefined && given[d] !== own)
        throw badInput(`${source.path}: --shape ${info.name}=${given.join(',')} contradicts the model, whose dimension ${d} is ${own}`);
      const size =
        own ??
        given?.[d] ??
        (typeof dim === 'string' ? (Object.hasOwn(freeze.dims, dim) ? freeze.dims[dim] : undefined) : dim < 0 ? dim : undefined);
      if (size === undefined) open.push(`${info.name}[${d}]${typeof dim === 'string' && dim ? ` (${dim})` : ''}`);
      return size ?? 1;
    });
    return { name: info.name, shape: checkedShape(source, `input ${info.name}`, shape), dtype };
  });
  if (open.length > 0) {
    const example =
      symbols.length > 0 ? ` --dim ${symbols.find((symbol) => open.some((each) => each.includes(`(${symbol})`))) ?? symbols[0]}=N or` : '';
    throw badInput(`${source.path}: open dimensions ${open.join(', ')}; give${example} --shape ${infos[0]?.name}=1,3,224,224`);
  }
  return values;
}

function unknown(source: Source, what: string, name: string, known: readonly string[], flag: string): Error {
  const suggestion = nearest(name, known);
  return badInput(
    `${source.path}: ${flag} ${name}: the model has no ${what} ${name}${suggestion ? `; did you mean ${suggestion}?` : ''}${known.length > 0 ? ` (there are: ${known.join(', ')})` : ' (there are none)'}`,
  );
}

/** Nodes sorted so that every tensor is written before it is read; the file's order where it is legal. */
function ordered(source: Source, nodes: readonly GraphNode[], given: ReadonlySet<string>): GraphNode[] {
  const writer = new Map<string, number>();
  nodes.forEach((node, i) => {
    for (const output of node.outputs) {
      if (!output) continue;
      if (writer.has(output) || given.has(output))
        throw badInput(`${source.path}: tensor ${output} is written twice, the second time by node ${node.name} (${node.type})`);
      writer.set(output, i);
    }
  });
  const state = new Uint8Array(nodes.length);
  const result: GraphNode[] = [];
  const visit = (first: number): void => {
    const stack: { node: number; input: number }[] = [{ node: first, input: 0 }];
    state[first] = 1;
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const node = nodes[top.node];
      const input = node.inputs[top.input++];
      if (top.input > node.inputs.length) {
        state[top.node] = 2;
        result.push(node);
        stack.pop();
        continue;
      }
      if (!input || given.has(input)) continue;
      const from = writer.get(input);
      if (from === undefined)
        throw badInput(`${source.path}: node ${node.name} (${node.type}) reads tensor ${input}, which nothing writes; the model is broken`);
      if (state[from] === 1)
        throw badInput(
          `${source.path}: nodes ${stack
            .slice(stack.findIndex((each) => each.node === from))
            .map((each) => nodes[each.node].name)
            .join(', ')} form a cycle`,
        );
      if (state[from] === 0) {
        state[from] = 1;
        stack.push({ node: from, input: 0 });
      }
    }
  };
  for (let i = 0; i < nodes.length; i++) if (state[i] === 0) visit(i);
  return result;
}
