/** Just enough of the protobuf encoding of ONNX (onnx.proto) to write small models, wrong ones above all. */

type Field = readonly [number: number, value: number | string | Uint8Array | Message];
type Message = readonly Field[];

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return bytes;
}

export function encode(message: Message): Uint8Array {
  const bytes: number[] = [];
  for (const [number, value] of message) {
    if (typeof value === 'number') {
      bytes.push(...varint(number << 3), ...varint(value));
      continue;
    }
    const body = typeof value === 'string' ? new TextEncoder().encode(value) : value instanceof Uint8Array ? value : encode(value);
    bytes.push(...varint((number << 3) | 2), ...varint(body.length), ...body);
  }
  return Uint8Array.from(bytes);
}

export interface TensorFile {
  readonly name: string;
  readonly dims: readonly number[];
  readonly raw?: Uint8Array;
  /** Key and value pairs of external data. */
  readonly external?: Readonly<Record<string, string>>;
}

export interface ModelFile {
  readonly inputs?: readonly { readonly name: string; readonly dims: readonly (number | string)[]; readonly type?: number }[];
  readonly nodes?: readonly { readonly type: string; readonly inputs: readonly string[]; readonly outputs: readonly string[] }[];
  readonly initializers?: readonly TensorFile[];
  readonly outputs?: readonly string[];
}

const FLOAT = 1;

/** By default `y = Relu(x)` on float32 [1, 4, 8, 8]; what is given replaces its part. */
export function onnxFile(model: ModelFile = {}): Uint8Array {
  const inputs = model.inputs ?? [{ name: 'x', dims: [1, 4, 8, 8] }];
  const nodes = model.nodes ?? [{ type: 'Relu', inputs: ['x'], outputs: ['y'] }];
  const value = (name: string, dims: readonly (number | string)[] | undefined, type = FLOAT): Message => {
    const shape: Message = (dims ?? []).map((dim) => [1, [typeof dim === 'number' ? [1, dim] : [2, dim]]] as const);
    return [
      [1, name],
      [
        2,
        [
          [
            1,
            dims
              ? [
                  [1, type],
                  [2, shape],
                ]
              : [[1, type]],
          ],
        ],
      ],
    ];
  };
  const graph: Message = [
    ...nodes.map(
      ({ type, inputs: from, outputs }, i) =>
        [1, [...from.map((name) => [1, name] as const), ...outputs.map((name) => [2, name] as const), [3, `node${i}`], [4, type]]] as const,
    ),
    [2, 'test'],
    ...(model.initializers ?? []).map((tensor) => [5, initializer(tensor)] as const),
    ...inputs.map(({ name, dims, type }) => [11, value(name, dims, type)] as const),
    ...(model.outputs ?? ['y']).map((name) => [12, value(name, undefined)] as const),
  ];
  return encode([
    [1, 8],
    [7, graph],
    [
      8,
      [
        [1, ''],
        [2, 13],
      ],
    ],
  ]);
}

function initializer({ name, dims, raw, external }: TensorFile): Message {
  const fields: Field[] = [...dims.map((dim) => [1, dim] as const), [2, FLOAT], [8, name]];
  if (raw) fields.push([9, raw]);
  if (external) {
    for (const [key, text] of Object.entries(external))
      fields.push([
        13,
        [
          [1, key],
          [2, text],
        ],
      ]);
    fields.push([14, 1]);
  }
  return fields;
}
