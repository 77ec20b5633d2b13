import { bounds, domainBox, type Expr, type IndexMap, type IndexRange, type Operand, type Operation, shifted } from '@regrain/core-ir';

interface Stored {
  readonly shape: readonly number[];
  readonly kind: 'input' | 'constant' | 'computed';
}

/**
 * Takes out copies of whole tensors into a part of another one (concatenation): their producers write there, their other readers read
 * there. A copy stays where the source is an input, a constant or an output, is copied to several places, or is read with padding that
 * would now find its neighbours.
 */
export function elideCopies(operations: readonly Operation[], tensors: readonly Stored[], outputs: readonly number[]): Operation[] {
  const users: Operation[][] = tensors.map(() => []);
  for (const operation of operations)
    for (const { tensor } of operation.operands) if (!users[tensor].includes(operation)) users[tensor].push(operation);
  /** Source → where it lies now. */
  const moved = new Map<number, { readonly tensor: number; readonly offset: readonly number[] }>();
  const gone = new Set<Operation>();
  const kept = new Set(outputs);
  for (const copy of operations) {
    const place = copy.type === 'Copy' ? placeOf(copy, tensors) : undefined;
    if (!place || moved.has(place.source) || kept.has(place.source) || tensors[place.source].kind !== 'computed') continue;
    const others = users[place.source].filter((operation) => operation !== copy);
    const fits = others.every((operation) =>
      operation.operands.every(
        (operand) => operand.tensor !== place.source || movable(operation, operand, tensors[place.source].shape, place),
      ),
    );
    if (!fits || others.some((operation) => gone.has(operation))) continue;
    moved.set(place.source, { tensor: place.target, offset: place.offset });
    gone.add(copy);
  }
  return operations
    .filter((operation) => !gone.has(operation))
    .map((operation) => {
      if (!operation.operands.some(({ tensor }) => moved.has(tensor))) return operation;
      const operands = operation.operands.map((operand) => relocate(operand, moved, tensors));
      return { ...operation, operands: operands.map((operand) => checkedInPlace(operand, operands)) };
    });
}

interface Place {
  readonly source: number;
  readonly target: number;
  readonly offset: readonly number[];
  readonly shape: readonly number[];
}

/** The copy of a whole tensor to a fixed place, of the same rank. */
function placeOf({ operands: [from, to] }: Operation, tensors: readonly Stored[]): Place | undefined {
  const shape = tensors[from.tensor].shape;
  const whole =
    from.outside === undefined && from.map.length === to.map.length && from.map.every((range, d) => isPlain(range, d, shape[d]));
  if (!whole) return undefined;
  const offset = to.map.map((range) => shifted(range)?.offset ?? 0);
  return { source: from.tensor, target: to.tensor, offset, shape: tensors[to.tensor].shape };
}

function isPlain(range: IndexRange, d: number, extent: number): boolean {
  if (range === 'all') return false;
  return (extent === 1 && range.at === 0) || (typeof range.at === 'object' && 'd' in range.at && range.at.d === d);
}

/** Writes must stay constants or shifted dimensions; padded reads must not reach what lies beside the new place. */
function movable(operation: Operation, operand: Operand, shape: readonly number[], { shape: target }: Place): boolean {
  if (operand.mode !== 'read') return operand.map.every((range) => range !== 'all' && shifted(range) !== undefined);
  if (operand.outside === undefined) return true;
  const domain = domainBox(operation);
  return operand.map.every((range, d) => {
    if (target[d] === shape[d] || range === 'all') return true;
    const [lo, hi] = bounds(range.at, domain);
    return lo >= 0 && hi + (range.size ?? 1) <= shape[d];
  });
}

function relocate(
  operand: Operand,
  moved: ReadonlyMap<number, { readonly tensor: number; readonly offset: readonly number[] }>,
  tensors: readonly Stored[],
): Operand {
  let { tensor, map } = operand;
  for (let to = moved.get(tensor); to; to = moved.get(tensor)) {
    const { offset, tensor: target } = to;
    const { shape } = tensors[tensor];
    map = map.map((range, d) => shift(range, offset[d], shape[d], tensors[target].shape[d])) as IndexMap;
    tensor = target;
  }
  return tensor === operand.tensor ? operand : { ...operand, tensor, map };
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
