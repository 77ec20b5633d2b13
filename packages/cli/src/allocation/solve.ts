import { Allocator, badInput, type Packed, PluginError, type Session } from '@regrain/core-ir';
import { packingContext } from './context.js';
import { type CsvPacking, faultOf, packingOf } from './packing.js';
import type { CsvTable } from './read-csv.js';

export interface SolveOptions {
  readonly capacity?: number;
  readonly allocator: string;
  /** Seconds to search, instead of the allocator's own limits. */
  readonly budget?: number;
  readonly seed: number;
  readonly progress: (line: string) => void;
}

/** `allocate --json` (DESIGN section 11). Without a capacity every packing solves the problem. */
export interface Summary {
  readonly buffers: number;
  readonly capacity: number | null;
  readonly height: number;
  readonly loadBound: number;
  readonly solved: boolean;
  readonly provenOptimal: boolean;
  /** No packing within the capacity exists. */
  readonly provenInfeasible: boolean;
  /** Nodes that were searched; 0 where nothing was. */
  readonly nodes: number;
  readonly cpuMs: number;
}

export interface Solved {
  readonly problem: CsvPacking;
  readonly packed: Packed;
  readonly summary: Summary;
}

/** The allocator that searches, and takes a budget. */
export const SEARCHING = 'exact';

/** Packs the buffers and checks what comes out. */
export async function solve(session: Session, { buffers }: CsvTable, options: SolveOptions): Promise<Solved> {
  const allocator = session.make(Allocator, choiceOf(options));
  const { capacity = Number.POSITIVE_INFINITY } = options;
  const problem = packingOf(buffers, capacity);
  const { loadBound } = problem;
  let nodes = 0;
  const context = packingContext(options.seed, (done, of, what) => {
    if (what === 'nodes') nodes = done;
    options.progress(what === 'nodes' ? `${done} nodes` : `${done} of ${of} ${what}`);
  });
  const began = process.cpuUsage();
  const packed = loadBound > capacity ? belowBound(problem) : await allocator.place(problem.packing, context);
  const used = process.cpuUsage(began);
  options.progress('');
  const fault = packed.ok ? faultOf(problem, packed.offsets) : undefined;
  if (fault) throw new PluginError(options.allocator, fault);
  const summary: Summary = {
    buffers: buffers.length,
    capacity: options.capacity ?? null,
    height: packed.ok ? packed.height : packed.required,
    loadBound,
    solved: packed.ok,
    provenOptimal: packed.ok && (packed.optimal || packed.height === loadBound),
    provenInfeasible: !packed.ok && packed.proved,
    nodes,
    cpuMs: (used.user + used.system) / 1000,
  };
  return { problem, packed, summary };
}

function choiceOf({ allocator, budget }: SolveOptions): Parameters<Session['make']>[1] {
  if (budget === undefined) return allocator;
  if (allocator !== SEARCHING) throw badInput(`--budget ends the search of the allocator ${SEARCHING}; ${allocator} takes none`);
  return { id: allocator, options: { seconds: budget, nodes: Number.MAX_SAFE_INTEGER } };
}

/** The answer where no allocator is needed. */
function belowBound({ loadBound, boundAt, packing }: CsvPacking): Packed {
  const buffers = packing.buffers.flatMap(({ first, last }, b) => (first <= boundAt && boundAt <= last ? [b] : []));
  return { ok: false, proved: true, required: loadBound, at: boundAt, buffers };
}
