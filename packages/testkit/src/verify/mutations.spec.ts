import { expand, type Grain, type Plan, type Program, wholeTensorGrain } from '@regrain/core-ir';
import { describe, expect, it } from 'vitest';
import { bruteForceVerify } from '../brute/verify.js';
import { simplePlan } from '../run/simple-plan.js';
import { chainProgram, rowBands, type Writable } from './spec-support.js';
import { verify } from './verify.js';

const grain = (program: Program): Grain => ({
  ...wholeTensorGrain(program),
  regions: program.tensors.map(({ shape, kind }) => (kind === 'constant' ? [] : rowBands(shape, 2))),
});

/** A valid plan to break: bands of rows on two engines in turn; the middle sum in partial sums. */
function plan(options: { engines?: boolean; spill?: boolean; reduce?: boolean } = {}): Writable<Plan> {
  const program = chainProgram();
  const sum = program.operations.findIndex(({ type }) => type === 'sum');
  const work = expand(program, { ...grain(program), reduce: options.reduce ? [{ operation: sum, axis: 1, parts: 2 }] : [] });
  let turn = 0;
  const random = (below: number): number => (below === 2 && options.engines ? turn++ % 2 : below === 3 && options.spill ? 1 : 0);
  return structuredClone(simplePlan(program, work, { random, spill: options.spill })) as Writable<Plan>;
}

const taskStep = ({ steps, decomposition, program }: Writable<Plan>, type: string, nth = 0): number => {
  const found = steps.flatMap((step, s) =>
    step.kind === 'task' && program.operations[decomposition.tasks[step.task].operation].type === type ? [s] : [],
  );
  return found[nth];
};
const taskOf = (p: Writable<Plan>, type: string, nth = 0): Writable<Plan['decomposition']['tasks'][number]> => {
  const step = p.steps[taskStep(p, type, nth)];
  return p.decomposition.tasks[step.kind === 'task' ? step.task : -1];
};
const placed = (p: Writable<Plan>, name: string, nth = 0): Writable<Plan['placements'][number]> =>
  p.placements.filter(
    ({ holds }) =>
      'region' in holds &&
      p.program.tensors[p.decomposition.instances[p.decomposition.regions[holds.region].instance].tensor].name === name,
  )[nth];

const mutations: [string, string, () => Writable<Plan>][] = [
  [
    'a placement moved onto its neighbour',
    'overlap',
    () => {
      const p = plan();
      placed(p, 'a', 1).offset = placed(p, 'a', 0).offset;
      return p;
    },
  ],
  [
    'a placement moved by less than a region',
    'overlap',
    () => {
      const p = plan();
      placed(p, 'a', 1).offset = placed(p, 'a', 0).offset + 4;
      return p;
    },
  ],
  [
    'an offset out of alignment',
    'alignment',
    () => {
      const p = plan();
      for (const each of p.placements) each.offset += 1;
      return p;
    },
  ],
  [
    'a dropped wait',
    'order',
    () => {
      const p = plan({ engines: true });
      for (const step of p.steps) step.waits = [];
      return p;
    },
  ],
  [
    'a life cut at its end',
    'values',
    () => {
      const p = plan();
      placed(p, 'a').last -= 1;
      return p;
    },
  ],
  [
    'a life that starts too late',
    'values',
    () => {
      const p = plan();
      placed(p, 'a').first += 1;
      return p;
    },
  ],
  [
    'an output freed before the end',
    'values',
    () => {
      const p = plan();
      placed(p, 'out').last = p.steps.length;
      return p;
    },
  ],
  [
    'a resident input that arrives late',
    'values',
    () => {
      const p = plan();
      placed(p, 'x').first = 1;
      return p;
    },
  ],
  [
    'two steps swapped',
    'values',
    () => {
      const p = plan();
      const [a, b] = [taskStep(p, 'blur'), taskStep(p, 'double')];
      [p.steps[a], p.steps[b]] = [p.steps[b], p.steps[a]];
      return p;
    },
  ],
  [
    'a task that runs twice',
    'structure',
    () => {
      const p = plan();
      p.steps[1] = structuredClone(p.steps[0]);
      return p;
    },
  ],
  [
    'a task that never runs',
    'structure',
    () => {
      const p = plan();
      p.steps.pop();
      for (const each of p.placements) each.last = Math.min(each.last, p.steps.length + 1);
      return p;
    },
  ],
  [
    'a read box without its halo',
    'access',
    () => {
      const p = plan();
      const access = taskOf(p, 'blur').accesses[0];
      access.box = access.box.map(([lo, hi], d) => (d === 0 ? [lo, hi - 1] : [lo, hi]));
      return p;
    },
  ],
  [
    'a write that claims more than it computes',
    'access',
    () => {
      const p = plan();
      const access = taskOf(p, 'blur').accesses[1];
      access.box = access.box.map(([lo, hi], d) => (d === 0 ? [lo, hi + 1] : [lo, hi]));
      return p;
    },
  ],
  [
    'a forgotten write',
    'access',
    () => {
      const p = plan();
      const task = taskOf(p, 'double');
      task.accesses = task.accesses.filter(({ mode }) => mode === 'read');
      return p;
    },
  ],
  [
    'a task that computes less',
    'coverage',
    () => {
      const p = plan();
      const task = taskOf(p, 'join', 1);
      task.box = task.box.map(([lo, hi], d) => (d === 0 ? [lo + 1, hi] : [lo, hi]));
      for (const access of task.accesses) access.box = access.box.map(([lo, hi], d) => (d === 0 ? [lo + 1, hi] : [lo, hi]));
      return p;
    },
  ],
  [
    'a region of the wrong size',
    'structure',
    () => {
      const p = plan();
      placed(p, 'a').bytes -= 4;
      return p;
    },
  ],
  [
    'regions that overlap',
    'structure',
    () => {
      const p = plan();
      const [region] = p.decomposition.regions.filter(
        ({ instance }) => p.program.tensors[p.decomposition.instances[instance].tensor].name === 'a',
      );
      region.box = region.box.map(([lo, hi], d) => (d === 0 ? [lo, hi + 1] : [lo, hi]));
      region.bytes = region.box.reduce((n, [lo, hi]) => n * (hi - lo), 4);
      return p;
    },
  ],
  [
    'a task on the transfer engine',
    'structure',
    () => {
      const p = plan();
      p.steps[0].engine = 2;
      return p;
    },
  ],
  [
    'a wait for a later step',
    'structure',
    () => {
      const p = plan();
      p.steps[0].waits = [1];
      return p;
    },
  ],
  [
    'a partial sum left out of the accumulator',
    'coverage',
    () => {
      const p = plan({ reduce: true });
      const step = p.decomposition.tasks.find(({ phase }) => phase === 'step');
      if (step) {
        step.box = step.box.map(([lo, hi], d) =>
          p.program.operations[step.operation].domain[d].kind === 'reduction' ? [lo, hi - 1] : [lo, hi],
        );
        step.accesses = step.accesses.map((access) =>
          access.mode === 'read' ? { ...access, box: access.box.map(([lo, hi], d) => (d === 0 ? [lo, hi - 1] : [lo, hi])) } : access,
        );
      }
      return p;
    },
  ],
  [
    'a sum finished before its last part',
    'values',
    () => {
      const p = plan({ reduce: true });
      const at = (phase: string): number[] =>
        p.steps.flatMap((step, s) => (step.kind === 'task' && p.decomposition.tasks[step.task].phase === phase ? [s] : []));
      const [init] = at('init');
      const [first] = at('step');
      [p.steps[init], p.steps[first]] = [p.steps[first], p.steps[init]];
      return p;
    },
  ],
  [
    'more bytes than the user allows',
    'capacity',
    () => {
      const p = plan();
      p.constraints = [{ kind: 'capacity', space: 'near', bytes: 16 }];
      return p;
    },
  ],
  [
    'bytes that the user reserves',
    'constraint',
    () => {
      const p = plan();
      p.constraints = [{ kind: 'reserve', space: 'near', offset: 0, bytes: 4 }];
      return p;
    },
  ],
  [
    'an order that the user forbids',
    'constraint',
    () => {
      const p = plan();
      p.constraints = [{ kind: 'before', first: 'double', then: 'blur' }];
      return p;
    },
  ],
  [
    'a region read from memory after it was moved out',
    'values',
    () => {
      const p = plan({ spill: true });
      const move = p.steps.findLast((step) => step.kind === 'move');
      if (move?.kind === 'move') [move.from, move.to] = [move.to, move.from];
      return p;
    },
  ],
  [
    'a transfer that nobody waits for',
    'order',
    () => {
      const p = plan({ spill: true });
      for (const step of p.steps) step.waits = step.waits.filter((wait) => p.steps[wait].kind !== 'move');
      return p;
    },
  ],
];

describe('verify', () => {
  it.each([{}, { engines: true }, { spill: true }, { reduce: true }])('accepts the plan that is broken below, %j', (options) => {
    expect(verify(plan(options))).toEqual([]);
    expect(bruteForceVerify(plan(options))).toEqual([]);
  });

  it.each(mutations)('rejects %s', (_, rule, broken) => {
    const p = broken();
    expect(verify(p).map((fault) => fault.rule)).toContain(rule);
    expect(bruteForceVerify(p)).not.toEqual([]);
  });

  it('rejects figures that are better than the plan', () => {
    const p = plan({ spill: true });
    const arena = p.machine.spaces.map((_, s) =>
      Math.max(0, ...p.placements.filter(({ space }) => space === s).map(({ offset, bytes }) => offset + bytes)),
    );
    p.metrics = { peakBytes: arena, arenaBytes: arena, movedBytes: 1e6, macs: 1e6, cycles: 0 };
    expect(verify(p)).toEqual([]);
    p.metrics = { ...p.metrics, peakBytes: arena.map(() => 1), movedBytes: 0, macs: 10 };
    expect(verify(p).map(({ message }) => message.replace(/\d+/g, 'N'))).toEqual([
      'the plan claims peak bytes of near N, but it is N',
      'the plan claims peak bytes of far N, but it is N',
      'the plan claims moved bytes N, but it is N',
      'the plan claims multiply-accumulates N, but it is N',
    ]);
  });

  it('names the rule, the step and the region', () => {
    const p = plan();
    placed(p, 'a').last -= 1;
    const [{ message }] = verify(p);
    expect(message).toMatch(/^step \d+, task \d+ \(join\[.*\]\) reads region \d+ \(a\[.*\]\), which has no live placement/);
  });
});
