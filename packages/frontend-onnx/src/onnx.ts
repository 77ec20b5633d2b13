import { readFileSync, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { badInput, type Freeze, type Frontend, type Loaded, type OperatorSet, OperatorSets } from '@regrain/core-ir';
import { inject, injectable } from 'inversify';
import { Driver } from './driver.js';
import { foldBatchNorm } from './fold-batch-norm.js';
import { readGraph } from './graph.js';
import { operatorSets } from './operators/index.js';
import { fuseQuantized } from './qdq.js';

/** Larger model files do not fit the protocol buffers' own limit. */
const MOST_BYTES = 2 ** 31;

/** ONNX models, operator sets 7 to 22 (newer ones as far as their operators are known). */
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

/** Loads a model; every fault of the file is `bad-input` or `unsupported` with the file's name. */
export function loadOnnx(path: string, freeze: Freeze = { dims: {}, shapes: {} }, sets: readonly OperatorSet[] = operatorSets()): Loaded {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw badInput(`${path}: no such file`);
  if (!found.isFile()) throw badInput(`${path}: this is a folder; give an ONNX model`);
  if (found.size > MOST_BYTES) throw badInput(`${path}: larger than 2 GiB; keep the weights in external data beside the model`);
  const graph = foldBatchNorm(fuseQuantized(readGraph({ path }, readFileSync(path), freeze)));
  return new Driver({ path }, graph, sets).run(basename(path, extname(path)));
}
