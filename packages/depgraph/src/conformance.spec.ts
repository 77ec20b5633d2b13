import { type Box, DependenceAnalyzer, expand, wholeTensorGrain } from '@regrain/core-ir';
import { bruteForceDependences } from '@regrain/testkit';
import { traces } from '@regrain/testkit/arbitraries';
import { conformsTo } from '@regrain/testkit/conformance';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { analyzeWith, around } from './analyze.js';
import { BinCells } from './bin-cells.js';
import { PairwiseAnalyzer } from './pairwise.js';
import { RegionIndexAnalyzer } from './region-index.js';

conformsTo(DependenceAnalyzer, () => new RegionIndexAnalyzer());
conformsTo(DependenceAnalyzer, () => new PairwiseAnalyzer());

it('is exact in bins of any size', () => {
  fc.assert(
    fc.property(traces(), fc.integer({ min: 1, max: 4 }), fc.boolean(), (program, side, commute) => {
      const work = expand(program, wholeTensorGrain(program));
      const store = (boxes: readonly Box[]) =>
        new BinCells(
          around(boxes),
          around(boxes).map(() => side),
        );
      const options = { elements: true, commute };
      expect(analyzeWith(work, options, store)).toEqual(bruteForceDependences(work, options));
    }),
  );
});
