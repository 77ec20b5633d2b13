import { type Body, type DType, ELEMENT_BYTES, type Expr, type Operand, type Operation, type Scalar, substitute } from '@regrain/core-ir';

interface Stored {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly kind: 'input' | 'constant' | 'computed';
}

/**
 * Puts elementwise operations into the operation that makes their only argument: Conv and its activation become one. An elementwise
 * operation first takes in those that make its arguments from the same tensor (x * clip(x + 3) / 6 reads x alone), then goes into
 * the `finish` of a producer whose result nobody else reads.
 */
export function fuseElementwise(operations: readonly Operation[], tensors: readonly Stored[], outputs: readonly number[]): Operation[] {
  const list: (Operation | undefined)[] = [...operations];
  const kept = new Set(outputs);
  const readers: Set<number>[] = tensors.map(() => new Set());
  const writers: Set<number>[] = tensors.map(() => new Set());
  const note = (o: number, add: boolean): void => {
    for (const { tensor, mode } of list[o]?.operands ?? []) {
      const set = mode === 'read' ? readers[tensor] : writers[tensor];
      if (add) set.add(o);
      else set.delete(o);
    }
  };
  list.forEach((_, o) => {
    note(o, true);
  });
  for (let o = 0; o < list.length; o++) {
    for (let again = true; again; ) {
      again = false;
      const consumer = list[o];
      if (!consumer?.body || !isElementwise(consumer)) break;
      for (const { tensor, mode } of consumer.operands) {
        if (mode !== 'read' || kept.has(tensor) || tensors[tensor].kind !== 'computed') continue;
        if (readers[tensor].size !== 1 || writers[tensor].size !== 1) continue;
        const [p] = writers[tensor];
        const producer = list[p];
        const fused = producer && fuse(producer, consumer, tensor, tensors);
        if (!fused) continue;
        note(p, false);
        note(o, false);
        list[p] = undefined;
        list[o] = fused;
        note(o, true);
        again = true;
        break;
      }
    }
  }
  return list.filter((operation) => operation !== undefined);
}

/** No reduction, one result; all dimensions parallel. */
function isElementwise({ domain, operands }: Operation): boolean {
  return domain.every(({ kind }) => kind === 'parallel') && operands.filter(({ mode }) => mode !== 'read').length === 1;
}

function stored(operation: Operation, tensors: readonly Stored[]): Set<number> {
  return new Set(
    operation.operands.filter(({ tensor, mode }) => mode === 'read' && tensors[tensor].kind !== 'constant').map(({ tensor }) => tensor),
  );
}

function fuse(producer: Operation, consumer: Operation, tensor: number, tensors: readonly Stored[]): Operation | undefined {
  if (!producer.body || !consumer.body) return undefined;
  const writes = producer.operands.filter(({ mode }) => mode !== 'read');
  if (writes.length !== 1) return undefined;
  const reads = consumer.operands.filter((operand) => operand.mode === 'read' && operand.tensor === tensor);
  // Every element of the producer's result must be read at one point, its own.
  const dimensions = correspondence(writes[0], reads, producer, consumer, tensors[tensor].shape);
  if (!dimensions) return undefined;
  const sources = stored(consumer, tensors);
  sources.delete(tensor);
  const reduces = producer.domain.some(({ kind }) => kind === 'reduction');
  const own = stored(producer, tensors);
  // The rest of what the consumer reads must be no more than constants, or what an elementwise producer reads too.
  if ([...sources].some((source) => reduces || !own.has(source) || own.size !== 1)) return undefined;
  const shifted = producer.operands.filter(({ mode }) => mode === 'read');
  const by: Expr[] = consumer.domain.map((_, d) => (dimensions[d] === undefined ? 0 : { d: dimensions[d] }));
  const others = consumer.operands.filter((operand) => operand.mode === 'read' && operand.tensor !== tensor);
  const write = consumer.operands.find(({ mode }) => mode !== 'read') as Operand;
  const mapped = (operand: Operand): Operand => ({
    ...operand,
    inPlaceOf: undefined,
    map: operand.map.map((range) => (range === 'all' ? range : { ...range, at: substitute(range.at, by) })),
  });
  const operands = [...shifted, ...others.map(mapped), mapped(write)];
  const positions = new Map<number, number>();
  producer.operands.forEach((operand, i) => {
    if (operand.mode === 'read') positions.set(i, shifted.indexOf(operand));
  });
  const body = joined(producer.body, consumer, tensor, positions, others, shifted.length);
  const inPlaceOf = inPlaceOperand(operands, tensors);
  if (inPlaceOf !== undefined) operands[operands.length - 1] = { ...operands[operands.length - 1], inPlaceOf };
  return { ...producer, operands, body, macs: producer.macs + consumer.macs };
}

/** Dimension of the producer for each of the consumer's; undefined where the two do not match point by point. */
function correspondence(
  write: Operand,
  reads: readonly Operand[],
  producer: Operation,
  consumer: Operation,
  shape: readonly number[],
): (number | undefined)[] | undefined {
  const found: (number | undefined)[] = consumer.domain.map(() => undefined);
  const used = new Set<number>();
  for (const read of reads) {
    if (read.outside !== undefined) return undefined;
    for (let d = 0; d < shape.length; d++) {
      const [to, from] = [write.map[d], read.map[d]];
      if (to === 'all' || from === 'all') return undefined;
      if (shape[d] === 1) continue;
      if (typeof to.at !== 'object' || !('d' in to.at) || typeof from.at !== 'object' || !('d' in from.at)) return undefined;
      if (producer.domain[to.at.d].extent !== shape[d] || consumer.domain[from.at.d].extent !== shape[d]) return undefined;
      if (found[from.at.d] !== undefined && found[from.at.d] !== to.at.d) return undefined;
      found[from.at.d] = to.at.d;
      used.add(to.at.d);
    }
  }
  // What the consumer has beyond the tensor (broadcasting) would be computed again and again.
  if (consumer.domain.some(({ extent }, d) => extent > 1 && found[d] === undefined)) return undefined;
  if (producer.domain.some(({ extent, kind }, d) => kind === 'parallel' && extent > 1 && !used.has(d))) return undefined;
  // Dimensions of extent 1 keep their own, so that writes stay invertible.
  consumer.domain.forEach((_, d) => {
    if (found[d] !== undefined) return;
    const free = producer.domain.findIndex(({ extent, kind }, p) => kind === 'parallel' && extent === 1 && !used.has(p));
    if (free >= 0) {
      found[d] = free;
      used.add(free);
    }
  });
  return found;
}

function joined(
  inner: Body,
  consumer: Operation,
  tensor: number,
  positions: ReadonlyMap<number, number>,
  others: readonly Operand[],
  offset: number,
): Body {
  const producerRead = (i: number): Scalar => ({ x: positions.get(i) as number });
  const finish = replace(inner.finish, producerRead);
  const outer = replace((consumer.body as Body).finish, (i) => {
    const operand = consumer.operands[i];
    return operand.tensor === tensor ? finish : { x: offset + others.indexOf(operand) };
  });
  return { acc: inner.acc, init: replace(inner.init, producerRead), step: replace(inner.step, producerRead), finish: outer };
}

function replace(scalar: Scalar, read: (operand: number) => Scalar): Scalar {
  if (typeof scalar !== 'object') return scalar;
  if ('x' in scalar) return read(scalar.x);
  return { fn: scalar.fn, args: scalar.args.map((argument) => replace(argument, read)) };
}

/** An operand that is read exactly where the result is written, of the same width, in an elementwise operation. */
function inPlaceOperand(operands: readonly Operand[], tensors: readonly Stored[]): number | undefined {
  const write = operands[operands.length - 1];
  const target = tensors[write.tensor];
  const found = operands.findIndex((operand) => {
    const source = tensors[operand.tensor];
    return (
      operand !== write &&
      source.kind !== 'constant' &&
      ELEMENT_BYTES[source.dtype] === ELEMENT_BYTES[target.dtype] &&
      operand.outside === undefined &&
      JSON.stringify(operand.map) === JSON.stringify(write.map) &&
      String(source.shape) === String(target.shape)
    );
  });
  return found >= 0 ? found : undefined;
}
