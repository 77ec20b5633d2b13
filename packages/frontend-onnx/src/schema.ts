import type { DType } from '@regrain/core-ir';
import protobuf from 'protobufjs';

/** The part of ONNX's protocol buffers that models use; names and numbers of the fields as in onnx.proto3 of IR version 10. */
const { root } = protobuf.parse(
  `syntax = "proto3";
  message Model { int64 ir_version = 1; string producer_name = 2; Graph graph = 7; repeated Opset opset_import = 8; }
  message Opset { string domain = 1; int64 version = 2; }
  message Graph { repeated Node node = 1; string name = 2; repeated Tensor initializer = 5; repeated Info input = 11; repeated Info output = 12; repeated Info value_info = 13; }
  message Node { repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4; repeated Attribute attribute = 5; string domain = 7; }
  message Attribute { string name = 1; float f = 2; int64 i = 3; bytes s = 4; Tensor t = 5; bytes g = 6; repeated float floats = 7; repeated int64 ints = 8; repeated bytes strings = 9; repeated Tensor tensors = 10; int32 type = 20; }
  message Tensor { repeated int64 dims = 1; int32 data_type = 2; repeated float float_data = 4; repeated int32 int32_data = 5; repeated int64 int64_data = 7; string name = 8; bytes raw_data = 9; repeated double double_data = 10; repeated uint64 uint64_data = 11; repeated Entry external_data = 13; int32 data_location = 14; }
  message Entry { string key = 1; string value = 2; }
  message Info { string name = 1; Type type = 2; }
  message Type { TensorType tensor_type = 1; }
  message TensorType { int32 elem_type = 1; Shape shape = 2; }
  message Shape { repeated Dim dim = 1; }
  message Dim { oneof value { int64 dim_value = 1; string dim_param = 2; } }`,
  { keepCase: true },
);

type Long = number | { readonly low: number; readonly high: number; toNumber(): number };

export interface ProtoTensor {
  readonly name: string;
  readonly dims: readonly Long[];
  readonly data_type: number;
  readonly raw_data: Uint8Array;
  readonly float_data: readonly number[];
  readonly int32_data: readonly number[];
  readonly int64_data: readonly Long[];
  readonly double_data: readonly number[];
  readonly uint64_data: readonly Long[];
  readonly external_data: readonly { readonly key: string; readonly value: string }[];
  readonly data_location: number;
}

export interface ProtoAttribute {
  readonly name: string;
  readonly type: number;
  readonly f: number;
  readonly i: Long;
  readonly s: Uint8Array;
  readonly t: ProtoTensor | null;
  readonly floats: readonly number[];
  readonly ints: readonly Long[];
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
    readonly tensor_type: {
      readonly elem_type: number;
      readonly shape: { readonly dim: readonly { readonly dim_value?: Long; readonly dim_param?: string }[] } | null;
    } | null;
  } | null;
}

export interface ProtoModel {
  readonly ir_version: Long;
  readonly opset_import: readonly { readonly domain: string; readonly version: Long }[];
  readonly graph: {
    readonly name: string;
    readonly node: readonly ProtoNode[];
    readonly initializer: readonly ProtoTensor[];
    readonly input: readonly ProtoInfo[];
    readonly output: readonly ProtoInfo[];
  } | null;
}

const Model = root.lookupType('Model');

/** Decodes a model; throws what protobufjs throws on bytes that are none. */
export function decodeModel(bytes: Uint8Array): ProtoModel {
  return Model.decode(bytes) as unknown as ProtoModel;
}

const Tensor = root.lookupType('Tensor');

/** Decodes a tensor that is a file of its own, as ONNX's test data are. */
export function decodeTensor(bytes: Uint8Array): ProtoTensor {
  return Tensor.decode(bytes) as unknown as ProtoTensor;
}

/** Encodes a model, for tests. */
export function encodeModel(model: object): Uint8Array {
  return Model.encode(Model.fromObject(model)).finish();
}

/** 64-bit fields arrive as Long objects or numbers. */
export function toNumber(value: Long): number {
  return typeof value === 'number' ? value : value.toNumber();
}

/** ONNX's TensorProto.DataType by number. */
export const DTYPE_OF: Readonly<Record<number, DType>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
};
