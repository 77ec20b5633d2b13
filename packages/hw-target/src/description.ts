import { badInput, type Machine } from '@regrain/core-ir';
import { z } from 'zod';

const positive = z.number().positive();
const cycles = z.number().min(0);

const cacheLevel = z.strictObject({
  bytes: positive.describe('bytes that the level holds'),
  bytesPerCycle: positive.describe('bandwidth of a hit'),
});

const space = z.strictObject({
  name: z.string().min(1).describe('name that constraints and reports use'),
  bytes: positive.int().nullable().describe('capacity; null = unbounded'),
  align: positive.int().default(1).describe('alignment of every placement in bytes'),
  counted: z.boolean().default(false).describe('part of the arena that plans are compared by'),
  bytesPerCycle: positive.describe('bandwidth of one port of one bank'),
  ports: positive.int().default(1).describe('accessors of one bank that get the full bandwidth at the same time'),
  banks: positive.int().default(1).describe('equal consecutive parts with ports of their own'),
  caches: z.array(cacheLevel).default([]).describe('caches of the engines before this space, nearest first'),
});

const engineBase = {
  name: z.string().min(1).describe('name that traces and reports use'),
  spaces: z.array(z.string()).min(1).describe('spaces it reaches; where a region is in several, the first is taken'),
};

const taskEngine = z.strictObject({
  ...engineBase,
  runs: z.literal('tasks').describe('computes'),
  dispatchCycles: cycles.describe('cycles to start one task (call, descriptor, kernel prologue)'),
  macsPerCycle: z
    .strictObject({ int: positive.describe('integer accumulators'), float: positive.describe('floating-point accumulators') })
    .describe('sustained multiply-accumulates a cycle'),
  pointsPerCycle: positive.describe('points of the domain a cycle where an operation has no multiply-accumulates'),
});

const moveEngine = z.strictObject({
  ...engineBase,
  runs: z.literal('moves').describe('moves regions between spaces (a DMA queue)'),
  startCycles: cycles.describe('latency of one transfer'),
  bytesPerCycle: positive.describe('bandwidth of the link'),
  descriptorCycles: cycles.default(0).describe('cycles for each descriptor after the first'),
  descriptorDimensions: positive.int().default(1).describe('strided dimensions that one descriptor covers (1 = contiguous runs only)'),
});

export const schedulerSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none').describe('the order is fixed at compile time; nothing is looked up') }),
  z.strictObject({
    kind: z.literal('table').describe('a table of regions in flight, searched for every task'),
    entries: positive.int().describe('regions that the table holds (least recently used goes first)'),
    comparators: positive.int().optional().describe('entries compared at once (default: all)'),
    window: positive.int().describe('tasks from the oldest unfinished one that may be in flight'),
    lookupCycles: cycles.describe('cycles of one pass of the comparators for a task'),
    dispatchCycles: cycles.describe('cycles to issue a task, beside the engine’s own'),
    editCycles: cycles.describe('cycles to insert, replace, split or merge an entry'),
  }),
]);

/** A machine as users write it: JSON-able data, every cost in cycles of one clock. */
export const descriptionSchema = z.strictObject({
  name: z.string().min(1).describe('id of the target'),
  title: z.string().default('').describe('one line for `regrain targets`'),
  sources: z.array(z.string()).default([]).describe('where the figures come from'),
  clockHz: positive.describe('cycles a second'),
  spaces: z.array(space).min(1).describe('memory spaces; the first holds the arena'),
  engines: z
    .array(z.discriminatedUnion('runs', [taskEngine, moveEngine]))
    .min(1)
    .describe('what runs steps'),
  home: z
    .strictObject({ input: z.string().optional(), constant: z.string().optional(), output: z.string().optional() })
    .default({})
    .describe('spaces that hold inputs, constants and outputs outside the run (default: the first)'),
  storageOrders: z
    .record(z.string().regex(/^\d+$/), z.array(z.number().int().min(0)))
    .optional()
    .describe('dimensions, outermost first, by rank, as the kernels want them in memory: {"4": [0, 2, 3, 1]} is channels last'),
  scheduler: schedulerSchema.default({ kind: 'none' }).describe('model of a hardware scheduler'),
});

/** What a file of a machine holds: defaults may be left out. */
export type MachineInput = z.input<typeof descriptionSchema>;
/** A checked description with all defaults. */
export type MachineDescription = z.output<typeof descriptionSchema>;
export type SchedulerModel = z.output<typeof schedulerSchema>;

/**
 * Checks a description, for instance one read from a user's JSON file; `where` names the file in messages.
 * Throws `bad-input` with the first fault and its place.
 */
export function parseDescription(data: unknown, where = 'machine description'): MachineDescription {
  const parsed = descriptionSchema.safeParse(data);
  if (!parsed.success) {
    const [first] = parsed.error.issues;
    throw badInput(`${where}: ${first.path.map(String).join('.') || 'top level'}: ${first.message}`);
  }
  const description = parsed.data;
  checkNames(
    description.spaces.map(({ name }) => name),
    `${where}: spaces`,
  );
  checkNames(
    description.engines.map(({ name }) => name),
    `${where}: engines`,
  );
  if (!description.engines.some(({ runs }) => runs === 'tasks')) throw badInput(`${where}: engines: none runs tasks; add one`);
  for (const { name, spaces } of description.engines) for (const reached of spaces) spaceIndex(description, reached, `${where}: ${name}`);
  for (const [what, name] of Object.entries(description.home)) if (name) spaceIndex(description, name, `${where}: home.${what}`);
  return description;
}

/** The part of a description that every stage sees; `detail` is the description itself. */
export function machineOf(description: MachineDescription): Machine {
  const { name, spaces, engines, home, storageOrders } = description;
  const at = (space: string | undefined) => (space === undefined ? 0 : spaceIndex(description, space, name));
  return {
    name,
    spaces: spaces.map(({ name, bytes, align, counted }) => ({ name, bytes: bytes ?? Number.POSITIVE_INFINITY, align, counted })),
    engines: engines.map((engine) => ({ name: engine.name, runs: engine.runs, spaces: engine.spaces.map(at) })),
    home: { input: at(home.input), constant: at(home.constant), output: at(home.output) },
    ...(storageOrders ? { storageOrders } : {}),
    detail: description,
  };
}

function spaceIndex(description: MachineDescription, space: string, where: string): number {
  const index = description.spaces.findIndex(({ name }) => name === space);
  if (index >= 0) return index;
  throw badInput(`${where}: there is no space ${space}; spaces are ${description.spaces.map(({ name }) => name).join(', ')}`);
}

function checkNames(names: readonly string[], where: string): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw badInput(`${where}: the name ${twice} is used twice; give each its own`);
}
