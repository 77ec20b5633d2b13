import { badInput } from '../errors.js';
import type { Plan } from '../ir/plan.js';
import type { Operation, Scalar } from '../ir/program.js';
import type { Tensor } from '../ir/tensor.js';
import { decodeValue, numberOf } from './json-values.js';
import type { PlanJson, ScalarJson } from './schema.js';

const FORMAT = 'regrain.plan/1';

/** The JSON of a text that claims to be a plan; `source` is what messages call it. Throws `bad-input` where it is none. */
export function planJsonOf(text: string, source: string): unknown {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw badInput(`${source}: this is no JSON: ${(error as Error).message.split('\n')[0]}`, error);
  }
  const { format } = (json ?? {}) as { format?: unknown };
  if (format === FORMAT) return json;
  throw badInput(
    `${source}: ${format === undefined ? 'this is no plan: it has no format' : `format ${JSON.stringify(format)} is not ${FORMAT}`}`,
  );
}

/** The plan in a text that is known, by its hash, to be what `serializePlan` wrote: it is not checked again. */
export function readKnownPlan(text: string, source = 'plan'): Plan {
  return planOf(planJsonOf(text, source) as PlanJson);
}

/** From JSON that obeys the schema. */
export function planOf(json: PlanJson): Plan {
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
