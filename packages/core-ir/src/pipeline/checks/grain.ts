import { PluginError } from '../../errors.js';
import { programOf } from '../../expand/copies.js';
import { boxOf } from '../../ir/box.js';
import type { Grain } from '../../ir/grain.js';
import { domainBox, type Program } from '../../ir/program.js';
import { coverFault } from './disjoint-cover.js';

/**
 * A decomposer's result: regions of a tensor lie inside, share no element and cover it (a trace's may overlap: they share bytes); task
 * boxes do the same for their operation's domain; recompute and reduce name what exists.
 */
export function checkGrain(plugin: string, program: Program, grain: Grain): void {
  const fail = (invariant: string): never => {
    throw new PluginError(plugin, invariant);
  };
  const { tensors, operations } = withCopies(program, grain, fail);
  if (grain.regions?.length !== tensors.length) fail(`a grain has regions for each of the ${tensors.length} tensors`);
  if (grain.tasks?.length !== operations.length) fail(`a grain has tasks for each of the ${operations.length} operations`);
  if (grain.order?.length !== tensors.length) fail(`a grain has a storage order for each of the ${tensors.length} tensors`);
  tensors.forEach(({ name, shape }, t) => {
    const boxes = grain.regions[t];
    const fault = boxes.length > 0 ? coverFault(boxes, boxOf(shape), program.trace) : undefined;
    if (fault) fail(`the regions of a tensor are disjoint and cover it, but of ${name} ${fault}`);
    const order = grain.order[t];
    if (order.length > 0 && !isPermutation(order, shape.length))
      fail(`a storage order lists every dimension once, but that of ${name} is [${order.join(', ')}]`);
  });
  operations.forEach((operation, o) => {
    const choice = grain.tasks[o];
    if (choice === 'owner') return;
    const fault = coverFault(choice, domainBox(operation));
    if (fault) fail(`the task boxes of an operation are disjoint and cover its domain, but of ${operation.name} ${fault}`);
    for (const box of choice) {
      const split = box.findIndex(
        ([lo, hi], d) => operation.domain[d].kind !== 'parallel' && (lo !== 0 || hi !== operation.domain[d].extent),
      );
      if (split >= 0) fail(`task boxes split only parallel dimensions, but of ${operation.name} dimension ${split} is split`);
    }
  });
  for (const { tensor, reader, along } of grain.recompute) {
    const reads = operations[reader]?.operands.some((operand) => operand.tensor === tensor && operand.mode === 'read');
    if (!reads) fail(`recompute names an operation and a tensor that it reads, but operation ${reader} does not read tensor ${tensor}`);
    if (along.some((d) => tensors[tensor].shape[d] === undefined)) fail(`recompute of ${tensors[tensor].name} names dimensions it has`);
  }
  const misplaced = grain.segments?.find(
    (at, k, all) => !(Number.isInteger(at) && at >= 0 && at < operations.length && (k === 0 || all[k - 1] < at)),
  );
  if (misplaced !== undefined) fail(`segments begin at operations, ascending, but one begins at ${misplaced}`);
  for (const { operation, axis, parts } of grain.reduce) {
    const dimension = operations[operation]?.domain[axis];
    if (dimension?.kind !== 'reduction' || !(Number.isInteger(parts) && parts >= 1))
      fail(`reduce names a reduction and a number of parts, but axis ${axis} of operation ${operation} in ${parts} parts is none`);
  }
}

function withCopies(program: Program, grain: Grain, fail: (invariant: string) => never): Program {
  try {
    return programOf(program, grain);
  } catch (error) {
    return fail(`copies fit the program, but ${(error as Error).message}`);
  }
}

function isPermutation(order: readonly number[], rank: number): boolean {
  return order.length === rank && new Set(order).size === rank && order.every((d) => Number.isInteger(d) && d >= 0 && d < rank);
}
