import { injectable } from 'inversify';
import { describe, expect, it } from 'vitest';
import { HardwareTarget } from '../extension-points/hardware-target.js';
import { Objective } from '../extension-points/objective.js';
import type { Metrics, Plan } from '../ir/plan.js';
import { createSession } from './session.js';
import { blurs, ToyTarget, toyOptions, toyPlugin } from './spec-support.js';
import type { CompileResult } from './types.js';

@injectable()
class Cycles implements Objective {
  score({ cycles }: Metrics): number {
    return cycles;
  }
}

/** Plans of many steps look fast in the loop; a fresh comparison says `factor`. */
async function compile(factor: number, measures = true): Promise<{ result: CompileResult; compared: number }> {
  let compared = 0;
  @injectable()
  class Lucky extends ToyTarget {
    constructor() {
      super({});
    }
    readonly measures = measures;
    override execute(plan: Plan): ReturnType<ToyTarget['execute']> {
      const { seen } = super.execute(plan);
      const scale = 1 / plan.steps.length ** 2;
      return { seen: { ...seen, start: seen.start.map((at) => at * scale), end: seen.end.map((at) => at * scale) } };
    }
    compare(): number {
      compared++;
      return factor;
    }
  }
  const session = createSession([
    toyPlugin([
      { point: HardwareTarget, id: 'toy', use: Lucky },
      { point: Objective, id: 'peak', use: Cycles },
    ]),
  ]);
  return { result: await session.compile(blurs(), toyOptions({}, { adjust: 'halves', iterations: 2 })), compared };
}

describe('a target that measures has the last word', () => {
  it('a winner whose luck does not come again gives way to whole tensors', async () => {
    const { result, compared } = await compile(1.2);
    expect(compared).toBe(1);
    expect(result.made['decompose']).toBe('whole-tensor');
    expect(result.edits).toBe(0);
    expect(result.plan.trials.every(({ kept }) => !kept)).toBe(true);
    expect(result.plan.metrics).toEqual(result.baseline.plan.metrics);
  });

  it('one that holds stays, with the time that was measured last', async () => {
    const { result } = await compile(0.9);
    expect(result.made['decompose']).toBe('bands');
    expect(result.plan.metrics.cycles).toBeCloseTo(0.9 * result.baseline.plan.metrics.cycles);
  });

  it('is not asked where times are modelled', async () => {
    const { result, compared } = await compile(1.2, false);
    expect(compared).toBe(0);
    expect(result.made['decompose']).toBe('bands');
  });
});
