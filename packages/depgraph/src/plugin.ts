import { DependenceAnalyzer, definePlugin } from '@regrain/core-ir';
import { PairwiseAnalyzer, pairwiseOptions } from './pairwise.js';
import { RegionIndexAnalyzer, regionIndexOptions } from './region-index.js';

export const plugin = definePlugin({
  name: '@regrain/depgraph',
  version: '0.1.0',
  bindings: [
    {
      point: DependenceAnalyzer,
      id: 'region-index',
      description: 'Exact and near-linear: atoms of the access pattern, or bins.',
      use: RegionIndexAnalyzer,
      options: regionIndexOptions,
    },
    {
      point: DependenceAnalyzer,
      id: 'pairwise',
      description: 'Exact by comparing everything with everything.',
      use: PairwiseAnalyzer,
      options: pairwiseOptions,
    },
  ],
});
