import { type Context, type Decomposition, type Machine, type Program, RegrainError } from '@regrain/core-ir';

/** The space in which tasks work: the first counted one that a task engine reaches, else the first that it reaches at all. */
export function workingSpace({ engines, spaces }: Machine): number {
  const reached = engines.filter(({ runs }) => runs === 'tasks').flatMap((engine) => engine.spaces);
  const found = reached.find((space) => spaces[space].counted) ?? reached[0];
  if (found === undefined) throw new RegrainError('infeasible', 'the machine has no engine that runs tasks and reaches a space');
  return found;
}

/** The space of each tensor's primary: where the user pins it, where inputs and outputs are at home, else where tasks work. */
export function homesOf(
  program: Program,
  work: Decomposition,
  { machine, constraints }: Pick<Context, 'machine' | 'constraints'>,
): Int32Array {
  const working = workingSpace(machine);
  const outputs = new Set(program.outputs);
  const pinned = pinnedTensors({ machine, constraints });
  const homes = new Int32Array(work.instances.length).fill(working);
  for (let i = 0; i < homes.length; i++) {
    const { tensor, role } = work.instances[i];
    if (role !== 'primary') continue;
    const { name, kind } = program.tensors[tensor];
    const pin = pinned.size > 0 ? pinned.get(name) : undefined;
    if (pin !== undefined) homes[i] = pin;
    else if (kind === 'input') homes[i] = machine.home.input;
    else if (outputs.has(tensor)) homes[i] = machine.home.output;
  }
  return homes;
}

/** The spaces of tensors that the user pins, by the tensors' names. */
export function pinnedTensors({ machine, constraints }: Pick<Context, 'machine' | 'constraints'>): ReadonlyMap<string, number> {
  return new Map(
    constraints.flatMap((each) =>
      each.kind === 'pin' ? [[each.tensor, machine.spaces.findIndex(({ name }) => name === each.space)] as const] : [],
    ),
  );
}
