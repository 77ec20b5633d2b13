import { arrayFor, type Box, constantValues, elements, type Plan, RegrainError, type Values } from '@regrain/core-ir';
import type { Held } from './program.js';
import type { TensorMemory } from './tensor-memory.js';

/** What goes into a run and comes out of it; states wait here between runs. */
export class InputOutput {
  private readonly states = new Map<number, Values>();

  constructor(
    private readonly plan: Plan,
    private readonly held: readonly Held[],
    private readonly constants: Uint8Array,
    private readonly memory: TensorMemory,
  ) {}

  /** The outputs by name; states are taken over for the next run. */
  finish(given: readonly (Values | undefined)[]): Map<string, Values> {
    const { program } = this.plan;
    const outputs = new Map(program.outputs.map((tensor) => [program.tensors[tensor].name, this.result(tensor, given)]));
    this.keepStates(given);
    return outputs;
  }

  /** The values of the inputs by tensor, states among them. */
  check(inputs: ReadonlyMap<string, Values>): (Values | undefined)[] {
    const { tensors, states, name: model } = this.plan.program;
    const fed = new Map(states.map(({ to }) => [to.tensor, true]));
    const names = tensors.filter(({ kind }, t) => kind === 'input' && !fed.has(t)).map(({ name }) => name);
    for (const name of inputs.keys()) {
      if (!tensors.some((tensor) => tensor.kind === 'input' && tensor.name === name))
        throw new RegrainError('bad-input', `${model} has no input ${name}; it has ${names.join(', ')}`);
    }
    return tensors.map(({ kind, name, shape, dtype }, t) => {
      if (kind !== 'input') return undefined;
      const values =
        inputs.get(name) ?? this.states.get(t) ?? (fed.has(t) ? { dtype, shape, data: arrayFor(dtype, elements(shape)) } : undefined);
      if (!values) throw new RegrainError('bad-input', `input ${name} of ${model} is missing; it is ${dtype} [${shape.join(', ')}]`);
      if (
        values.dtype !== dtype ||
        values.shape.join() !== shape.join() ||
        (values.splat === undefined && values.data.length !== elements(shape))
      )
        throw new RegrainError(
          'bad-input',
          `input ${name} of ${model} is ${dtype} [${shape.join(', ')}], not ${values.dtype} [${values.shape.join(', ')}]`,
        );
      return values;
    });
  }

  private result(tensor: number, given: readonly (Values | undefined)[]): Values {
    const { program } = this.plan;
    const { dtype, shape, kind } = program.tensors[tensor];
    if (kind === 'constant') return constantValues(program, tensor, this.constants);
    if (kind === 'input') return given[tensor] as Values;
    const data = arrayFor(dtype, elements(shape));
    for (const each of this.held) if (each.tensor === tensor) this.memory.read(data, shape, each.box, each.at);
    return { dtype, shape, data };
  }

  private keepStates(given: readonly (Values | undefined)[]): void {
    for (const { from, to } of this.plan.program.states) {
      const values = this.result(from.tensor, given);
      const { dtype, shape } = this.plan.program.tensors[to.tensor];
      const old = this.states.get(to.tensor) ?? { dtype, shape, data: arrayFor(dtype, elements(shape)) };
      copyBox(values, from.box, old, to.box);
      this.states.set(to.tensor, old);
    }
  }
}

function copyBox(from: Values, fromBox: Box, to: Values, toBox: Box): void {
  const target = to.data as { [index: number]: number };
  const walk = (d: number, a: number, b: number): void => {
    if (d === fromBox.length) {
      target[b] = from.splat ?? from.data[a];
      return;
    }
    for (let x = 0; x < fromBox[d][1] - fromBox[d][0]; x++)
      walk(d + 1, a * from.shape[d] + fromBox[d][0] + x, b * to.shape[d] + toBox[d][0] + x);
  };
  walk(0, 0, 0);
}
