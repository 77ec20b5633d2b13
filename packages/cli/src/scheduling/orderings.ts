import type { Ordering, OrderingOptions, Orderings } from '@regrain/bench';
import {
  choiceId,
  Decomposer,
  type Decomposition,
  DependenceAnalyzer,
  expand,
  greatest,
  HardwareTarget,
  liveProfileOf,
  Mover,
  type Program,
  reuseDistance,
  Scheduler,
  type Session,
  touchedRegions,
  wholeTensorGrain,
} from '@regrain/core-ir';
import { DEFAULT_MOVE, DEFAULT_PIPELINE, DEFAULT_TARGET } from '../default-pipeline.js';
import { freezeOf } from '../execute/model-runner.js';
import { schedulingContext } from './context.js';

/** How `regions` are cut: the default pipeline's last word. */
const CUT = 'bands';

/** Orders programs by schedulers alone, for the bench. */
export function orderingRunner(session: Session) {
  return async (source: string | Program, { freeze, input, cut, schedulers }: OrderingOptions): Promise<Orderings> => {
    const program = typeof source === 'string' ? (await session.load(source, freezeOf(freeze))).program : source;
    const { machine } = session.make(HardwareTarget, DEFAULT_TARGET);
    const context = schedulingContext(program, machine, input);
    const grain = cut === 'whole' ? wholeTensorGrain(program) : await session.make(Decomposer, CUT).decompose(program, context());
    const work = expand(program, grain);
    const needs = await session.make(DependenceAnalyzer, DEFAULT_PIPELINE.analyze).analyze(work, {});
    const mover = session.make(Mover, DEFAULT_MOVE);
    const touches = touchedRegions(work, isFree(program, work, input));
    const bytes = work.regions.map((region) => region.bytes);
    const orders: Ordering[] = [];
    for (const choice of schedulers) {
      const scheduler = session.make(Scheduler, choice);
      const began = performance.now();
      const schedule = await scheduler.schedule(program, work, needs, context());
      const ms = performance.now() - began;
      const { residencies, steps } = await mover.move(program, work, needs, schedule, context());
      orders.push({
        scheduler: choiceId(choice),
        peakBytes: machine.spaces.reduce((sum, _, space) => sum + greatest(liveProfileOf(residencies, space, steps.length)), 0),
        ...(schedule.found ? { boundBytes: schedule.found.boundBytes } : {}),
        reuseBytes: reuseDistance(touches, bytes, schedule.order).meanBytes,
        ms,
      });
    }
    return { tasks: work.tasks.length, orders };
  };
}

/** Constants and external inputs take no bytes. */
function isFree(program: Program, work: Decomposition, input: OrderingOptions['input']): (instance: number) => boolean {
  return (instance) => {
    const { kind } = program.tensors[work.instances[instance].tensor];
    return kind === 'constant' || (kind === 'input' && input === 'external');
  };
}
