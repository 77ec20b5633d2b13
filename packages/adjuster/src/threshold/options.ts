import { z } from 'zod';

const share = z.number().min(0);

export const thresholdOptions = z.strictObject({
  splitContention: share.default(0.5).describe('split regions whose contention (time waited ÷ time in use) is at least this'),
  mergeContention: share
    .default(0.1)
    .describe('merge only regions whose contention is at most this; apart from splitContention, so that no region flips'),
  lowReuse: share.default(1.5).describe('regions with less reuse (bytes read ÷ bytes filled) are edited by lowReusePolicy'),
  lowReusePolicy: z
    .enum(['split', 'merge', 'by-cost'])
    .default('by-cost')
    .describe('what to do about low reuse: split, merge, or whichever is estimated to be better'),
  mergeCoaccess: share.max(1).default(0.3).describe('merge neighbours of which at least this share of tasks touches both (÷ either)'),
  minFrequency: share.default(0).describe('leave tensors alone that are accessed less often than this per kilocycle'),
  factors: z.array(z.number().int().min(2)).min(1).default([2, 4, 16]).describe('parts of a split, and regions of a merge, that are tried'),
  cooldown: z.number().int().min(0).default(4).describe('kept edits during which a tensor is not edited the opposite way'),
  recompute: z.boolean().default(true).describe('propose recomputation where a mac-factor constraint above 1 allows it'),
  minGain: z.number().min(0).default(0).describe('leave out batches whose predicted gain (share of the score) is not above this'),
  maxProposals: z.number().int().min(1).default(8).describe('proposals of one round'),
  maxTasks: z.number().int().min(1).default(20_000).describe('leave out splits after which a plan would have more tasks than this'),
  maxEdits: z.number().int().min(1).default(20_000).describe('edits of one batch'),
});

export type ThresholdOptions = z.output<typeof thresholdOptions>;
