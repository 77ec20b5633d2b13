import { type Box, Decomposer, expand, type Program } from '@regrain/core-ir';
import { bruteForceDependences } from '@regrain/testkit';
import { conformsTo } from '@regrain/testkit/conformance';
import { expect, it } from 'vitest';
import { AccessPatternDecomposer, accessPatternOptions } from './access-pattern.js';
import { BandsDecomposer, bandsOptions } from './bands.js';
import { SearchDecomposer, searchOptions } from './search.js';
import { UniformDecomposer, uniformOptions } from './uniform.js';
import { WholeTensorDecomposer } from './whole-tensor.js';

conformsTo(Decomposer, () => new WholeTensorDecomposer());
conformsTo(Decomposer, () => new UniformDecomposer(uniformOptions.parse({})));
conformsTo(Decomposer, () => new UniformDecomposer(uniformOptions.parse({ parts: 3, dimensions: 2 })));
conformsTo(Decomposer, () => new BandsDecomposer(bandsOptions.parse({})));
conformsTo(Decomposer, () => new BandsDecomposer(bandsOptions.parse({ rows: 2, columns: 2 })));
conformsTo(Decomposer, () => new SearchDecomposer(searchOptions.parse({})));
conformsTo(Decomposer, () => new SearchDecomposer(searchOptions.parse({ maxMacFactor: 3, columns: [1, 2] })));
conformsTo(Decomposer, () => new AccessPatternDecomposer(accessPatternOptions.parse({})));

/** Tiles of 4 are written, then read with a halo of 1, twenty times over. */
function halo(): Program {
  const box = (lo: number, hi: number) => [{ at: Math.max(0, lo), size: Math.min(16, hi) - Math.max(0, lo) }];
  const step = (k: number) => ({ name: `i${k}`, type: 'blur', attributes: {}, domain: [], macs: 0, cycles: 1 });
  const operations = Array.from({ length: 80 }, (_, k) => {
    const at = 4 * (k % 4);
    const [from, to] = Math.floor(k / 4) % 2 === 0 ? [0, 1] : [1, 0];
    return {
      ...step(k),
      operands: [
        { tensor: from, mode: 'read' as const, map: box(at - 1, at + 5) },
        { tensor: to, mode: 'write' as const, map: box(at, at + 4) },
      ],
    };
  });
  const tensor = (name: string) => ({ name, shape: [16], dtype: 'float32' as const, kind: 'computed' as const });
  return { name: 'halo', tensors: [tensor('a'), tensor('b')], operations, outputs: [], states: [], trace: true };
}

it('cuts a trace where that saves false dependences, and nowhere else', () => {
  const program = halo();
  const context = { signal: new AbortController().signal } as never;
  const grain = new AccessPatternDecomposer(accessPatternOptions.parse({})).decompose(program, context);
  const bounds = (boxes: readonly Box[]) => boxes.map(([[lo, hi]]) => [lo, hi]);
  expect(bounds(grain.regions[0])).toEqual([
    [0, 4],
    [4, 8],
    [8, 12],
    [12, 16],
  ]);
  const edges = (regions: typeof grain.regions) =>
    bruteForceDependences(expand(program, { ...grain, regions }), { snap: true }).from.length;
  expect(edges(grain.regions)).toBeLessThan(edges([[], []]));
});
