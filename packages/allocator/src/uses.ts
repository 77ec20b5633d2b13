import { type Context, type Decomposition, inPlaceWrites, type Program, type Schedule, touchedRegions, WRITES } from '@regrain/core-ir';

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
  /** 1: held to the end (outputs, state). */
  readonly keeps: Uint8Array;
  /** 1: there from the start (resident inputs, state). */
  readonly starts: Uint8Array;
  /** Source and target regions of an in-place write of task t; -1 where there is none. */
  readonly takesFrom: Int32Array;
  readonly takesTo: Int32Array;
}

export function usesOf(program: Program, work: Decomposition, schedule: Schedule, context: Pick<Context, 'constraints'>): Uses {
  const { free, kept, there } = instancesOf(program, work, context);
  const isFree = (instance: number): boolean => free[instance] === 1;
  const touches = touchedRegions(work, isFree);
  const count = work.regions.length;
  const first = new Int32Array(count).fill(-1);
  const last = new Int32Array(count).fill(-1);
  for (let position = 0; position < schedule.order.length; position++) {
    const task = schedule.order[position];
    for (let e = touches.row[task]; e < touches.row[task + 1]; e++) {
      const r = touches.region[e];
      if (first[r] < 0) first[r] = position;
      last[r] = position;
    }
  }
  const keeps = new Uint8Array(count);
  const starts = new Uint8Array(count);
  for (let r = 0; r < count; r++) {
    const { instance } = work.regions[r];
    keeps[r] = kept[instance];
    starts[r] = there[instance];
  }
  const { from: takesFrom, to: takesTo } = inPlaceWrites(program, work, isFree);
  for (let t = 0; t < takesFrom.length; t++)
    if (takesFrom[t] >= 0 && (keeps[takesFrom[t]] || starts[takesTo[t]])) takesFrom[t] = takesTo[t] = -1;
  return { ...touches, first, last, keeps, starts, takesFrom, takesTo };
}

/** Per instance, 1: takes no bytes of the plan; is held to the end; is there from the start. */
interface Instances {
  readonly free: Uint8Array;
  readonly kept: Uint8Array;
  readonly there: Uint8Array;
}

function instancesOf(program: Program, work: Decomposition, { constraints }: Pick<Context, 'constraints'>): Instances {
  const access = new Map(constraints.flatMap((each) => (each.kind === 'input' ? [[each.tensor, each.access] as const] : [])));
  const state = new Set(program.states.flatMap(({ from, to }) => [from.tensor, to.tensor]));
  const outputs = new Set(program.outputs);
  const count = work.instances.length;
  const free = new Uint8Array(count);
  const kept = new Uint8Array(count);
  const there = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const { tensor, role } = work.instances[i];
    const { kind, name } = program.tensors[tensor];
    const input = kind === 'input' ? (access.get(name) ?? 'resident') : undefined;
    if (kind === 'constant' || input === 'external') free[i] = 1;
    else if (role === 'primary') {
      const persists = state.has(tensor);
      if (persists || outputs.has(tensor)) kept[i] = 1;
      if (persists || input === 'resident') there[i] = 1;
    }
  }
  return { free, kept, there };
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
