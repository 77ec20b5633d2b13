import {
  type Context,
  type Decomposition,
  type InputAccess,
  inPlaceWrites,
  type Program,
  type Schedule,
  touchedRegions,
  WRITES,
} from '@regrain/core-ir';

/** How a region is used under a schedule; step times count tasks from 1. */
export interface Uses {
  /** Regions that task t touches: `region[row[t]] … region[row[t + 1] - 1]`. */
  readonly row: Int32Array;
  readonly region: Int32Array;
  /** READS and WRITES of each entry. */
  readonly how: Uint8Array;
  /** Positions in the schedule at which each region is used first and last; -1: never. */
  readonly first: Int32Array;
  readonly last: Int32Array;
  /** Region → how it comes in; undefined for what the program computes. */
  readonly input: readonly (InputAccess | undefined)[];
  /** 1: held to the end (outputs, state). */
  readonly keeps: Uint8Array;
  /** 1: there from the start (resident inputs, state). */
  readonly starts: Uint8Array;
  /** Source and target regions of an in-place write of task t; -1 where there is none. */
  readonly takesFrom: Int32Array;
  readonly takesTo: Int32Array;
}

export function usesOf(program: Program, work: Decomposition, schedule: Schedule, { constraints }: Pick<Context, 'constraints'>): Uses {
  const access = new Map(constraints.flatMap((each) => (each.kind === 'input' ? [[each.tensor, each.access] as const] : [])));
  const tensorOf = (instance: number) => program.tensors[work.instances[instance].tensor];
  const inputOf = (instance: number): InputAccess | undefined => {
    const { kind, name } = tensorOf(instance);
    return kind === 'input' ? (access.get(name) ?? 'resident') : undefined;
  };
  const free = (instance: number): boolean => tensorOf(instance).kind === 'constant' || inputOf(instance) === 'external';
  const touches = touchedRegions(work, free);
  const first = new Int32Array(work.regions.length).fill(-1);
  const last = new Int32Array(work.regions.length).fill(-1);
  for (let position = 0; position < schedule.order.length; position++) {
    const task = schedule.order[position];
    for (let e = touches.row[task]; e < touches.row[task + 1]; e++) {
      const r = touches.region[e];
      if (first[r] < 0) first[r] = position;
      last[r] = position;
    }
  }
  const state = new Set(program.states.flatMap(({ from, to }) => [from.tensor, to.tensor]));
  const outputs = new Set(program.outputs);
  const keeps = new Uint8Array(work.regions.length);
  const starts = new Uint8Array(work.regions.length);
  const input = work.regions.map(({ instance }, r) => {
    const { tensor, role } = work.instances[instance];
    if (role !== 'primary' || free(instance)) return undefined;
    if (outputs.has(tensor) || state.has(tensor)) keeps[r] = 1;
    if (state.has(tensor) || inputOf(instance) === 'resident') starts[r] = 1;
    return inputOf(instance);
  });
  const { from: takesFrom, to: takesTo } = inPlaceWrites(program, work, free);
  for (let t = 0; t < takesFrom.length; t++)
    if (takesFrom[t] >= 0 && (keeps[takesFrom[t]] || starts[takesTo[t]])) takesFrom[t] = takesTo[t] = -1;
  return { ...touches, first, last, input, keeps, starts, takesFrom, takesTo };
}

/** Whether entry e of a task's touches writes. */
export function writes(uses: Uses, e: number): boolean {
  return (uses.how[e] & WRITES) !== 0;
}

/** Positions in the schedule at which region r is used, ascending: `at[of[r]] … at[of[r + 1] - 1]`. */
export interface Positions {
  readonly of: Int32Array;
  readonly at: Int32Array;
}

export function positionsOf({ row, region, first }: Uses, { order }: Schedule): Positions {
  const of = new Int32Array(first.length + 1);
  for (const r of region) of[r + 1]++;
  for (let r = 0; r < first.length; r++) of[r + 1] += of[r];
  const next = of.slice();
  const at = new Int32Array(region.length);
  order.forEach((task, position) => {
    for (let e = row[task]; e < row[task + 1]; e++) at[next[region[e]]++] = position;
  });
  return { of, at };
}
