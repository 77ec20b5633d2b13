import type { Task } from '../ir/decomposition.js';
import type { Machine } from '../ir/machine.js';
import type { Metrics, Placement, Plan, Step } from '../ir/plan.js';
import type { Operation, Scalar } from '../ir/program.js';
import type { Tensor } from '../ir/tensor.js';
import { encodeNumber, encodeValue } from './json-values.js';
import type { PlanJson } from './schema.js';

/**
 * A plan as text of the format `regrain.plan/1`: the same plan gives the same text, `parsePlan` gives the same plan. One line per
 * tensor, operation, region, task, step and placement, so that plans can be compared line by line. Constants are not in it.
 */
export function serializePlan(plan: Plan): string {
  const { format, program, machine, constraints, decomposition, steps, placements, metrics, trials, made } = plan;
  const { tensors, operations, name, outputs, states, trace } = program;
  const { grain, instances, regions, tasks } = decomposition;
  const number = (value: number): never => encodeNumber(value) as never;
  return object({
    format: JSON.stringify(format),
    program: object({
      name: JSON.stringify(name),
      tensors: lines(tensors, tensorJson),
      operations: lines(operations, operationJson),
      outputs: JSON.stringify(outputs),
      states: JSON.stringify(states),
      ...(trace ? { trace: 'true' } : {}),
    }),
    machine: JSON.stringify(machineJson(machine)),
    constraints: JSON.stringify(constraints),
    metrics: JSON.stringify(metricsJson(metrics)),
    trials: lines(trials, ({ edits, predicted, before, after, kept, effect }) => ({
      edits,
      predicted: number(predicted),
      before: number(before),
      after: number(after),
      kept,
      effect,
    })),
    ...(made ? { made: JSON.stringify(encodeValue(made)) } : {}),
    decomposition: object({
      grain: object({
        regions: lines(grain.regions, (boxes) => boxes),
        tasks: lines(grain.tasks, (choice) => choice),
        order: JSON.stringify(grain.order),
        recompute: JSON.stringify(grain.recompute),
        reduce: JSON.stringify(grain.reduce),
        ...(grain.segments ? { segments: JSON.stringify(grain.segments) } : {}),
        ...(grain.copies ? { copies: JSON.stringify(grain.copies) } : {}),
      }),
      instances: lines(instances, ({ tensor, role, dtype, order }) => ({ tensor, role, dtype, order })),
      regions: lines(regions, ({ instance, box, bytes }) => ({ instance, box, bytes })),
      tasks: lines(tasks, taskJson),
    }),
    steps: lines(steps, stepJson),
    placements: lines(placements, placementJson),
  });
}

function object(members: Readonly<Record<string, string>>): string {
  return `{${Object.entries(members)
    .map(([key, json]) => `\n${JSON.stringify(key)}:${json}`)
    .join(',')}}`;
}

function lines<T>(items: readonly T[], json: (item: T) => unknown): string {
  return items.length === 0 ? '[]' : `[\n${items.map((item) => JSON.stringify(json(item))).join(',\n')}]`;
}

function tensorJson({ name, shape, dtype, kind, data }: Tensor): unknown {
  return { name, shape, dtype, kind, data: data && 'splat' in data ? { splat: encodeNumber(data.splat) } : data };
}

function operationJson({ name, type, attributes, domain, operands, body, macs, cycles, engine, scratchBytes }: Operation): unknown {
  return {
    name,
    type,
    attributes: encodeValue(attributes),
    domain: domain.map(({ extent, kind }) => ({ extent, kind })),
    operands: operands.map(({ tensor, mode, map, outside, inPlaceOf }) => ({
      tensor,
      mode,
      map: map.map((range) => (range === 'all' ? range : { at: range.at, size: range.size })),
      outside: outside === undefined ? undefined : encodeNumber(outside),
      inPlaceOf,
    })),
    body: body && { acc: body.acc, init: scalarJson(body.init), step: scalarJson(body.step), finish: scalarJson(body.finish) },
    macs,
    cycles,
    engine,
    scratchBytes,
  };
}

function machineJson({ name, spaces, engines, home, storageOrders, detail }: Machine): unknown {
  return {
    name,
    spaces: spaces.map(({ name, bytes, align, counted }) => ({ name, bytes: Number.isFinite(bytes) ? bytes : null, align, counted })),
    engines: engines.map(({ name, spaces, runs }) => ({ name, spaces, runs })),
    home: { input: home.input, constant: home.constant, output: home.output },
    ...(storageOrders ? { storageOrders } : {}),
    detail: encodeValue(detail) ?? null,
  };
}

function metricsJson({ peakBytes, arenaBytes, movedBytes, macs, cycles }: Metrics): Metrics {
  return { peakBytes, arenaBytes, movedBytes, macs, cycles };
}

function scalarJson(scalar: Scalar): unknown {
  if (typeof scalar === 'number') return encodeNumber(scalar);
  if (typeof scalar === 'string' || 'x' in scalar) return scalar;
  return { fn: scalar.fn, args: scalar.args.map(scalarJson) };
}

function taskJson({ operation, box, accesses, phase, copy }: Task): unknown {
  return { operation, box, accesses: accesses.map(({ operand, instance, mode, box }) => [operand, instance, mode, box]), phase, copy };
}

function stepJson(step: Step): PlanJson['steps'][number] {
  const waits = step.waits.length > 0 ? { waits: [...step.waits] } : {};
  return step.kind === 'task'
    ? { task: step.task, engine: step.engine, ...waits }
    : { from: step.from, to: step.to, engine: step.engine, ...waits };
}

function placementJson({ holds, space, offset, bytes, first, last }: Placement): PlanJson['placements'][number] {
  return { ...holds, space, offset, bytes, first, last };
}
