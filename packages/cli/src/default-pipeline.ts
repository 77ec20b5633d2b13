import type { InputAccess, PipelineConfig } from '@regrain/core-ir';

/** What `compile` uses where neither the config file nor the command line says otherwise. */
export const DEFAULT_PIPELINE: Omit<PipelineConfig, 'move'> = {
  decompose: ['whole-tensor', 'bands'],
  analyze: 'region-index',
  schedule: 'min-peak',
  allocate: 'best-fit',
  // Finer than this gains little and makes compiling slow.
  adjust: { id: 'threshold', options: { maxTasks: 4000 } },
  iterations: 2,
};

/**
 * Where real runs decide (`--tune`): bands of one row take the least memory, taller ones fewer tasks; others fit caches, and whoever wants time
 * sums a map at once: a pass over it costs less than many small ones, and it lies in memory until it is summed either way.
 */
export const DEFAULT_DECOMPOSE_TUNED: PipelineConfig['decompose'] = [
  'whole-tensor',
  'bands',
  { id: 'bands', options: { rows: 4 } },
  { id: 'bands', options: { bandBytes: 64 * 1024, partialSums: false } },
  { id: 'bands', options: { bandBytes: 256 * 1024, partialSums: false } },
];

/** Where the command line allows recomputation: the decomposer that knows what to spend it on. */
export const DEFAULT_DECOMPOSE_WITHIN_MACS: PipelineConfig['decompose'] = ['whole-tensor', 'bands', 'search'];

/** A trace comes with boxes of its own and is cut by them. */
export const DEFAULT_TRACE_DECOMPOSE: PipelineConfig['decompose'] = ['whole-tensor', 'access-pattern'];

export const DEFAULT_MOVE = 'one-space';

/** Where the machine has an engine that moves, somewhere to move to, and a limit that makes it necessary. */
export const DEFAULT_MOVE_BETWEEN_SPACES = 'furthest-next-use';

export const DEFAULT_TARGET = 'cpu';
export const DEFAULT_OBJECTIVE = 'peak';
/** With `--tune`, which measures time. */
export const TUNED_OBJECTIVE = 'time';
export const DEFAULT_INPUT: InputAccess = 'streamed';
export const DEFAULT_SEED = 1;
