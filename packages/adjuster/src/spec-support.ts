import {
  type Context,
  type Decomposition,
  ELEMENT_BYTES,
  expand,
  type Grain,
  indexRegions,
  type Machine,
  type Observations,
  type Operation,
  type Placement,
  type Plan,
  type Program,
  READS,
  type Tensor,
  type Trial,
  touchedRegions,
  volume,
  WRITES,
} from '@regrain/core-ir';
import { PeakObjective } from './objectives/peak.js';

export const machine: Machine = {
  name: 'toy',
  spaces: [{ name: 'ram', bytes: Number.POSITIVE_INFINITY, align: 1, counted: true }],
  engines: [{ name: 'core', spaces: [0], runs: 'tasks' }],
  home: { input: 0, constant: 0, output: 0 },
  detail: null,
};

export function context(changes: Partial<Context> = {}): Context {
  return {
    machine,
    constraints: [],
    objective: new PeakObjective(),
    random: () => 0.5,
    signal: new AbortController().signal,
    progress: () => {},
    ...changes,
  };
}

/** A chain of square convolutions over `[channels, rows, columns]`, 1 byte an element; the last result is the output. */
export function convChain(layers: number, rows: number, { kernel = 3, channels = 4, columns = 8 } = {}): Program {
  const shape = [channels, rows, columns];
  const tensors = Array.from(
    { length: layers + 1 },
    (_, i): Tensor => ({
      name: `t${i}`,
      shape,
      dtype: 'int8',
      kind: i === 0 ? 'input' : 'computed',
    }),
  );
  const operations = Array.from(
    { length: layers },
    (_, i): Operation => ({
      name: `conv${i}`,
      type: 'Conv',
      attributes: {},
      domain: [
        ...shape.map((extent) => ({ extent, kind: 'parallel' as const })),
        { extent: channels, kind: 'reduction' },
        { extent: kernel, kind: 'reduction' },
        { extent: kernel, kind: 'reduction' },
      ],
      operands: [
        {
          tensor: i,
          mode: 'read',
          map: [
            { at: { d: 3 } },
            { at: ['+', ['+', { d: 1 }, { d: 4 }], -((kernel - 1) >> 1)] },
            { at: ['+', ['+', { d: 2 }, { d: 5 }], -((kernel - 1) >> 1)] },
          ],
          outside: 0,
        },
        { tensor: i + 1, mode: 'write', map: [{ at: { d: 0 } }, { at: { d: 1 } }, { at: { d: 2 } }] },
      ],
      macs: channels * channels * kernel * kernel * rows * columns,
    }),
  );
  return { name: 'chain', tensors, operations, outputs: [layers], states: [] };
}

export function bandsOf(program: Program, height: number): Grain['regions'] {
  return program.tensors.map(({ shape: [channels, rows, columns] }) =>
    Array.from(
      { length: Math.ceil(rows / height) },
      (_, k) =>
        [
          [0, channels],
          [k * height, Math.min(rows, (k + 1) * height)],
          [0, columns],
        ] as const,
    ),
  );
}

/**
 * The least that a loop needs to be closed: tasks as deep as possible first, offsets by first fit in order of size, and a monitor on
 * one engine that charges every task `overhead` and a unit per 16 elements written.
 */
export function planOf(program: Program, grain: Grain, overhead = 10, trials: readonly Trial[] = []): { plan: Plan; seen: Observations } {
  const work = expand(program, grain);
  const order = depthFirst(work);
  const steps = order.map((task) => ({ kind: 'task' as const, task, engine: 0, waits: [] }));
  const placements = place(program, work, order);
  const seen = monitor(work, order, overhead);
  const live = new Float64Array(steps.length + 3);
  let arena = 0;
  for (const { first, last, bytes, offset } of placements) {
    for (let t = first; t <= last; t++) live[t] += bytes;
    arena = Math.max(arena, offset + bytes);
  }
  const cycles = seen.end.at(-1) ?? 0;
  const metrics = {
    peakBytes: [Math.max(...live)],
    arenaBytes: [arena],
    movedBytes: 0,
    macs: program.operations.reduce((s, { macs }) => s + macs, 0),
    cycles,
  };
  return {
    plan: { format: 'regrain.plan/1', program, machine, constraints: [], decomposition: work, steps, placements, metrics, trials },
    seen,
  };
}

function depthFirst(work: Decomposition): number[] {
  const touches = touchedRegions(work);
  const writes = new Int32Array(work.regions.length);
  const each = (t: number, how: number, visit: (region: number) => void) => {
    for (let k = touches.row[t]; k < touches.row[t + 1]; k++) if (touches.how[k] & how) visit(touches.region[k]);
  };
  for (let t = 0; t < work.tasks.length; t++) each(t, WRITES, (r) => void writes[r]++);
  const done = new Set<number>();
  const order: number[] = [];
  while (order.length < work.tasks.length) {
    for (let t = work.tasks.length - 1; t >= 0; t--) {
      if (done.has(t)) continue;
      let ready = true;
      each(t, READS, (r) => {
        ready &&= writes[r] === 0;
      });
      // Rows of one operation in order, so that a deep task that is ready is the next one.
      if (!ready || (t > 0 && !done.has(t - 1) && work.tasks[t - 1].operation === work.tasks[t].operation)) continue;
      done.add(t);
      order.push(t);
      each(t, WRITES, (r) => void writes[r]--);
      break;
    }
  }
  return order;
}

function place(program: Program, work: Decomposition, order: readonly number[]): Placement[] {
  const touches = touchedRegions(work);
  const first = work.regions.map(() => Number.POSITIVE_INFINITY);
  const last = work.regions.map(() => 0);
  order.forEach((t, i) => {
    for (let k = touches.row[t]; k < touches.row[t + 1]; k++) {
      const r = touches.region[k];
      first[r] = Math.min(first[r], i + 1);
      last[r] = Math.max(last[r], i + 1);
    }
  });
  work.regions.forEach(({ instance }, r) => {
    const { tensor } = work.instances[instance];
    if (program.outputs.includes(tensor)) last[r] = order.length + 1;
  });
  const placed: Placement[] = [];
  const bySize = work.regions.map((_, r) => r).sort((a, b) => work.regions[b].bytes - work.regions[a].bytes || a - b);
  for (const r of bySize) {
    const { bytes } = work.regions[r];
    const rivals = placed.filter((p) => p.first <= last[r] && first[r] <= p.last).sort((a, b) => a.offset - b.offset);
    let offset = 0;
    for (const rival of rivals) if (rival.offset < offset + bytes) offset = Math.max(offset, rival.offset + rival.bytes);
    placed.push({ holds: { region: r }, space: 0, offset, bytes, first: first[r], last: last[r] });
  }
  return placed;
}

export function monitor(work: Decomposition, order: readonly number[], overhead: number): Observations {
  const regions = work.regions.length;
  const zeros = () => new Float64Array(regions);
  const seen = {
    unit: 'cycle' as const,
    start: new Float64Array(order.length),
    end: new Float64Array(order.length),
    waited: zeros(),
    busy: zeros(),
    read: zeros(),
    filled: zeros(),
    accesses: zeros(),
    coaccess: [] as [number, number, number][],
  };
  const indexes = indexRegions(work);
  const pairs = new Map<string, number>();
  let time = 0;
  order.forEach((t, i) => {
    const { accesses } = work.tasks[t];
    const written = accesses.reduce((sum, { mode, box }) => (mode === 'read' ? sum : sum + volume(box)), 0);
    seen.start[i] = time;
    time += overhead + written / 16;
    seen.end[i] = time;
    for (const { instance, box, mode } of accesses) {
      const touched = indexes.touched(instance, box).sort((a, b) => a - b);
      for (const r of touched) {
        seen.accesses[r]++;
        seen.busy[r] += seen.end[i] - seen.start[i];
        const shared =
          work.regions[r].box.reduce((v, [lo, hi], d) => v * (Math.min(hi, box[d][1]) - Math.max(lo, box[d][0])), 1) *
          ELEMENT_BYTES[work.instances[instance].dtype];
        if (mode === 'read') seen.read[r] += shared;
        else seen.filled[r] += shared;
      }
      for (let k = 1; k < touched.length; k++)
        pairs.set(`${touched[k - 1]},${touched[k]}`, (pairs.get(`${touched[k - 1]},${touched[k]}`) ?? 0) + 1);
    }
  });
  work.regions.forEach(({ instance, bytes }, r) => {
    if (instance === 0) seen.filled[r] += bytes;
  });
  seen.coaccess = [...pairs].map(([key, n]) => {
    const [a, b] = key.split(',').map(Number);
    return [a, b, n];
  });
  return seen;
}
