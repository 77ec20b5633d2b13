import {
  type Box,
  boxOf,
  type Edit,
  edit,
  expand,
  type Grain,
  hull,
  interpretProgram,
  type Program,
  RegrainError,
  volume,
} from '@regrain/core-ir';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { examples, grains } from '../arbitraries/index.js';
import { runDecomposition } from './run-decomposition.js';

const cases = examples(4)
  // Rows that an opaque operation takes at once cannot be cut, and an edit does not know.
  .filter(({ program }) => program.operations.every(({ body }) => body))
  .chain((example) => fc.record({ example: fc.constant(example), grain: grains(example.program) }));

const boxesOf = (program: Program, { regions }: Grain, tensor: number): readonly Box[] =>
  regions[tensor].length > 0 ? regions[tensor] : [boxOf(program.tensors[tensor].shape)];

/** A split somewhere, or undefined where the chosen region is too small. */
function splitOf(
  program: Program,
  grain: Grain,
  [a, b, c]: readonly [number, number, number],
  tasks: boolean,
): (Edit & { kind: 'split' }) | undefined {
  const computed = program.tensors.flatMap(({ kind }, t) => (kind === 'constant' ? [] : [t]));
  const tensor = computed[a % computed.length];
  const boxes = boxesOf(program, grain, tensor);
  const box = boxes[b % boxes.length];
  const axis = c % box.length;
  const [lo, hi] = box[axis];
  return hi - lo < 2 ? undefined : { kind: 'split', at: { tensor, box }, axis, cut: lo + 1 + (c % (hi - lo - 1)), tasks };
}

/** A merge of two neighbours somewhere, or undefined where there are none. */
function mergeOf(
  program: Program,
  grain: Grain,
  [a, b]: readonly [number, number, number],
  tasks: boolean,
): (Edit & { kind: 'merge' }) | undefined {
  const computed = program.tensors.flatMap(({ kind }, t) => (kind === 'constant' ? [] : [t]));
  const tensor = computed[a % computed.length];
  const boxes = boxesOf(program, grain, tensor);
  const pairs = boxes.flatMap((one, i) =>
    boxes.slice(i + 1).flatMap((two) => (volume(hull(one, two)) === volume(one) + volume(two) ? [[one, two] as const] : [])),
  );
  return pairs.length === 0 ? undefined : { kind: 'merge', tensor, boxes: pairs[b % pairs.length], tasks };
}

describe('edit', () => {
  const picks = fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99));

  it('keeps the meaning of the program, whatever is split', () => {
    fc.assert(
      fc.property(cases, fc.array(picks, { minLength: 1, maxLength: 3 }), fc.boolean(), ({ example, grain }, list, tasks) => {
        const { program, constants, inputs, evaluateOpaque } = example;
        let current = grain;
        for (const pick of list) {
          const change = splitOf(program, current, pick, tasks);
          if (change) current = edit(program, current, change);
        }
        current.regions.forEach((boxes, t) => {
          if (boxes.length > 0) expect(boxes.reduce((sum, box) => sum + volume(box), 0)).toBe(volume(boxOf(program.tensors[t].shape)));
        });
        const got = runDecomposition(program, expand(program, current), constants, inputs, { evaluateOpaque });
        for (const [name, { data }] of interpretProgram(program, constants, inputs, evaluateOpaque)) {
          expect(Array.from(got.get(name)?.data ?? [])).toEqual(Array.from(data));
        }
      }),
      { numRuns: 150 },
    );
  });

  it('keeps the meaning of the program, whatever is merged after tasks were cut otherwise', () => {
    fc.assert(
      fc.property(
        cases,
        fc.array(fc.tuple(picks, fc.boolean(), fc.boolean()), { minLength: 2, maxLength: 8 }),
        ({ example, grain }, list) => {
          const { program, constants, inputs, evaluateOpaque } = example;
          let current = grain;
          for (const [pick, tasks, merges] of list) {
            const change = merges ? mergeOf(program, current, pick, tasks) : splitOf(program, current, pick, tasks);
            if (change) current = edit(program, current, change);
          }
          current.tasks.forEach((boxes, o) => {
            if (boxes === 'owner') return;
            const whole = volume(boxOf(program.operations[o].domain.map(({ extent }) => extent)));
            expect(boxes.reduce((sum, box) => sum + volume(box), 0)).toBe(whole);
          });
          const got = runDecomposition(program, expand(program, current), constants, inputs, { evaluateOpaque });
          for (const [name, { data }] of interpretProgram(program, constants, inputs, evaluateOpaque)) {
            expect(Array.from(got.get(name)?.data ?? [])).toEqual(Array.from(data));
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('undoes a split by a merge', () => {
    fc.assert(
      fc.property(cases, picks, ({ example: { program }, grain }, pick) => {
        const change = splitOf(program, grain, pick, true);
        if (!change) return;
        const { at, axis, cut } = change;
        const part = (lo: number, hi: number): Box => at.box.map((side, d) => (d === axis ? ([lo, hi] as const) : side));
        const boxes = [part(at.box[axis][0], cut), part(cut, at.box[axis][1])] as const;
        const back = edit(program, edit(program, grain, change), { kind: 'merge', tensor: at.tensor, boxes, tasks: true });
        expect(back.regions[at.tensor]).toEqual(grain.regions[at.tensor]);
        expect(expand(program, back).tasks).toEqual(expand(program, grain).tasks);
      }),
      { numRuns: 150 },
    );
  });

  it('refuses to split a region that is not there', () => {
    fc.assert(
      fc.property(cases, ({ example: { program }, grain }) => {
        const box = program.tensors[0].shape.map((extent) => [0, extent + 1] as const);
        expect(() => edit(program, grain, { kind: 'split', at: { tensor: 0, box }, axis: 0, cut: 1, tasks: true })).toThrow(RegrainError);
      }),
      { numRuns: 10 },
    );
  });
});
