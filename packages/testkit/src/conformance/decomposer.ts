import { type Box, boxOf, type Decomposer, expand, interpretProgram, overlaps, programOf, volume } from '@regrain/core-ir';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { examples, traces } from '../arbitraries/index.js';
import { runDecomposition } from '../run/run-decomposition.js';
import { simplePlan } from '../run/simple-plan.js';
import { verify } from '../verify/verify.js';
import { testContext } from './context.js';

function expectPartition(boxes: readonly Box[], shape: readonly number[]): void {
  if (boxes.length === 0) return;
  expect(boxes.reduce((sum, box) => sum + volume(box), 0)).toBe(volume(boxOf(shape)));
  boxes.forEach((a, i) => {
    expect(volume(a)).toBeGreaterThan(0);
    for (const b of boxes.slice(i + 1)) expect(overlaps(a, b)).toBe(false);
  });
}

export function decomposerSuite(make: () => Decomposer): void {
  it('cuts every tensor of a model into disjoint boxes that cover it', async () => {
    await fc.assert(
      fc.asyncProperty(examples(5), async ({ program }) => {
        const grain = await make().decompose(program, testContext());
        const whole = programOf(program, grain);
        expect(grain.regions).toHaveLength(whole.tensors.length);
        expect(grain.tasks).toHaveLength(whole.operations.length);
        for (const [t, { shape }] of whole.tensors.entries()) expectPartition(grain.regions[t], shape);
      }),
      { numRuns: 60 },
    );
  });

  it('gives tasks that compute what the program says, bit by bit, and can be planned', async () => {
    await fc.assert(
      fc.asyncProperty(examples(5), async ({ program, constants, inputs, evaluateOpaque }) => {
        const work = expand(program, await make().decompose(program, testContext()));
        const got = runDecomposition(program, work, constants, inputs, { evaluateOpaque });
        for (const [name, { data }] of interpretProgram(program, constants, inputs, evaluateOpaque)) {
          expect(Array.from(got.get(name)?.data ?? [])).toEqual(Array.from(data));
        }
        expect(verify(simplePlan(program, work))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('leaves the instructions of a trace whole', async () => {
    await fc.assert(
      fc.asyncProperty(traces(8), async (program) => {
        const work = expand(program, await make().decompose(program, testContext()));
        expect(work.tasks.map(({ operation }) => operation)).toEqual(program.operations.map((_, o) => o));
      }),
      { numRuns: 40 },
    );
  });

  it('gives the same grain for the same program', async () => {
    await fc.assert(
      fc.asyncProperty(examples(5), async ({ program }) => {
        expect(await make().decompose(program, testContext())).toEqual(await make().decompose(program, testContext()));
      }),
      { numRuns: 30 },
    );
  });
}
