import { type Context, type Decomposer, type Grain, PluginOptions, type Program, wholeTensorGrain } from '@regrain/core-ir';
import { inject, injectable } from 'inversify';
import { z } from 'zod';
import { tiles } from './tiles.js';

export const uniformOptions = z.strictObject({
  parts: z.number().int().min(1).default(4).describe('pieces per cut dimension'),
  dimensions: z.number().int().min(1).default(1).describe('how many dimensions are cut, the largest first'),
});

/**
 * Every tensor in equal tiles, whatever reads it: the baseline for decompositions that look at the accesses. O(tensors × tiles).
 */
@injectable()
export class UniformDecomposer implements Decomposer {
  constructor(@inject(PluginOptions) private readonly options: z.infer<typeof uniformOptions>) {}

  decompose(program: Program, _context: Context): Grain {
    const { parts, dimensions } = this.options;
    const regions = program.tensors.map(({ shape, kind }) => {
      if (kind === 'constant') return [];
      const largest = shape.map((_, d) => d).sort((a, b) => shape[b] - shape[a] || a - b);
      const cut = new Set(largest.slice(0, dimensions));
      return tiles(
        shape,
        shape.map((extent, d) => {
          if (!cut.has(d)) return [];
          const count = Math.min(parts, extent);
          return Array.from({ length: count - 1 }, (_, k) => Math.floor(((k + 1) * extent) / count));
        }),
      );
    });
    return { ...wholeTensorGrain(program), regions };
  }
}
