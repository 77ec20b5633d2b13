import {
  type Box,
  type Context,
  type Decomposer,
  type Grain,
  type Operation,
  PluginOptions,
  type Program,
  type Reduce,
  shifted,
  wholeTensorGrain,
} from '@regrain/core-ir';
import { inject, injectable } from 'inversify';
import { z } from 'zod';
import { type Bands, streamBands, writerCuts } from './stream-axis.js';
import { tiles } from './tiles.js';

export const bandsOptions = z.strictObject({
  axis: z.enum(['rows', 'columns']).default('rows').describe('stream maps along their height or their width'),
  rows: z.number().int().min(1).default(1).describe('rows per band'),
  bandBytes: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('instead of `rows`, bands of at most about so many bytes, and tensors no larger whole: for a cache; 0: by rows'),
  columns: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('cut bands into tiles of so many columns, the horizontal halo shared; 0: whole rows'),
  maxBands: z.number().int().min(1).default(1024).describe('no more bands than this per tensor'),
  partialSums: z.boolean().default(true).describe('split reductions over the streamed axis (global pooling) into a partial sum per band'),
});

/**
 * Bands of rows for streaming: every map is cut along its stream axis, which the consumers' index maps carry through the program;
 * halos are shared, that is, rows stay live until their last reader. Tensors that several operations write are cut between their
 * parts. Reductions over the streamed axis become partial sums, one per band, where the result is no larger than a band.
 * Source: bounds inference of Halide (Ragan-Kelley et al. 2013, section 4.2) applied to rows; patch streaming as in MCUNetV2 (Lin et al.
 * 2021), without its recomputation. O(operands + bands).
 */
@injectable()
export class BandsDecomposer implements Decomposer {
  constructor(@inject(PluginOptions) private readonly options: z.infer<typeof bandsOptions>) {}

  decompose(program: Program, _context: Context): Grain {
    const grain = wholeTensorGrain(program);
    if (program.trace) return grain;
    const bands = streamBands(program, this.options);
    const across = this.across(program);
    const between = writerCuts(program);
    const regions = program.tensors.map(({ shape, kind }, id) => {
      if (kind === 'constant') return [];
      const perDimension = shape.map((_, d) =>
        d === bands[id].axis ? bands[id].cuts : d === across?.[id].axis ? across[id].cuts : between[id][d],
      );
      return tiles(shape, perDimension);
    });
    const reduce = this.options.partialSums
      ? program.operations.flatMap((operation, o) => partialSums(program, operation, o, bands, regions))
      : [];
    return { ...grain, regions, reduce };
  }

  /** The bands along the other axis of maps, which cut those along the first into tiles. */
  private across(program: Program): Bands[] | undefined {
    const { axis, columns, maxBands } = this.options;
    if (columns === 0) return undefined;
    return streamBands(program, { axis: axis === 'rows' ? 'columns' : 'rows', rows: columns, maxBands });
  }
}

/** Splits the reductions of an operation that run over the stream axis of what it reads. */
function partialSums(
  program: Program,
  operation: Operation,
  o: number,
  bands: readonly Bands[],
  regions: readonly (readonly Box[])[],
): Reduce[] {
  if (!operation.body) return [];
  const write = operation.operands.find(({ mode }) => mode !== 'read');
  if (!write || regions[write.tensor].length > 1) return [];
  for (const { tensor, mode, map } of operation.operands) {
    const { axis, cuts } = bands[tensor];
    if (mode !== 'read' || axis < 0 || cuts.length === 0) continue;
    const along = map[axis] === 'all' ? undefined : shifted(map[axis]);
    if (!along || along.d < 0 || operation.domain[along.d].kind !== 'reduction') continue;
    const results = program.tensors[write.tensor].shape.reduce((a, b) => a * b, 1);
    const band = program.tensors[tensor].shape.reduce((a, b) => a * b, 1) / (cuts.length + 1);
    if (results <= band) return [{ operation: o, axis: along.d, parts: cuts.length + 1 }];
  }
  return [];
}
