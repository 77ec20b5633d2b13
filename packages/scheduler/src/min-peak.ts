import {
  type Context,
  type Decomposition,
  type Dependences,
  PluginOptions,
  type Program,
  type Schedule,
  type Scheduler,
} from '@regrain/core-ir';
import { inject, injectable } from 'inversify';
import { z } from 'zod';
import { assignEngines } from './engines.js';
import { taskGraph } from './graph.js';
import { memoryModel, shareOf } from './memory-model.js';
import { bestSegments } from './segments.js';

export const minPeakOptions = z.strictObject({
  maxCuts: z.number().int().min(0).default(40).describe('places between operations that may become a stored boundary'),
});

/**
 * Fewest live bytes: streams segments of the program row by row (depth first, freeing most) and chooses the boundaries between
 * segments, where whole tensors are stored. Sources: row streaming as in MCUNetV2 (Lin et al. 2021, section 3), fusion blocks chosen by
 * dynamic programming as in msf-CNN (Huang & Baccelli 2025), here without recomputation.
 */
@injectable()
export class MinPeakScheduler implements Scheduler {
  constructor(@inject(PluginOptions) private readonly options: z.infer<typeof minPeakOptions>) {}

  schedule(program: Program, work: Decomposition, needs: Dependences, context: Context): Schedule {
    const graph = taskGraph(program, work, needs, context);
    const model = memoryModel(program, work, context);
    const { order } = bestSegments(graph, model, {
      maxCuts: this.options.maxCuts,
      boundaries: work.grain.segments,
      signal: context.signal,
      progress: (done, of) => context.progress(done, of, 'segments'),
    });
    return assignEngines(
      order,
      graph,
      program,
      context,
      (task) => program.operations[work.tasks[task].operation].macs * shareOf(program, work.tasks[task]) + 1,
    );
  }
}
