import { arrayFor, elements, interpretInto, type ModelNode, type OperatorSet, type Target, type Values } from '@regrain/core-ir';
import { operatorSets } from '../src/operators/index.js';
import { type ProtoAttribute, type ProtoNode, tensorValues } from './onnx-proto.js';

const sets = operatorSets();

export function setFor(domain: string, type: string): OperatorSet | undefined {
  return sets.find((set) => set.types.some((known) => known.domain === domain && known.type === type));
}

/** Attributes as the driver gives them to operator sets. */
export function attributesOf(node: ProtoNode): Record<string, unknown> {
  return Object.fromEntries(node.attribute.map((attribute) => [attribute.name, valueOf(attribute)]));
}

function valueOf(attribute: ProtoAttribute): unknown {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
  switch (attribute.type) {
    case 1:
      return attribute.f;
    case 2:
      return attribute.i;
    case 3:
      return text(attribute.s);
    case 4:
      return tensorValues(attribute.t);
    case 6:
      return [...attribute.floats];
    case 7:
      return [...attribute.ints];
    case 8:
      return attribute.strings.map(text);
    default:
      return undefined;
  }
}

export interface NodeRun {
  readonly type: string;
  readonly domain?: string;
  readonly opset?: number;
  readonly attributes?: Record<string, unknown>;
  readonly inputs: readonly (Values | undefined)[];
  /** Inputs by position that are known at load time. */
  readonly constants?: readonly number[];
  readonly outputs?: number;
}

/** Lowers one node and interprets what it became. */
export function runNode(run: NodeRun): Values[] {
  const { type, domain = '', opset = 18, attributes = {}, inputs, constants = [], outputs = 1 } = run;
  const set = setFor(domain, type);
  if (!set) throw new RangeError(`no operator set knows ${type}`);
  const node: ModelNode = {
    name: 'it',
    type,
    domain,
    opset,
    attributes,
    inputs,
    constants: inputs.map((values, i) => (constants.includes(i) ? values : undefined)),
    outputs,
  };
  const lowered = set.lower(node);
  const tensors: (Values | undefined)[] = [
    ...inputs,
    ...lowered.outputs.map(() => undefined),
    ...(lowered.extra ?? []).map(({ shape, dtype, values }): Values | undefined =>
      values === undefined
        ? undefined
        : 'splat' in values
          ? { shape, dtype, data: [], splat: values.splat }
          : { shape, dtype, data: rounded(dtype, values) },
    ),
  ];
  const shapes = [...inputs, ...lowered.outputs, ...(lowered.extra ?? [])];
  for (const operation of lowered.operations) {
    const targets = operation.operands
      .filter(({ mode }) => mode !== 'read')
      .map(({ tensor }): Target => {
        const { shape, dtype } = shapes[tensor]!;
        const target = (tensors[tensor] as Target | undefined) ?? { shape, dtype, data: arrayFor(dtype, elements(shape)) };
        tensors[tensor] = target;
        return target;
      });
    interpretInto(
      operation,
      operation.operands.map(({ tensor, mode }) => (mode === 'read' ? tensors[tensor] : undefined)),
      targets,
      (opaque, values) => sets.map((each) => each.evaluate?.(opaque, values)).find((found) => found !== undefined),
    );
  }
  return lowered.outputs.map((_, i) => tensors[inputs.length + i]!);
}

/** As the program's constants hold them. */
function rounded(dtype: string, values: ArrayLike<number>): ArrayLike<number> {
  return dtype === 'float32' ? Float32Array.from(values) : Float64Array.from(values);
}
