import type { Constraint, InputAccess } from '../ir/constraint.js';
import type { Program } from '../ir/program.js';

/** How each input reaches the program, as constraints say. */
export class InputAccesses {
  private readonly byName: ReadonlyMap<string, InputAccess>;

  constructor(
    private readonly program: Program,
    constraints: readonly Constraint[],
  ) {
    this.byName = new Map(constraints.flatMap((each) => (each.kind === 'input' ? [[each.tensor, each.access] as const] : [])));
  }

  /** Undefined for a tensor that is no input. */
  of(tensor: number): InputAccess | undefined {
    const { kind, name } = this.program.tensors[tensor];
    return kind === 'input' ? (this.byName.get(name) ?? 'resident') : undefined;
  }
}

/** Inputs that nothing else says how to reach, by name; state is always resident: it must outlive the run. */
export function withInputs(program: Program, constraints: readonly Constraint[], access: InputAccess): readonly Constraint[] {
  const said = new Set(constraints.flatMap((each) => (each.kind === 'input' ? [each.tensor] : [])));
  const states = new Set(program.states.flatMap(({ from, to }) => [from.tensor, to.tensor]));
  const added = program.tensors.flatMap(({ kind, name }, id): Constraint[] =>
    kind === 'input' && !said.has(name) ? [{ kind: 'input', tensor: name, access: states.has(id) ? 'resident' : access }] : [],
  );
  return [...constraints, ...added];
}
