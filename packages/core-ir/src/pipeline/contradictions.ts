import { badInput } from '../errors.js';
import type { Constraint } from '../ir/constraint.js';
import type { Machine } from '../ir/machine.js';
import type { Program } from '../ir/program.js';
import { type Tensor, tensorBytes } from '../ir/tensor.js';
import { capacityOf } from './packing.js';

type Of<K extends Constraint['kind']> = Extract<Constraint, { kind: K }>;

/**
 * Two demands that no plan meets at once, whatever its grain and order: throws `bad-input` that names both. Names are known to exist.
 * Orders of operations are compared with the program's dependences where those are known (`checkOrders`).
 */
export function checkContradictions(constraints: readonly Constraint[], program: Program, machine: Machine): void {
  const of = <K extends Constraint['kind']>(kind: K): Of<K>[] => constraints.filter((each): each is Of<K> => each.kind === kind);
  const pins = of('pin');
  const tensors = new Map(program.tensors.map((tensor) => [tensor.name, tensor]));
  for (const [a, b] of pairs(pins)) pinTwice(a, b);
  for (const [a, b] of pairs(of('input'))) {
    if (a.tensor === b.tensor && a.access !== b.access) contradict(a, b, 'an input reaches the program in one way');
  }
  for (const pin of pins) {
    for (const input of of('input')) {
      if (input.tensor === pin.tensor && input.access === 'external')
        contradict(pin, input, 'an external input lies outside the spaces that are planned');
    }
    for (const reserve of of('reserve')) pinInReserved(pin, reserve, tensors.get(pin.tensor) as Tensor);
  }
  const states = new Set(program.states.flatMap(({ from, to }) => [from.tensor, to.tensor]));
  program.tensors.forEach(({ name }, id) => {
    const said = of('input').find(({ tensor, access }) => tensor === name && access !== 'resident');
    if (said && states.has(id))
      throw badInput(`constraint ${constraintText(said)}: ${name} is state, which stays from run to run: it is resident`);
  });
  for (const capacity of of('capacity')) within(capacity, capacity.bytes, of('reserve'), pins, tensors);
  for (const { name, bytes } of machine.spaces) {
    for (const reserve of of('reserve')) {
      if (reserve.space === name && reserve.offset + reserve.bytes > bytes)
        throw badInput(`constraint ${constraintText(reserve)}: ${name} of ${machine.name} holds ${bytes} bytes`);
    }
    for (const pin of pins) {
      const end = endOf(pin, tensors);
      if (pin.space === name && end > bytes)
        throw badInput(`constraint ${constraintText(pin)}: it would end at byte ${end}, ${name} of ${machine.name} holds ${bytes}`);
    }
  }
}

/** As one reads it: `pin t3 to sram at 1024`. */
export function constraintText(constraint: Constraint): string {
  switch (constraint.kind) {
    case 'pin':
      return `pin ${constraint.tensor} to ${constraint.space}${constraint.offset === undefined ? '' : ` at ${constraint.offset}`}`;
    case 'reserve':
      return `reserve ${constraint.space} from ${constraint.offset} to ${constraint.offset + constraint.bytes}`;
    case 'before':
      return `before ${constraint.first}, ${constraint.then}`;
    case 'input':
      return `input ${constraint.tensor} ${constraint.access}`;
    case 'mac-factor':
      return `mac-factor ${constraint.max}`;
    case 'capacity':
      return `capacity ${constraint.space} ${constraint.bytes}`;
  }
}

/** Reserved bytes of each space as intervals that neither overlap nor touch, in place of those given: all plugins count bytes once. */
export function withMergedReserves(constraints: readonly Constraint[]): readonly Constraint[] {
  const reserves = constraints.filter((each) => each.kind === 'reserve');
  if (reserves.length < 2) return constraints;
  const merged: Of<'reserve'>[] = [];
  for (const each of reserves.toSorted((a, b) => (a.space < b.space ? -1 : a.space > b.space ? 1 : a.offset - b.offset))) {
    const last = merged.at(-1);
    if (!last || last.space !== each.space || last.offset + last.bytes < each.offset) merged.push(each);
    else merged[merged.length - 1] = { ...last, bytes: Math.max(last.offset + last.bytes, each.offset + each.bytes) - last.offset };
  }
  return [...constraints.filter(({ kind }) => kind !== 'reserve'), ...merged];
}

/** Bytes of a space that the plan may use. */
export function usableBytes(machine: Machine, space: number, constraints: readonly Constraint[]): number {
  const { name } = machine.spaces[space];
  const reserved = constraints.reduce((sum, each) => (each.kind === 'reserve' && each.space === name ? sum + each.bytes : sum), 0);
  return capacityOf(machine, space, constraints) - reserved;
}

function pinTwice(a: Of<'pin'>, b: Of<'pin'>): void {
  if (a.tensor !== b.tensor) return;
  if (a.space !== b.space) contradict(a, b, 'a pinned tensor lies in one space');
  if (a.offset !== undefined && b.offset !== undefined && a.offset !== b.offset) contradict(a, b, 'a pinned tensor lies at one offset');
}

function pinInReserved(pin: Of<'pin'>, reserve: Of<'reserve'>, tensor: Tensor): void {
  if (pin.offset === undefined || pin.space !== reserve.space) return;
  if (pin.offset < reserve.offset + reserve.bytes && reserve.offset < pin.offset + tensorBytes(tensor))
    contradict(pin, reserve, `${pin.tensor} takes ${tensorBytes(tensor)} bytes`);
}

function within(
  capacity: Of<'capacity'>,
  bytes: number,
  reserves: readonly Of<'reserve'>[],
  pins: readonly Of<'pin'>[],
  tensors: ReadonlyMap<string, Tensor>,
): void {
  for (const reserve of reserves) {
    if (reserve.space === capacity.space && reserve.offset + reserve.bytes > bytes)
      contradict(reserve, capacity, 'the reserved bytes lie beyond the capacity');
  }
  for (const pin of pins) {
    if (pin.space === capacity.space && endOf(pin, tensors) > bytes)
      contradict(pin, capacity, `${pin.tensor} would end at byte ${endOf(pin, tensors)}`);
  }
}

/** The byte behind a tensor that is pinned to an offset; 0 where no offset is given. */
function endOf({ tensor, offset }: Of<'pin'>, tensors: ReadonlyMap<string, Tensor>): number {
  return offset === undefined ? 0 : offset + tensorBytes(tensors.get(tensor) as Tensor);
}

function contradict(a: Constraint, b: Constraint, why: string): never {
  throw badInput(`constraints contradict each other: "${constraintText(a)}" and "${constraintText(b)}": ${why}`);
}

function* pairs<T>(list: readonly T[]): Generator<readonly [T, T]> {
  for (let i = 0; i < list.length; i++) for (let j = i + 1; j < list.length; j++) yield [list[i], list[j]];
}
