import { readFileSync } from 'node:fs';
import { badInput, type Program, seeded, type Tensor, type Values } from '@regrain/core-ir';
import { randomValues } from '@regrain/hw-wasm';
import { parseNpy } from './npy.js';

/** Inputs from files where given, seeded random values elsewhere; states are the session's own. */
export function inputsFor(program: Program, files: Readonly<Record<string, string>>, seed: number): Map<string, Values> {
  const states = new Set(program.states.map(({ to }) => to.tensor));
  const wanted = program.tensors.filter(({ kind }, t) => kind === 'input' && !states.has(t));
  for (const name of Object.keys(files)) {
    if (!wanted.some((tensor) => tensor.name === name))
      throw badInput(`--input ${name}: the model has no such input; it has ${wanted.map((tensor) => tensor.name).join(', ')}`);
  }
  const random = seeded(seed);
  return new Map(
    wanted.map((tensor) => [tensor.name, tensor.name in files ? fromFile(tensor, files[tensor.name]) : randomValues(tensor, random)]),
  );
}

function fromFile({ name, dtype, shape }: Tensor, path: string): Values {
  const values = parseNpy(readFileSync(path), path);
  if (values.dtype !== dtype || values.shape.join() !== shape.join())
    throw badInput(`${path}: ${values.dtype} [${values.shape.join(', ')}]; input ${name} is ${dtype} [${shape.join(', ')}]`);
  return values;
}
