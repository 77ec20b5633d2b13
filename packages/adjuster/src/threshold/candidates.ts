import { type Edit, ELEMENT_BYTES, type Plan, volume } from '@regrain/core-ir';
import type { Axes } from './axes.js';
import { linesAlong, mergeRegions, splitRegions } from './batches.js';
import type { Change } from './estimate.js';
import type { TensorMetrics } from './tensor-metrics.js';
import type { Verdict } from './verdict.js';

type Kind = 'split' | 'merge';

/** A batch before it is priced: its members and what happens to each. */
export interface Candidate {
  readonly kind: Kind;
  readonly tensors: readonly number[];
  readonly changes: readonly Change[];
  /** How many edits there are; made when asked for. */
  readonly count: number;
  edits(): readonly Edit[];
  /** Tasks that the edits should add; negative if they take some away. */
  readonly moreTasks: number;
  /** Accesses per kilocycle of its busiest member. */
  readonly frequency: number;
}

interface Member {
  readonly metrics: TensorMetrics;
  readonly verdict: Verdict;
  readonly axis: number;
}

/** One tensor's part of a candidate. */
interface Part {
  readonly change: Omit<Change, 'readersFollow'>;
  readonly count: number;
  readonly moreTasks: number;
  edits(): Edit[];
}

/** Operations before and after the one at the peak whose tensors are edited together. */
const PEAK_REACH = [2, 4, 8];

/**
 * Batches worth pricing. One region alone rarely gains (one band of six split does nothing, all six do), so a batch is all regions of
 * a tensor along an axis, or of all tensors of a chain, of those cut equally often or equally long, of those near the peak. A batch
 * of several needs one member for which the rule asks; the others come along where it allows.
 */
export function listCandidates(
  plan: Plan,
  measured: readonly TensorMetrics[],
  verdicts: readonly Verdict[],
  axes: Axes,
  factors: readonly number[],
  peakStep: number,
): Candidate[] {
  const { tasks } = plan.decomposition;
  const step = plan.steps[peakStep];
  const peakOperation = step?.kind === 'task' ? tasks[step.task].operation : -1;
  const writerOf = firstWriters(plan);
  const followers = readersWrites(plan);
  const partOf = makeParts(plan, axes);
  const found: Candidate[] = [];
  for (const kind of ['split', 'merge'] as const) {
    const groups = new Map<string, Member[]>();
    const join = (key: string, member: Member) => {
      const list = groups.get(key);
      if (!list) groups.set(key, [member]);
      // Where rows and columns become one dimension (a flattened map), both are in one chain: a batch cuts along the better.
      else if (list[list.length - 1].metrics !== member.metrics) list.push(member);
    };
    measured.forEach((metrics, i) => {
      const verdict = verdicts[i];
      if (!verdict.allows.has(kind)) return;
      usableAxes(metrics, axes, kind).forEach((axis, rank) => {
        const member = { metrics, verdict, axis };
        if (rank === 0) join(`tensor ${metrics.tensor}`, member);
        const chain = axes.chain(metrics.tensor, axis);
        join(`chain ${chain}`, member);
        join(`chain ${chain} cut ${metrics.regions.length}`, member);
        join(`chain ${chain} long ${plan.program.tensors[metrics.tensor].shape[axis]}`, member);
        const away = Math.abs(writerOf[metrics.tensor] - peakOperation);
        for (const reach of PEAK_REACH) if (peakOperation >= 0 && away <= reach) join(`chain ${chain} within ${reach} of the peak`, member);
      });
    });
    const seen = new Set<string>();
    for (const members of groups.values()) {
      if (!members.some(({ verdict }) => verdict.wants.has(kind))) continue;
      // A chain of one tensor is that tensor; a chain cut everywhere alike is found twice.
      const key = members.map(({ metrics, axis }) => `${metrics.tensor}/${axis}`).join();
      if (seen.has(key)) continue;
      seen.add(key);
      for (const factor of factors) {
        const candidate = build(kind, members, factor);
        if (candidate.count > 0) found.push(candidate);
      }
    }
  }
  return found;

  function build(kind: Kind, members: readonly Member[], factor: number): Candidate {
    const tensors = members.map(({ metrics }) => metrics.tensor);
    const inside = new Set(tensors);
    const parts = members.map(({ metrics, axis }) => partOf(kind, metrics, axis, factor));
    const changes = parts.map(({ change }, i) => {
      const written = followers[tensors[i]];
      return { ...change, readersFollow: written.length > 0 && written.every((tensor) => inside.has(tensor)) };
    });
    return {
      kind,
      tensors,
      changes,
      count: parts.reduce((sum, { count }) => sum + count, 0),
      edits: () => parts.flatMap((part) => part.edits()),
      moreTasks: parts.reduce((sum, { moreTasks }) => sum + moreTasks, 0),
      frequency: Math.max(...members.map(({ metrics }) => metrics.frequency)),
    };
  }
}

/** Parts are shared by the candidates that a tensor takes part in. */
function makeParts(plan: Plan, axes: Axes): (kind: Kind, metrics: TensorMetrics, axis: number, factor: number) => Part {
  const writers = writingTasks(plan);
  const parts = new Map<string, Part>();
  const lines = new Map<string, number[][]>();
  const linesOf = ({ tensor, boxes }: TensorMetrics, axis: number) => {
    const known = lines.get(`${tensor} ${axis}`) ?? linesAlong(boxes, axis);
    lines.set(`${tensor} ${axis}`, known);
    return known;
  };
  return (kind, metrics, axis, factor) => {
    const { tensor, boxes, regions, waited, accesses, coaccess } = metrics;
    // The instructions of a trace are as they are, whatever regions they touch.
    const tasks = plan.program.trace ? 0 : writers[tensor];
    const key = `${kind} ${tensor} ${axis} ${factor}`;
    let part = parts.get(key);
    if (part) return part;
    const made =
      kind === 'split' ? splitRegions(tensor, boxes, axis, factor) : mergeRegions(tensor, boxes, axis, factor, linesOf(metrics, axis));
    const size = ELEMENT_BYTES[plan.program.tensors[tensor].dtype];
    part = {
      change: {
        kind,
        factor,
        groups: made.groups.map((group) => group.map((position) => regions[position])),
        kept: kind === 'split' ? size * keptElements(metrics, axis, factor, axes.halo(tensor, axis)) : 0,
        tasks,
        lookups: plan.program.trace && kind === 'merge' ? accesses * (coaccess / (1 + coaccess)) * (1 - 1 / factor) : 0,
        waited,
      },
      count: made.count,
      moreTasks: ((kind === 'split' ? made.count : -made.count) * tasks) / regions.length,
      edits: made.edits,
    };
    parts.set(key, part);
    return part;
  };
}

/** Axes along which a tensor's regions can be split (they are thick enough) or merged (there are several), best first. */
function usableAxes({ tensor, boxes }: TensorMetrics, axes: Axes, kind: Kind): number[] {
  if (kind === 'split') return axes.cuttable[tensor].filter((axis) => boxes.some((box) => box[axis][1] - box[axis][0] > 1));
  const cuts = boxes[0].map((_, axis) => new Set(boxes.map((box) => box[axis][0])).size);
  return cuts
    .map((_, axis) => axis)
    .filter((axis) => cuts[axis] > 1)
    .sort((a, b) => cuts[b] - cuts[a]);
}

/** Elements of the new regions (all across, one after the other along the axis) that hold a halo. */
function keptElements({ boxes }: TensorMetrics, axis: number, factor: number, halo: number): number {
  const cuts = new Set(boxes.map((box) => box[axis][0])).size;
  // Cut along another axis already: then the regions slide along that one, and the placements show what they hold.
  if (cuts < boxes.length) return 0;
  let lo = Number.POSITIVE_INFINITY;
  let hi = 0;
  let elements = 0;
  for (const box of boxes) {
    lo = Math.min(lo, box[axis][0]);
    hi = Math.max(hi, box[axis][1]);
    elements += volume(box);
  }
  const thickness = Math.max(1, (hi - lo) / cuts / factor);
  return (Math.ceil(halo / thickness) * thickness * elements) / (hi - lo);
}

/** Per tensor the tasks that write its primary. */
function writingTasks({ program, decomposition }: Plan): Int32Array {
  const { tasks, instances } = decomposition;
  const count = new Int32Array(program.tensors.length);
  for (const { accesses } of tasks) {
    for (const { instance, mode } of accesses) {
      if (mode !== 'read' && instances[instance].role === 'primary') count[instances[instance].tensor]++;
    }
  }
  return count;
}

/** Per tensor the first operation that writes it; -1 of inputs. */
function firstWriters({ program }: Plan): Int32Array {
  const first = new Int32Array(program.tensors.length).fill(-1);
  for (let o = program.operations.length - 1; o >= 0; o--) {
    for (const { tensor, mode } of program.operations[o].operands) if (mode !== 'read') first[tensor] = o;
  }
  return first;
}

/** Per tensor the tensors that its readers write. */
function readersWrites({ program }: Plan): number[][] {
  const found: Set<number>[] = program.tensors.map(() => new Set());
  for (const { operands } of program.operations) {
    const written = operands.filter(({ mode }) => mode !== 'read').map(({ tensor }) => tensor);
    for (const { tensor, mode } of operands) if (mode === 'read') for (const w of written) found[tensor].add(w);
  }
  return found.map((set) => [...set]);
}
