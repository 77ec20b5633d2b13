import { badInput } from '../errors.js';
import type { Plan } from '../ir/plan.js';
import type { Operation, Scalar } from '../ir/program.js';
import type { Tensor } from '../ir/tensor.js';
import { complaintOf, formatPath } from '../plugin/schema-errors.js';
import { decodeValue, numberOf } from './json-values.js';
import { referenceFault } from './references.js';
import { type PlanJson, planSchema, type ScalarJson } from './schema.js';

/**
 * Reads a plan of the format `regrain.plan/1`; `source` is what messages call it. Throws `bad-input` with one line that names the
 * place inside (`decomposition.regions[3].box`). Whether the plan is right is for a verifier to say. `trusted`: the text is known, by its
 * hash, to be what `serializePlan` wrote, and is not checked again.
 */
export function parsePlan(text: string, source = 'plan', trusted = false): Plan {
  const fail = (message: string, cause?: unknown): never => {
    throw badInput(`${source}: ${message}`, cause);
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return fail(`this is no JSON: ${(error as Error).message.split('\n')[0]}`, error);
  }
  const { format } = (json ?? {}) as { format?: unknown };
  if (format !== 'regrain.plan/1')
    return fail(format === undefined ? 'this is no plan: it has no format' : `format ${JSON.stringify(format)} is not regrain.plan/1`);
  if (trusted) return planOf(json as PlanJson);
  const parsed = planSchema.safeParse(json);
  if (!parsed.success) {
    const { path, message } = complaintOf(parsed.error, planSchema);
    return fail(`${formatPath(path)}: ${message}`);
  }
  const fault = referenceFault(parsed.data);
  if (fault) return fail(`${formatPath(fault.path)}: ${fault.message}`);
  return planOf(parsed.data);
}

function planOf(json: PlanJson): Plan {
  const { program, machine, decomposition, trials, made } = json;
  return {
    format: json.format,
    program: { ...program, tensors: program.tensors.map(tensorOf), operations: program.operations.map(operationOf) },
    machine: {
      ...machine,
      spaces: machine.spaces.map((space) => ({ ...space, bytes: space.bytes ?? Number.POSITIVE_INFINITY })),
      detail: decodeValue(machine.detail),
    },
    constraints: json.constraints,
    decomposition: {
      ...decomposition,
      tasks: decomposition.tasks.map(({ operation, box, accesses, ...rest }) => ({
        operation,
        box,
        accesses: accesses.map(([operand, instance, mode, box]) => ({ operand, instance, box, mode })),
        ...rest,
      })),
    },
    steps: json.steps.map((step) =>
      'task' in step
        ? { kind: 'task', task: step.task, engine: step.engine, waits: step.waits ?? [] }
        : { kind: 'move', from: step.from, to: step.to, engine: step.engine, waits: step.waits ?? [] },
    ),
    placements: json.placements.map(({ region, scratch, ...rest }) => ({
      holds: region !== undefined ? { region } : { scratch: scratch as number },
      ...rest,
    })),
    metrics: json.metrics,
    trials: trials.map(({ predicted, before, after, ...rest }) => ({
      ...rest,
      predicted: numberOf(predicted),
      before: numberOf(before),
      after: numberOf(after),
    })),
    ...(made ? { made: decodeValue(made) as Plan['made'] } : {}),
  };
}

function tensorOf({ data, ...rest }: PlanJson['program']['tensors'][number]): Tensor {
  if (!data) return rest;
  return { ...rest, data: 'splat' in data ? { splat: numberOf(data.splat) } : data };
}

function operationOf({ attributes, operands, body, ...rest }: PlanJson['program']['operations'][number]): Operation {
  return {
    ...rest,
    attributes: decodeValue(attributes) as Operation['attributes'],
    operands: operands.map(({ outside, ...operand }) => ({ ...operand, ...(outside === undefined ? {} : { outside: numberOf(outside) }) })),
    ...(body ? { body: { acc: body.acc, init: scalarOf(body.init), step: scalarOf(body.step), finish: scalarOf(body.finish) } } : {}),
  };
}

function scalarOf(json: ScalarJson): Scalar {
  if (json === 'acc') return json;
  if (typeof json !== 'object') return numberOf(json);
  return 'x' in json ? json : { fn: json.fn, args: json.args.map(scalarOf) };
}
