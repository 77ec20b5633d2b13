import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { StageTimes } from '@regrain/bench';
import {
  Allocator,
  DependenceAnalyzer,
  expand,
  type Grain,
  HardwareTarget,
  Mover,
  type Plan,
  type Program,
  Scheduler,
  type Session,
  Verifier,
} from '@regrain/core-ir';
import { DEFAULT_MOVE, DEFAULT_PIPELINE, DEFAULT_TARGET } from '../default-pipeline.js';
import { schedulingContext } from './context.js';

/** The last one's order is planned. */
const SCHEDULERS = ['program-order', 'critical-path', 'locality', 'min-peak'] as const;
const PACKED_BY = 'best-fit';

/** Takes programs through the stages one by one, with no search between them; of each its processor time. */
export function stageRunner(session: Session) {
  return async (program: Program, grain: Grain, progress: (stage: string) => void): Promise<StageTimes> => {
    const collect = collector();
    const times: Record<string, number> = {};
    const timed = async <T>(stage: string, run: () => T | Promise<T>): Promise<T> => {
      progress(stage);
      collect();
      const began = process.cpuUsage();
      const result = await run();
      const { user, system } = process.cpuUsage(began);
      times[stage] = (user + system) / 1000;
      return result;
    };
    const { machine } = session.make(HardwareTarget, DEFAULT_TARGET);
    const context = schedulingContext(program, machine, 'streamed');
    const work = await timed('expand', () => expand(program, grain));
    const needs = await timed('dependences', () => session.make(DependenceAnalyzer, DEFAULT_PIPELINE.analyze).analyze(work, {}));
    let schedule = await timed(SCHEDULERS[0], () => session.make(Scheduler, SCHEDULERS[0]).schedule(program, work, needs, context()));
    for (const id of SCHEDULERS.slice(1))
      schedule = await timed(id, () => session.make(Scheduler, id).schedule(program, work, needs, context()));
    const { steps, residencies } = await timed('move', () =>
      session.make(Mover, DEFAULT_MOVE).move(program, work, needs, schedule, context()),
    );
    // One space, nothing pinned: the packing is the residencies as they are.
    const buffers = residencies.map(({ bytes, first, last, with: tie }) => ({
      bytes,
      align: 1,
      first,
      last,
      ...(tie ? { with: { buffer: tie.placement, delta: tie.delta } } : {}),
    }));
    const packed = await timed('allocate', () =>
      session.make(Allocator, PACKED_BY).place({ capacity: Number.POSITIVE_INFINITY, buffers, near: [] }, context()),
    );
    if (!packed.ok) throw new Error('a packing without a limit failed');
    const plan: Plan = {
      format: 'regrain.plan/1',
      program,
      machine,
      constraints: context().constraints,
      decomposition: work,
      steps,
      placements: residencies.map(({ holds, space, bytes, first, last }, r) => ({
        holds,
        space,
        offset: packed.offsets[r],
        bytes,
        first,
        last,
      })),
      metrics: { peakBytes: [], arenaBytes: [], movedBytes: 0, macs: 0, cycles: 0 },
      trials: [],
    };
    const [{ id }] = session.contributions(Verifier);
    // Metrics are left out, and faults of them do not matter here.
    await timed('verify', () => session.make(Verifier, id).verify(plan));
    return times;
  };
}

/** What earlier stages left behind is collected between them, so that each answers for its own garbage only. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
