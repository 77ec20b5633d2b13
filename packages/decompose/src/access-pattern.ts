import { type Context, type Decomposer, type Grain, PluginOptions, type Program, wholeTensorGrain } from '@regrain/core-ir';
import { inject, injectable } from 'inversify';
import { z } from 'zod';
import { type AxisAccesses, cutsOf } from './axis-cuts.js';
import { tiles } from './tiles.js';

export const accessPatternOptions = z.strictObject({
  regionCost: z.number().min(0).default(4).describe('what one more region costs to track, in look-ups of a task'),
  locality: z.number().int().min(1).default(64).describe('accesses so many instructions apart count as unrelated'),
  maxRegions: z.number().int().min(1).default(4096).describe('regions per tensor, at most'),
});

/**
 * Regions of a trace from what its instructions access. Per tensor and axis the bounds of all accesses are cuts; the slabs between
 * them are atoms, whose elements have the same accessors along that axis. Neighbouring slabs merge bottom-up while that costs less than
 * it saves: a region less to track, for each instruction that touches one of the two but not the other a false dependence on those
 * nearby in program order. The regions are the product of the axes' slabs. O(accesses log accesses) per tensor.
 * Source: coarsest common refinement of accesses, as Legion's equivalence sets (Bauer et al., PPoPP 2023), made coarser by a cost model.
 */
@injectable()
export class AccessPatternDecomposer implements Decomposer {
  constructor(@inject(PluginOptions) private readonly options: z.infer<typeof accessPatternOptions>) {}

  decompose(program: Program, context: Context): Grain {
    const accesses: AxisAccesses[][] = program.tensors.map(({ shape }) => shape.map(() => ({ lo: [], hi: [], at: [], writes: [] })));
    program.operations.forEach(({ operands, domain }, instruction) => {
      if (domain.length > 0) return; // models are cut by `bands`
      for (const { tensor, mode, map } of operands) {
        map.forEach((range, d) => {
          if (range === 'all' || typeof range.at !== 'number') return;
          const axis = accesses[tensor][d];
          axis.lo.push(range.at);
          axis.hi.push(range.at + (range.size ?? 1));
          axis.at.push(instruction);
          axis.writes.push(mode === 'read' ? 0 : 1);
        });
      }
    });
    const regions = program.tensors.map(({ shape, kind }, tensor) => {
      if (kind === 'constant') return [];
      context.signal.throwIfAborted();
      const perAxis = Math.max(1, Math.floor(this.options.maxRegions ** (1 / Math.max(1, shape.length))));
      return tiles(
        shape,
        shape.map((extent, d) => cutsOf(extent, accesses[tensor][d], { ...this.options, maxSlabs: perAxis })),
      );
    });
    return { ...wholeTensorGrain(program), regions };
  }
}
