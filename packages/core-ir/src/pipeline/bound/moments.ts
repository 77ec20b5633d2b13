import { type Box, boxOf, intersect, volume } from '../../ir/box.js';
import { type IndexMap, image } from '../../ir/index-map.js';
import { domainBox, type Operation, type Program } from '../../ir/program.js';
import { ELEMENT_BYTES } from '../../ir/tensor.js';
import { spreadsEvenly } from './even-spread.js';
import { FlowNetwork } from './max-flow.js';
import { WholeNeeds } from './whole-needs.js';

/** A moment that comes in every plan, and what is held then at least. */
export interface Moment {
  readonly bytes: number;
  /** In words. */
  readonly when: string;
  readonly holds: readonly { readonly tensor: number; readonly bytes: number }[];
}

/** What one operation writes of a tensor. */
interface Part {
  readonly tensor: number;
  readonly operation: Operation | undefined;
  readonly box: Box;
  readonly map: IndexMap;
  /** Of all its elements, each counted as it is stored or as it is summed, whichever is less. */
  readonly bytes: number;
  /** Elements that are begun but not complete; Infinity where a point is not computed in parts. */
  readonly sumBytes: number;
  /** Runs once: an operation without multiply-accumulates may run again at no cost. */
  readonly once: boolean;
}

/** Moments are looked at from those that may hold most; of many the rest is left out. */
const MOST_MOMENTS = 256;

/**
 * The moments of a program at which something is computed for the first time that needs whole tensors, or a tensor that others need
 * whole is just complete. At each, elements of some parts are all computed, those of others are all not; on every way of dependences
 * from the first to the second one element is held (or, at the end of the way, a sum that is begun). So what is held separates them:
 * by Menger's theorem (1927) as much as flows at most. The flow is computed between parts, as far as it spreads evenly over their
 * elements; what lies between may be computed in any order, in parts, and, where it costs no multiply-accumulates, again.
 */
export class Moments {
  private readonly parts: Part[] = [];
  /** By part: parts that are read to compute it, evenly. */
  private readonly from: Reading[][];
  private readonly needs: WholeNeeds;

  constructor(
    private readonly program: Program,
    takesBytes: (tensor: number) => boolean,
    /** Tensors that are held to the end. */
    private readonly kept: ReadonlySet<number>,
  ) {
    this.needs = new WholeNeeds(program);
    const partsOf: number[][] = program.tensors.map(() => []);
    const add = (tensor: number, operation: Operation | undefined, box: Box | undefined, map: IndexMap): void => {
      if (!box || !takesBytes(tensor)) return;
      const { dtype } = program.tensors[tensor];
      const summed = operation?.body !== undefined && operation.domain.some(({ extent, kind }) => kind !== 'parallel' && extent > 1);
      const each = summed && operation?.body ? ELEMENT_BYTES[operation.body.acc] : Number.POSITIVE_INFINITY;
      const bytes = volume(box) * Math.min(ELEMENT_BYTES[dtype], each);
      partsOf[tensor].push(this.parts.length);
      this.parts.push({ tensor, operation, box, map, bytes, sumBytes: volume(box) * each, once: !operation || operation.macs > 0 });
    };
    program.tensors.forEach(({ kind, shape }, tensor) => {
      if (kind === 'input') add(tensor, undefined, boxOf(shape), []);
    });
    for (const operation of program.operations) {
      for (const { tensor, mode, map } of operation.operands) {
        const { shape } = program.tensors[tensor];
        if (mode !== 'read') add(tensor, operation, intersect(image(map, domainBox(operation), shape), boxOf(shape)), map);
      }
    }
    this.from = this.parts.map(({ operation, map }) =>
      (operation?.operands ?? []).flatMap((read) => {
        if (!operation || read.mode !== 'read') return [];
        const atEachPoint = read.outside === undefined && partsOf[read.tensor].length === 1;
        return partsOf[read.tensor].flatMap((part) =>
          spreadsEvenly(operation, read.map, this.parts[part].box, map) ? [{ part, atEachPoint }] : [],
        );
      }),
    );
  }

  /** The moment that holds most; undefined where nothing is needed whole. */
  highest(): Moment | undefined {
    const candidates = [...this.firsts(), ...this.lasts()].map((candidate) => ({ ...candidate, most: this.mostOf(candidate) }));
    let best: Moment | undefined;
    for (const { most, ...candidate } of candidates.sort((a, b) => b.most - a.most).slice(0, MOST_MOMENTS)) {
      if (most <= (best?.bytes ?? 0)) break;
      const found = this.heldAt(candidate);
      if (found.bytes > (best?.bytes ?? 0)) best = found;
    }
    return best;
  }

  /** Before the first element of what an operation writes. */
  private *firsts(): Iterable<Candidate> {
    for (const [at, { operation, tensor }] of this.parts.entries()) {
      if (!operation || this.parts[at - 1]?.operation === operation) continue;
      const done = this.needs.ofEachPoint(operation);
      if (done.size === 0) continue;
      const none = this.parts.flatMap((part, k) => (part.operation === operation ? [k] : []));
      yield { when: `before the first element of ${this.program.tensors[tensor].name}`, done, none };
    }
  }

  /** After the last element of a tensor that something needs whole. */
  private *lasts(): Iterable<Candidate> {
    const readers = new Map<number, number[]>();
    for (const [at, { operation }] of this.parts.entries()) {
      if (!operation) continue;
      for (const tensor of this.needs.ofEachPoint(operation)) readers.set(tensor, [...(readers.get(tensor) ?? []), at]);
    }
    for (const [tensor, none] of readers) {
      const done = new Set([tensor, ...this.needs.ofAll(tensor)]);
      yield { when: `after the last element of ${this.program.tensors[tensor].name}`, done, none };
    }
  }

  /** What is complete and has readers that are not: one way to separate them. */
  private mostOf({ done }: Candidate): number {
    const open = new Set<number>();
    for (const [at, from] of this.from.entries()) {
      if (!done.has(this.parts[at].tensor)) for (const { part } of from) open.add(part);
    }
    return this.parts.reduce(
      (sum, { tensor, bytes }, at) => (done.has(tensor) && (open.has(at) || this.kept.has(tensor)) ? sum + bytes : sum),
      0,
    );
  }

  private heldAt({ when, done, none }: Candidate): Moment {
    const network = new FlowNetwork();
    const [source, sink] = [network.node(), network.node()];
    const out = new Set(none);
    // Parts stand in the order of operations: what each element of depends on one that is not computed is not computed either.
    const notBegun = new Set<number>();
    for (const [at, from] of this.from.entries()) {
      const missing = from.filter(({ part }) => out.has(part));
      if (missing.length > 0) out.add(at);
      if (missing.some(({ atEachPoint }) => atEachPoint)) notBegun.add(at);
    }
    const entries = this.parts.map(() => network.node());
    const exits = this.parts.map(() => network.node());
    for (const [at, { tensor, bytes, sumBytes, once }] of this.parts.entries()) {
      for (const { part } of this.from[at]) network.arc(exits[part], entries[at], Number.POSITIVE_INFINITY);
      if (out.has(at)) {
        network.arc(entries[at], sink, notBegun.has(at) ? Number.POSITIVE_INFINITY : sumBytes);
        continue;
      }
      network.arc(entries[at], exits[at], bytes);
      if (!done.has(tensor)) continue;
      if (once) network.arc(source, entries[at], Number.POSITIVE_INFINITY);
      if (this.kept.has(tensor)) network.arc(exits[at], sink, Number.POSITIVE_INFINITY);
    }
    const bytes = network.most(source, sink);
    const reached = network.depths(source);
    const holds = new Map<number, number>();
    for (const [at, { tensor, bytes: held, sumBytes }] of this.parts.entries()) {
      if (reached[entries[at]] < 0 || reached[exits[at]] >= 0) continue;
      holds.set(tensor, (holds.get(tensor) ?? 0) + (out.has(at) ? sumBytes : held));
    }
    return { bytes, when, holds: [...holds].map(([tensor, held]) => ({ tensor, bytes: held })) };
  }
}

interface Reading {
  readonly part: number;
  /** No point of the operation is computed without it: no sum is begun either. */
  readonly atEachPoint: boolean;
}

interface Candidate {
  readonly when: string;
  /** Tensors of which every element is computed. */
  readonly done: ReadonlySet<number>;
  /** Parts of which no element is. */
  readonly none: readonly number[];
}
