import { formatBox, type Observations, type Plan, Reporter } from '@regrain/core-ir';
import { injectable } from 'inversify';

/**
 * Chrome's trace-event format (JSON object form), which ui.perfetto.dev opens: a track per engine with its steps, a counter per space
 * with its live bytes. Times are in µs where the machine tells its clock, else one step or cycle is shown as 1 µs.
 * Format: "Trace Event Format", Google, events of phase X (complete), C (counter) and M (metadata).
 */
@injectable()
export class PerfettoReporter implements Reporter {
  report(plan: Plan, seen?: Observations): ReadonlyMap<string, Uint8Array> {
    return new Map([['trace.json', new TextEncoder().encode(traceJson(plan, seen))]]);
  }
}

const ENGINES = 1;
const SPACES = 2;

export function traceJson(plan: Plan, seen?: Observations): string {
  const { steps, machine } = plan;
  const scale = seen ? microseconds(plan, seen.unit) : 1;
  const start = (i: number) => (seen ? seen.start[i] * scale : i);
  const end = (i: number) => (seen ? seen.end[i] * scale : i + 1);
  const lines: string[] = [];
  const emit = (event: object) => lines.push(JSON.stringify(event));

  emit({ ph: 'M', pid: ENGINES, name: 'process_name', args: { name: `${plan.program.name} on ${machine.name}` } });
  emit({ ph: 'M', pid: SPACES, name: 'process_name', args: { name: 'live bytes' } });
  machine.engines.forEach(({ name }, tid) => {
    emit({ ph: 'M', pid: ENGINES, tid, name: 'thread_name', args: { name } });
    emit({ ph: 'M', pid: ENGINES, tid, name: 'thread_sort_index', args: { sort_index: tid } });
  });
  steps.forEach((step, i) => {
    emit({
      ph: 'X',
      pid: ENGINES,
      tid: step.engine,
      ts: start(i),
      dur: end(i) - start(i),
      ...(step.kind === 'task' ? taskEvent(plan, step.task, i) : moveEvent(plan, step.from, step.to, i)),
    });
  });
  const total = steps.reduce((most, _, i) => Math.max(most, end(i)), 0);
  for (const { at, space, bytes } of liveBytes(plan, start, end, total)) {
    emit({ ph: 'C', pid: SPACES, name: machine.spaces[space].name, ts: at, args: { bytes } });
  }
  return `{"displayTimeUnit":"ns","traceEvents":[\n${lines.join(',\n')}\n]}\n`;
}

function taskEvent({ decomposition, program }: Plan, id: number, step: number) {
  const task = decomposition.tasks[id];
  const operation = program.operations[task.operation];
  const phase = task.phase ? ` ${task.phase}` : '';
  return { name: `${operation.name} ${formatBox(task.box)}${phase}`, cat: 'task', args: { step, task: id, type: operation.type } };
}

function moveEvent({ decomposition, program, placements, machine }: Plan, from: number, to: number, step: number) {
  const { holds, bytes, space } = placements[to];
  const way = `${machine.spaces[placements[from].space].name} to ${machine.spaces[space].name}`;
  if (!('region' in holds)) return { name: way, cat: 'move', args: { step, bytes } };
  const { instance, box } = decomposition.regions[holds.region];
  const tensor = program.tensors[decomposition.instances[instance].tensor].name;
  return { name: `${tensor} ${formatBox(box)} ${way}`, cat: 'move', args: { step, bytes, region: holds.region } };
}

/** How many µs one unit of the observations lasts. */
function microseconds({ machine }: Plan, unit: Observations['unit']): number {
  if (unit === 'ns') return 1e-3;
  const { detail } = machine;
  const clock = typeof detail === 'object' && detail !== null && 'clockHz' in detail ? detail.clockHz : undefined;
  return typeof clock === 'number' && clock > 0 ? 1e6 / clock : 1;
}

/** Live bytes of each space whenever they change. Bytes that a placement takes over from another count once. */
function liveBytes(plan: Plan, start: (step: number) => number, end: (step: number) => number, total: number) {
  const { placements, steps, machine } = plan;
  const ending = new Set(placements.map(({ space, offset, last }) => `${space}/${offset}/${last}`));
  const changes: { at: number; space: number; bytes: number }[] = [];
  for (const { space, offset, bytes, first, last } of placements) {
    const takesOver = first > 0 && ending.has(`${space}/${offset}/${first}`) && last > first;
    const from = first === 0 ? 0 : first > steps.length ? total : takesOver ? end(first - 1) : start(first - 1);
    const to = last > steps.length ? total : last === 0 ? 0 : end(last - 1);
    changes.push({ at: from, space, bytes }, { at: Math.max(from, to), space, bytes: -bytes });
  }
  changes.sort((a, b) => a.space - b.space || a.at - b.at);
  const live = new Float64Array(machine.spaces.length);
  const samples: { at: number; space: number; bytes: number }[] = [];
  changes.forEach(({ at, space, bytes }, i) => {
    live[space] += bytes;
    const next = changes[i + 1];
    if (!next || next.at !== at || next.space !== space) samples.push({ at, space, bytes: live[space] });
  });
  return samples;
}
