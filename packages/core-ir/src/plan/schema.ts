import { z } from 'zod';
import { constraintSchema } from '../config/schema.js';
import { DTYPES } from '../ir/tensor.js';
import { SPECIAL_NUMBERS } from './json-values.js';

/** The file format `regrain.plan/1`, as JSON has it. What the types of the IR say of each field holds here too. */

const whole = z.int().min(0);
const id = whole;
const bytes = z.number().min(0);
/** JSON has no word for these. */
const number = z.union([z.number(), z.enum(SPECIAL_NUMBERS)]);
const dtype = z.enum(DTYPES);
const box = z.array(z.tuple([z.int(), z.int()])).describe('half-open intervals [lo, hi), one per dimension');
const tensorBox = z.strictObject({ tensor: id, box });

export type ExprJson = number | { d: number } | ['+', ExprJson, ExprJson] | ['*' | 'div' | 'mod' | 'min' | 'max', ExprJson, number];
const expr: z.ZodType<ExprJson> = z
  .lazy(() =>
    z.union([
      z.number(),
      z.strictObject({ d: id }),
      z.tuple([z.literal('+'), expr, expr]),
      z.tuple([z.enum(['*', 'div', 'mod', 'min', 'max']), expr, z.number()]),
    ]),
  )
  .meta({ id: 'expr', description: 'affine expression over the dimensions of an iteration domain' });

export type ScalarJson = number | (typeof SPECIAL_NUMBERS)[number] | 'acc' | { x: number } | { fn: string; args: ScalarJson[] };
const scalar: z.ZodType<ScalarJson> = z
  .lazy(() => z.union([number, z.literal('acc'), z.strictObject({ x: id }), z.strictObject({ fn: z.string(), args: z.array(scalar) })]))
  .meta({ id: 'scalar', description: 'scalar meaning of an operation' });

const tensor = z.strictObject({
  name: z.string(),
  shape: z.array(whole),
  dtype,
  kind: z.enum(['input', 'constant', 'computed']),
  data: z
    .union([z.strictObject({ offset: whole, sha256: z.string() }), z.strictObject({ splat: number })])
    .optional()
    .describe('offset into plan.bin, or one value for all elements'),
});

const operand = z.strictObject({
  tensor: id,
  mode: z.enum(['read', 'write', 'accumulate']),
  map: z.array(z.union([z.literal('all'), z.strictObject({ at: expr, size: whole.optional() })])),
  outside: number.optional(),
  inPlaceOf: id.optional(),
});

const operation = z.strictObject({
  name: z.string(),
  type: z.string(),
  attributes: z.record(z.string(), z.unknown()),
  domain: z.array(z.strictObject({ extent: whole, kind: z.enum(['parallel', 'reduction', 'sequential']) })),
  operands: z.array(operand),
  body: z.strictObject({ acc: dtype, init: scalar, step: scalar, finish: scalar }).optional(),
  macs: z.number().min(0),
  cycles: z.number().min(0).optional(),
  engine: z.string().optional(),
  scratchBytes: bytes.optional(),
});

const program = z.strictObject({
  name: z.string(),
  tensors: z.array(tensor),
  operations: z.array(operation),
  outputs: z.array(id),
  states: z.array(z.strictObject({ from: tensorBox, to: tensorBox })),
  trace: z.boolean().optional(),
});

const machine = z.strictObject({
  name: z.string(),
  spaces: z.array(
    z.strictObject({ name: z.string(), bytes: bytes.nullable().describe('null: unlimited'), align: z.int().min(1), counted: z.boolean() }),
  ),
  engines: z.array(z.strictObject({ name: z.string(), spaces: z.array(id), runs: z.enum(['tasks', 'moves']) })),
  home: z.strictObject({ input: id, constant: id, output: id }),
  storageOrders: z.record(z.string().regex(/^\d+$/), z.array(id)).optional().describe('dimensions, outermost first, by rank'),
  detail: z.unknown().describe("the target's own"),
});

const recompute = { tensor: id, reader: id, along: z.array(id) };
const reduce = { operation: id, axis: id, parts: z.int().min(1) };

const grain = z.strictObject({
  regions: z.array(z.array(box)),
  tasks: z.array(z.union([z.literal('owner'), z.array(box)])),
  order: z.array(z.array(id)),
  recompute: z.array(z.strictObject(recompute)),
  reduce: z.array(z.strictObject(reduce)),
  copies: z
    .array(z.strictObject({ operations: z.array(id), readers: z.array(id), at: id.optional() }))
    .optional()
    .describe('operations that run again for late readers'),
  segments: z.array(id).optional().describe('operations at which a streamed segment begins'),
});

const access = z.tuple([z.int().min(-1), id, z.enum(['read', 'write', 'accumulate']), box]).describe('operand, instance, mode, box');

const decomposition = z.strictObject({
  grain,
  instances: z.array(z.strictObject({ tensor: id, role: z.enum(['primary', 'replica', 'accumulator']), dtype, order: z.array(id) })),
  regions: z.array(z.strictObject({ instance: id, box, bytes })),
  tasks: z.array(
    z.strictObject({
      operation: id,
      box,
      accesses: z.array(access),
      phase: z.enum(['init', 'step', 'finish']).optional(),
      copy: id.optional(),
    }),
  ),
});

const waits = z.array(id).optional().describe('steps on other engines that must have ended');
const step = z.union([
  z.strictObject({ task: id, engine: id, waits }),
  z.strictObject({ from: id, to: id, engine: id, waits }).describe('a move between two placements of a region'),
]);

const placement = z.strictObject({
  region: id.optional(),
  scratch: id.optional().describe('the task whose working memory it is'),
  space: id,
  offset: bytes,
  bytes,
  first: whole.describe('0: before the run; step i is at time i + 1'),
  last: whole,
});

const figures = z.strictObject({ peakBytes: bytes, arenaBytes: bytes, macs: z.number().min(0), cycles: z.number().min(0) });

const edit = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('split'), at: tensorBox, axis: id, cut: z.int(), tasks: z.boolean() }),
  z.strictObject({ kind: z.literal('merge'), tensor: id, boxes: z.tuple([box, box]), tasks: z.boolean() }),
  z.strictObject({ kind: z.literal('recompute'), ...recompute }),
  z.strictObject({ kind: z.literal('reduce'), ...reduce }),
]);

export const planSchema = z
  .strictObject({
    format: z.literal('regrain.plan/1'),
    program,
    machine,
    constraints: z.array(constraintSchema),
    metrics: z.strictObject({
      peakBytes: z.array(bytes),
      arenaBytes: z.array(bytes),
      movedBytes: bytes,
      macs: z.number().min(0),
      cycles: z.number().min(0),
    }),
    trials: z.array(
      z.strictObject({
        edits: z.array(edit),
        predicted: number,
        before: number,
        after: number,
        kept: z.boolean(),
        effect: z.strictObject({ before: figures, after: figures.optional() }).optional().describe('after is missing where no plan fits'),
      }),
    ),
    made: z
      .record(z.string(), z.strictObject({ id: z.string(), options: z.record(z.string(), z.unknown()).optional() }))
      .optional()
      .describe('the plugin of each stage'),
    decomposition,
    steps: z.array(step),
    placements: z.array(placement),
  })
  .meta({ title: 'regrain.plan/1', description: 'A region plan of a tensor program on a machine; constants are in plan.bin beside it.' });

export type PlanJson = z.output<typeof planSchema>;

/** The published JSON Schema (packages/core-ir/schema/regrain.plan.1.json). */
export function planJsonSchema(): object {
  return z.toJSONSchema(planSchema, { io: 'input' });
}
