import type { Copy, Grain } from '../ir/grain.js';
import type { Operand, Operation, Program } from '../ir/program.js';
import type { Tensor } from '../ir/tensor.js';

/** A program with the operations that a grain runs again, and what each operation and tensor is a copy of. */
export interface Extended {
  readonly program: Program;
  /** Operation of the extended program → that of the program. */
  readonly operationOf: readonly number[];
  /** Operation of the extended program → which copy it belongs to; -1: it is the program's own. */
  readonly copyOf: readonly number[];
  /** Tensor of the extended program → that of the program. The program's own come first, as they are. */
  readonly tensorOf: readonly number[];
}

/**
 * The program as a grain with copies sees it: the operations of a copy stand once more, just before the first of its readers, which
 * read what these make in place of what the originals made; an original whose results nobody reads any more is gone. Copies follow one another: a later one counts operations and tensors of
 * the program that the earlier ones left. Source: rematerialisation, Chaitin et al. 1981 (section 4), here of chains of tensors.
 * O(copies × operations). Fails with a message where a copy does not fit.
 */
export function extended(program: Program, copies: readonly Copy[] = []): Extended {
  let made: Extended = {
    program,
    operationOf: program.operations.map((_, o) => o),
    copyOf: program.operations.map(() => -1),
    tensorOf: program.tensors.map((_, t) => t),
  };
  copies.forEach((copy, k) => {
    made = withCopy(made, copy, k);
  });
  return made;
}

function withCopy({ program, operationOf, copyOf, tensorOf }: Extended, copy: Copy, id: number): Extended {
  const { operations, readers, at = Math.min(...readers) } = copy;
  const fault = faultOf(program, operations, readers, at);
  if (fault) throw new Error(fault);
  const tensors: Tensor[] = [...program.tensors];
  const again = new Map<number, number>();
  for (const o of operations) {
    for (const { tensor, mode } of program.operations[o].operands) {
      if (mode === 'read' || again.has(tensor)) continue;
      again.set(tensor, tensors.length);
      const { name, shape, dtype } = program.tensors[tensor];
      tensors.push({ name: `${name} (again)`, shape, dtype, kind: 'computed' });
    }
  }
  const moved = (operand: Operand): Operand => ({ ...operand, tensor: again.get(operand.tensor) ?? operand.tensor });
  const clones = operations.map((o): Operation => {
    const operation = program.operations[o];
    return { ...operation, name: `${operation.name} (again)`, operands: operation.operands.map(moved) };
  });
  const late = new Set(readers);
  const own = program.operations.map((operation, o) =>
    late.has(o)
      ? { ...operation, operands: operation.operands.map((operand) => (operand.mode === 'read' ? moved(operand) : operand)) }
      : operation,
  );
  const gone = deadOf({ ...program, operations: own }, operations);
  const left = <T>(list: readonly T[], from: number, to?: number): T[] => list.slice(from, to).filter((_, k) => !gone.has(from + k));
  const insert = <T>(list: readonly T[], added: readonly T[]): T[] => [...left(list, 0, at), ...added, ...left(list, at)];
  return {
    program: { ...program, tensors, operations: insert(own, clones) },
    operationOf: insert(
      operationOf,
      operations.map((o) => operationOf[o]),
    ),
    copyOf: insert(
      copyOf,
      operations.map(() => id),
    ),
    tensorOf: [...tensorOf, ...[...again.keys()].map((tensor) => tensorOf[tensor])],
  };
}

/** Of some operations, those whose results nobody reads, be it that only such ones do. */
function deadOf({ operations, outputs }: Program, some: readonly number[]): Set<number> {
  const dead = new Set<number>();
  for (const o of some.toReversed()) {
    const made = operations[o].operands.filter(({ mode }) => mode !== 'read').map(({ tensor }) => tensor);
    const wanted = made.some(
      (tensor) =>
        outputs.includes(tensor) ||
        operations.some(
          ({ operands }, reader) => !dead.has(reader) && operands.some((each) => each.mode === 'read' && each.tensor === tensor),
        ),
    );
    if (!wanted) dead.add(o);
  }
  return dead;
}

/** Why operations cannot be run again for these readers. */
function faultOf(program: Program, operations: readonly number[], readers: readonly number[], at: number): string | undefined {
  if (program.trace) return 'a trace has no values that could be computed again';
  if (operations.length === 0 || readers.length === 0) return 'a copy names operations and readers';
  if (readers.some((o) => !program.operations[o])) return 'a copy names readers that the program has';
  if (!(Number.isInteger(at) && at >= 0 && at <= Math.min(...readers))) return 'a copy stands before its readers';
  const again = new Set(operations);
  const made = new Set(
    operations.flatMap((o) => program.operations[o]?.operands.filter(({ mode }) => mode !== 'read').map(({ tensor }) => tensor)),
  );
  const persistent = new Set(program.states.flatMap(({ from, to }) => [from.tensor, to.tensor]));
  for (const [k, o] of operations.entries()) {
    const operation = program.operations[o];
    if (!operation || readers.includes(o) || (k > 0 && operations[k - 1] >= o))
      return 'the operations of a copy ascend and are not their own readers';
    if (operation.operands.some(({ tensor }) => persistent.has(tensor)))
      return `operation ${operation.name} uses a state, which may have changed when it would run again`;
    for (const { tensor, mode } of operation.operands) {
      if (mode === 'read') {
        const later =
          !made.has(tensor) &&
          program.operations.findIndex(
            ({ operands }, o) => o >= at && operands.some((each) => each.tensor === tensor && each.mode !== 'read'),
          );
        if (later !== false && later >= 0) return `a copy stands before operation ${program.operations[later].name}, whose result it reads`;
        continue;
      }
      const partial = program.operations.findIndex(
        ({ operands }, other) => !again.has(other) && operands.some((each) => each.tensor === tensor && each.mode !== 'read'),
      );
      if (partial >= 0) return `a copy makes ${program.tensors[tensor].name} without operation ${program.operations[partial].name}`;
    }
  }
  return undefined;
}

/** Where an operation of the program stands in the program that the grain's copies extend; one that only copies run: the first of them. */
export function ownPlace(program: Program, { copies = [] }: Pick<Grain, 'copies'>, operation: number): number {
  if (copies.length === 0) return operation;
  const { operationOf, copyOf } = extended(program, copies);
  const own = operationOf.findIndex((of, o) => of === operation && copyOf[o] < 0);
  return own >= 0 ? own : operationOf.indexOf(operation);
}

/** The program to which a grain's operations and tensors belong. */
export function programOf(program: Program, { copies }: Pick<Grain, 'copies'>): Program {
  return copies && copies.length > 0 ? extended(program, copies).program : program;
}
