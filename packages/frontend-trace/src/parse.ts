import {
  type Box,
  badInput,
  DTYPES,
  elements,
  type IndexMap,
  type Mode,
  nearest,
  type Operand,
  type Operation,
  type Tensor,
} from '@regrain/core-ir';
import { z } from 'zod';

export const FORMAT = 'regrain.trace/1';

const extent = z
  .number()
  .int()
  .min(1)
  .max(2 ** 40);
const headerSchema = z.strictObject({
  format: z.literal(FORMAT),
  tensors: z.array(z.strictObject({ name: z.string().min(1), shape: z.array(extent), dtype: z.enum(DTYPES) })).min(1),
});
const accesses = z.array(z.tuple([z.string(), z.array(z.tuple([z.number().int(), z.number().int()]))])).default([]);
const instructionSchema = z.strictObject({
  op: z.string(),
  reads: accesses,
  writes: accesses,
  accumulates: accesses,
  cycles: z.number().min(0).optional(),
  engine: z.string().optional(),
});

/** The tensors of a trace's first line. `where` names file and line. */
export function parseHeader(line: string, where: string): Omit<Tensor, 'kind'>[] {
  const value = parseJson(line, where);
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
  if (format !== FORMAT)
    throw badInput(
      `${where}: a trace starts with {"format":"${FORMAT}","tensors":[…]}${typeof format === 'string' ? `, not with format "${format}"` : ''}`,
    );
  const { tensors } = checked(headerSchema, value, where);
  const names = new Set<string>();
  for (const { name, shape } of tensors) {
    if (names.has(name)) throw badInput(`${where}: tensor ${name} is declared twice`);
    names.add(name);
    if (elements(shape) > 2 ** 48) throw badInput(`${where}: tensor ${name} of shape [${shape.join(', ')}] is too large`);
  }
  return tensors;
}

/** One instruction as an operation of one point. Empty boxes are no accesses. */
export function parseInstruction(
  line: string,
  where: string,
  index: number,
  tensors: readonly Omit<Tensor, 'kind'>[],
  ids: ReadonlyMap<string, number>,
): Operation {
  const { op, reads, writes, accumulates, cycles, engine } = checked(instructionSchema, parseJson(line, where), where);
  const operands: Operand[] = [];
  for (const [list, mode] of [
    [reads, 'read'],
    [accumulates, 'accumulate'],
    [writes, 'write'],
  ] as const) {
    for (const [name, box] of list) {
      const operand = operandOf(name, box, mode, where, tensors, ids);
      if (operand) operands.push(operand);
    }
  }
  return {
    name: `${op}#${index}`,
    type: op,
    attributes: {},
    domain: [],
    operands,
    macs: 0,
    ...(cycles === undefined ? {} : { cycles }),
    ...(engine === undefined ? {} : { engine }),
  };
}

function operandOf(
  name: string,
  box: Box,
  mode: Mode,
  where: string,
  tensors: readonly Omit<Tensor, 'kind'>[],
  ids: ReadonlyMap<string, number>,
): Operand | undefined {
  const tensor = ids.get(name);
  if (tensor === undefined) {
    const known = tensors.map((each) => each.name);
    const suggestion = nearest(name, known);
    throw badInput(
      `${where}: there is no tensor ${name}${suggestion ? `; did you mean ${suggestion}?` : ''} (the first line declares: ${known.slice(0, 10).join(', ')}${known.length > 10 ? ', …' : ''})`,
    );
  }
  const { shape } = tensors[tensor];
  const text = `[${box.map(([lo, hi]) => `[${lo},${hi}]`).join(',')}]`;
  if (box.length !== shape.length) throw badInput(`${where}: box ${text} has ${box.length} dimensions, tensor ${name} has ${shape.length}`);
  for (const [d, [lo, hi]] of box.entries()) {
    if (lo > hi) throw badInput(`${where}: box ${text} of tensor ${name} ends before it starts in dimension ${d}`);
    if (lo < 0 || hi > shape[d]) throw badInput(`${where}: box ${text} lies outside tensor ${name} of shape [${shape.join(', ')}]`);
  }
  if (box.some(([lo, hi]) => lo === hi)) return undefined;
  const map: IndexMap = box.map(([lo, hi]) => ({ at: lo, size: hi - lo }));
  return { tensor, mode, map };
}

function parseJson(line: string, where: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw badInput(`${where}: this is no JSON (${(cause as Error).message}); a trace has one JSON object per line`, cause);
  }
}

function checked<S extends z.ZodType>(schema: S, value: unknown, where: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue.code === 'unrecognized_keys') throw badInput(`${where}: unknown key ${issue.keys[0]}`);
  const path = issue.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  throw badInput(`${where}: ${path.replace(/^\./, '') || 'value'}: ${issue.message}`);
}
