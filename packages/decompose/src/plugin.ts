import { Decomposer, definePlugin } from '@regrain/core-ir';
import { AccessPatternDecomposer, accessPatternOptions } from './access-pattern.js';
import { BandsDecomposer, bandsOptions } from './bands.js';
import { SearchDecomposer, searchOptions } from './search.js';
import { UniformDecomposer, uniformOptions } from './uniform.js';
import { WholeTensorDecomposer, wholeTensorOptions } from './whole-tensor.js';

export const plugin = definePlugin({
  name: '@regrain/decompose',
  version: '0.1.0',
  bindings: [
    {
      point: Decomposer,
      id: 'whole-tensor',
      description: 'One region per tensor, one task per operation.',
      use: WholeTensorDecomposer,
      options: wholeTensorOptions,
    },
    {
      point: Decomposer,
      id: 'bands',
      description: 'Bands of rows, halos shared; partial sums for reductions over rows.',
      use: BandsDecomposer,
      options: bandsOptions,
      space: { rows: [1, 2, 4, 8], columns: [0, 8, 16, 32], axis: ['rows', 'columns'] },
    },
    {
      point: Decomposer,
      id: 'search',
      description: 'Stored boundaries, tiles and recomputation chosen by a cost model, within the allowed multiply-accumulates.',
      use: SearchDecomposer,
      options: searchOptions,
      space: { columns: [[1, 2, 4], [16], [32]], maxMacFactor: [1, 1.05, 1.1, 1.3] },
    },
    {
      point: Decomposer,
      id: 'uniform',
      description: 'Equal tiles, whatever reads them.',
      use: UniformDecomposer,
      options: uniformOptions,
      space: { parts: [2, 4, 8, 16] },
    },
    {
      point: Decomposer,
      id: 'access-pattern',
      description: 'Of a trace: regions from what its instructions access.',
      use: AccessPatternDecomposer,
      options: accessPatternOptions,
      space: { regionCost: [1, 4, 16] },
    },
  ],
});
