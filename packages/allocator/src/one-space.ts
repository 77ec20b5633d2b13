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
  const residencies: Residency[] = [];
  const placed = new Int32Array(work.regions.length).fill(-1);
  work.regions.forEach(({ instance, bytes }, region) => {
    const used = uses.first[region] >= 0;
    const resident = uses.starts[region] === 1 && uses.input[region] !== undefined;
    if (!used && !resident && !uses.keeps[region]) return;
    const first = uses.starts[region] ? 0 : used ? uses.first[region] + 1 : end;
    const last = uses.keeps[region] ? end : used ? uses.last[region] + 1 : 0;
    placed[region] = residencies.length;
    residencies.push({ holds: { region }, space: home[instance], bytes, first, last });
  });
  order.forEach((task, position) => {
    const [from, to] = [uses.takesFrom[task], uses.takesTo[task]];
    if (from < 0) return;
    const [a, b] = [placed[from], placed[to]];
    const time = position + 1;
    if (residencies[a].last !== time || residencies[b].first !== time || residencies[a].space !== residencies[b].space) return;
    residencies[b] = { ...residencies[b], with: { placement: a, delta: 0 } };
  });
  const working = workingSpace(context.machine);
  order.forEach((task, position) => {
    const bytes = program.operations[work.tasks[task].operation].scratchBytes ?? 0;
    if (bytes > 0) residencies.push({ holds: { scratch: task }, space: working, bytes, first: position + 1, last: position + 1 });
  });
  return residencies;
}
