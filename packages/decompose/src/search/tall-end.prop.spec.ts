import { expand, interpretProgram, type Program } from '@regrain/core-ir';
import { runDecomposition, simplePlan, testMachine, verify } from '@regrain/testkit';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { frontOf, macFactorOf, searchOptions } from '../search.js';
import { type BlockChoice, inputOf, network } from './spec-support.js';

const external = { kind: 'input', tensor: 'x', access: 'external' } as const;
const block: BlockChoice = { expand: 4, kernel: 3, stride: 1, channels: 3, residual: false, squeeze: false };

function grainOf(program: Program, align = 1) {
  const machine = { ...testMachine, spaces: testMachine.spaces.map((space) => ({ ...space, align })) };
  const context = { machine, constraints: [external], signal: new AbortController().signal };
  return frontOf(program, context, searchOptions.parse({}), 1)[0].grain();
}

/** The last column is made in several rows at a time. */
function endsTall(program: Program): boolean {
  const last = program.operations.length - 1;
  const { extent } = program.operations[last].domain[3];
  return expand(program, grainOf(program)).tasks.some(
    ({ operation, box: [, , rows, columns] }) => operation === last && columns[0] === extent - 1 && rows[1] - rows[0] > 1,
  );
}

it('ends in tall tiles where the result is most of what is held, and not where it is a sum', () => {
  expect(endsTall(network(24, [{ ...block, channels: 8 }], false))).toBe(true);
  expect(endsTall(network(24, [block], true))).toBe(false);
});

it('computes what the program says, nothing twice, by plans that are verified', () => {
  const shapes = fc.record({ size: fc.integer({ min: 8, max: 14 }), width: fc.integer({ min: 6, max: 14 }) });
  const blocks = fc.array(
    fc.record({
      expand: fc.integer({ min: 1, max: 4 }),
      kernel: fc.constantFrom(3 as const, 5 as const),
      stride: fc.constant(1 as const),
      channels: fc.integer({ min: 1, max: 4 }),
      residual: fc.boolean(),
      squeeze: fc.constant(false),
    }),
    { minLength: 1, maxLength: 2 },
  );
  let tall = 0;
  fc.assert(
    fc.property(shapes, blocks, fc.constantFrom(1, 64), ({ size, width }, chosen, align) => {
      const program = network(size, chosen, false, width);
      if (endsTall(program)) tall++;
      const grain = grainOf(program, align);
      expect(macFactorOf(program, grain)).toBe(1);
      const work = expand(program, grain);
      const input = inputOf(program);
      const expected = interpretProgram(program, new Uint8Array(), input);
      for (const [name, { data }] of runDecomposition(program, work, new Uint8Array(), input))
        expect(Array.from(data)).toEqual(Array.from(expected.get(name)?.data ?? []));
      if (work.tasks.length < 400) expect(verify(simplePlan(program, work, { constraints: [external] }))).toEqual([]);
    }),
    // One that is known to end so: among the random ones there may be none.
    { numRuns: 20, examples: [[{ size: 24, width: 24 }, [{ ...block, channels: 8 }], 1]] },
  );
  expect(tall).toBeGreaterThan(0);
});
