import { describe, expect, it } from 'vitest';
import { parseDescription } from './description.js';
import { PerfettoReporter, traceJson } from './perfetto.js';
import { simulate } from './simulator.js';
import { move, sketch, task, toy } from './spec-support.js';

const plan = sketch({
  tensors: [{ shape: [16] }, { shape: [16] }],
  tasks: [
    {
      cycles: 20,
      touches: [
        ['read', 0, [[0, 16]]],
        ['write', 1, [[0, 16]]],
      ],
    },
    { cycles: 20, touches: [['read', 1, [[0, 16]]]] },
  ],
  steps: [move(0, 1), task(0, 0, [0]), task(1, 1, [1])],
  placements: [
    { holds: { region: 0 }, space: 1, offset: 0, bytes: 16, first: 0, last: 1 },
    { holds: { region: 0 }, space: 0, offset: 0, bytes: 16, first: 1, last: 2 },
    // Takes over the bytes of the region that its task reads.
    { holds: { region: 1 }, space: 0, offset: 0, bytes: 16, first: 2, last: 3 },
  ],
});
const seen = simulate(plan, parseDescription(toy));

describe('perfetto', () => {
  it('has a complete event per step and names per engine', () => {
    const [[name, bytes]] = [...new PerfettoReporter().report(plan, seen)];
    expect(name).toBe('trace.json');
    const { traceEvents } = JSON.parse(new TextDecoder().decode(bytes));
    const slices = traceEvents.filter(({ ph }: { ph: string }) => ph === 'X');
    expect(slices.map(({ name, tid, ts, dur }: Record<string, unknown>) => ({ name, tid, ts, dur }))).toEqual([
      { name: 't0 [0:16] slow to fast', tid: 2, ts: 0, dur: seen.end[0] },
      { name: 'op0 []', tid: 0, ts: seen.start[1], dur: seen.end[1] - seen.start[1] },
      { name: 'op1 []', tid: 1, ts: seen.start[2], dur: seen.end[2] - seen.start[2] },
    ]);
    const names = traceEvents.filter(({ name }: { name: string }) => name === 'thread_name');
    expect(names.map(({ args }: { args: { name: string } }) => args.name)).toEqual(['a', 'b', 'dma']);
  });

  it('counts live bytes, those taken over once', () => {
    const { traceEvents } = JSON.parse(traceJson(plan, seen));
    const fast = traceEvents.filter(({ ph, name }: { ph: string; name: string }) => ph === 'C' && name === 'fast');
    expect(fast.map(({ args }: { args: { bytes: number } }) => args.bytes)).toEqual([16, 16, 0]);
    expect(fast.at(-1).ts).toBe(seen.end[2]);
  });

  it('shows steps as time where nothing was observed', () => {
    const { traceEvents } = JSON.parse(traceJson(plan));
    expect(traceEvents.filter(({ ph }: { ph: string }) => ph === 'X').map(({ ts }: { ts: number }) => ts)).toEqual([0, 1, 2]);
  });
});
