import { readFileSync, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import {
  badInput,
  type Freeze,
  type Frontend,
  type Loaded,
  type OperatorSet,
  OperatorSets,
  RegrainError,
  type Values,
} from '@regrain/core-ir';
import { inject, injectable } from 'inversify';
import { Driver } from './driver.js';
import { foldBatchNorm } from './fold-batch-norm.js';
import { readGraph } from './graph.js';
import { operatorSets } from './operators/index.js';
import { fuseQuantized } from './qdq.js';
import { decodeModel, decodeTensor } from './schema.js';
import { readTensor } from './tensor-data.js';

/** Larger model files do not fit the protocol buffers' own limit. */
const MOST_BYTES = 2 ** 31;

/** ONNX models, operator sets 7 to 26. */
@injectable()
export class OnnxFrontend implements Frontend {
  constructor(@inject(OperatorSets) private readonly sets: readonly OperatorSet[]) {}

  accepts(path: string, head: Uint8Array): boolean {
    // A model starts with field 1 (ir_version, a varint); the name decides where the bytes do not.
    return extname(path).toLowerCase() === '.onnx' || (head.length > 1 && head[0] === 0x08 && head[1] < 0x20);
  }

  load(path: string, freeze: Freeze): Loaded {
    return loadOnnx(path, freeze, this.sets);
  }
}

/** The values of a tensor file (.pb), as ONNX's test data are. */
export function readTensorFile(path: string): Values {
  try {
    return readTensor({ path }, decodeTensor(readFileSync(path)));
  } catch (cause) {
    if (cause instanceof RegrainError || (cause as NodeJS.ErrnoException).code === 'ENOENT') throw cause;
    throw badInput(`${path}: this is no tensor of ONNX (${(cause as Error).message.split('\n')[0]})`, cause);
  }
}

/** Names of a model's inputs and outputs in its order; initialisers that are listed as inputs are none. */
export function interfaceOf(path: string): { readonly inputs: readonly string[]; readonly outputs: readonly string[] } {
  const { graph } = decodeModel(readFileSync(path));
  const constants = new Set(graph?.initializer.map(({ name }) => name));
  return {
    inputs: graph?.input.map(({ name }) => name).filter((name) => !constants.has(name)) ?? [],
    outputs: graph?.output.map(({ name }) => name) ?? [],
  };
}

/** Loads a model; every fault of the file is `bad-input` or `unsupported` with the file's name. */
export function loadOnnx(path: string, freeze: Freeze = { dims: {}, shapes: {} }, sets: readonly OperatorSet[] = operatorSets()): Loaded {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw badInput(`${path}: no such file`);
  if (!found.isFile()) throw badInput(`${path}: this is a folder; give an ONNX model`);
  if (found.size > MOST_BYTES) throw badInput(`${path}: larger than 2 GiB; keep the weights in external data beside the model`);
  const graph = foldBatchNorm(fuseQuantized(readGraph({ path }, readFileSync(path), freeze)));
  return new Driver({ path }, graph, sets).run(basename(path, extname(path)));
}
