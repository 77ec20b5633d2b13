import { expand, interpretProgram } from '@regrain/core-ir';
import { simplePlan } from '@regrain/testkit';
import { examples, grains } from '@regrain/testkit/arbitraries';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emitWasm } from './emit.js';
import { WasmSession } from './session.js';

const cases = examples().chain((example) =>
  fc.record({
    example: fc.constant(example),
    grain: grains(example.program),
    picks: fc.array(fc.nat(50), { minLength: 8, maxLength: 8 }),
    spill: fc.boolean(),
  }),
);

describe('a plan as a module', () => {
  it.each([
    ['element by element: to the bit', true],
    ['by fast kernels: integers to the bit, floats nearly', false],
  ])('computes what the program says, %s', async (_, generic) => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ example, grain, picks, spill }) => {
        const { program, constants, inputs, evaluateOpaque } = example;
        let pick = 0;
        const plan = simplePlan(program, expand(program, grain), { random: (below) => picks[pick++ % picks.length] % below, spill });
        const session = await WasmSession.open(plan, constants, await emitWasm(plan, constants, { generic, oneLane: true }), {
          evaluateOpaque,
          poison: 0xfa,
        });
        const wanted = interpretProgram(program, constants, inputs, evaluateOpaque);
        for (const outputs of [session.run(inputs), session.inspect(inputs), session.run(inputs)]) {
          for (const [name, { data, dtype }] of outputs) {
            const expected = wanted.get(name)?.data ?? [];
            if (generic || dtype !== 'float32') expect(Array.from(data)).toEqual(Array.from(expected));
            else {
              const greatest = Math.max(1, ...Array.from(expected, Math.abs));
              for (let k = 0; k < data.length; k++) expect(Math.abs(data[k] - expected[k]) / greatest).toBeLessThan(1e-5);
            }
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
