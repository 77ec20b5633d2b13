import type { DType, Values } from '@regrain/core-ir';
import protobuf from 'protobufjs';
import { halfToNumber } from './half.js';

/** The part of ONNX's schema that these tests need (field numbers of onnx.proto3). */
const { root } = protobuf.parse(
  `syntax = "proto3";
  message Opset { string domain = 1; int64 version = 2; }
  message Model { int64 ir_version = 1; Graph graph = 7; repeated Opset opset_import = 8; }
  message Graph { repeated Node node = 1; string name = 2; repeated Tensor initializer = 5; repeated Info input = 11; repeated Info output = 12; }
  message Node { repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4; repeated Attribute attribute = 5; string domain = 7; }
  message Attribute { string name = 1; float f = 2; int64 i = 3; bytes s = 4; Tensor t = 5; Graph g = 6; repeated float floats = 7; repeated int64 ints = 8; repeated bytes strings = 9; int32 type = 20; }
  message Tensor { repeated int64 dims = 1; int32 data_type = 2; repeated float float_data = 4; repeated int32 int32_data = 5; repeated bytes string_data = 6; repeated int64 int64_data = 7; string name = 8; bytes raw_data = 9; repeated double double_data = 10; repeated uint64 uint64_data = 11; }
  message Info { string name = 1; Type type = 2; }
  message Type { TensorType tensor_type = 1; }
  message TensorType { int32 elem_type = 1; Shape shape = 2; }
  message Shape { repeated Dim dim = 1; }
  message Dim { int64 dim_value = 1; string dim_param = 2; }`,
  { keepCase: true },
);

export interface ProtoTensor {
  readonly dims: readonly number[];
  readonly data_type: number;
  readonly name: string;
  readonly raw_data: Uint8Array;
  readonly float_data: readonly number[];
  readonly int32_data: readonly number[];
  readonly int64_data: readonly number[];
  readonly double_data: readonly number[];
  readonly uint64_data: readonly number[];
}

export interface ProtoAttribute {
  readonly name: string;
  readonly type: number;
  readonly f: number;
  readonly i: number;
  readonly s: Uint8Array;
  readonly t: ProtoTensor;
  readonly floats: readonly number[];
  readonly ints: readonly number[];
  readonly strings: readonly Uint8Array[];
}

export interface ProtoNode {
  readonly name: string;
  readonly op_type: string;
  readonly domain: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly ProtoAttribute[];
}

export interface ProtoInfo {
  readonly name: string;
  readonly type: {
    readonly tensor_type?: { readonly elem_type: number; readonly shape?: { readonly dim: readonly { readonly dim_value: number }[] } };
  };
}

export interface ProtoModel {
  readonly opset_import: readonly { readonly domain: string; readonly version: number }[];
  readonly graph: {
    readonly node: readonly ProtoNode[];
    readonly initializer: readonly ProtoTensor[];
    readonly input: readonly ProtoInfo[];
    readonly output: readonly ProtoInfo[];
  };
}

function decode<T>(type: string, bytes: Uint8Array): T {
  const message = root.lookupType(type);
  return message.toObject(message.decode(bytes), { longs: Number, arrays: true, defaults: true }) as T;
}

export const decodeModel = (bytes: Uint8Array): ProtoModel => decode('Model', bytes);
export const decodeTensor = (bytes: Uint8Array): ProtoTensor => decode('Tensor', bytes);

export function encode(type: string, value: object): Uint8Array {
  const message = root.lookupType(type);
  return message.encode(message.fromObject(value)).finish();
}

export const CODES: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
};

export const dtypeOfCode = (code: number): DType | undefined => (Object.keys(CODES) as DType[]).find((dtype) => CODES[dtype] === code);

/** The values of a tensor of numbers; undefined for other types (strings, bfloat16, 4-bit). */
export function tensorValues(tensor: ProtoTensor): Values | undefined {
  const dtype = dtypeOfCode(tensor.data_type);
  if (!dtype) return undefined;
  const shape = [...tensor.dims];
  const count = shape.reduce((a, b) => a * b, 1);
  const raw = tensor.raw_data;
  if (raw.length === 0) {
    const lists = [tensor.float_data, tensor.int32_data, tensor.int64_data, tensor.double_data, tensor.uint64_data];
    const found = lists.find((list) => list.length > 0) ?? [];
    const data = dtype === 'float16' ? found.map(halfToNumber) : found;
    return { dtype, shape, data: Float64Array.from(data) };
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return { dtype, shape, data: Float64Array.from({ length: count }, (_, i) => readNumber(view, dtype, i)) };
}

function readNumber(view: DataView, dtype: DType, i: number): number {
  switch (dtype) {
    case 'float32':
      return view.getFloat32(4 * i, true);
    case 'float64':
      return view.getFloat64(8 * i, true);
    case 'float16':
      return halfToNumber(view.getUint16(2 * i, true));
    case 'int64':
      return Number(view.getBigInt64(8 * i, true));
    case 'uint64':
      return Number(view.getBigUint64(8 * i, true));
    case 'int32':
      return view.getInt32(4 * i, true);
    case 'uint32':
      return view.getUint32(4 * i, true);
    case 'int16':
      return view.getInt16(2 * i, true);
    case 'uint16':
      return view.getUint16(2 * i, true);
    case 'int8':
      return view.getInt8(i);
    case 'uint8':
    case 'bool':
      return view.getUint8(i);
  }
}
