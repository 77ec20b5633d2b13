import { InfeasibleError, RegrainError } from '../errors.js';
import { Allocator, type Packed } from '../extension-points/allocator.js';
import type { Residency } from '../extension-points/mover.js';
import { formatBox } from '../ir/box.js';
import type { Decomposition } from '../ir/decomposition.js';
import type { Placement, Step } from '../ir/plan.js';
import type { Program } from '../ir/program.js';
import { liveProfileOf } from '../plan/live-profile.js';
import type { Choice } from '../plugin/choice.js';
import type { Movement } from './checks/movement.js';
import { checkPacking } from './checks/packing.js';
import { constraintText } from './contradictions.js';
import type { Drafted } from './draft.js';
import { capacityOf, fixedClash, packingsOf } from './packing.js';
import type { Run } from './run.js';
import { withDependenceWaits, withReuseWaits } from './waits.js';

/** How often the mover is asked again, with less, where a packing fails by fragmentation. */
const ATTEMPTS = 4;
/** What an error lists of the peak. */
const SHOWN = 5;

interface Shortage {
  readonly space: number;
  readonly required: number;
  /** The first time at which it fails. */
  readonly at: number;
  /** Residencies that live at the worst time. */
  readonly living: readonly number[];
  /** The live bytes alone would fit. */
  readonly fragmented: boolean;
}

/**
 * Offsets for every residency, space by space. Where the live bytes fit but no packing is found, the mover is asked again with so
 * much less capacity. Throws `InfeasibleError` with the numbers if nothing fits.
 */
export async function allocate(
  run: Run,
  draft: Drafted<'work' | 'touches' | 'needs' | 'steps' | 'residencies'>,
  choice: Choice,
  remove: (tighter: Run) => Promise<Movement>,
): Promise<{ readonly steps: readonly Step[]; readonly residencies: readonly Residency[]; readonly placements: readonly Placement[] }> {
  let movement: Movement = draft;
  let tighter = run;
  for (let attempt = 1; ; attempt++) {
    const packed = overfull(run, movement) ?? (await pack(run, draft, movement, choice));
    if (Array.isArray(packed)) {
      const placements = placementsOf(movement.residencies, packed as readonly number[]);
      return {
        residencies: movement.residencies,
        placements,
        steps: withReuseWaits(draft.touches, withDependenceWaits(draft.needs, movement.steps), placements),
      };
    }
    const shortage = packed as Shortage;
    const failure = infeasible(run, draft.work, movement, shortage);
    if (!shortage.fragmented || attempt === ATTEMPTS) throw failure;
    const { name } = run.machine.spaces[shortage.space];
    const limit = capacityOf(run.machine, shortage.space, run.constraints);
    const now = Math.min(capacityOf(tighter.machine, shortage.space, tighter.constraints), peakOf(movement, shortage.space));
    const bytes = Math.max(0, now - Math.max(shortage.required - limit, Math.ceil(limit / 64)));
    tighter = tighter.with({ constraints: [...tighter.constraints, { kind: 'capacity', space: name, bytes }] });
    const before = movement;
    try {
      movement = await remove(tighter);
    } catch (error) {
      throw error instanceof RegrainError && error.code === 'infeasible' ? failure : error;
    }
    if (peakOf(movement, shortage.space) >= peakOf(before, shortage.space)) throw failure;
  }
}

/** Live bytes above the capacity: nothing to pack. */
function overfull({ machine, constraints }: Run, { residencies, steps }: Movement): Shortage | undefined {
  for (const [space, { name }] of machine.spaces.entries()) {
    const reserved = constraints.reduce((sum, each) => (each.kind === 'reserve' && each.space === name ? sum + each.bytes : sum), 0);
    const limit = capacityOf(machine, space, constraints);
    if (limit === Number.POSITIVE_INFINITY) continue;
    const live = liveProfileOf(residencies, space, steps.length);
    const at = live.findIndex((bytes) => bytes + reserved > limit);
    if (at < 0) continue;
    let worst = at;
    for (let t = at; t < live.length; t++) if (live[t] > live[worst]) worst = t;
    return { space, required: live[worst] + reserved, at, living: livingAt(residencies, space, worst), fragmented: false };
  }
  return undefined;
}

/** An offset per residency, or the first space that fails. */
async function pack(
  run: Run,
  { work, residencies: before, placements }: Drafted<'work' | 'residencies'>,
  { steps, residencies }: Movement,
  choice: Choice,
): Promise<readonly number[] | Shortage> {
  const allocator = run.plugin(Allocator, choice);
  const offsets = new Array<number>(residencies.length).fill(0);
  // Placements are of the residencies that the mover gave first.
  const placed = residencies === before ? placements : undefined;
  const packings = packingsOf(run.program, work, steps, residencies, run.machine, run.constraints, run.adjacency, placed);
  for (const { space, packing, residency } of packings) {
    const clash = fixedClash(packing.buffers);
    if (clash)
      throw pinnedClash(
        run,
        work,
        residencies,
        clash.map((buffer) => residency[buffer]),
      );
    const packed: Packed = await run.call('allocate', Allocator, choice, (context) => allocator.place(packing, context));
    checkPacking(run.registry.label(Allocator, choice), packing, packed);
    if (!packed.ok) {
      const { required, at } = packed;
      return { space, required, at, living: livingAt(residencies, space, at), fragmented: true };
    }
    residency.forEach((r, buffer) => {
      if (r >= 0) offsets[r] = packed.offsets[buffer];
    });
  }
  return offsets;
}

/** Where two pins meet in bytes while both live: other cuts and orders may keep them apart. */
function pinnedClash(
  { program, constraints }: Run,
  work: Decomposition,
  residencies: readonly Residency[],
  pair: readonly number[],
): RegrainError {
  const [a, b] = pair.map((r) => {
    const { holds } = residencies[r];
    const tensor = 'region' in holds ? program.tensors[work.instances[work.regions[holds.region].instance].tensor].name : '';
    const pin = constraints.find((each) => each.kind === 'pin' && each.tensor === tensor && each.offset !== undefined);
    return { what: whatIs(program, work, residencies[r]), pin: pin ? constraintText(pin) : '' };
  });
  return new RegrainError(
    'infeasible',
    `constraints "${a.pin}" and "${b.pin}" contradict each other in every order that was found: ${a.what} and ${b.what} would share bytes while both are needed`,
  );
}

function placementsOf(residencies: readonly Residency[], offsets: readonly number[]): Placement[] {
  return residencies.map(({ holds, space, bytes, first, last }, r) => ({ holds, space, offset: offsets[r], bytes, first, last }));
}

function peakOf({ residencies, steps }: Movement, space: number): number {
  return liveProfileOf(residencies, space, steps.length).reduce((most, bytes) => Math.max(most, bytes), 0);
}

function livingAt(residencies: readonly Residency[], space: number, at: number): number[] {
  const living: number[] = [];
  residencies.forEach(({ space: own, first, last }, r) => {
    if (own === space && first <= at && at <= last) living.push(r);
  });
  return living;
}

function infeasible(
  { machine, constraints, program }: Run,
  work: Decomposition,
  { residencies, steps }: Movement,
  { space, required, at, living }: Shortage,
): InfeasibleError {
  const parts = living.map((r) => ({ what: whatIs(program, work, residencies[r]), bytes: residencies[r].bytes }));
  parts.sort((a, b) => b.bytes - a.bytes);
  return new InfeasibleError({
    space: machine.spaces[space].name,
    required,
    available: capacityOf(machine, space, constraints),
    task: stepName(program, work, steps, at),
    peak: parts.slice(0, SHOWN),
  });
}

function whatIs(program: Program, work: Decomposition, { holds }: Residency): string {
  if ('scratch' in holds) return `scratch of ${program.operations[work.tasks[holds.scratch].operation].name}`;
  const { instance, box } = work.regions[holds.region];
  const { tensor, role } = work.instances[instance];
  return `${program.tensors[tensor].name}${formatBox(box)}${role === 'primary' ? '' : ` (${role})`}`;
}

function stepName(program: Program, work: Decomposition, steps: readonly Step[], at: number): string {
  const step = steps[Math.min(Math.max(at, 1), steps.length) - 1];
  if (!step) return 'none';
  if (step.kind === 'move') return `move ${at - 1}`;
  const { operation, box } = work.tasks[step.task];
  return `${program.operations[operation].name}${formatBox(box)}`;
}
