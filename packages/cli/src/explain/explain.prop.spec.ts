import type { Placement, Plan } from '@regrain/core-ir';
import { liveProfile } from '@regrain/core-ir';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tinyPlan } from '../spec-support.js';
import { finestCut } from './finest.js';
import { flagsText } from './flags-text.js';
import { gapsOf } from './gap.js';
import { leversOf } from './lower.js';
import { heldAt, liveOver, worstTime } from './memory.js';
import { nextMoment, tensorOf, worstWithout } from './moments.js';
import { partsAt } from './parts.js';
import { explainPeak } from './peak.js';
import { usesOf } from './uses.js';

const STEPS = 3;

/** Any lives at any addresses where no two share bytes but where one ends as the other begins: what a verified plan may hold. */
const plans: fc.Arbitrary<Plan> = fc
  .array(fc.tuple(fc.nat(12), fc.nat(STEPS + 1), fc.nat(STEPS + 1)), { minLength: 5, maxLength: 5 })
  .map((given) => tinyPlan(given.map(([offset, a, b]) => [offset * 4, Math.min(a, b), Math.max(a, b)] as const)))
  .map((plan) => ({ ...plan, placements: withoutClashes(plan.placements) }));

/** Lives that hold at least from the first to the last use of their region, longer by chance. */
const usedPlans: fc.Arbitrary<Plan> = fc.array(fc.tuple(fc.nat(2), fc.nat(2)), { minLength: 5, maxLength: 5 }).map((more) => {
  const plan = tinyPlan([0, 1, 2, 3, 4].map((region) => [region * 8, 0, 0] as const));
  const uses = usesOf(plan);
  const placements = plan.placements.map((placement, p) => {
    const times = [...uses[p].reads, ...uses[p].writes];
    return {
      ...placement,
      first: Math.max(0, Math.min(...times) - more[p][0]),
      last: Math.min(STEPS + 1, Math.max(...times) + more[p][1]),
    };
  });
  return { ...plan, placements };
});

function withoutClashes(placements: readonly Placement[]): Placement[] {
  const kept: Placement[] = [];
  for (const each of placements) {
    const clashes = kept.some((other) => {
      const apart = each.offset + each.bytes <= other.offset || other.offset + other.bytes <= each.offset;
      const takesOver = (a: Placement, b: Placement): boolean => a.last === b.first && a.first < a.last && b.first < b.last;
      return !apart && !(each.last < other.first || other.last < each.first || takesOver(each, other) || takesOver(other, each));
    });
    if (!clashes) kept.push(each);
  }
  return kept;
}

/** Byte by byte: the addresses that something holds. */
function naiveLive(plan: Plan, time: number): number {
  const bytes = new Set<number>();
  for (const { offset, bytes: length, first, last } of plan.placements)
    if (first <= time && time <= last) for (let b = 0; b < length; b++) bytes.add(offset + b);
  return bytes.size;
}

describe('the parts of a moment', () => {
  it('sum to the live bytes at every time, by a recount address by address', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const live = liveOver(plan, [0]);
        for (let time = 0; time <= STEPS + 1; time++) {
          const sum = heldAt(plan, [0], time).reduce((total, { bytes }) => total + bytes, 0);
          expect(sum).toBe(naiveLive(plan, time));
          expect(live[time]).toBe(sum);
        }
      }),
    );
  });

  it('sum to the peak by region, by tensor and by operation', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        fc.pre(plan.placements.length > 0);
        const { at, parts } = explainPeak(plan);
        expect(at.bytes).toBe(Math.max(...liveProfile(plan, 0)));
        for (const list of [parts.regions, parts.tensors, parts.operations])
          expect(list.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(at.bytes);
        expect(parts.tensors.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
      }),
    );
  });
});

describe('moments', () => {
  it('the next one is the highest at which none of the tensors lives', () => {
    fc.assert(
      fc.property(plans, fc.uniqueArray(fc.nat(2), { minLength: 1 }), (plan, tensors) => {
        const chosen = new Set(tensors);
        const lives = (tensor: number, time: number): boolean =>
          plan.placements.some(
            ({ holds, first, last }) => 'region' in holds && tensorOf(plan, holds.region) === tensor && first <= time && time <= last,
          );
        const times = Array.from({ length: STEPS + 2 }, (_, t) => t);
        const always = tensors.filter((tensor) => times.every((time) => lives(tensor, time)));
        const free = times.filter((time) => tensors.every((tensor) => always.includes(tensor) || !lives(tensor, time)));
        const highest = Math.max(0, ...free.map((time) => naiveLive(plan, time)));
        expect(nextMoment(plan, [0], chosen)?.bytes ?? 0).toBe(highest);
      }),
    );
  });

  it('without a tensor are those of the plan that does not place it', () => {
    fc.assert(
      fc.property(plans, fc.nat(2), (plan, tensor) => {
        const own = (placement: Placement): boolean => 'region' in placement.holds && tensorOf(plan, placement.holds.region) === tensor;
        const rest = { ...plan, placements: plan.placements.filter((placement) => !own(placement)) };
        const most = Math.max(...Array.from({ length: STEPS + 2 }, (_, t) => naiveLive(rest, t)));
        expect(worstWithout(plan, [0], own).bytes).toBe(most);
      }),
    );
  });
});

describe('levers', () => {
  it('are ordered: nothing saves more than the absence of a tensor, and nothing makes the peak worse', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        fc.pre(plan.placements.length > 0);
        const uses = usesOf(plan);
        const live = liveOver(plan, [0]);
        const parts = partsAt(plan, [0], uses, worstTime(live));
        for (const { tensor, without, onDemand, doneBytes } of leversOf(plan, [0], uses, parts)) {
          expect(without.bytes).toBeLessThanOrEqual(onDemand.bytes);
          expect(without.bytes).toBeLessThanOrEqual(parts.bytes);
          expect(doneBytes).toBeLessThanOrEqual(parts.tensors.find((part) => part.tensor === tensor)?.bytes ?? 0);
        }
      }),
    );
  });
});

describe('the finest cut', () => {
  /** Element by element: from its first write, where there is one, to its last use; at the ends of its region as the region. */
  function naiveFinest(plan: Plan): number {
    const { decomposition, placements, steps } = plan;
    const live = Array.from({ length: steps.length + 2 }, (_, time) => naiveLive(plan, time));
    for (const { holds, first, last } of placements) {
      if (!('region' in holds)) continue;
      const { instance, box } = decomposition.regions[holds.region];
      for (let element = box[0][0]; element < box[0][1]; element++) {
        const uses = steps.flatMap((step, i) =>
          (step.kind === 'task' ? decomposition.tasks[step.task].accesses : []).flatMap((access) =>
            access.instance === instance && access.box[0][0] <= element && element < access.box[0][1]
              ? [{ time: i + 1, mode: access.mode }]
              : [],
          ),
        );
        const born = uses.find(({ mode }) => mode !== 'read')?.time ?? first;
        const dies = last > steps.length ? last : (uses.at(-1)?.time ?? last);
        for (let time = first + 1; time < last; time++) if (time < born || time > dies) live[time]--;
      }
    }
    return Math.max(...live);
  }

  it('is what a recount element by element says', () => {
    fc.assert(
      fc.property(usedPlans, (plan) => {
        expect(finestCut(plan, [0]).bytes).toBe(naiveFinest(plan));
        expect(finestCut(plan, [0]).bytes).toBeLessThanOrEqual(Math.max(...liveOver(plan, [0])));
      }),
    );
  });
});

describe('the flags of a command', () => {
  it('are those given, with the new ones in their place', () => {
    const flags = {
      target: 'cpu',
      capacity: { a: 1, b: 2 },
      shape: { x: [1, 3] },
      decompose: ['bands', { id: 'search' }],
      input: 'resident',
    } as const;
    expect(flagsText(flags, { input: 'external', budget: '60' })).toBe(
      '--target cpu --capacity a=1 --capacity b=2 --shape x=1,3 --decompose bands,search --input external --budget 60',
    );
    expect(flagsText({}, {})).toBe('');
  });
});

describe('the gap', () => {
  it('is what the top leaves free', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        fc.pre(plan.placements.length > 0);
        const [gap] = gapsOf(plan, [0]);
        expect(gap.gapBytes).toBe(gap.arenaBytes - gap.peakBytes);
        expect(gap.gapBytes).toBeGreaterThanOrEqual(0);
        expect((gap.top?.freeBytes ?? 0) + naiveLive(plan, gap.top?.time ?? 0)).toBe(gap.arenaBytes);
      }),
    );
  });
});
