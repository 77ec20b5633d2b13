import { expand, interpretProgram } from '@regrain/core-ir';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { examples, grains } from '../arbitraries/index.js';
import { bruteForceDependences } from '../brute/dependences.js';
import { runDecomposition } from './run-decomposition.js';

const cases = examples().chain((example) => fc.record({ example: fc.constant(example), grain: grains(example.program) }));

describe('a decomposition', () => {
  it('computes bit by bit what the program says, in any legal order', () => {
    fc.assert(
      fc.property(cases, fc.array(fc.nat(50), { minLength: 8, maxLength: 8 }), ({ example, grain }, picks) => {
        const { program, constants, inputs, evaluateOpaque } = example;
        const wanted = interpretProgram(program, constants, inputs, evaluateOpaque);
        const work = expand(program, grain);
        const { row, from } = bruteForceDependences(work);
        const order: number[] = [];
        const done = new Set<number>();
        const left = work.tasks.map((_, t) => t);
        while (left.length > 0) {
          const ready = left.filter((t) => from.subarray(row[t], row[t + 1]).every((before) => done.has(before)));
          const next = ready[picks[order.length % picks.length] % ready.length];
          left.splice(left.indexOf(next), 1);
          done.add(next);
          order.push(next);
        }
        const got = runDecomposition(program, work, constants, inputs, { order, evaluateOpaque });
        for (const [name, { data }] of wanted) expect(Array.from(got.get(name)?.data ?? [])).toEqual(Array.from(data));
      }),
      { numRuns: 400 },
    );
  });
});
