import { type Box, boxKey, boxOf, intersect, isEmpty, subtractAll, volume } from '../ir/box.js';
import type { Access, Decomposition, Instance, Region, Task } from '../ir/decomposition.js';
import type { Grain, Reduce } from '../ir/grain.js';
import { image } from '../ir/index-map.js';
import type { Operation, Program, Scalar } from '../ir/program.js';
import { domainBox } from '../ir/program.js';
import { type DType, ELEMENT_BYTES } from '../ir/tensor.js';
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

class Expansion {
  private readonly instances: Instance[];
  private readonly regions: Region[] = [];
  private readonly pieces: Piece[][];
  /** `tensor/reader` → dimensions to recompute along. */
  private readonly along = new Map<string, readonly number[]>();
  /** Replica key → instance, and what it holds already. */
  private readonly replicas = new Map<string, { readonly instance: number; readonly made: Box[] }>();
  /** Tensor → where its regions begin, once a replica asks. */
  private readonly cuts = new Map<number, readonly (readonly number[])[]>();
  private readonly producers: number[][];
  private readonly needed: boolean[];
  /** Operation → its split reductions. */
  private readonly splits = new Map<number, Reduce[]>();

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
    this.pieces = program.operations.map(() => []);
    this.producers = program.tensors.map(() => []);
    program.operations.forEach((operation, id) => {
      for (const { tensor, mode } of operation.operands) {
        if (mode !== 'read' && !this.producers[tensor].includes(id)) this.producers[tensor].push(id);
      }
    });
    for (const { tensor, reader, along } of grain.recompute) {
      if (along.length > 0 && this.producers[tensor].length > 0) this.along.set(`${tensor}/${reader}`, along);
    }
    for (const reduce of grain.reduce) {
      if (reduce.parts > 1) this.splits.set(reduce.operation, [...(this.splits.get(reduce.operation) ?? []), reduce]);
    }
    this.needed = program.tensors.map(() => false);
  }

  run(): Decomposition {
    const { program } = this;
    if (program.trace) this.needed.fill(true);
    for (const output of program.outputs) this.needed[output] = true;
    for (const { from, to } of program.states) {
      this.needed[from.tensor] = true;
      this.needed[to.tensor] = true;
    }
    // Readers before producers: when an operation's turn comes, all that is demanded of it is known.
    for (let o = program.operations.length - 1; o >= 0; o--) this.demand(o);
    this.program.tensors.forEach((_, tensor) => {
      if (this.needed[tensor]) this.addRegions(tensor);
    });
    for (const { instance, made } of this.replicas.values()) for (const box of made) this.addRegion(instance, box);
    const tasks: Task[] = [];
    program.operations.forEach((operation, o) => {
      for (const piece of this.pieces[o]) this.emit(operation, o, piece, tasks);
    });
    return { grain: this.grain, instances: this.instances, regions: this.regions, tasks };
  }

  /** Lists the pieces that operation `o` computes and what they need of the tensors that it reads. */
  private demand(o: number): void {
    const operation = this.program.operations[o];
    const pieces = this.pieces[o];
    const writes = operation.operands.filter(({ mode }) => mode !== 'read');
    if (writes.length === 0 || writes.some(({ tensor }) => this.needed[tensor])) {
      for (const { tensor } of writes) this.needed[tensor] = true; // a second result is stored even where nobody reads it
      pieces.unshift(...this.primaryPieces(operation, o));
    }
    for (const { tensor, mode, map } of operation.operands) {
      if (mode !== 'read') continue;
      const along = this.along.get(`${tensor}/${o}`);
      if (!along) {
        if (pieces.length > 0) this.needed[tensor] = true;
        continue;
      }
      const whole = boxOf(this.program.tensors[tensor].shape);
      for (const piece of pieces) {
        const need = intersect(image(map, piece.box, this.program.tensors[tensor].shape), whole);
        if (need) this.demandReplica(tensor, o, along, this.widened(tensor, need));
      }
    }
  }

  private primaryPieces(operation: Operation, o: number): Piece[] {
    const choice = this.grain.tasks[o];
    if (choice !== 'owner') return choice.map((box) => ({ box, target: undefined }));
    const owner = ownerOperand(operation);
    if (operation.domain.length === 0 || owner < 0) return [{ box: domainBox(operation), target: undefined }];
    const write = operation.operands[owner];
    const found = new Map<string, Piece>();
    for (const region of this.boxesOf(write.tensor)) {
      const box = preimage(operation, write, region);
      // Regions along a dimension that every point writes as a whole (softmax) have one task together.
      if (box) found.set(boxKey(box), { box, target: undefined });
    }
    return [...found.values()];
  }

  /** Dimensions that a producer writes as a whole at every point are needed as a whole. */
  private widened(tensor: number, need: Box): Box {
    const { shape } = this.program.tensors[tensor];
    return need.map((range, d) => (this.windowed(tensor, d) ? ([0, shape[d]] as const) : range));
  }

  private windowed(tensor: number, d: number): boolean {
    return this.producers[tensor].some((producer) =>
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
      for (const producer of this.producers[tensor]) {
        const operation = this.program.operations[producer];
        const write = operation.operands.find((operand) => operand.tensor === tensor && operand.mode !== 'read');
        const domain = write && preimage(operation, write, box);
        if (domain) this.pieces[producer].push({ box: domain, target: replica.instance });
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
    return boxes.length > 0 ? boxes : [boxOf(this.program.tensors[tensor].shape)];
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
    operation: Operation,
    o: number,
    box: Box,
    { box: whole, target }: Piece,
    only?: (operand: number) => boolean,
  ): Access[] {
    const found: Access[] = [];
    operation.operands.forEach(({ tensor, mode, map }, operand) => {
      if (only && !only(operand)) return;
      const { shape } = this.program.tensors[tensor];
      const touched = intersect(image(map, box, shape), boxOf(shape));
      if (!touched) return;
      let instance = tensor;
      if (mode !== 'read') {
        if (target !== undefined) {
          if (this.instances[target].tensor !== tensor) return; // a replica holds one tensor; a second result is not wanted again
          instance = target;
        }
      } else {
        const along = this.along.get(`${tensor}/${o}`);
        if (along) {
          // The replica was made for all that the piece needs, of which a part of its reduction reads less.
          const need = this.widened(tensor, intersect(image(map, whole, shape), boxOf(shape)) ?? touched);
          instance = this.replicas.get(replicaKey(tensor, o, along, need))?.instance ?? tensor;
        }
      }
      found.push({ operand, instance, box: touched, mode });
    });
    return found;
  }
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
