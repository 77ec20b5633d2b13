import {
  arrayFor,
  badInput,
  type DType,
  type EvaluateOpaque,
  elements,
  interpretInto,
  interpretOperation,
  type Loaded,
  type ModelNode,
  type Operand,
  type Operation,
  type OperatorSet,
  type Target,
  unsupported,
  type Values,
  valueAt,
} from '@regrain/core-ir';
import { ProgramBuilder, type Value } from './builder.js';
import { elideCopies } from './elide-copies.js';
import { fuseElementwise } from './fuse-elementwise.js';
import type { Graph, GraphNode } from './graph.js';
import type { Source } from './tensor-data.js';
import { checkedShape, compact } from './tensor-data.js';
import { isWhole, type View, wholeView } from './view.js';
import { VIEW_OPERATORS, viewedValues } from './view-operators.js';

/** Values of more elements are not written out when they are folded from one number. */
const LARGE = 1 << 16;

/** Operators of ONNX whose inputs all have the same type. */
const ONE_TYPE = new Set(
  'Add Sub Mul Div Min Max Sum Mean Mod PRelu Conv ConvTranspose Gemm MatMul Concat Equal Less LessOrEqual Greater GreaterOrEqual And Or Xor'.split(
    ' ',
  ),
);

/** Turns a graph into a program, node by node: views become index maps, constants are folded, the rest is lowered by operator sets. */
export class Driver {
  private readonly builder = new ProgramBuilder();
  private readonly values = new Map<string, Value>();
  private readonly evaluate: EvaluateOpaque;

  constructor(
    private readonly source: Source,
    private readonly graph: Graph,
    private readonly sets: readonly OperatorSet[],
  ) {
    this.evaluate = (operation, inputs) => {
      for (const set of sets) {
        const results = set.evaluate?.(operation, inputs);
        if (results) return results;
      }
      return undefined;
    };
  }

  run(name: string): Loaded {
    const { builder, graph } = this;
    for (const { name: input, shape, dtype } of graph.inputs) {
      const tensor = builder.tensor(input, shape, dtype, 'input');
      this.values.set(input, { shape, dtype, view: wholeView(tensor, shape, dtype) });
    }
    for (const [constant, values] of graph.constants) this.values.set(constant, { shape: values.shape, dtype: values.dtype, values });
    for (const node of graph.nodes) this.node(node);
    const used = new Set<number>();
    const outputs = graph.outputs.map((output) => this.output(output, used));
    const operations = fuseElementwise(elideCopies(builder.operations, builder.tensors, outputs), builder.tensors, outputs);
    return builder.finish(name, outputs, operations);
  }

  private node(node: GraphNode): void {
    const inputs = node.inputs.map((name) => (name === '' ? undefined : (this.values.get(name) as Value)));
    const opset = this.graph.opsets.get(node.domain) ?? this.graph.opsets.get('') ?? 22;
    const known = inputs.every((value) => value === undefined || value.values !== undefined);
    this.sameTypes(node, inputs);
    const results =
      this.constant(node, inputs, known) ??
      this.view(node, opset, inputs) ??
      (node.type === 'Concat' ? this.concat(node, inputs, known) : undefined) ??
      this.lower(node, opset, inputs, known);
    for (const { shape } of results) checkedShape(this.source, `result of node ${node.name} (${node.type})`, shape);
    node.outputs.forEach((output, i) => {
      if (output && results[i]) this.values.set(output, results[i]);
    });
  }

  private sameTypes(node: GraphNode, inputs: readonly (Value | undefined)[]): void {
    if (node.domain !== '' || !ONE_TYPE.has(node.type)) return;
    const types = [...new Set(inputs.flatMap((value) => (value ? [value.dtype] : [])))];
    if (types.length > 1)
      throw badInput(
        `${this.source.path}: node ${node.name} (${node.type}) mixes ${types.join(' and ')}; its inputs must have one type, insert a Cast`,
      );
  }

  /** Nodes whose values follow from shapes alone. */
  private constant(node: GraphNode, inputs: readonly (Value | undefined)[], known: boolean): Value[] | undefined {
    if (node.domain !== '') return undefined;
    const numbers = (data: number[], shape: number[]): Value[] => [constantValue({ dtype: 'int64', shape, data: Float64Array.from(data) })];
    if (node.type === 'Shape' && inputs[0]) {
      const { shape } = inputs[0];
      const part = shape.slice(
        Number(node.attributes.start ?? 0),
        node.attributes.end === undefined ? undefined : Number(node.attributes.end),
      );
      return numbers(part, [part.length]);
    }
    if (node.type === 'Size' && inputs[0]) return numbers([elements(inputs[0].shape)], []);
    if (node.type === 'ConstantOfShape' && known && inputs[0]?.values) {
      const shape = Array.from(inputs[0].values.data);
      const fill = node.attributes.value as Values | undefined;
      const value = fill ? (fill.splat ?? fill.data[0]) : 0;
      if (shape.some((extent) => !Number.isSafeInteger(extent) || extent < 0))
        throw badInput(`${this.source.path}: node ${node.name} (${node.type}): [${shape}] is no shape`);
      return [constantValue({ dtype: fill?.dtype ?? 'float32', shape, data: [], splat: value })];
    }
    return undefined;
  }

  private view(node: GraphNode, opset: number, inputs: readonly (Value | undefined)[]): Value[] | undefined {
    const operator = node.domain === '' ? VIEW_OPERATORS[node.type] : undefined;
    const data = inputs[0];
    if (!operator || !data) return undefined;
    const view = data.copy ?? data.view ?? wholeView(-1, data.shape, data.dtype);
    const apply = (from: View): readonly View[] | undefined => {
      const tensorShape = from.tensor < 0 ? data.shape : this.builder.tensors[from.tensor].shape;
      return this.naming(node, () => operator({ node, opset, inputs, view: from, tensorShape }));
    };
    // Padding reaches beyond the tensor: what shows only a part of one is written out first.
    const views = apply(view) ?? (node.type === 'Pad' && view.tensor >= 0 ? apply(this.builder.written(data, node.inputs[0])) : undefined);
    const results = views?.map((result): Value => {
      if (!data.values) return { shape: result.shape, dtype: result.dtype, view: result };
      return constantValue(this.viewed(data.values, result));
    });
    return results && node.type === 'Dropout' ? [...results, this.mask(node, opset, inputs)] : results;
  }

  /** Of a dropout outside training: everything is kept. */
  private mask(node: GraphNode, opset: number, [data, , training]: readonly (Value | undefined)[]): Value {
    if (training && (training.values?.splat ?? training.values?.data[0]) !== 0)
      throw unsupported(`${this.source.path}: node ${node.name} (Dropout): training mode is not handled; export the model for inference`);
    const { shape, dtype } = data as Value;
    return constantValue({ dtype: opset < 10 ? dtype : 'bool', shape, data: [], splat: 1 });
  }

  /** Values of a view of known values. */
  private viewed(values: Values, view: View): Values {
    const splat = viewedValues(values, view);
    if (splat.splat !== undefined) return splat;
    const operation: Operation = {
      name: 'view',
      type: 'Copy',
      attributes: {},
      domain: view.shape.map((extent) => ({ extent, kind: 'parallel' })),
      operands: [
        { tensor: 0, mode: 'read', map: view.map.map((at) => ({ at })), ...(view.outside === undefined ? {} : { outside: view.outside }) },
        { tensor: 1, mode: 'write', map: view.shape.map((_, d) => ({ at: { d } })) },
      ],
      body: { acc: values.dtype, init: 0, step: 0, finish: { x: 0 } },
      macs: 0,
    };
    return interpretOperation(operation, [values, undefined], [{ shape: view.shape, dtype: values.dtype }])[0];
  }

  /** Each part is copied to its place; copies of whole tensors are then taken out by letting their producers write there. */
  private concat(node: GraphNode, inputs: readonly (Value | undefined)[], known: boolean): Value[] {
    const parts = inputs.filter((value) => value !== undefined);
    const [first] = parts;
    const rank = first.shape.length;
    const given = Number(node.attributes.axis ?? 1);
    const axis = given < 0 ? given + rank : given;
    if (
      axis < 0 ||
      axis >= rank ||
      parts.some(({ shape }) => shape.length !== rank || shape.some((extent, d) => d !== axis && extent !== first.shape[d]))
    ) {
      throw badInput(
        `${this.source.path}: node ${node.name} (Concat): shapes ${parts.map(({ shape }) => `[${shape}]`).join(', ')} do not fit along axis ${given}`,
      );
    }
    const shape = first.shape.map((extent, d) => (d === axis ? parts.reduce((sum, part) => sum + part.shape[axis], 0) : extent));
    if (known)
      return [
        constantValue(
          concatenated(
            parts.map(({ values }) => values as Values),
            axis,
            shape,
          ),
        ),
      ];
    const tensor = this.builder.tensor(node.outputs[0], shape, first.dtype, 'computed');
    let at = 0;
    inputs.forEach((value, i) => {
      if (!value) return;
      this.builder.copy(
        value.copy ?? this.builder.viewOf(value, node.inputs[i]),
        tensor,
        shape.map((_, d) => (d === axis ? at : 0)),
      );
      at += value.shape[axis];
    });
    return [{ shape, dtype: first.dtype, view: wholeView(tensor, shape, first.dtype) }];
  }

  private lower(node: GraphNode, opset: number, inputs: readonly (Value | undefined)[], known: boolean): Value[] {
    const set = this.sets.find(({ types }) => types.some(({ domain, type }) => domain === node.domain && type === node.type));
    if (!set) {
      throw unsupported(
        `${this.source.path}: node ${node.name}: operator ${node.domain ? `${node.domain}.` : ''}${node.type} (operator set ${opset}) is not known; add it with a plugin that binds an OperatorSet`,
      );
    }
    const modelNode: ModelNode = {
      name: node.name,
      type: node.type,
      domain: node.domain,
      opset,
      attributes: node.attributes,
      inputs: inputs.map((value) => value && { shape: value.shape, dtype: value.dtype }),
      constants: inputs.map((value) => value?.values),
      outputs: node.outputs.length,
    };
    const lowered = this.naming(node, () => set.lower(modelNode));
    for (const { shape } of lowered.outputs) checkedShape(this.source, `result of node ${node.name} (${node.type})`, shape);
    if (
      known &&
      lowered.outputs.every(
        ({ shape }) => elements(shape) < LARGE || inputs.some((value) => value && elements(value.shape) >= LARGE) || inputs.length === 0,
      )
    ) {
      return this.folded(node, inputs, lowered);
    }
    const extra = lowered.extra ?? [];
    const own = [
      ...lowered.outputs.map(({ shape, dtype }, i) =>
        this.builder.tensor(node.outputs[i] || `${node.name}/${i}`, shape, dtype, 'computed'),
      ),
      ...extra.map(({ shape, dtype, values }, i) => {
        const stored = values && valuesOf(dtype, shape, values);
        return this.builder.tensor(`${node.name}/extra${i}`, shape, dtype, stored ? 'constant' : 'computed', stored);
      }),
    ];
    const named = inputs.map((value, i) => ({ value: value ?? { shape: [], dtype: 'float32' as DType }, name: node.inputs[i] }));
    for (const operation of lowered.operations) this.builder.append(operation, named, own);
    return lowered.outputs.map(({ shape, dtype }, i): Value => ({ shape, dtype, view: wholeView(own[i], shape, dtype) }));
  }

  /** All that the node reads is known: so is what it makes. */
  private folded(node: GraphNode, inputs: readonly (Value | undefined)[], lowered: ReturnType<OperatorSet['lower']>): Value[] {
    const extra = lowered.extra ?? [];
    const tensors: (Values | undefined)[] = [
      ...inputs.map((value) => value?.values),
      ...lowered.outputs.map(() => undefined),
      ...extra.map(({ dtype, shape, values }) => values && valuesOf(dtype, shape, values)),
    ];
    const shapes = [
      ...inputs.map((value) => ({ shape: value?.shape ?? [], dtype: value?.dtype ?? ('float32' as DType) })),
      ...lowered.outputs,
      ...extra,
    ];
    for (const operation of lowered.operations) {
      // Several operations may write parts of one tensor.
      const targets = operation.operands
        .filter(({ mode }) => mode !== 'read')
        .map(({ tensor }): Target => {
          const { shape, dtype } = shapes[tensor];
          const target = (tensors[tensor] as Target | undefined) ?? { shape, dtype, data: arrayFor(dtype, elements(shape)) };
          tensors[tensor] = target;
          return target;
        });
      this.naming(node, () =>
        interpretInto(
          operation,
          operation.operands.map(({ tensor, mode }: Operand) => (mode === 'read' ? tensors[tensor] : undefined)),
          targets,
          this.evaluate,
        ),
      );
    }
    return lowered.outputs.map((_, i) => constantValue(compact(tensors[inputs.length + i] as Values)));
  }

  private output(name: string, used: Set<number>): number {
    const value = this.values.get(name) as Value;
    const view = value.copy ?? this.builder.viewOf(value, name);
    const { shape, kind } = this.builder.tensors[view.tensor];
    const declared = this.graph.declared.get(name) ?? [];
    if (
      declared.length === value.shape.length &&
      declared.some((extent, d) => extent !== undefined && extent > 0 && extent !== value.shape[d])
    ) {
      throw badInput(
        `${this.source.path}: output ${name} is declared as [${declared.map((extent) => extent ?? '?').join(', ')}], but the model computes [${value.shape.join(', ')}]`,
      );
    }
    let tensor = view.tensor;
    if (kind !== 'computed' || !isWhole(view, shape) || used.has(tensor)) {
      tensor = this.builder.tensor(name, value.shape, value.dtype, 'computed');
      this.builder.copy(
        view,
        tensor,
        value.shape.map(() => 0),
      );
    }
    used.add(tensor);
    this.builder.rename(tensor, name);
    return tensor;
  }

  /** Errors of operator sets name the node; the file stands in front. */
  private naming<T>(node: GraphNode, run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (error instanceof Error && 'code' in error && (error.code === 'bad-input' || error.code === 'unsupported')) {
        if (!error.message.startsWith(this.source.path)) error.message = `${this.source.path}: ${error.message}`;
        throw error;
      }
      throw badInput(`${this.source.path}: node ${node.name} (${node.type}) cannot be read: ${(error as Error).message}`, error);
    }
  }
}

function concatenated(parts: readonly Values[], axis: number, shape: readonly number[]): Values {
  const [{ dtype }] = parts;
  const data = arrayFor(dtype, elements(shape));
  const outer = elements(shape.slice(0, axis));
  let to = 0;
  for (let o = 0; o < outer; o++) {
    for (const part of parts) {
      const length = elements(part.shape.slice(axis));
      for (let k = 0; k < length; k++) data[to++] = valueAt(part, o * length + k);
    }
  }
  return compact({ dtype, shape, data });
}

function constantValue(values: Values): Value {
  return { shape: values.shape, dtype: values.dtype, values };
}

function valuesOf(dtype: DType, shape: readonly number[], values: ArrayLike<number> | { readonly splat: number }): Values {
  return 'splat' in values ? { dtype, shape, data: [], splat: values.splat } : { dtype, shape, data: values };
}
