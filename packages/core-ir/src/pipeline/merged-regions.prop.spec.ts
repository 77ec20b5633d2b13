import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Residency } from '../extension-points/mover.js';
import { type Box, intersect, volume } from '../ir/box.js';
import { wholeTensorGrain } from '../ir/grain.js';
import type { Machine } from '../ir/machine.js';
import type { Program } from '../ir/program.js';
import type { Drafted } from './draft.js';
import { mergedGrain } from './merged-regions.js';

const STEPS = 30;
const ALIGN = 16;
const padded = (bytes: number): number => Math.ceil(bytes / ALIGN) * ALIGN;

/** Cuts of rows and columns, channels, lives of the regions, and what else lives. */
const cases = fc.record({
  rows: fc.integer({ min: 1, max: 5 }),
  columns: fc.integer({ min: 1, max: 6 }),
  channels: fc.integer({ min: 1, max: 40 }),
  lives: fc.array(fc.tuple(fc.nat(STEPS), fc.nat(6)), { minLength: 30, maxLength: 30 }),
  others: fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 900 }), first: fc.nat(STEPS), last: fc.nat(6) }), { maxLength: 6 }),
  room: fc.constantFrom(0.5, 0.9),
  slack: fc.constantFrom(0, 0.1),
  least: fc.integer({ min: 1, max: 4 }),
  wishes: fc.array(fc.tuple(fc.nat(4), fc.nat(4), fc.integer({ min: 1, max: 99 })), { maxLength: 6 }),
});

describe('mergedGrain', () => {
  it('covers the tensor, and at no time lets more live than is allowed', () => {
    fc.assert(
      fc.property(cases, ({ rows, columns, channels, lives, others, room, slack, least, wishes }) => {
        const boxes = Array.from(
          { length: rows * columns },
          (_, k): Box => [
            [0, 1],
            [0, channels],
            [Math.floor(k / columns), Math.floor(k / columns) + 1],
            [k % columns, (k % columns) + 1],
          ],
        );
        const program = {
          tensors: [{ name: 'x', shape: [1, channels, rows, columns], dtype: 'int8', kind: 'activation' }],
          operations: [],
        } as unknown as Program;
        const residencies: Residency[] = boxes.map((_, region) => {
          const [first, length] = lives[region];
          return { holds: { region }, space: 0, bytes: channels, first, last: Math.min(STEPS + 1, first + length) };
        });
        for (const { bytes, first, last } of others)
          residencies.push({ holds: { scratch: 0 }, space: 0, bytes, first, last: Math.min(STEPS + 1, first + last) });
        const near = wishes.map(([a, b, worth]) => [a % residencies.length, b % residencies.length, worth] as const);
        const draft = {
          by: {},
          grain: { ...wholeTensorGrain(program), regions: [boxes] },
          work: {
            instances: [{ tensor: 0, role: 'primary', dtype: 'int8', order: [0, 2, 3, 1] }],
            regions: boxes.map((box) => ({ instance: 0, box, bytes: channels })),
            tasks: [],
          },
          residencies,
          steps: Array.from({ length: STEPS }, () => ({ kind: 'task', task: 0, engine: 0, waits: [] })),
        } as unknown as Drafted<'grain' | 'work' | 'residencies' | 'steps'>;
        const machine = { spaces: [{ name: 'sram', bytes: Number.POSITIVE_INFINITY, align: ALIGN, counted: true }] } as unknown as Machine;
        const found = mergedGrain(program, draft, machine, new Set(), near, { least, room, slack });
        if (!found) return;
        const [merged] = found.regions;
        const live = (list: readonly Pick<Residency, 'bytes' | 'first' | 'last'>[], t: number): number =>
          list.reduce((sum, { bytes, first, last }) => sum + (first <= t && t <= last ? padded(bytes) : 0), 0);
        const larger = (merged.length > 0 ? merged : [boxes[0].map((_, d) => [0, [1, channels, rows, columns][d]] as const)]).map((box) => {
          const members = residencies.filter((_, r) => r < boxes.length && intersect(boxes[r], box));
          expect(members.length * channels).toBe(volume(box));
          return {
            bytes: members.length * channels,
            first: Math.min(...members.map(({ first }) => first)),
            last: Math.max(...members.map(({ last }) => last)),
          };
        });
        expect(larger.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(boxes.length * channels);
        const times = Array.from({ length: STEPS + 2 }, (_, t) => t);
        const most = Math.max(...times.map((t) => live(residencies, t)));
        for (const t of times) {
          const before = live(residencies, t);
          const after = live([...larger, ...residencies.slice(boxes.length)], t);
          const allowed = Math.max(before, Math.min(most * (1 + slack), Math.max(room * most, before * (1 + slack))));
          expect(after).toBeLessThanOrEqual(allowed + 1e-6);
        }
      }),
      { numRuns: 300 },
    );
  });
});
