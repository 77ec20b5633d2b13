import { type Box, bounds, dimensionsOf, domainBox, ELEMENT_BYTES, type Expr } from '@regrain/core-ir';
import { type KernelShape, keyOf, type SelectContext, type Selected } from './kernel.js';
import { accumulatorStride, LaneKernel } from './lane-kernel.js';
import { hasLanes } from './lanes/lanes.js';
import { commonDivisor, laneBlock, laneOperand, laneStride, packable } from './operand-access.js';
import { slidingOf, WindowKernel } from './window-kernel.js';

/**
 * Four neighbouring points of a parallel dimension at a time: elementwise operations, pooling, depthwise convolution, reductions over
 * other dimensions. Undefined where the operation has no such dimension.
 */
export function selectLanes(shape: KernelShape, context: SelectContext, box: Box): Selected | undefined {
  const { operation, operands, accumulator, phase } = shape;
  const { body } = operation;
  if (!body || (body.acc !== 'float32' && body.acc !== 'int32')) return undefined;
  const write = operation.operands.findIndex(({ mode }) => mode !== 'read');
  const all = [...operands, accumulator].filter((operand) => operand !== undefined);
  if (all.some((operand) => operand.kind === 'view' && !hasLanes(operand.view.dtype))) return undefined;
  const target = operands[write];
  const floats = body.acc === 'float32' && target?.kind === 'view' && target.view.dtype === 'float32';
  // Floats go one by one where regions leave no lanes: rounded like those in lanes. Integers are the same by any kernel.
  const lane = chooseLane(shape, context, write) ?? (floats ? -1 : undefined);
  if (lane === undefined) return undefined;

  const extra: number[] = [];
  const lanes = operands.map((_, k) => laneOperand(shape, context, k, lane, extra));
  const blocks = [...operands.keys()].flatMap((k) => {
    const size = lanes[k]?.packed ? undefined : laneBlock(shape, k, lane);
    return size === undefined ? [] : [size];
  });
  if (accumulator && (blocks.length > 0 || accumulatorStride(shape, write, lane) === undefined)) return undefined;
  const block = blocks.length === 0 ? undefined : blocks.reduce(commonDivisor);
  const config = { lane, lanes, extras: extra.length, ...(block === undefined ? {} : { block }) };
  const full = lane >= 0 && box[lane].every((side) => side % 4 === 0);
  const sliding = lane < 0 ? undefined : slidingOf(shape, context, config, write, full, extra);
  if (sliding) {
    const wider = { ...config, extras: extra.length };
    return {
      kind: 'window',
      key: `window ${JSON.stringify([wider, sliding])} ${keyOf(shape)}`,
      write: (fn, imports) => new WindowKernel(shape, wider, write, fn, imports, sliding).write(),
      extra,
    };
  }
  return {
    kind: 'lanes',
    key: `lanes ${phase} ${lane} ${JSON.stringify([lanes, block])} ${keyOf(shape)}`,
    write: (fn, imports) => new LaneKernel(shape, config, write, fn, imports).write(),
    extra,
  };
}

/** The parallel dimension along which most operands are contiguous. */
function chooseLane(shape: KernelShape, { program }: SelectContext, write: number): number | undefined {
  const { operation, operands, shapes } = shape;
  let best: number | undefined;
  let least = Number.POSITIVE_INFINITY;
  operation.domain.forEach(({ kind, extent }, d) => {
    if (kind === 'reduction' || extent < 4) return;
    let cost = 0;
    for (const [k, operand] of operands.entries()) {
      if (operand?.kind !== 'view') continue;
      const { map, outside, tensor } = operation.operands[k];
      const width = ELEMENT_BYTES[operand.view.dtype];
      const stride = laneStride(shape, k, d);
      if (program.tensors[tensor].kind === 'constant') {
        if (stride !== width && stride !== 0 && !packable(shape, k, d)) return;
        cost += 1;
        continue;
      }
      if (stride === undefined || (k === write && stride === 0)) return;
      if ((laneBlock(shape, k, d) ?? 4) < 4) return;
      if (outside !== undefined && map.some((range, t) => range !== 'all' && leavesBy(shape, range.at, shapes[k][t], d))) return;
      cost += stride === 0 ? 0.5 : stride === width ? 1 : k === write ? 5 : 4;
    }
    // Few points along the lanes: the tail is done one by one.
    cost += 8 / extent;
    if (cost < least) [best, least] = [d, cost];
  });
  return best;
}

function leavesBy({ operation }: KernelShape, at: Expr, extent: number, lane: number): boolean {
  if (!dimensionsOf(at).has(lane)) return false;
  const [low, high] = bounds(at, domainBox(operation));
  return low < 0 || high >= extent;
}
