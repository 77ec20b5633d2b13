import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Adjuster,
  Allocator,
  type Choice,
  type CompileOptions,
  type Constraint,
  createSession,
  Decomposer,
  HardwareTarget,
  type Loaded,
  Mover,
  type Operation,
  type PipelineConfig,
  type Plan,
  Scheduler,
} from '@regrain/core-ir';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUILTIN_PLUGINS } from '../src/builtin-plugins.js';
import { example, json, regrain } from './regrain.js';

const session = createSession(BUILTIN_PLUGINS);
const SHAPE = [1, 4, 16, 8];
const BYTES = 4 * 16 * 8;

const point = [0, 1, 2, 3].map((d) => ({ at: { d } }));
const extents = SHAPE.map((extent) => ({ extent, kind: 'parallel' as const }));

/** Every row from the three around it. */
function blur(name: string, from: number, to: number): Operation {
  const rows = { at: ['+', ['+', { d: 2 }, { d: 4 }], -1] as const };
  return {
    name,
    type: 'Blur',
    attributes: {},
    domain: [...extents, { extent: 3, kind: 'reduction' }],
    operands: [
      { tensor: from, mode: 'read', outside: 0, map: [point[0], point[1], rows, point[3]] },
      { tensor: to, mode: 'write', map: point },
    ],
    body: { acc: 'int8', init: 0, step: { fn: 'add', args: ['acc', { x: 0 }] }, finish: 'acc' },
    macs: BYTES * 3,
  };
}

/** Two branches of two blurs from one input, and their sum. Tensors: x, a0, a1, b0, b1, y. */
function branches(): Loaded {
  const tensors = ['x', 'a0', 'a1', 'b0', 'b1', 'y'].map((name, id) => ({
    name,
    shape: SHAPE,
    dtype: 'int8' as const,
    kind: id === 0 ? ('input' as const) : ('computed' as const),
  }));
  const sum: Operation = {
    name: 'sum',
    type: 'Add',
    attributes: {},
    domain: extents,
    operands: [
      { tensor: 2, mode: 'read', map: point },
      { tensor: 4, mode: 'read', map: point },
      { tensor: 5, mode: 'write', map: point, inPlaceOf: 0 },
    ],
    body: { acc: 'int8', init: 0, step: 'acc', finish: { fn: 'add', args: [{ x: 0 }, { x: 1 }] } },
    macs: 0,
  };
  const operations = [blur('A0', 0, 1), blur('A1', 1, 2), blur('B0', 0, 3), blur('B1', 3, 4), sum];
  return { program: { name: 'branches', tensors, operations, outputs: [5], states: [] }, constants: new Uint8Array() };
}

/** What is demanded, and whether a plan obeys: judged here, by nothing that made or verified the plan. */
interface Demand {
  readonly constraints: readonly Constraint[];
  readonly target?: string;
  readonly obeyed: (plan: Plan) => void;
}

const DEMANDS: Readonly<Record<string, Demand>> = {
  'pin to an offset': {
    constraints: [{ kind: 'pin', tensor: 'a1', space: 'memory', offset: 4096 }],
    obeyed: (plan) => {
      let next = 4096;
      const expected = new Map<number, number>();
      regionsOf(plan, 'a1').forEach((region) => {
        expected.set(region, next);
        next += plan.decomposition.regions[region].bytes;
      });
      const placed = placementsOf(plan, 'a1');
      expect(placed.length).toBeGreaterThan(0);
      for (const { region, offset } of placed) expect(offset).toBe(expected.get(region));
    },
  },
  'pin to a space': {
    constraints: [{ kind: 'pin', tensor: 'b0', space: 'dram' }],
    target: 'npu-2engine',
    obeyed: (plan) => {
      const placed = placementsOf(plan, 'b0');
      expect(placed.length).toBeGreaterThan(0);
      for (const { space } of placed) expect(plan.machine.spaces[space].name).toBe('dram');
    },
  },
  'reserve, twice and overlapping': {
    constraints: [
      { kind: 'reserve', space: 'memory', offset: 0, bytes: 100 },
      { kind: 'reserve', space: 'memory', offset: 64, bytes: 64 },
      { kind: 'reserve', space: 'memory', offset: 512, bytes: 32 },
    ],
    obeyed: (plan) => {
      for (const { offset, bytes } of plan.placements) {
        expect(offset >= 128).toBe(true);
        expect(offset + bytes <= 512 || offset >= 544).toBe(true);
      }
    },
  },
  'before, against the order of the program': {
    constraints: [
      { kind: 'before', first: 'B1', then: 'A0' },
      { kind: 'before', first: 'B0', then: 'A1' },
    ],
    obeyed: (plan) => {
      const at = (name: string): number[] =>
        plan.steps.flatMap((step, i) =>
          step.kind === 'task' && plan.program.operations[plan.decomposition.tasks[step.task].operation].name === name ? [i] : [],
        );
      expect(Math.max(...at('B1'))).toBeLessThan(Math.min(...at('A0')));
      expect(Math.max(...at('B0'))).toBeLessThan(Math.min(...at('A1')));
    },
  },
  'an external input': {
    constraints: [{ kind: 'input', tensor: 'x', access: 'external' }],
    obeyed: (plan) => expect(placementsOf(plan, 'x')).toEqual([]),
  },
  'a resident input': {
    constraints: [{ kind: 'input', tensor: 'x', access: 'resident' }],
    obeyed: (plan) => {
      const placed = placementsOf(plan, 'x').filter(({ first }) => first === 0);
      expect(new Set(placed.map(({ region }) => region))).toEqual(new Set(regionsOf(plan, 'x')));
    },
  },
  'a streamed input': {
    constraints: [{ kind: 'input', tensor: 'x', access: 'streamed' }],
    obeyed: (plan) => {
      for (const { first } of placementsOf(plan, 'x')) expect(first).toBeGreaterThan(0);
    },
  },
  'a limit of multiply-accumulates': {
    constraints: [{ kind: 'mac-factor', max: 1.1 }],
    obeyed: (plan) => {
      let macs = 0;
      for (const { operation, box } of plan.decomposition.tasks) {
        const { macs: all, domain } = plan.program.operations[operation];
        const points = domain.reduce((product, { extent }) => product * extent, 1);
        macs += (all * box.reduce((product, [lo, hi]) => product * (hi - lo), 1)) / points;
      }
      expect(macs).toBeLessThanOrEqual(4 * BYTES * 3 * 1.1);
    },
  },
  'a capacity': {
    constraints: [{ kind: 'capacity', space: 'memory', bytes: 3 * BYTES }],
    obeyed: (plan) => {
      for (const { offset, bytes } of plan.placements) expect(offset + bytes).toBeLessThanOrEqual(3 * BYTES);
    },
  },
};

const PIPELINE: PipelineConfig = {
  decompose: { id: 'bands', options: { rows: 4 } },
  analyze: 'region-index',
  schedule: 'program-order',
  move: 'one-space',
  allocate: 'best-fit',
  iterations: 0,
};

/** Every plugin of the stages that constraints concern, in an else plain pipeline. A plugin that is added is tested, too. */
const PLUGINS = (
  [
    ['decompose', Decomposer],
    ['schedule', Scheduler],
    ['move', Mover],
    ['allocate', Allocator],
    ['adjust', Adjuster],
  ] as const
).flatMap(([stage, token]) =>
  session.contributions(token).flatMap(({ id }): (readonly [string, Partial<PipelineConfig>])[] =>
    // Of a trace only.
    id === 'access-pattern' ? [] : [[`${stage} ${id}`, { [stage]: id satisfies Choice, ...(stage === 'adjust' ? { iterations: 4 } : {}) }]],
  ),
);

describe.each(Object.entries(DEMANDS))('%s', (_demand, { constraints, target = 'cpu', obeyed }) => {
  it.each(PLUGINS)('is obeyed by %s', async (_plugin, changes) => {
    const options: CompileOptions = {
      pipeline: { ...PIPELINE, ...changes },
      target,
      objective: 'peak',
      constraints,
      input: 'streamed',
      seed: 1,
    };
    const { plan, verifiedBy } = await session.compile(branches(), options);
    expect(verifiedBy.length).toBeGreaterThan(0);
    obeyed(plan);
  });
});

describe('where little room is left', () => {
  it('a mover between spaces keeps to the capacity and clear of what is reserved', async () => {
    const constraints: Constraint[] = [
      { kind: 'capacity', space: 'scratchpad', bytes: 2048 },
      { kind: 'reserve', space: 'scratchpad', offset: 0, bytes: 256 },
    ];
    const { plan } = await session.compile(branches(), {
      pipeline: { ...PIPELINE, decompose: 'bands', schedule: 'min-peak', move: 'furthest-next-use' },
      target: 'npu-2engine',
      objective: 'peak',
      constraints,
      input: 'streamed',
      seed: 1,
    });
    for (const { space, offset, bytes } of plan.placements) {
      if (plan.machine.spaces[space].name !== 'scratchpad') continue;
      expect(offset).toBeGreaterThanOrEqual(256);
      expect(offset + bytes).toBeLessThanOrEqual(2048);
    }
  });

  it('all machines have the spaces that these tests name', () => {
    const spaces = (id: string): string[] => session.make(HardwareTarget, id).machine.spaces.map(({ name }) => name);
    expect(spaces('cpu')).toContain('memory');
    expect(spaces('npu-2engine')).toEqual(['scratchpad', 'dram']);
  });
});

describe('on the command line', () => {
  const MODEL = example('models', 'mnist_opt.onnx');
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'regrain-constraints-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const refused = (args: readonly string[], code: number): string => {
    const ended = regrain(['compile', MODEL, ...args]);
    expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(ended).toMatchObject({ code, stdout: '' });
    return ended.stderr;
  };
  const config = (name: string, constraints: readonly object[]): string => {
    const path = join(folder, name);
    writeFileSync(path, `export default { constraints: ${JSON.stringify(constraints)} };\n`);
    return path;
  };

  it('contradicting constraints end with 2 and name both', () => {
    const file = config('reserve.mjs', [{ kind: 'reserve', space: 'memory', offset: 0, bytes: 70_000 }]);
    expect(refused(['--config', file, '--capacity', 'memory=64k'], 2)).toMatch(
      /^regrain: constraints contradict each other: "reserve memory from 0 to 70000" and "capacity memory 65536": /,
    );
  });

  it('a capacity below the proven bound ends with 1 and says the bound', () => {
    const { resident } = json<{ resident: { boundBytes: number } }>(['compile', MODEL, '--input', 'resident']);
    const less = resident.boundBytes - 1;
    expect(refused(['--input', 'resident', '--capacity', `memory=${less}`], 1)).toContain(
      `every plan holds at least ${resident.boundBytes} at once (a proven bound): 1 too many`,
    );
  });

  it('--budget ends the search with the best so far, verified', () => {
    const short = json<{ cutShort: boolean; verified: boolean; iterations: number }>(['compile', MODEL, '--budget', '0']);
    expect(short).toMatchObject({ cutShort: true, verified: true, iterations: 0 });
    const long = json<{ cutShort: boolean; verified: boolean }>(['compile', MODEL, '--budget', '10000']);
    expect(long).toMatchObject({ cutShort: false, verified: true });
    expect(regrain(['compile', MODEL, '--budget', '0']).stdout).toContain('The budget ended the search');
    expect(refused(['--budget', '-1'], 2)).toContain('--budget');
  });
});

function regionsOf({ decomposition, program }: Plan, tensor: string): number[] {
  return decomposition.regions.flatMap(({ instance }, region) => {
    const { tensor: id, role } = decomposition.instances[instance];
    return role === 'primary' && program.tensors[id].name === tensor ? [region] : [];
  });
}

function placementsOf(plan: Plan, tensor: string): (Plan['placements'][number] & { readonly region: number })[] {
  const regions = new Set(regionsOf(plan, tensor));
  return plan.placements.flatMap((placement) =>
    'region' in placement.holds && regions.has(placement.holds.region) ? [{ ...placement, region: placement.holds.region }] : [],
  );
}
