import { badInput, nearest } from '../errors.js';
import type { Constraint } from '../ir/constraint.js';
import type { Machine } from '../ir/machine.js';
import type { Program } from '../ir/program.js';

/** What the user demands must name what exists. Throws `bad-input` that suggests the nearest name. */
export function checkConstraints(constraints: readonly Constraint[], program: Program, machine: Machine): void {
  const tensors = program.tensors.map(({ name }) => name);
  const operations = program.operations.map(({ name }) => name);
  const spaces = machine.spaces.map(({ name }) => name);
  for (const constraint of constraints) {
    const where = `constraint ${constraint.kind}`;
    if ('tensor' in constraint) known(where, 'tensor', constraint.tensor, tensors);
    if ('space' in constraint) known(where, `space of ${machine.name}`, constraint.space, spaces);
    if (constraint.kind === 'before') {
      known(where, 'operation', constraint.first, operations);
      known(where, 'operation', constraint.then, operations);
    }
    if (constraint.kind === 'input' && program.tensors[tensors.indexOf(constraint.tensor)].kind !== 'input')
      throw badInput(`${where}: ${constraint.tensor} is no input of ${program.name}`);
    if (constraint.kind === 'pin' && !reached(machine).includes(constraint.space))
      throw badInput(
        `${where}: no engine of ${machine.name} that runs tasks reaches ${constraint.space} (they reach: ${reached(machine).join(', ')})`,
      );
    if (constraint.kind === 'pin' && program.tensors[tensors.indexOf(constraint.tensor)].kind === 'constant')
      throw badInput(`${where}: ${constraint.tensor} is a constant, which is stored apart; pin inputs, outputs and activations`);
  }
}

/** Names of the spaces in which tasks can work. */
function reached({ engines, spaces }: Machine): string[] {
  const ids = new Set(engines.flatMap((engine) => (engine.runs === 'tasks' ? engine.spaces : [])));
  return spaces.flatMap(({ name }, space) => (ids.has(space) ? [name] : []));
}

function known(where: string, what: string, name: string, names: readonly string[]): void {
  if (names.includes(name)) return;
  const near = nearest(name, names);
  const list = names.length <= 8 ? ` (there are: ${names.join(', ')})` : '';
  throw badInput(`${where}: there is no ${what} called "${name}"${near ? `; did you mean "${near}"?` : ''}${list}`);
}

/** Without limits of space, to plan what does not fit for comparison. */
export function withoutCapacity(constraints: readonly Constraint[]): readonly Constraint[] {
  return constraints.filter(({ kind }) => kind !== 'capacity');
}

export function unlimited(machine: Machine): Machine {
  return { ...machine, spaces: machine.spaces.map((space) => ({ ...space, bytes: Number.POSITIVE_INFINITY })) };
}

/** How many times the program's multiply-accumulates may be executed. */
export function macLimit(constraints: readonly Constraint[]): number {
  return constraints.reduce((least, each) => (each.kind === 'mac-factor' ? Math.min(least, each.max) : least), Number.POSITIVE_INFINITY);
}
