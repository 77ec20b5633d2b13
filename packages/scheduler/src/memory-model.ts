import {
  type Context,
  type Decomposition,
  domainBox,
  indexRegions,
  inPlaceRegions,
  type Program,
  type Task,
  touchedRegions,
  volume,
} from '@regrain/core-ir';

/**
 * What a schedule's live bytes depend on: which regions each task touches, how large they are, and which live before or after the
 * run. Constants, external inputs and what is pinned to a space that does not count take no bytes; a resident input lives from the start, a streamed one from its first reader.
 */
export interface MemoryModel {
  /** Regions touched by task t: `region[row[t]] … region[row[t + 1] - 1]`, only those that take bytes. */
  readonly row: Int32Array;
  readonly region: Int32Array;
  readonly bytes: Float64Array;
  /** Number of tasks that touch each region. */
  readonly uses: Int32Array;
  /** 1: lives from the start. */
  readonly before: Uint8Array;
  /** 1: lives to the end. */
  readonly after: Uint8Array;
  /** Working memory of each task. */
  readonly scratch: Float64Array;
  /** The region whose bytes the task's result may take, and the result's region; -1 where there is none. */
  readonly inPlaceFrom: Int32Array;
  readonly inPlaceTo: Int32Array;
}

export function memoryModel(program: Program, work: Decomposition, context: Pick<Context, 'constraints' | 'machine'>): MemoryModel {
  const access = new Map(
    context.constraints.flatMap((constraint) => (constraint.kind === 'input' ? [[constraint.tensor, constraint.access] as const] : [])),
  );
  const uncounted = new Set(context.machine.spaces.flatMap(({ name, counted }) => (counted ? [] : [name])));
  const elsewhere = new Set(context.constraints.flatMap((each) => (each.kind === 'pin' && uncounted.has(each.space) ? [each.tensor] : [])));
  const free = (instance: number): boolean => {
    const { tensor, role } = work.instances[instance];
    const { kind, name } = program.tensors[tensor];
    return kind === 'constant' || (kind === 'input' && access.get(name) === 'external') || (role === 'primary' && elsewhere.has(name));
  };
  const indexes = indexRegions(work);
  const { row, region } = touchedRegions(work, free, indexes);
  const count = work.regions.length;
  const model = {
    row,
    region,
    bytes: Float64Array.from(work.regions, ({ bytes }) => bytes),
    uses: new Int32Array(count),
    before: new Uint8Array(count),
    after: new Uint8Array(count),
    scratch: Float64Array.from(work.tasks, ({ operation }) => program.operations[operation].scratchBytes ?? 0),
    inPlaceFrom: new Int32Array(work.tasks.length).fill(-1),
    inPlaceTo: new Int32Array(work.tasks.length).fill(-1),
  };
  for (const id of region) model.uses[id]++;
  const persistent = new Set(program.states.flatMap(({ from, to }) => [from.tensor, to.tensor]));
  const outputs = new Set(program.outputs);
  work.regions.forEach(({ instance }, id) => {
    const { tensor, role } = work.instances[instance];
    if (role !== 'primary' || free(instance)) return;
    const { kind, name } = program.tensors[tensor];
    const untouched = model.uses[id] === 0 && !persistent.has(tensor); // gone before the first task
    if (!untouched && (persistent.has(tensor) || (kind === 'input' && (access.get(name) ?? 'resident') === 'resident')))
      model.before[id] = 1;
    if (persistent.has(tensor) || outputs.has(tensor)) model.after[id] = 1;
  });
  work.tasks.forEach((task, t) => {
    const pair = inPlaceRegions(program, work, task, indexes, free);
    if (pair) [model.inPlaceFrom[t], model.inPlaceTo[t]] = pair;
  });
  return model;
}

/** Share of an operation's work that a task does, 0 to 1. */
export function shareOf(program: Program, task: Task): number {
  const whole = volume(domainBox(program.operations[task.operation]));
  return whole > 0 ? volume(task.box) / whole : 1;
}
