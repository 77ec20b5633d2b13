import { type Box, type Decomposition, expand, type Mode, type Operation, type Program, wholeTensorGrain } from '@regrain/core-ir';
import fc from 'fast-check';

/** A box of a shape, at least one element. */
export function boxesIn(shape: readonly number[]): fc.Arbitrary<Box> {
  return fc.tuple(
    ...shape.map((extent) =>
      fc.tuple(fc.nat(extent - 1), fc.integer({ min: 1, max: extent })).map(([lo, length]) => [lo, Math.min(extent, lo + length)] as const),
    ),
  );
}

/** Random instruction streams over a few tensors, with boxes that overlap as they like. */
export function traces(instructions = 12): fc.Arbitrary<Program> {
  const shapes = [[8], [4, 5], [2, 3, 4]];
  const access = fc.nat(shapes.length - 1).chain((tensor) =>
    fc.record({
      tensor: fc.constant(tensor),
      box: boxesIn(shapes[tensor]),
      mode: fc.constantFrom<Mode>('read', 'read', 'write', 'accumulate'),
    }),
  );
  return fc.array(fc.array(access, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: instructions }).map((list) => ({
    name: 'trace',
    tensors: shapes.map((shape, k) => ({ name: 'ABC'[k], shape, dtype: 'float32' as const, kind: 'computed' as const })),
    operations: list.map(
      (accesses, k): Operation => ({
        name: `i${k}`,
        type: 'any',
        attributes: {},
        domain: [],
        operands: accesses.map(({ tensor, box, mode }) => ({ tensor, mode, map: box.map(([lo, hi]) => ({ at: lo, size: hi - lo })) })),
        macs: 0,
        cycles: 1,
      }),
    ),
    outputs: [],
    states: [],
    trace: true,
  }));
}

/** The work of a trace: its instructions as tasks, tracked by whole tensors. */
export function traceWork(program: Program): Decomposition {
  return expand(program, wholeTensorGrain(program));
}
