import { type Box, boxKey, boxOf, isEmpty, subtractAll, volume } from '../ir/box.js';
import type { Access, Decomposition, Instance, Region, Task } from '../ir/decomposition.js';
import type { Grain, Reduce } from '../ir/grain.js';
import { shifted } from '../ir/index-map.js';
import type { Operand, Operation, Program, Scalar } from '../ir/program.js';
import { domainBox } from '../ir/program.js';
import { type DType, ELEMENT_BYTES } from '../ir/tensor.js';
import { clippedImage } from './clipped-image.js';
import { extended } from './copies.js';
import { ownerOperand, preimage } from './preimage.js';

/**
 * Regions and tasks of a grain. Owner computes: an operation has one task per region that it writes, unless the grain gives its
 * boxes. A tensor that a reader recomputes gets a replica for each extent along the recomputed dimensions; its pieces are made on
 * first need and shared along the other dimensions, where they end as the tensor's regions do. A split reduction gets an accumulator of the body's type with an init, the
 * partial sums and a finish. Instance i is the primary of tensor i; replicas and accumulators follow. A tensor that nobody needs
 * in its primary has no region and no task. Copies of operations are expanded as operations of their own; what they make are replicas.
 */
export function expand(program: Program, grain: Grain): Decomposition {
  if (!grain.copies || grain.copies.length === 0) return new Expansion(program, grain).run();
  const { program: whole, operationOf, copyOf, tensorOf } = extended(program, grain.copies);
  const { instances, regions, tasks } = new Expansion(whole, grain).run();
  return {
    grain,
    instances: instances.map(({ tensor, role, ...rest }) => ({
      tensor: tensorOf[tensor],
      role: role === 'primary' && tensor >= program.tensors.length ? 'replica' : role,
      ...rest,
    })),
    regions,
    tasks: tasks.map(({ operation, ...task }) => {
      const copy = copyOf[operation];
      return { operation: operationOf[operation], ...task, ...(copy >= 0 ? { copy } : {}) };
    }),
  };
}

/** One task before its accesses: where its owner operand writes, and the part of the domain that it computes. */
interface Piece {
  readonly box: Box;
  /** Instance that takes the writes to a tensor. */
  readonly target: number | undefined;
}

const NO_PIECES: readonly Piece[] = [];
/** Of an operation without dimensions. */
const WHOLE_POINT: readonly Piece[] = [{ box: [], target: undefined }];

class Expansion {
  private readonly instances: Instance[];
  private readonly regions: Region[] = [];
  /** Per operation: its own run is wanted. */
  private readonly runs: Uint8Array;
  /** Operation → what it computes for replicas. */
  private readonly again = new Map<number, Piece[]>();
  /** `tensor/reader` → dimensions to recompute along. */
  private readonly along = new Map<string, readonly number[]>();
  /** Replica key → instance, and what it holds already. */
  private readonly replicas = new Map<string, { readonly instance: number; readonly made: Box[] }>();
  /** Tensor → where its regions begin, once a replica asks. */
  private readonly cuts = new Map<number, readonly (readonly number[])[]>();
  /** Tensor → the operations that write it; only where something is recomputed. */
  private readonly producers = new Map<number, number[]>();
  private readonly needed: Uint8Array;
  /** Operation → its split reductions. */
  private readonly splits = new Map<number, Reduce[]>();
  /** Per tensor its box. */
  private readonly wholes: Box[] = [];
  /** Accesses of the task at hand. */
  private readonly scratch: Access[] = [];

  constructor(
    private readonly program: Program,
    private readonly grain: Grain,
  ) {
    this.instances = program.tensors.map((tensor, id) => ({
      tensor: id,
      role: 'primary',
      dtype: tensor.dtype,
      order: grain.order[id] ?? [],
    }));
    for (const { shape } of program.tensors) this.wholes.push(this.wholeOf(shape));
    this.runs = new Uint8Array(program.operations.length);
    this.needed = new Uint8Array(program.tensors.length);
    if (grain.recompute.length > 0) this.findProducers();
    for (const { tensor, reader, along } of grain.recompute) {
      if (along.length > 0 && this.producersOf(tensor).length > 0) this.along.set(`${tensor}/${reader}`, along);
    }
    for (const reduce of grain.reduce) {
      if (reduce.parts > 1) this.splits.set(reduce.operation, [...(this.splits.get(reduce.operation) ?? []), reduce]);
    }
  }

  run(): Decomposition {
    const { program } = this;
    if (program.trace) this.needed.fill(1);
    for (const output of program.outputs) this.needed[output] = 1;
    for (const { from, to } of program.states) {
      this.needed[from.tensor] = 1;
      this.needed[to.tensor] = 1;
    }
    // Readers before producers: when an operation's turn comes, all that is demanded of it is known.
    for (let o = program.operations.length - 1; o >= 0; o--) this.demand(o);
    this.program.tensors.forEach((_, tensor) => {
      if (this.needed[tensor]) this.addRegions(tensor);
    });
    for (const { instance, made } of this.replicas.values()) for (const box of made) this.addRegion(instance, box);
    const tasks: Task[] = [];
    program.operations.forEach((operation, o) => {
      for (const piece of this.piecesOf(operation, o)) this.emit(operation, o, piece, tasks);
    });
    return { grain: this.grain, instances: this.instances, regions: this.regions, tasks };
  }

  /** A tensor's box; alike ones are shared. */
  private wholeOf(shape: readonly number[]): Box {
    const last = this.wholes[this.wholes.length - 1];
    return last && last.length === shape.length && last.every(([, hi], d) => hi === shape[d]) ? last : boxOf(shape);
  }

  private findProducers(): void {
    this.program.operations.forEach((operation, id) => {
      for (const { tensor, mode } of operation.operands) {
        if (mode === 'read') continue;
        const known = this.producers.get(tensor);
        if (!known) this.producers.set(tensor, [id]);
        else if (!known.includes(id)) known.push(id);
      }
    });
  }

  private producersOf(tensor: number): readonly number[] {
    return this.producers.get(tensor) ?? [];
  }

  /** Finds out whether operation `o` runs and what its pieces need of the tensors that it reads. */
  private demand(o: number): void {
    const operation = this.program.operations[o];
    let writes = 0;
    let wanted = false;
    for (const { tensor, mode } of operation.operands) {
      if (mode === 'read') continue;
      writes++;
      if (this.needed[tensor]) wanted = true;
    }
    if (writes === 0 || wanted) {
      this.runs[o] = 1;
      // A second result is stored even where nobody reads it.
      for (const { tensor, mode } of operation.operands) if (mode !== 'read') this.needed[tensor] = 1;
    } else if (!this.again.has(o)) return;
    for (const { tensor, mode, map } of operation.operands) {
      if (mode !== 'read') continue;
      const along = this.alongOf(tensor, o);
      if (!along) {
        this.needed[tensor] = 1;
        continue;
      }
      for (const piece of this.piecesOf(operation, o)) {
        const need = clippedImage(map, piece.box, this.wholes[tensor]);
        if (need) this.demandReplica(tensor, o, along, this.widened(tensor, need));
      }
    }
  }

  private alongOf(tensor: number, reader: number): readonly number[] | undefined {
    return this.along.size === 0 ? undefined : this.along.get(`${tensor}/${reader}`);
  }

  /** What an operation computes: its own run, then what replicas want. */
  private piecesOf(operation: Operation, o: number): readonly Piece[] {
    const own = this.runs[o] ? this.primaryPieces(operation, o) : NO_PIECES;
    const again = this.again.get(o);
    return again ? [...own, ...again] : own;
  }

  private primaryPieces(operation: Operation, o: number): readonly Piece[] {
    const choice = this.grain.tasks[o];
    if (choice !== 'owner') return choice.map((box) => ({ box, target: undefined }));
    if (operation.domain.length === 0) return WHOLE_POINT;
    const owner = ownerOperand(operation);
    if (owner < 0) return [{ box: domainBox(operation), target: undefined }];
    const write = operation.operands[owner];
    const regions = this.boxesOf(write.tensor);
    const found: Piece[] = [];
    // Regions along a dimension that every point writes as a whole (softmax) have one task together.
    const seen = sharePoints(write, regions) ? new Set<string>() : undefined;
    for (const region of regions) {
      const box = preimage(operation, write, region);
      if (!box) continue;
      if (seen) {
        const key = boxKey(box);
        if (seen.has(key)) continue;
        seen.add(key);
      }
      found.push({ box, target: undefined });
    }
    return found;
  }

  /** Dimensions that a producer writes as a whole at every point are needed as a whole. */
  private widened(tensor: number, need: Box): Box {
    const { shape } = this.program.tensors[tensor];
    return need.map((range, d) => (this.windowed(tensor, d) ? ([0, shape[d]] as const) : range));
  }

  private windowed(tensor: number, d: number): boolean {
    return this.producersOf(tensor).some((producer) =>
      this.program.operations[producer].operands.some(({ tensor: to, mode, map }) => {
        const range = map[d];
        return to === tensor && mode !== 'read' && (range === 'all' || (range.size ?? 1) > 1);
      }),
    );
  }

  private demandReplica(tensor: number, reader: number, along: readonly number[], need: Box): void {
    const key = replicaKey(tensor, reader, along, need);
    let replica = this.replicas.get(key);
    if (!replica) {
      replica = { instance: this.instances.length, made: [] };
      this.replicas.set(key, replica);
      this.instances.push({ tensor, role: 'replica', dtype: this.program.tensors[tensor].dtype, order: this.grain.order[tensor] ?? [] });
    }
    for (const box of subtractAll(need, replica.made).flatMap((missing) => this.cutAsStored(tensor, along, missing))) {
      replica.made.push(box);
      for (const producer of this.producersOf(tensor)) {
        const operation = this.program.operations[producer];
        const write = operation.operands.find((operand) => operand.tensor === tensor && operand.mode !== 'read');
        const domain = write && preimage(operation, write, box);
        if (!domain) continue;
        const pieces = this.again.get(producer);
        if (pieces) pieces.push({ box: domain, target: replica.instance });
        else this.again.set(producer, [{ box: domain, target: replica.instance }]);
      }
    }
  }

  /** Along the dimensions that are not recomputed, pieces end where the tensor's own regions do. */
  private cutAsStored(tensor: number, along: readonly number[], box: Box): Box[] {
    let boxes: Box[] = [box];
    this.cutsOf(tensor).forEach((cuts, d) => {
      if (along.includes(d) || cuts.length === 0) return;
      boxes = boxes.flatMap((whole) => {
        const [lo, hi] = whole[d];
        const edges = [lo, ...cuts.filter((cut) => lo < cut && cut < hi), hi];
        return edges.slice(1).map((to, k) => whole.map((range, e) => (e === d ? ([edges[k], to] as const) : range)));
      });
    });
    return boxes;
  }

  /** Per dimension where regions of a tensor begin; none along dimensions that are written as a whole. */
  private cutsOf(tensor: number): readonly (readonly number[])[] {
    let known = this.cuts.get(tensor);
    if (!known) {
      const boxes = this.boxesOf(tensor);
      known = this.program.tensors[tensor].shape.map((_, d) =>
        boxes.length > 1 && !this.windowed(tensor, d) ? [...new Set(boxes.map((box) => box[d][0]))].sort((a, b) => a - b) : [],
      );
      this.cuts.set(tensor, known);
    }
    return known;
  }

  private boxesOf(tensor: number): readonly Box[] {
    const boxes = this.grain.regions[tensor];
    return boxes.length > 0 ? boxes : [this.wholes[tensor]];
  }

  private addRegions(tensor: number): void {
    for (const box of this.boxesOf(tensor)) if (!isEmpty(box)) this.addRegion(tensor, box);
  }

  private addRegion(instance: number, box: Box): void {
    this.regions.push({ instance, box, bytes: volume(box) * ELEMENT_BYTES[this.instances[instance].dtype] });
  }

  private emit(operation: Operation, o: number, piece: Piece, tasks: Task[]): void {
    const splits = this.splits.get(o);
    if (!splits || !operation.body) {
      tasks.push({ operation: o, box: piece.box, accesses: this.accesses(operation, o, piece.box, piece) });
      return;
    }
    const { body } = operation;
    const empty = piece.box.map((range, d) => (operation.domain[d].kind === 'reduction' ? ([0, 0] as const) : range));
    const [write] = this.accesses(operation, o, empty, piece, (k) => operation.operands[k].mode === 'write');
    const accumulator = this.accumulatorFor(write, body.acc);
    const inStep = operandsOf(body.step);
    const inFinish = operandsOf(body.finish);
    const inInit = operandsOf(body.init);
    const use = (mode: Access['mode']): Access => ({ operand: -1, instance: accumulator, box: write.box, mode });
    const reads = (box: Box, wanted: Set<number>): Access[] =>
      this.accesses(operation, o, box, piece, (k) => wanted.has(k) && operation.operands[k].mode === 'read');
    tasks.push({ operation: o, box: empty, accesses: [...reads(empty, inInit), use('write')], phase: 'init' });
    for (const box of partsOf(piece.box, splits)) {
      tasks.push({ operation: o, box, accesses: [...reads(box, inStep), use('accumulate')], phase: 'step' });
    }
    tasks.push({ operation: o, box: empty, accesses: [...reads(empty, inFinish), use('read'), write], phase: 'finish' });
  }

  private accumulatorFor(write: Access, dtype: DType): number {
    const { tensor, order } = this.instances[write.instance];
    const instance = this.instances.length;
    this.instances.push({ tensor, role: 'accumulator', dtype, order });
    this.addRegion(instance, write.box);
    return instance;
  }

  /** What a task touches that computes the part `box` of a piece. */
  private accesses(
    { operands }: Operation,
    o: number,
    box: Box,
    { box: whole, target }: Piece,
    only?: (operand: number) => boolean,
  ): Access[] {
    const found = this.scratch;
    let count = 0;
    for (let operand = 0; operand < operands.length; operand++) {
      if (only && !only(operand)) continue;
      const { tensor, mode, map } = operands[operand];
      const touched = clippedImage(map, box, this.wholes[tensor]);
      if (!touched) continue;
      let instance = tensor;
      if (mode !== 'read') {
        if (target !== undefined) {
          if (this.instances[target].tensor !== tensor) continue; // a replica holds one tensor; a second result is not wanted again
          instance = target;
        }
      } else {
        const along = this.alongOf(tensor, o);
        if (along) {
          // The replica was made for all that the piece needs, of which a part of its reduction reads less.
          const need = this.widened(tensor, clippedImage(map, whole, this.wholes[tensor]) ?? touched);
          instance = this.replicas.get(replicaKey(tensor, o, along, need))?.instance ?? tensor;
        }
      }
      found[count++] = { operand, instance, box: touched, mode };
    }
    // Of its exact length: lists that grow keep room.
    return found.slice(0, count);
  }
}

/** Whether regions may have points in common that write both: they differ along a dimension that points write as a whole. */
function sharePoints({ map }: Operand, regions: readonly Box[]): boolean {
  const [first] = regions;
  return map.some((range, d) => {
    const at = shifted(range);
    return (at === undefined || at.d < 0) && regions.some((box) => box[d][0] !== first[d][0] || box[d][1] !== first[d][1]);
  });
}

/** Readers of one operation with the same need along the recomputed dimensions share a replica. */
function replicaKey(tensor: number, reader: number, along: readonly number[], need: Box): string {
  return `${tensor}/${reader}/${along.map((d) => `${need[d][0]}:${need[d][1]}`).join(',')}`;
}

/** The operands that a scalar expression uses. */
function operandsOf(scalar: Scalar, into: Set<number> = new Set()): Set<number> {
  if (typeof scalar === 'object') {
    if ('x' in scalar) into.add(scalar.x);
    else for (const argument of scalar.args) operandsOf(argument, into);
  }
  return into;
}

/** The box cut into equal parts along every split axis, in order. */
function partsOf(box: Box, splits: readonly { readonly axis: number; readonly parts: number }[]): Box[] {
  let boxes: Box[] = [box];
  for (const { axis, parts } of splits) {
    boxes = boxes.flatMap((whole) => {
      const [lo, hi] = whole[axis];
      const count = Math.min(parts, hi - lo);
      return Array.from({ length: count }, (_, k) => {
        const from = lo + Math.floor(((hi - lo) * k) / count);
        const to = lo + Math.floor(((hi - lo) * (k + 1)) / count);
        return whole.map((range, d) => (d === axis ? ([from, to] as const) : range));
      });
    });
  }
  return boxes;
}
