import { type Context, type Decomposition, type Program, usableBytes } from '@regrain/core-ir';

/** Where regions live while nothing moves them, and what their spaces hold. */
export interface Spaces {
  /** The space of each region. */
  readonly of: Uint8Array;
  /** The space of the tasks' working memory. */
  readonly working: number;
  /** Bytes of each space that the plan may take; may be `Infinity`. */
  readonly limits: Float64Array;
}

/**
 * Spaces as movers choose them: primaries where the user pins them, inputs and outputs at home, all else in the first counted space that a
 * task engine reaches. Undefined where no space has a limit.
 */
export function limitedSpaces(
  program: Program,
  work: Decomposition,
  { machine, constraints }: Pick<Context, 'machine' | 'constraints'>,
): Spaces | undefined {
  const limits = Float64Array.from(machine.spaces, (_, space) => usableBytes(machine, space, constraints));
  if (limits.every((limit) => limit === Number.POSITIVE_INFINITY)) return undefined;
  const working = workingSpace({ machine });
  const number = new Map(machine.spaces.map(({ name }, space) => [name, space]));
  const pinned = new Map(constraints.flatMap((each) => (each.kind === 'pin' ? [[each.tensor, number.get(each.space)] as const] : [])));
  const outputs = new Set(program.outputs);
  const homes = work.instances.map(({ tensor, role }) => {
    if (role !== 'primary') return working;
    const { name, kind } = program.tensors[tensor];
    return pinned.get(name) ?? (kind === 'input' ? machine.home.input : outputs.has(tensor) ? machine.home.output : working);
  });
  return { of: Uint8Array.from(work.regions, ({ instance }) => homes[instance]), working, limits };
}

/** The first counted space that a task engine reaches, else the first at all. */
function workingSpace({ machine }: Pick<Context, 'machine'>): number {
  const reached = machine.engines.filter(({ runs }) => runs === 'tasks').flatMap(({ spaces }) => spaces);
  return reached.find((space) => machine.spaces[space].counted) ?? reached[0] ?? 0;
}
