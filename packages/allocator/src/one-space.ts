import {
  type Context,
  type Decomposition,
  type Dependences,
  type Mover,
  noOptions,
  type Program,
  type Residency,
  type Schedule,
  type Step,
} from '@regrain/core-ir';
import { injectable } from 'inversify';
import { homesOf, workingSpace } from './spaces.js';
import { type Uses, usesOf } from './uses.js';

export const oneSpaceOptions = noOptions;

/**
 * Every region has one place from its first to its last use; nothing moves. A write takes over the bytes of what it reads where the
 * program allows it and nobody reads that later. O(accesses).
 */
@injectable()
export class OneSpaceMover implements Mover {
  move(
    program: Program,
    work: Decomposition,
    _needs: Dependences,
    schedule: Schedule,
    context: Context,
  ): { steps: Step[]; residencies: Residency[] } {
    const uses = usesOf(program, work, schedule, context);
    return { steps: stepsOf(schedule), residencies: residenciesOf(program, work, schedule, uses, context) };
  }
}

/** Shared by all steps that wait for none. */
const NONE: readonly number[] = [];

function stepsOf({ order, engine }: Schedule): Step[] {
  const steps: Step[] = new Array(order.length);
  for (let position = 0; position < order.length; position++)
    steps[position] = { kind: 'task', task: order[position], engine: engine[position], waits: NONE };
  return steps;
}

function residenciesOf(program: Program, work: Decomposition, { order }: Schedule, uses: Uses, context: Context): Residency[] {
  const home = homesOf(program, work, context);
  const end = order.length + 1;
  const { placed, count } = placesOf(uses);
  const firstOf = (region: number): number => (uses.starts[region] ? 0 : uses.first[region] < 0 ? end : uses.first[region] + 1);
  const lastOf = (region: number): number => (uses.keeps[region] ? end : uses.last[region] + 1);
  const taken = takenBy(order, uses, firstOf, lastOf);
  // Of its exact length, and each residency made once: there may be millions.
  const residencies: Residency[] = new Array(count);
  for (let region = 0; region < placed.length; region++) {
    const at = placed[region];
    if (at < 0) continue;
    const { instance, bytes } = work.regions[region];
    const space = home[instance];
    const [first, last] = [firstOf(region), lastOf(region)];
    const from = taken[region];
    residencies[at] =
      from >= 0 && home[work.regions[from].instance] === space
        ? { holds: { region }, space, bytes, first, last, with: { placement: placed[from], delta: 0 } }
        : { holds: { region }, space, bytes, first, last };
  }
  if (program.operations.some(({ scratchBytes }) => scratchBytes))
    addScratch(program, work, order, workingSpace(context.machine), residencies);
  return residencies;
}

/** The residency of each region that is used, there from the start or held to the end; -1 for the others. */
function placesOf({ first, starts, keeps }: Uses): { readonly placed: Int32Array; readonly count: number } {
  const placed = new Int32Array(first.length);
  let count = 0;
  for (let region = 0; region < placed.length; region++)
    placed[region] = first[region] >= 0 || starts[region] || keeps[region] ? count++ : -1;
  return { placed, count };
}

/** Per region, the one whose bytes it takes over at the step that ends that one and begins this one; -1 where there is none. */
function takenBy(order: Int32Array, uses: Uses, firstOf: (region: number) => number, lastOf: (region: number) => number): Int32Array {
  const taken = new Int32Array(uses.first.length).fill(-1);
  for (let position = 0; position < order.length; position++) {
    const from = uses.takesFrom[order[position]];
    const to = uses.takesTo[order[position]];
    if (from >= 0 && lastOf(from) === position + 1 && firstOf(to) === position + 1) taken[to] = from;
  }
  return taken;
}

function addScratch(program: Program, work: Decomposition, order: Int32Array, space: number, into: Residency[]): void {
  for (let position = 0; position < order.length; position++) {
    const task = order[position];
    const bytes = program.operations[work.tasks[task].operation].scratchBytes ?? 0;
    if (bytes > 0) into.push({ holds: { scratch: task }, space, bytes, first: position + 1, last: position + 1 });
  }
}
