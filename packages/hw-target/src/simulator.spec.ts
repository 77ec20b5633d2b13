import { describe, expect, it } from 'vitest';
import { type MachineInput, parseDescription } from './description.js';
import { simulate } from './simulator.js';
import { move, type Sketch, sketch, task, toy } from './spec-support.js';

const run = (it: Sketch) => simulate(sketch(it), parseDescription(it.machine ?? toy));
const row = (lo: number, hi: number) => [[lo, hi]] as const;
const toyWith = (changes: Partial<MachineInput>): MachineInput => ({ ...toy, ...changes });

describe('time of steps', () => {
  it('is dispatch and the longer of compute and memory', () => {
    const seen = run({
      tensors: [{ shape: [100] }],
      tasks: [
        { cycles: 50, touches: [['write', 0, row(0, 100)]] },
        { cycles: 5, touches: [['read', 0, row(0, 100)]] },
      ],
      steps: [task(0), task(1)],
    });
    expect([...seen.start]).toEqual([0, 60]);
    // 100 bytes at 4 a cycle take 25 cycles, more than the 5 of compute.
    expect([...seen.end]).toEqual([60, 95]);
  });

  it('counts an accumulate both ways and a constant in its home', () => {
    const seen = run({
      tensors: [{ shape: [40] }, { shape: [30], kind: 'constant' }],
      placements: [{ holds: { region: 0 }, space: 0, offset: 0, bytes: 40, first: 0, last: 2 }],
      tasks: [
        {
          cycles: 1,
          touches: [
            ['accumulate', 0, row(0, 40)],
            ['read', 1, row(0, 30)],
          ],
        },
      ],
      steps: [task(0)],
    });
    // 80 bytes of `fast` take 20 cycles, 30 of `slow` take 30 at the same time.
    expect(seen.end[0]).toBe(40);
    expect([...seen.read]).toEqual([40, 30]);
    expect([...seen.filled]).toEqual([40, 30]);
  });

  it('takes no time for a splat', () => {
    const seen = run({
      tensors: [{ shape: [1000], kind: 'constant', data: { splat: 0 } }],
      placements: [],
      tasks: [{ cycles: 1, touches: [['read', 0, row(0, 1000)]] }],
      steps: [task(0)],
    });
    expect(seen.end[0]).toBe(11);
  });

  it('shares a port between engines and gives the rest to who remains', () => {
    const seen = run({
      tensors: [{ shape: [40] }, { shape: [120] }],
      tasks: [
        { cycles: 1, touches: [['write', 0, row(0, 40)]] },
        { cycles: 1, touches: [['write', 1, row(0, 120)]] },
      ],
      steps: [task(0, 0), task(1, 1)],
    });
    // Both at half rate until the first has had its 10 port cycles (20 cycles); then 20 port cycles are left of 30.
    expect([...seen.end]).toEqual([30, 50]);
  });

  it('does not let different banks, or two ports, disturb each other', () => {
    const spaces = [{ ...toy.spaces[0], banks: 2 }, toy.spaces[1]];
    const both: Sketch = {
      tensors: [{ shape: [40] }, { shape: [40] }],
      tasks: [
        { cycles: 1, touches: [['write', 0, row(0, 40)]] },
        { cycles: 1, touches: [['write', 1, row(0, 40)]] },
      ],
      steps: [task(0, 0), task(1, 1)],
      placements: [0, 2048].map((offset, region) => ({ holds: { region }, space: 0, offset, bytes: 40, first: 0, last: 3 })),
    };
    expect([...run(both).end]).toEqual([30, 30]);
    expect([...run({ ...both, machine: toyWith({ spaces }) }).end]).toEqual([20, 20]);
    expect([...run({ ...both, machine: toyWith({ spaces: [{ ...toy.spaces[0], ports: 2 }, toy.spaces[1]] }) }).end]).toEqual([20, 20]);
  });

  it('serves what was used lately from the cache', () => {
    const spaces = [{ ...toy.spaces[0], caches: [{ bytes: 2048, bytesPerCycle: 64 }] }, toy.spaces[1]];
    const seen = run({
      machine: toyWith({ spaces }),
      tensors: [{ shape: [1024] }, { shape: [1024] }, { shape: [1024] }],
      tasks: [0, 0, 1, 2, 0].map((tensor) => ({ cycles: 1, touches: [['read', tensor, row(0, 1024)]] })),
      steps: [0, 1, 2, 3, 4].map((t) => task(t)),
    });
    // Miss, hit, miss, miss (throws tensor 0 out), miss.
    expect([...seen.end].map((end, i) => end - seen.start[i])).toEqual([266, 26, 266, 266, 266]);
  });

  it('moves with a start, the link and descriptors', () => {
    const placed = (space: number, first: number, last: number) => ({ holds: { region: 0 }, space, offset: 0, bytes: 64, first, last });
    const it: Sketch = {
      tensors: [{ shape: [64] }],
      tasks: [{ cycles: 1, touches: [['read', 0, row(0, 64)]] }],
      steps: [move(0, 1), task(0, 0, [0])],
      placements: [placed(1, 0, 1), placed(0, 1, 2)],
    };
    const seen = run(it);
    // 100 to start, then 64 bytes at 1 a cycle of `slow` (the link would need 32).
    expect([...seen.end]).toEqual([164, 190]);
    expect([...seen.waited]).toEqual([164]);
    // An input that lies in the caller's own order outside the arena takes a descriptor for each contiguous run.
    const strided: Sketch = {
      ...it,
      machine: toyWith({ home: { input: 'slow', constant: 'slow' } }),
      tensors: [{ shape: [8, 16], kind: 'input' }],
      regions: {
        0: [
          [
            [0, 8],
            [0, 8],
          ],
        ],
      },
      tasks: [
        {
          cycles: 1,
          touches: [
            [
              'read',
              0,
              [
                [0, 8],
                [0, 8],
              ],
            ],
          ],
        },
      ],
    };
    expect(run(strided).end[0]).toBe(164 + 7 * 5);
  });
});

describe('order', () => {
  it('starts a step when its waits have ended and blames the region that passes between them', () => {
    const seen = run({
      tensors: [{ shape: [8] }, { shape: [8] }],
      regions: { 0: [row(0, 4), row(4, 8)] },
      tasks: [
        { cycles: 90, touches: [['write', 0, row(0, 4)]] },
        { cycles: 20, touches: [['write', 1, row(0, 8)]] },
        {
          cycles: 10,
          touches: [
            ['read', 0, row(0, 4)],
            ['read', 1, row(0, 8)],
          ],
        },
      ],
      steps: [task(0, 0), task(1, 1), task(2, 1, [0])],
    });
    expect([...seen.start]).toEqual([0, 0, 100]);
    expect([...seen.waited]).toEqual([70, 0, 0]);
    expect([...seen.busy]).toEqual([120, 0, 50]);
  });

  it('blames the bytes a step must wait for where no value passes', () => {
    const seen = run({
      tensors: [{ shape: [8] }, { shape: [8] }],
      tasks: [
        { cycles: 90, touches: [['read', 0, row(0, 8)]] },
        { cycles: 10, touches: [['write', 1, row(0, 8)]] },
      ],
      steps: [task(0, 0), task(1, 1, [0])],
      placements: [
        { holds: { region: 0 }, space: 0, offset: 0, bytes: 8, first: 0, last: 1 },
        { holds: { region: 1 }, space: 0, offset: 0, bytes: 8, first: 2, last: 3 },
      ],
    });
    expect([...seen.waited]).toEqual([0, 100]);
  });

  it('counts tasks that touch two neighbours', () => {
    const seen = run({
      tensors: [{ shape: [9] }],
      regions: { 0: [row(0, 3), row(3, 6), row(6, 9)] },
      tasks: [row(0, 4), row(2, 7), row(0, 3)].map((box) => ({ cycles: 1, touches: [['read', 0, box]] })),
      steps: [task(0), task(1), task(2)],
    });
    expect(seen.coaccess).toEqual([
      [0, 1, 2],
      [1, 2, 1],
    ]);
    expect([...seen.accesses]).toEqual([3, 2, 1]);
    expect([...seen.read]).toEqual([7, 4, 1]);
  });

  it('says which step waits for a later one', () => {
    const it: Sketch = { tensors: [{ shape: [1] }], tasks: [{ cycles: 1, touches: [] }], steps: [task(0, 0, [0])] };
    expect(() => run(it)).toThrow(/step 0 waits for step 0/);
  });
});

describe('hardware scheduler', () => {
  const table = { kind: 'table', entries: 2, comparators: 1, window: 8, lookupCycles: 3, dispatchCycles: 7, editCycles: 11 } as const;
  const it2: Sketch = {
    tensors: [{ shape: [1] }, { shape: [1] }, { shape: [1] }],
    tasks: [0, 0, 1, 2, 0].map((tensor) => ({ cycles: 10, touches: [['read', tensor, row(0, 1)]] })),
    steps: [0, 1, 2, 3, 4].map((t) => task(t)),
  };

  it('adds look-up, dispatch and edits of entries', () => {
    const seen = run({ ...it2, machine: toyWith({ scheduler: table }) });
    // 20 + 7 always; a new entry costs 11; a pass per entry held.
    expect([...seen.end].map((end, i) => end - seen.start[i])).toEqual([41, 30, 44, 44, 44]);
  });

  it('holds tasks back that lie beyond its window', () => {
    const wide: Sketch = {
      tensors: [{ shape: [1] }],
      tasks: [100, 1, 1].map((cycles) => ({ cycles, touches: [] })),
      steps: [task(0, 0), task(1, 1), task(2, 1)],
    };
    const free = { ...table, lookupCycles: 0, dispatchCycles: 0, editCycles: 0 };
    expect([...run({ ...wide, machine: toyWith({ scheduler: { ...free, window: 3 } }) }).start]).toEqual([0, 0, 11]);
    const seen = run({ ...wide, machine: toyWith({ scheduler: { ...free, window: 2 } }) });
    expect([...seen.start]).toEqual([0, 0, 110]);
    expect([...seen.waited]).toEqual([0]);
  });
});
