import { readFileSync } from 'node:fs';
import { badInput, elements, type Program, seeded, type Tensor, type Values } from '@regrain/core-ir';
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

/** Floats in [-1, 1), bytes over their whole range, other integers in [0, 10). */
export function randomValues({ dtype, shape }: Tensor, random: () => number): Values {
  const draw = (): number => {
    switch (dtype) {
      case 'float32':
      case 'float16':
      case 'float64':
        return Math.fround(2 * random() - 1);
      case 'int8':
        return Math.floor(256 * random()) - 128;
      case 'uint8':
        return Math.floor(256 * random());
      case 'bool':
        return random() < 0.5 ? 0 : 1;
      default:
        return Math.floor(10 * random());
    }
  };
  return { dtype, shape, data: Float64Array.from({ length: elements(shape) }, draw) };
}
