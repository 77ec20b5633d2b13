import { z } from 'zod';
import type { Plugin } from '../plugin/define.js';

const id = z.string().min(1);
const bytes = z.number().int().min(0);

export const choiceSchema = z.union([id, z.strictObject({ id, options: z.record(z.string(), z.unknown()).optional() })]);
const choices = z.union([choiceSchema, z.array(choiceSchema).min(1)]);

const access = z.enum(['resident', 'streamed', 'external']);

/** `Constraint` of the IR. */
export const constraintSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('pin'), tensor: z.string(), space: z.string(), offset: bytes.optional() }),
  z.strictObject({ kind: z.literal('reserve'), space: z.string(), offset: bytes, bytes }),
  z.strictObject({ kind: z.literal('before'), first: z.string(), then: z.string() }),
  z.strictObject({ kind: z.literal('input'), tensor: z.string(), access }),
  z.strictObject({ kind: z.literal('mac-factor'), max: z.number().min(1) }),
  z.strictObject({ kind: z.literal('capacity'), space: z.string(), bytes }),
]);

const pipelineSchema = z.strictObject({
  decompose: choices.optional().describe('how tensors are cut into regions; of several the best is kept'),
  analyze: choiceSchema.optional().describe('how dependences are found'),
  schedule: choices.optional().describe('how tasks are ordered; of several the best is kept'),
  move: choiceSchema.optional().describe('what is in which space when'),
  allocate: choices.optional().describe('how regions get their offsets; of several the best is kept'),
  adjust: choiceSchema.optional().describe('how regions change after a run'),
  iterations: z.number().int().min(0).optional().describe('rounds of adjusting at most'),
});

/** A plugin's own parts are checked where it is registered. */
const pluginSchema = z.custom<Plugin>(
  (value) => typeof value === 'object' && value !== null && 'name' in value && 'bindings' in value,
  'expected what a plugin package exports as `plugin`',
);

export const configSchema = z.strictObject({
  plugins: z.array(pluginSchema).default([]).describe('beside those that the command brings'),
  pipeline: pipelineSchema.optional(),
  target: choiceSchema.optional(),
  objective: choiceSchema.optional(),
  constraints: z.array(constraintSchema).default([]),
  input: access.optional().describe('how inputs are counted where no constraint says otherwise'),
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .optional()
    .describe('of all random choices'),
});
