import { arrayFor, elements, type Program, type Tensor, type Values } from '@regrain/core-ir';

/** Values for every input that a caller gives (states are the session's own). */
export function randomInputs({ tensors, states }: Program, random: () => number): Map<string, Values> {
  const fed = new Set(states.map(({ to }) => to.tensor));
  const inputs = tensors.filter(({ kind }, t) => kind === 'input' && !fed.has(t));
  return new Map(inputs.map((tensor) => [tensor.name, randomValues(tensor, random)]));
}

/** Floats in [-1, 1), bytes over their whole range, other integers in [0, 10). `random` gives numbers in [0, 1). */
export function randomValues({ dtype, shape }: Pick<Tensor, 'dtype' | 'shape'>, random: () => number): Values {
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
  const data = arrayFor(dtype, elements(shape));
  for (let k = 0; k < data.length; k++) data[k] = draw();
  return { dtype, shape, data };
}
