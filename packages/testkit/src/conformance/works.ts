import { type Decomposition, type Dependences, expand, type Program } from '@regrain/core-ir';
import fc from 'fast-check';
import { grains, programs, traces, traceWork } from '../arbitraries/index.js';
import { bruteForceDependences } from '../brute/dependences.js';

export interface WorkExample {
  readonly program: Program;
  readonly work: Decomposition;
  readonly needs: Dependences;
}

/** Random programs in random grains, with their dependences. */
export const modelWorks: fc.Arbitrary<WorkExample> = programs(5).chain((program) =>
  grains(program).map((grain) => {
    const work = expand(program, grain);
    return { program, work, needs: bruteForceDependences(work) };
  }),
);

/** Random traces, tracked by whole tensors. */
export const traceWorks: fc.Arbitrary<WorkExample> = traces(10).map((program) => {
  const work = traceWork(program);
  return { program, work, needs: bruteForceDependences(work) };
});

export const works = fc.oneof(modelWorks, modelWorks, traceWorks);
