import { expand } from '@regrain/core-ir';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grains, programs } from '../arbitraries/index.js';
import { bruteForceVerify } from '../brute/verify.js';
import { simplePlan } from '../run/simple-plan.js';
import { verify } from './verify.js';

const numbers = fc.array(fc.nat(1000), { minLength: 64, maxLength: 64 });
const stream = (values: readonly number[]): ((below: number) => number) => {
  let next = 0;
  return (below) => values[next++ % values.length] % below;
};
const work = programs(5).chain((program) => grains(program).map((grain) => ({ program, work: expand(program, grain) })));

describe('verify', () => {
  it('accepts valid plans, as brute force does', () => {
    fc.assert(
      fc.property(work, numbers, fc.boolean(), ({ program, work }, values, spill) => {
        const plan = simplePlan(program, work, { random: stream(values), spill });
        expect(verify(plan)).toEqual([]);
        expect(bruteForceVerify(plan)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
