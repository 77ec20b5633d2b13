import type { AnalysisOptions, Decomposition, DependenceAnalyzer, Dependences } from '@regrain/core-ir';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bruteForceDependences } from '../brute/dependences.js';
import { modelWorks, traceWorks } from './works.js';

/** `from task to task, kinds, elements`, readable in a failure. */
function edges({ row, from, kinds, elements }: Dependences): string[] {
  const found: string[] = [];
  for (let t = 0; t + 1 < row.length; t++) {
    for (let e = row[t]; e < row[t + 1]; e++)
      found.push(`${from[e]} → ${t} kinds ${kinds[e]}${elements ? ` elements ${elements.subarray(3 * e, 3 * e + 3)}` : ''}`);
  }
  return found;
}

/** Constants are never written, so they make no edges; nothing else is special. */
async function compare(make: () => DependenceAnalyzer, work: Decomposition, options: AnalysisOptions): Promise<void> {
  expect(edges(await make().analyze(work, options))).toEqual(edges(bruteForceDependences(work, options)));
}

export function dependenceAnalyzerSuite(make: () => DependenceAnalyzer): void {
  it.each([
    ['exactly', {}],
    ['with the elements that they share', { elements: true }],
    ['with accumulations that may change places', { commute: true }],
    ['snapped to regions', { snap: true }],
  ] as const)('finds the dependences of traces %s', async (_, options) => {
    await fc.assert(
      fc.asyncProperty(traceWorks, ({ work }) => compare(make, work, options)),
      { numRuns: 100 },
    );
  });

  it('finds the dependences of models', async () => {
    await fc.assert(
      fc.asyncProperty(modelWorks, fc.boolean(), ({ work }, elements) => compare(make, work, { elements })),
      { numRuns: 60 },
    );
  });
}
