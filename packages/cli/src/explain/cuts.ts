import { type Box, extended, type Plan } from '@regrain/core-ir';

/** How a tensor's primary storage is cut along one of its axes. */
export interface AxisCut {
  readonly axis: number;
  readonly extent: number;
  /** Distinct intervals along it. */
  readonly pieces: number;
  /** Their least and greatest size. */
  readonly least: number;
  readonly most: number;
}

/** Axes along which there is more than one interval. */
export function cutsOf(boxes: readonly Box[], shape: readonly number[]): readonly AxisCut[] {
  return shape.flatMap((extent, axis): AxisCut[] => {
    const intervals = new Set(boxes.map((box) => `${box[axis][0]}:${box[axis][1]}`));
    if (intervals.size < 2) return [];
    const sizes = boxes.map((box) => box[axis][1] - box[axis][0]);
    return [{ axis, extent, pieces: intervals.size, least: Math.min(...sizes), most: Math.max(...sizes) }];
  });
}

const AXES_OF_MAPS = ['batch', 'channels', 'rows', 'columns'];

/** `axis 2 (rows)` of a map of four dimensions, `axis 2` of anything else. */
export function axisName(axis: number, rank: number): string {
  return rank === 4 ? `axis ${axis} (${AXES_OF_MAPS[axis]})` : `axis ${axis}`;
}

/** `112 bands of 1 along axis 2 (rows)`, or that it is one piece. */
export function cutText(cuts: readonly AxisCut[], regions: number, rank: number): string {
  if (regions === 1) return 'one region: it is not cut';
  const along = cuts.map(
    ({ axis, pieces, least, most }) =>
      `${pieces} pieces of ${least === most ? least : `${least} to ${most}`} along ${axisName(axis, rank)}`,
  );
  return along.join(' × ');
}

/** Which choices of the grain beside its regions concern a tensor. */
export function grainChoices({ program, decomposition }: Plan, tensor: number): readonly string[] {
  const { recompute, reduce, copies } = decomposition.grain;
  const { program: whole, tensorOf } = extended(program, copies);
  const rank = program.tensors[tensor].shape.length;
  const again = tensorOf.filter((of) => of === tensor).length - 1;
  return [
    ...(again > 0 ? [`computed ${again === 1 ? 'a second time' : `${again} more times`} for readers that come late`] : []),
    ...recompute.flatMap((each) =>
      tensorOf[each.tensor] === tensor
        ? [`computed again for ${whole.operations[each.reader].name} along ${each.along.map((d) => axisName(d, rank)).join(', ')}`]
        : [],
    ),
    ...reduce.flatMap(({ operation, parts }) =>
      whole.operations[operation].operands.some((operand) => operand.tensor === tensor && operand.mode !== 'read')
        ? [`summed by ${whole.operations[operation].name} in ${parts} parts`]
        : [],
    ),
  ];
}
