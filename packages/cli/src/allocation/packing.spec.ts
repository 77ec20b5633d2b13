import { describe, expect, it } from 'vitest';
import { faultOf, packingOf, rowOffsets } from './packing.js';
import { readCsv } from './read-csv.js';

const read = (...lines: string[]) => readCsv(`${lines.join('\n')}\n`, 'x.csv');

describe('readCsv', () => {
  it('reads half-open lives, alignment, fixed offsets and gaps with windows', () => {
    const { buffers } = read('id,lower,upper,size,alignment,offset,gaps', 'a,0,10,64,8,16,2-4 5-7@0:32', 'b,0,3,8,1,-1,');
    expect(buffers).toEqual([
      {
        id: 'a',
        lower: 0,
        upper: 10,
        size: 64,
        alignment: 8,
        offset: 16,
        gaps: [
          { lower: 2, upper: 4 },
          { lower: 5, upper: 7, window: [0, 32] },
        ],
      },
      { id: 'b', lower: 0, upper: 3, size: 8, alignment: 1, gaps: [] },
    ]);
  });

  it('reads the older columns, whose end is inclusive', () => {
    expect(read('buffer,start,end,size', 'a,0,2,4').buffers[0]).toMatchObject({ id: 'a', lower: 0, upper: 3, size: 4 });
  });

  it.each([
    [['id,lower,upper,size', 'a,0,1,4', 'b,0,x,4'], 'x.csv:3: upper: "x" is not a whole number'],
    [['id,lower,upper,size', 'a,0,1,-4'], 'x.csv:2: size: -4 is less than 1'],
    [['id,lower,upper,size', 'a,0,1,0'], 'x.csv:2: size: 0 is less than 1'],
    [['id,lower,upper,size', 'a,5,5,4'], 'x.csv:2: upper: the buffer ends at 5, not after its start at 5'],
    [['id,lower,upper,size', 'a,0,1'], 'x.csv:2: Invalid Record Length'],
    [['id,lower,upper,size', 'a,0,1,4', '', 'a,0,1,4'], 'x.csv:4: id: "a" stands in line 2 too'],
    [['id,lower,upper,sizes', 'a,0,1,4'], 'x.csv:1: unknown column "sizes"; did you mean "size"?'],
    [['id,lower,size', 'a,0,4'], 'x.csv:1: the column upper is missing'],
    [['id,lower,upper,size,offset,alignment', 'a,0,1,4,3,2'], 'x.csv:2: offset: 3 is no multiple of the alignment 2'],
    [['id,lower,upper,size,gaps', 'a,0,5,4,1-9'], 'x.csv:2: gaps: "1-9" is empty or outside'],
    [['id,lower,upper,size,gaps', 'a,0,5,4,1-3 2-4'], 'x.csv:2: gaps: two gaps overlap'],
    [['id,lower,upper,size', 'a,0,1,9007199254740993'], 'is not a whole number'],
    [['id,lower,upper,size', '"a,0,1,4'], 'x.csv:2: Quote Not Closed'],
    [[''], 'x.csv: the file is empty'],
  ])('refuses %j', (lines, message) => {
    expect(() => read(...lines)).toThrow(message);
  });
});

describe('packingOf', () => {
  it('compresses times and keeps who overlaps whom', () => {
    const { buffers } = read('id,lower,upper,size', 'a,1000,2000,4', 'b,2000,900000,8', 'c,1999,2001,1');
    const made = packingOf(buffers, 12);
    expect(made.packing.buffers.map(({ first, last }) => [first, last])).toEqual([
      [0, 1],
      [2, 3],
      [1, 2],
    ]);
    expect(made.loadBound).toBe(9);
  });

  it('splits a buffer at its gaps into pieces that are tied to the first', () => {
    const { buffers } = read('id,lower,upper,size,gaps', 'a,0,10,64,2-4 6-8@16:32');
    const { packing, loadBound } = packingOf(buffers, 100);
    expect(packing.buffers).toEqual([
      { bytes: 64, align: 1, first: 0, last: 0 },
      { bytes: 64, align: 1, first: 2, last: 2, with: { buffer: 0, delta: 0 } },
      { bytes: 64, align: 1, first: 4, last: 4, with: { buffer: 0, delta: 0 } },
      { bytes: 16, align: 1, first: 3, last: 3, with: { buffer: 0, delta: 16 } },
    ]);
    expect(loadBound).toBe(64);
  });

  it('finds overlaps, overruns and misalignment in a result', () => {
    const { buffers } = read('id,lower,upper,size,alignment', 'a,0,2,4,1', 'b,1,3,4,2');
    const made = packingOf(buffers, 8);
    expect(faultOf(made, [0, 4])).toBeUndefined();
    expect(faultOf(made, [0, 2])).toContain('overlap');
    expect(faultOf(made, [1, 5])).toContain('not aligned');
    expect(faultOf(made, [0, 6])).toContain('beyond 8');
    expect(rowOffsets(buffers, made, [0, 4])).toEqual([0, 4]);
  });
});
