import { bounds, domainBox, type Expr, type IndexMap, type IndexRange, type Operand, type Operation, shifted } from '@regrain/core-ir';

interface Stored {
  readonly shape: readonly number[];
  readonly kind: 'input' | 'constant' | 'computed';
}

/**
 * Takes out copies of whole tensors into a part of another one (concatenation, stacking): their producers write there, their other readers
 * read there. A copy stays where the source is an input, a constant or an output, is copied to several places, or is read with padding
 * that would now find its neighbours.
 */
export function elideCopies(operations: readonly Operation[], tensors: readonly Stored[], outputs: readonly number[]): Operation[] {
  const left: (Operation | undefined)[] = [...operations];
  const users: Set<number>[] = tensors.map(() => new Set<number>());
  operations.forEach(({ operands }, o) => {
    for (const { tensor } of operands) users[tensor].add(o);
  });
  const kept = new Set(outputs);
  operations.forEach(({ type }, o) => {
    const copy = left[o];
    const place = type === 'Copy' && copy ? placeOf(copy, tensors) : undefined;
    if (!place || kept.has(place.source) || tensors[place.source].kind !== 'computed') return;
    const others = [...users[place.source]].filter((other) => other !== o);
    const touching = (operation: Operation): readonly Operand[] => operation.operands.filter(({ tensor }) => tensor === place.source);
    const fits = (operation: Operation): boolean => touching(operation).every((operand) => movable(operation, operand, tensors, place));
    if (!others.every((other) => fits(left[other] as Operation))) return;
    left[o] = undefined;
    users[place.target].delete(o);
    for (const other of others) {
      const operation = left[other] as Operation;
      const operands = operation.operands.map((operand) => relocated(operand, place, tensors));
      left[other] = { ...operation, operands: operands.map((operand) => checkedInPlace(operand, operands)) };
      users[place.target].add(other);
    }
  });
  return left.filter((operation) => operation !== undefined);
}

interface Place {
  readonly source: number;
  readonly target: number;
  /** Per dimension of the target the one of the source that runs along it; -1: none, it is all at one index. */
  readonly along: readonly number[];
  readonly offset: readonly number[];
}

/** The copy of a whole tensor to a fixed place, its dimensions in their order; those of extent 1 may come and go. */
function placeOf({ domain, operands: [from, to] }: Operation, tensors: readonly Stored[]): Place | undefined {
  const { shape } = tensors[from.tensor];
  if (from.outside !== undefined) return undefined;
  /** Dimension of the domain → of the source. */
  const source = new Map<number, number>();
  for (const [s, range] of from.map.entries()) {
    const at = range === 'all' ? undefined : shifted(range);
    if (at?.offset !== 0) return undefined;
    if (at.d >= 0 ? domain[at.d].extent !== shape[s] || source.has(at.d) : shape[s] !== 1) return undefined;
    if (at.d >= 0) source.set(at.d, s);
  }
  const along: number[] = [];
  const offset: number[] = [];
  for (const range of to.map) {
    const at = range === 'all' ? undefined : shifted(range);
    if (!at || (at.d >= 0 && domain[at.d].extent > 1 && !source.has(at.d))) return undefined;
    along.push(source.get(at.d) ?? -1);
    offset.push(at.offset);
  }
  const order = along.filter((s) => s >= 0);
  const complete = shape.every((extent, s) => extent === 1 || order.includes(s));
  return complete && order.every((s, k) => k === 0 || s > order[k - 1])
    ? { source: from.tensor, target: to.tensor, along, offset }
    : undefined;
}

/** Writes must stay constants or shifted dimensions; reads must not reach what lies beside the new place. */
function movable(operation: Operation, { tensor, mode, map, outside }: Operand, tensors: readonly Stored[], place: Place): boolean {
  if (mode !== 'read') return map.every((range) => range !== 'all' && shifted(range) !== undefined);
  if (outside === undefined) return true;
  const { shape } = tensors[tensor];
  const domain = domainBox(operation);
  return map.every((range, s) => {
    if (range === 'all' || shape[s] === tensors[place.target].shape[place.along.indexOf(s)]) return true;
    const [lo, hi] = bounds(range.at, domain);
    return lo >= 0 && hi + (range.size ?? 1) <= shape[s];
  });
}

function relocated(operand: Operand, { source, target, along, offset }: Place, tensors: readonly Stored[]): Operand {
  if (operand.tensor !== source) return operand;
  const { shape } = tensors[source];
  const map: IndexMap = along.map((s, t) =>
    s < 0 ? { at: offset[t] } : shift(operand.map[s], offset[t], shape[s], tensors[target].shape[t]),
  );
  return { ...operand, tensor: target, map };
}

function shift(range: IndexRange, offset: number, extent: number, of: number): IndexRange {
  if (range === 'all') return extent === of ? 'all' : { at: offset, size: extent };
  if (offset === 0) return range;
  return { ...range, at: plus(range.at, offset) };
}

/** Keeps `{ d } + constant` in that form through several moves. */
function plus(expr: Expr, offset: number): Expr {
  if (typeof expr === 'number') return expr + offset;
  if (!('d' in expr) && expr[0] === '+' && typeof expr[2] === 'number') return ['+', expr[1], expr[2] + offset];
  return ['+', expr, offset];
}

function checkedInPlace(operand: Operand, operands: readonly Operand[]): Operand {
  if (operand.inPlaceOf === undefined) return operand;
  const same = JSON.stringify(operands[operand.inPlaceOf].map) === JSON.stringify(operand.map);
  return same ? operand : { ...operand, inPlaceOf: undefined };
}
