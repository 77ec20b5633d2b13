import { arrayFor, type Box, badInput, constantValues, elements, type Plan, type Values } from '@regrain/core-ir/runtime';
import { type Big, checkInto, type Elements, givenMap, type Inputs, type Into, isBig, putInto, valuesOf } from './given.js';
import type { Held } from './program.js';
import { copyElements, extentsOf, type Numbers, rowMajor, stridedCopy } from './strided-copy.js';
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

  /** The outputs by name, in arrays of the caller's where `into` has them; states are taken over for the next run. */
  finish(given: readonly (Values | undefined)[], into: Into = {}): Map<string, Values> {
    const { program } = this.plan;
    const outputs = new Map(program.outputs.map((tensor) => [program.tensors[tensor].name, this.result(tensor, given, into)]));
    this.keepStates(given);
    return outputs;
  }

  /** State goes on from where another plan of the same program left it. Throws `bad-input` where programs keep other states. */
  adopt({ plan, states }: InputOutput): void {
    const shapeOf = ({ program }: Plan): string =>
      JSON.stringify([program.name, program.states.map(({ to }) => [program.tensors[to.tensor].name, program.tensors[to.tensor].shape])]);
    if (shapeOf(plan) !== shapeOf(this.plan))
      throw badInput(`${this.plan.program.name} cannot go on with the state of ${plan.program.name}`);
    const tensorOf = new Map(this.plan.program.tensors.map(({ name }, t) => [name, t]));
    for (const [tensor, { dtype, shape, data }] of states) {
      const at = tensorOf.get(plan.program.tensors[tensor].name);
      if (at !== undefined) this.states.set(at, { dtype, shape, data: Float64Array.from(data) });
    }
  }

  /** The values of the inputs by tensor, states among them. */
  check(inputs: Inputs, into: Into = {}): (Values | undefined)[] {
    const { tensors, outputs, states, name: model } = this.plan.program;
    const given = givenMap(inputs, model);
    const fed = new Set(states.map(({ to }) => to.tensor));
    for (const name of given.keys()) {
      if (tensors.some((tensor) => tensor.kind === 'input' && tensor.name === name)) continue;
      const names = tensors.filter(({ kind }, t) => kind === 'input' && !fed.has(t)).map((tensor) => tensor.name);
      throw badInput(`${model} has no input ${name}; it has ${names.join(', ')}`);
    }
    for (const [name, array] of Object.entries(into)) {
      const output = outputs.find((tensor) => tensors[tensor].name === name);
      if (output === undefined)
        throw badInput(`${model} has no output ${name}; it has ${outputs.map((tensor) => tensors[tensor].name).join(', ')}`);
      checkInto(array, tensors[output]);
    }
    return tensors.map((tensor, t) => {
      if (tensor.kind !== 'input') return undefined;
      const { name, dtype, shape } = tensor;
      if (given.has(name)) return valuesOf(given.get(name), tensor, model);
      if (fed.has(t)) return this.states.get(t) ?? { dtype, shape, data: arrayFor(dtype, elements(shape)) };
      throw badInput(`input ${name} of ${model} is missing; it is ${dtype} [${shape.join(', ')}]`);
    });
  }

  private result(tensor: number, given: readonly (Values | undefined)[], into: Into): Values {
    const { name, dtype, shape } = this.plan.program.tensors[tensor];
    const own = Object.hasOwn(into, name) ? into[name] : undefined;
    const data = this.read(tensor, given, own && !isBig(own) ? own : undefined);
    if (own && isBig(own)) putInto(data, own);
    return { dtype, shape, data };
  }

  /** An output's numbers, in `own` where there is such an array. */
  private read(tensor: number, given: readonly (Values | undefined)[], own: Exclude<Elements, Big> | undefined): ArrayLike<number> {
    const { program } = this.plan;
    const { dtype, shape, kind } = program.tensors[tensor];
    const data = own ?? arrayFor(dtype, elements(shape));
    if (kind === 'computed') {
      for (const each of this.held) if (each.tensor === tensor) this.memory.read(data, shape, each.box, each.at);
      return data;
    }
    const values = kind === 'constant' ? constantValues(program, tensor, this.constants) : (given[tensor] as Values);
    if (values.splat === undefined) data.set(values.data);
    else data.fill(values.splat);
    return data;
  }

  private keepStates(given: readonly (Values | undefined)[]): void {
    for (const { from, to } of this.plan.program.states) {
      const values = this.result(from.tensor, given, {});
      const { dtype, shape } = this.plan.program.tensors[to.tensor];
      const old = this.states.get(to.tensor) ?? { dtype, shape, data: arrayFor(dtype, elements(shape)) };
      copyBox(values, from.box, old, to.box);
      this.states.set(to.tensor, old);
    }
  }
}

function copyBox(from: Values, fromBox: Box, to: Values, toBox: Box): void {
  const copy = stridedCopy(rowMajor(toBox, to.shape), rowMajor(fromBox, from.shape), extentsOf(fromBox));
  copyElements(copy, to.data as Numbers, from.data as Numbers);
}
