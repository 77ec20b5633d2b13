import { type Context, type Decomposition, inPlaceWrites, type Machine, type Program, touchedRegions } from '@regrain/core-ir';

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

interface Known {
  readonly program: Program;
  readonly regions: Decomposition['regions'];
  readonly constraints: Context['constraints'];
  readonly machine: Machine;
  readonly model: MemoryModel;
}

const known = new WeakMap<Decomposition['tasks'], Known>();

/** The same for the same work and demands: schedulers share it, and change nothing of it. */
export function memoryModel(
  program: Program,
  work: Decomposition,
  { constraints, machine }: Pick<Context, 'constraints' | 'machine'>,
): MemoryModel {
  const before = known.get(work.tasks);
  const same = before?.program === program && before.regions === work.regions;
  if (same && before.constraints === constraints && before.machine === machine) return before.model;
  const model = madeModel(program, work, constraints, machine);
  known.set(work.tasks, { program, regions: work.regions, constraints, machine, model });
  return model;
}

function madeModel(program: Program, work: Decomposition, constraints: Context['constraints'], machine: Machine): MemoryModel {
  const access = new Map(
    constraints.flatMap((constraint) => (constraint.kind === 'input' ? [[constraint.tensor, constraint.access] as const] : [])),
  );
  const uncounted = new Set(machine.spaces.flatMap(({ name, counted }) => (counted ? [] : [name])));
  const elsewhere = new Set(constraints.flatMap((each) => (each.kind === 'pin' && uncounted.has(each.space) ? [each.tensor] : [])));
  const free = (instance: number): boolean => {
    const { tensor, role } = work.instances[instance];
    const { kind, name } = program.tensors[tensor];
    return kind === 'constant' || (kind === 'input' && access.get(name) === 'external') || (role === 'primary' && elsewhere.has(name));
  };
  const { row, region } = touchedRegions(work, free);
  const count = work.regions.length;
  const tasks = work.tasks.length;
  const { from: inPlaceFrom, to: inPlaceTo } = inPlaceWrites(program, work, free);
  const model = {
    row,
    region,
    bytes: new Float64Array(count),
    uses: new Int32Array(count),
    before: new Uint8Array(count),
    after: new Uint8Array(count),
    scratch: new Float64Array(tasks),
    inPlaceFrom,
    inPlaceTo,
  };
  for (let t = 0; t < tasks; t++) model.scratch[t] = program.operations[work.tasks[t].operation].scratchBytes ?? 0;
  for (const id of region) model.uses[id]++;
  const persistent = new Set(program.states.flatMap(({ from, to }) => [from.tensor, to.tensor]));
  const outputs = new Set(program.outputs);
  for (let id = 0; id < count; id++) {
    const { instance, bytes } = work.regions[id];
    model.bytes[id] = bytes;
    const { tensor, role } = work.instances[instance];
    if (role !== 'primary' || free(instance)) continue;
    const { kind, name } = program.tensors[tensor];
    const untouched = model.uses[id] === 0 && !persistent.has(tensor); // gone before the first task
    if (!untouched && (persistent.has(tensor) || (kind === 'input' && (access.get(name) ?? 'resident') === 'resident')))
      model.before[id] = 1;
    if (persistent.has(tensor) || outputs.has(tensor)) model.after[id] = 1;
  }
  return model;
}
