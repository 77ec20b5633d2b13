import { programOf } from '../expand/copies.js';
import type { Program } from '../ir/program.js';
import type { PlanJson } from './schema.js';

interface Fault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** The first place where a plan's parts do not fit each other: ids of what is not there, boxes of another rank. Linear. */
export function referenceFault(plan: PlanJson): Fault | undefined {
  for (const fault of faults(plan)) return fault;
  return undefined;
}

function* faults({ program, machine, decomposition, steps, placements, metrics }: PlanJson): Generator<Fault> {
  const { tensors, operations } = program;
  const { instances, regions, tasks, grain } = decomposition;
  const outOf = (path: readonly PropertyKey[], id: number, what: string, list: readonly unknown[]): Fault[] =>
    id < list.length ? [] : [{ path, message: `there is no ${what} ${id} (there are ${list.length})` }];
  const rank = (path: readonly PropertyKey[], box: readonly unknown[], wanted: number): Fault[] =>
    box.length === wanted ? [] : [{ path, message: `a box of rank ${wanted} is expected, this has ${box.length}` }];
  const extents = (path: readonly PropertyKey[], box: readonly (readonly [number, number])[]): Fault[] => {
    const bad = box.findIndex(([lo, hi]) => hi < lo);
    return bad < 0 ? [] : [{ path, message: `interval ${bad} ends before it starts` }];
  };
  for (const [i, output] of program.outputs.entries()) yield* outOf(['program', 'outputs', i], output, 'tensor', tensors);
  for (const [o, { operands, domain }] of operations.entries()) {
    for (const [k, { tensor, map }] of operands.entries()) {
      const path = ['program', 'operations', o, 'operands', k];
      yield* outOf([...path, 'tensor'], tensor, 'tensor', tensors);
      if (map.length !== tensors[tensor].shape.length)
        yield {
          path: [...path, 'map'],
          message: `one range per dimension of ${tensors[tensor].name} is expected, there are ${map.length}`,
        };
      for (const range of map)
        if (range !== 'all' && usesBeyond(range.at, domain.length))
          yield { path: [...path, 'map'], message: 'it uses a dimension that the domain does not have' };
    }
  }
  const whole = extendedOf(program, grain);
  if (typeof whole === 'string') return yield { path: ['decomposition', 'grain', 'copies'], message: whole };
  for (const [key, list, of] of [
    ['regions', grain.regions, whole.tensors],
    ['order', grain.order, whole.tensors],
    ['tasks', grain.tasks, whole.operations],
  ] as const) {
    if (list.length !== of.length)
      yield { path: ['decomposition', 'grain', key], message: `${of.length} entries are expected, there are ${list.length}` };
  }
  for (const [i, { tensor }] of instances.entries()) yield* outOf(['decomposition', 'instances', i, 'tensor'], tensor, 'tensor', tensors);
  for (const [r, { instance, box }] of regions.entries()) {
    const path = ['decomposition', 'regions', r];
    yield* outOf([...path, 'instance'], instance, 'instance', instances);
    yield* rank([...path, 'box'], box, tensors[instances[instance].tensor].shape.length);
    yield* extents([...path, 'box'], box);
  }
  for (const [t, { operation, box, accesses }] of tasks.entries()) {
    const path = ['decomposition', 'tasks', t];
    yield* outOf([...path, 'operation'], operation, 'operation', operations);
    yield* rank([...path, 'box'], box, operations[operation].domain.length);
    for (const [k, [operand, instance, , touched]] of accesses.entries()) {
      yield* outOf([...path, 'accesses', k], operand, 'operand', operations[operation].operands);
      yield* outOf([...path, 'accesses', k], instance, 'instance', instances);
      yield* rank([...path, 'accesses', k], touched, tensors[instances[instance].tensor].shape.length);
    }
  }
  for (const [i, step] of steps.entries()) {
    yield* outOf(['steps', i, 'engine'], step.engine, 'engine', machine.engines);
    if ('task' in step) yield* outOf(['steps', i, 'task'], step.task, 'task', tasks);
    else {
      yield* outOf(['steps', i, 'from'], step.from, 'placement', placements);
      yield* outOf(['steps', i, 'to'], step.to, 'placement', placements);
    }
    for (const [k, wait] of (step.waits ?? []).entries()) yield* outOf(['steps', i, 'waits', k], wait, 'step', steps);
  }
  for (const [p, { region, scratch, space, first, last }] of placements.entries()) {
    if ((region === undefined) === (scratch === undefined))
      yield { path: ['placements', p], message: 'it needs region or scratch, one of them' };
    if (region !== undefined) yield* outOf(['placements', p, 'region'], region, 'region', regions);
    if (scratch !== undefined) yield* outOf(['placements', p, 'scratch'], scratch, 'task', tasks);
    yield* outOf(['placements', p, 'space'], space, 'space', machine.spaces);
    if (last < first || last > steps.length + 1)
      yield { path: ['placements', p, 'last'], message: `it must lie within ${first} … ${steps.length + 1}` };
  }
  for (const key of ['peakBytes', 'arenaBytes'] as const) {
    if (metrics[key].length !== machine.spaces.length)
      yield { path: ['metrics', key], message: `one entry per space is expected, there are ${metrics[key].length}` };
  }
}

function usesBeyond(expr: unknown, rank: number): boolean {
  if (typeof expr !== 'object' || expr === null) return false;
  if (Array.isArray(expr)) return expr.some((part) => usesBeyond(part, rank));
  return (expr as { d: number }).d >= rank;
}

/** What the grain's lists count, or why its copies do not fit. */
function extendedOf(
  program: PlanJson['program'],
  { copies }: PlanJson['decomposition']['grain'],
): { tensors: readonly unknown[]; operations: readonly unknown[] } | string {
  if (!copies || copies.length === 0) return program;
  try {
    return programOf(program as unknown as Program, { copies });
  } catch (error) {
    return (error as Error).message;
  }
}
