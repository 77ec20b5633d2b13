import { type Accountings, type CompileResult, countedBytes, type FoundPeak, RAW, type ReuseDistance, WAR, WAW } from '@regrain/core-ir';
import { type AdjacencyFigures, adjacencyOf } from './adjacency.js';

/** `compile --json` (DESIGN section 11), key by key. */
export interface Summary extends Accountings {
  readonly model: string;
  readonly target: string;
  readonly pipeline: Readonly<Record<string, string>>;
  readonly objective: string;
  readonly input: string;
  readonly tasks: number;
  readonly regions: number;
  readonly dependences: { readonly raw: number; readonly war: number; readonly waw: number };
  readonly reuseDependences: number;
  readonly constantBytes: number;
  readonly movedBytes: number;
  readonly tensorMovedBytes: number;
  readonly movedBoundBytes: number;
  readonly makespanCycles: number;
  readonly tensorMakespanCycles: number;
  readonly macs: number;
  /** MACs with recomputation ÷ without. */
  readonly macFactor: number;
  /** Co-accessed bytes that are contiguous ÷ co-accessed bytes. */
  readonly adjacency: number;
  /** Runs of consecutive bytes that tasks read in a run of the program; the fewest, as if every tensor were stored whole. */
  readonly descriptors: number;
  readonly leastDescriptors: number;
  /** The same before what is read together was laid side by side. */
  readonly apart: { readonly arenaBytes: number; readonly adjacency: number; readonly descriptors: number };
  /** How far apart in memory the uses of regions are, in the plan's order. */
  readonly reuseDistance: ReuseDistance;
  /** Of a scheduler that searches: the peak of its order, by its own count, and a bound on every order of these tasks. */
  readonly order?: FoundPeak & { readonly proved: boolean };
  readonly iterations: number;
  readonly edits: number;
  /** `--budget` ended the search: more time may find a better plan. */
  readonly cutShort: boolean;
  readonly verified: boolean;
  readonly elapsedMs: Readonly<Record<string, number>>;
  /** The most memory that the compiler itself held. */
  readonly maxRssBytes: number;
}

export interface SummaryInput {
  readonly model: string;
  readonly target: string;
  readonly objective: string;
  readonly input: string;
  readonly result: CompileResult;
  readonly accountings: Accountings;
  readonly reuseDependences: number;
  readonly movedBoundBytes: number;
  readonly adjacency: AdjacencyFigures;
  readonly apart?: AdjacencyFigures;
  readonly reuseDistance: ReuseDistance;
  readonly elapsedMs: Readonly<Record<string, number>>;
}

export function summaryOf(from: SummaryInput): Summary {
  const { result } = from;
  const { plan, baseline } = result;
  return {
    model: from.model,
    target: from.target,
    pipeline: result.made,
    objective: from.objective,
    input: from.input,
    tasks: plan.decomposition.tasks.length,
    regions: countRegions(plan),
    dependences: countKinds(result.dependences.kinds),
    reuseDependences: from.reuseDependences,
    resident: from.accountings.resident,
    streamedInput: from.accountings.streamedInput,
    externalInput: from.accountings.externalInput,
    constantBytes: result.loaded.constants.byteLength,
    movedBytes: plan.metrics.movedBytes,
    tensorMovedBytes: baseline.plan.metrics.movedBytes,
    movedBoundBytes: from.movedBoundBytes,
    makespanCycles: plan.metrics.cycles,
    tensorMakespanCycles: baseline.plan.metrics.cycles,
    macs: plan.metrics.macs,
    macFactor: baseline.plan.metrics.macs > 0 ? plan.metrics.macs / baseline.plan.metrics.macs : 1,
    adjacency: adjacencyOf(from.adjacency),
    descriptors: from.adjacency.descriptors,
    leastDescriptors: from.adjacency.leastDescriptors,
    apart: {
      arenaBytes: countedBytes((result.apart?.plan ?? plan).metrics.arenaBytes, plan.machine),
      adjacency: adjacencyOf(from.apart ?? from.adjacency),
      descriptors: (from.apart ?? from.adjacency).descriptors,
    },
    reuseDistance: from.reuseDistance,
    ...(result.found ? { order: { ...result.found, proved: result.found.peakBytes === result.found.boundBytes } } : {}),
    iterations: result.iterations,
    edits: result.edits,
    cutShort: result.cutShort,
    verified: result.faults.length === 0 && result.verifiedBy.length > 0,
    elapsedMs: from.elapsedMs,
    maxRssBytes: process.resourceUsage().maxRSS * 1024,
  };
}

/** Regions that are placed: those of constants are stored apart. */
export function countRegions({ decomposition, program }: CompileResult['plan']): number {
  const { instances, regions } = decomposition;
  return regions.filter(({ instance }) => program.tensors[instances[instance].tensor].kind !== 'constant').length;
}

/** Entries of each kind; a pair of tasks may have several. */
export function countKinds(kinds: Uint8Array): { raw: number; war: number; waw: number } {
  const count = { raw: 0, war: 0, waw: 0 };
  for (const kind of kinds) {
    if (kind & RAW) count.raw++;
    if (kind & WAR) count.war++;
    if (kind & WAW) count.waw++;
  }
  return count;
}
