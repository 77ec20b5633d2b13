import { type Edit, ELEMENT_BYTES, type Plan, volume } from '@regrain/core-ir';
import type { Axes } from './axes.js';
import { mergeRegions, splitRegions } from './batches.js';
import type { Change } from './estimate.js';
import type { TensorMetrics } from './tensor-metrics.js';
import type { Verdict } from './verdict.js';

type Kind = 'split' | 'merge';

/** A batch before it is priced: members and what happens to each. */
export interface Candidate {
  readonly edits: readonly Edit[];
  readonly changes: readonly Change[];
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

/** Operations before and after the one at the peak whose tensors are edited together. */
const PEAK_REACH = [2, 4, 8];

/**
 * Batches worth pricing. One region alone rarely gains (one band of six split does nothing, all six do), so a batch is all regions of
 * a tensor along an axis, or of all tensors of a chain, of those cut equally often or equally long, of those near the peak. A batch of several needs one member
 * for which the rule asks; the others come along where it allows.
 */
export function listCandidates(
  plan: Plan,
  measured: readonly TensorMetrics[],
  verdicts: readonly Verdict[],
  axes: Axes,
  factors: readonly number[],
  peakStep: number,
): Candidate[] {
  const found: Candidate[] = [];
  const writers = new Int32Array(plan.program.tensors.length);
  const { tasks, instances } = plan.decomposition;
  for (const { accesses } of tasks) {
    for (const { instance, mode } of accesses) {
      if (mode !== 'read' && instances[instance].role === 'primary') writers[instances[instance].tensor]++;
    }
  }
  const followers = readersWrites(plan);
  const writerOf = firstWriters(plan);
  const step = plan.steps[peakStep];
  const peakOperation = step?.kind === 'task' ? tasks[step.task].operation : -1;
  for (const kind of ['split', 'merge'] as const) {
    const groups = new Map<string, Member[]>();
    const join = (key: string, member: Member) => {
      const list = groups.get(key);
      if (list) list.push(member);
      else groups.set(key, [member]);
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
    const sizes = new Set<string>();
    for (const members of groups.values()) {
      if (!members.some(({ verdict }) => verdict.wants.has(kind))) continue;
      // A chain of one tensor is that tensor; a chain cut everywhere alike is found twice.
      const same = members.map(({ metrics, axis }) => `${metrics.tensor}/${axis}`).join();
      if (sizes.has(same)) continue;
      sizes.add(same);
      for (const factor of factors) {
        const candidate = build(kind, members, factor);
        if (candidate.edits.length > 0) found.push(candidate);
      }
    }
  }
  return found;

  function build(kind: Kind, members: readonly Member[], factor: number): Candidate {
    const inside = new Set(members.map(({ metrics }) => metrics.tensor));
    const edits: Edit[] = [];
    const changes: Change[] = [];
    let frequency = 0;
    let moreTasks = 0;
    for (const { metrics, axis } of members) {
      const { tensor, boxes, regions, waited } = metrics;
      const made = kind === 'split' ? splitRegions(tensor, boxes, axis, factor) : mergeRegions(tensor, boxes, axis, factor);
      if (made.edits.length === 0) continue;
      edits.push(...made.edits);
      frequency = Math.max(frequency, metrics.frequency);
      const read = followers[tensor];
      const perRegion = writers[tensor] / regions.length;
      moreTasks += perRegion * (kind === 'split' ? made.edits.length : -made.edits.length);
      changes.push({
        kind,
        factor,
        groups: made.groups.map((group) => group.map((position) => regions[position])),
        readersFollow: read.length > 0 && read.every((written) => inside.has(written)),
        kept:
          kind === 'split'
            ? keptBytes(metrics, axis, factor, axes.halo(tensor, axis)) * ELEMENT_BYTES[plan.program.tensors[tensor].dtype]
            : 0,
        tasks: writers[tensor],
        waited,
      });
    }
    return { edits, changes, moreTasks, frequency };
  }
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

/** Per tensor the tensors that its readers write. */
function readersWrites({ program }: Plan): number[][] {
  const found: Set<number>[] = program.tensors.map(() => new Set());
  for (const { operands } of program.operations) {
    const written = operands.filter(({ mode }) => mode !== 'read').map(({ tensor }) => tensor);
    for (const { tensor, mode } of operands) if (mode === 'read') for (const w of written) found[tensor].add(w);
  }
  return found.map((set) => [...set]);
}

/** Per tensor the first operation that writes it; -1 of inputs. */
function firstWriters({ program }: Plan): Int32Array {
  const first = new Int32Array(program.tensors.length).fill(-1);
  for (let o = program.operations.length - 1; o >= 0; o--) {
    for (const { tensor, mode } of program.operations[o].operands) if (mode !== 'read') first[tensor] = o;
  }
  return first;
}

/** Bytes of the new regions (all across, one after the other along the axis) that hold a halo. */
function keptBytes({ boxes }: TensorMetrics, axis: number, factor: number, halo: number): number {
  const cuts = new Set(boxes.map((box) => box[axis][0])).size;
  // Cut along another axis already: then the regions slide along that one, and the placements show what they hold.
  if (cuts < boxes.length) return 0;
  const length = Math.max(...boxes.map((box) => box[axis][1])) - Math.min(...boxes.map((box) => box[axis][0]));
  const thickness = Math.max(1, length / cuts / factor);
  const bytes = boxes.reduce((sum, box) => sum + volume(box), 0);
  return (Math.ceil(halo / thickness) * thickness * bytes) / length;
}
