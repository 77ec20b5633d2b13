import { describe, expect, it } from 'vitest';
import { liveBytes } from '../show/live-bytes.js';
import { peakOf } from '../show/peak.js';
import { allPairs, tinyPlan } from '../spec-support.js';
import { adjacencyFigures, adjacencyOf } from './adjacency.js';
import { byAddress, reuseDependences } from './reuse.js';

// Regions in the order x0, x1, t0, t1, y; every placement [offset, first, last].
const streamed = tinyPlan([
  [0, 1, 1],
  [0, 2, 2],
  [4, 1, 3],
  [8, 2, 3],
  [12, 3, 4],
]);

describe('liveBytes', () => {
  it('sums what is placed at each step', () => {
    expect([...liveBytes(streamed).bytes]).toEqual([8, 12, 16]);
  });

  it('counts bytes that a write takes over once', () => {
    const inPlace = tinyPlan([
      [0, 0, 1],
      [4, 0, 2],
      [0, 1, 3],
      [4, 2, 3],
      [8, 3, 4],
    ]);
    expect([...liveBytes(inPlace).bytes]).toEqual([8, 8, 16]);
  });

  it('leaves out spaces that do not count', () => {
    const [memory] = streamed.machine.spaces;
    const spaces = [
      { ...memory, counted: false },
      { ...memory, name: 'other' },
    ];
    expect([...liveBytes({ ...streamed, machine: { ...streamed.machine, spaces } }).bytes]).toEqual([0, 0, 0]);
  });
});

describe('peakOf', () => {
  it('names the step and what lives there, largest first', () => {
    expect(peakOf(streamed)).toEqual({
      step: 2,
      bytes: 16,
      task: 'second[0:8]',
      parts: [
        { what: 'y[0:8]', bytes: 8 },
        { what: 't[0:4]', bytes: 4 },
        { what: 't[4:8]', bytes: 4 },
      ],
    });
  });
});

describe('adjacencyOf', () => {
  it('is 1 where the regions of a read follow each other in memory, 0 where they do not', () => {
    expect(adjacencyOf(adjacencyFigures(streamed))).toBe(1);
    const apart = tinyPlan([
      [0, 1, 1],
      [0, 2, 2],
      [8, 1, 3],
      [4, 2, 3],
      [12, 3, 4],
    ]);
    expect(adjacencyOf(adjacencyFigures(apart))).toBe(0);
  });
});

describe('reuseDependences', () => {
  it('finds the order that the second half of x must keep because it takes the bytes of the first', async () => {
    // Step 1 reads x1 where x0 lay. It arrives from outside, so only what steps write counts, and nobody writes there.
    expect(await reuseDependences(streamed, allPairs)).toBe(0);
    // y over the bytes of x: the last step writes where both others read.
    const reused = tinyPlan([
      [0, 1, 1],
      [4, 2, 2],
      [8, 1, 3],
      [12, 2, 3],
      [0, 3, 4],
    ]);
    expect(await reuseDependences(reused, allPairs)).toBe(2);
  });

  it('sees each step at the addresses of what it touches then', () => {
    expect(byAddress(streamed).tasks[2].accesses.map(({ box, mode }) => [mode, box[0]])).toEqual([
      ['read', [4, 8]],
      ['read', [8, 12]],
      ['write', [12, 20]],
    ]);
  });
});
