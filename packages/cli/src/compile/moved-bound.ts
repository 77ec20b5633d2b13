import { type InputAccess, type Plan, tensorBytes } from '@regrain/core-ir';

/**
 * Bytes that every plan moves: resident inputs that start, and outputs that end, in a space that is not the arena. A streamed input
 * arrives where it is read, an external one is read where it lies, and constants are stored apart: none of them is moved.
 */
export function movedBoundBytes({ program, machine, constraints }: Plan): number {
  const counted = (space: number): boolean => machine.spaces[space].counted;
  const access = new Map(constraints.flatMap((each) => (each.kind === 'input' ? [[each.tensor, each.access] as const] : [])));
  const accessOf = (name: string): InputAccess => access.get(name) ?? 'resident';
  let bytes = 0;
  if (!counted(machine.home.input)) {
    for (const tensor of program.tensors) {
      if (tensor.kind === 'input' && accessOf(tensor.name) === 'resident') bytes += tensorBytes(tensor);
    }
  }
  if (!counted(machine.home.output)) {
    for (const id of program.outputs) if (program.tensors[id].kind === 'computed') bytes += tensorBytes(program.tensors[id]);
  }
  return bytes;
}
