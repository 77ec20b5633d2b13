import {
  type Constraint,
  type Context,
  type Decomposition,
  expand,
  InfeasibleError,
  liveProfileOf,
  type Machine,
  type Placement,
  type Plan,
  type Program,
  type Residency,
  type Schedule,
  type Step,
  seeded,
  touchedRegions,
} from '@regrain/core-ir';
import { bruteForceDependences, testMachine, verify } from '@regrain/testkit';
import { grains, programs } from '@regrain/testkit/arbitraries';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FurthestNextUseMover } from './furthest-next-use.js';

/** Tasks reach both spaces; a second engine moves between them. Alignment 1, so that bytes are what they are. */
const machine: Machine = {
  ...testMachine,
  spaces: testMachine.spaces.map((space) => ({ ...space, bytes: Number.POSITIVE_INFINITY, align: 1 })),
  engines: testMachine.engines.map((engine) => ({ ...engine, spaces: [0, 1] })),
};

const contextOf = (constraints: readonly Constraint[]): Context =>
  ({ machine, constraints, random: seeded(1), signal: new AbortController().signal, progress: () => {} }) as unknown as Context;

const works = programs(9).chain((program) =>
  grains(program).map((grain) => {
    const work = expand(program, grain);
    return { program, work, needs: bruteForceDependences(work) };
  }),
);

/** Bytes that the largest task uses at once. */
function largestTask(program: Program, work: Decomposition): number {
  const { row, region } = touchedRegions(work, (instance) => program.tensors[work.instances[instance].tensor].kind === 'constant');
  return work.tasks.reduce((most, { operation }, t) => {
    const regions = [...region.subarray(row[t], row[t + 1])];
    const scratch = program.operations[operation].scratchBytes ?? 0;
    return Math.max(
      most,
      regions.reduce((sum, r) => sum + work.regions[r].bytes, scratch),
    );
  }, 0);
}

interface Movement {
  readonly steps: readonly Step[];
  readonly residencies: readonly Residency[];
}

/** Offsets of their own for all, tied ones those of their partner: what is left to judge is the mover's. */
function placed({ residencies }: Movement): Placement[] {
  const offsets: number[] = [];
  let next = 0;
  const offsetOf = (r: number): number => {
    const { with: tie, bytes } = residencies[r];
    if (offsets[r] === undefined) {
      offsets[r] = tie ? offsetOf(tie.placement) + tie.delta : next;
      if (!tie) next += bytes;
    }
    return offsets[r];
  };
  return residencies.map(({ holds, space, bytes, first, last }, r) => ({ holds, space, bytes, first, last, offset: offsetOf(r) }));
}

describe('furthest-next-use', () => {
  it('keeps to any capacity with every value found and every pin obeyed, or says that a task does not fit', async () => {
    let fitted = 0;
    let refused = 0;
    let moved = 0;
    await fc.assert(
      fc.asyncProperty(
        works,
        fc.integer({ min: -4, max: 24 }),
        fc.option(fc.tuple(fc.nat(), fc.boolean()), { nil: undefined }),
        fc.constantFrom('resident' as const, 'streamed' as const),
        async ({ program, work, needs }, margin, pick, access) => {
          const schedule: Schedule = { order: Int32Array.from(work.tasks.keys()), engine: new Uint8Array(work.tasks.length) };
          const mover = new FurthestNextUseMover();
          const inputs = program.tensors.flatMap(({ kind, name }): Constraint[] =>
            kind === 'input' ? [{ kind: 'input', tensor: name, access }] : [],
          );
          const variable = program.tensors.filter(({ kind }) => kind !== 'constant');
          const pin: Constraint[] = pick
            ? [{ kind: 'pin', tensor: variable[pick[0] % variable.length].name, space: machine.spaces[pick[1] ? 1 : 0].name }]
            : [];
          const bytes = Math.max(0, largestTask(program, work) + margin);
          const constraints: Constraint[] = [...inputs, ...pin];
          let movement: Movement;
          try {
            const limit: Constraint = { kind: 'capacity', space: machine.spaces[0].name, bytes };
            movement = await mover.move(program, work, needs, schedule, contextOf([...constraints, limit]));
          } catch (error) {
            expect(error).toBeInstanceOf(InfeasibleError);
            expect((error as InfeasibleError).detail.required).toBeGreaterThan(bytes);
            refused++;
            return;
          }
          fitted++;
          if (movement.steps.some(({ kind }) => kind === 'move')) moved++;
          const placements = placed(movement);
          const live = liveProfileOf(movement.residencies, 0, movement.steps.length);
          expect(Math.max(0, ...live)).toBeLessThanOrEqual(bytes);
          for (const { kind, ...rest } of pin) {
            if (kind !== 'pin') continue;
            const { tensor, space } = rest as { tensor: string; space: string };
            for (const each of placements) {
              if (!('region' in each.holds)) continue;
              const { tensor: id, role } = work.instances[work.regions[each.holds.region].instance];
              if (role === 'primary' && program.tensors[id].name === tensor) expect(machine.spaces[each.space].name).toBe(space);
            }
          }
          const metrics = { peakBytes: [], arenaBytes: [], movedBytes: 0, macs: 0, cycles: 0 };
          const { steps } = movement;
          const plan: Plan = {
            ...{ format: 'regrain.plan/1', program, machine, constraints, decomposition: work, steps, placements, metrics, trials: [] },
          };
          expect(verify(plan)).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
    // All three ways are taken.
    expect(Math.min(fitted, refused, moved)).toBeGreaterThan(10);
  });
});
