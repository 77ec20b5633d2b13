import { type Allocator, type Context, type Packed, type Packing, PluginOptions } from '@regrain/core-ir';
import { inject, injectable } from 'inversify';
import { z } from 'zod';
import { sideBySide } from './adjacency/side-by-side.js';
import type { Group } from './groups.js';
import { packWith } from './outcome.js';
import { type Placed, placeInOrder, startOf } from './place.js';

export const hillClimbOptions = z.strictObject({
  iterations: z.number().int().min(0).default(500).describe('swaps to try, at most; fewer of many buffers'),
  temperature: z
    .number()
    .min(0)
    .default(0.02)
    .describe('how much higher, as a share, a placement may be that is likely accepted at the start'),
});

/** Placements of single buffers, at most: bounds the time that many buffers take. */
const PLACEMENTS = 500_000;

/**
 * Hill climbing over orders of placement, as the unified static memory planner of TVM does it (apache/tvm, hill_climb.cc): the buffer
 * that makes the height changes places in the order with one that it meets, or with one that such a one meets. Higher placements are
 * accepted too, less and less. O(iterations × placing all).
 */
@injectable()
export class HillClimbAllocator implements Allocator {
  constructor(@inject(PluginOptions) private readonly options: z.infer<typeof hillClimbOptions>) {}

  place(packing: Packing, context: Context): Packed {
    return packWith(packing, (groups, load) =>
      sideBySide(packing, groups, startOf(packing) ?? new Climb(packing, groups, context).run(load.bytes, this.options), context),
    );
  }
}

class Climb {
  private readonly order: Group[];
  private readonly position = new Map<Group, number>();

  constructor(
    private readonly packing: Packing,
    private readonly groups: readonly Group[],
    private readonly context: Context,
  ) {
    this.order = groups.toSorted((a, b) => b.bytes - a.bytes || a.first - b.first);
    this.order.forEach((group, k) => {
      this.position.set(group, k);
    });
  }

  run(bound: number, { iterations, temperature }: z.infer<typeof hillClimbOptions>): Placed {
    const { random, signal, progress } = this.context;
    let now = this.placed();
    let best = now;
    const steps = Math.min(iterations, Math.ceil(PLACEMENTS / Math.max(1, this.groups.length)));
    for (let step = 0; step < steps && best.height > bound; step++) {
      signal.throwIfAborted();
      progress(step, steps, 'swaps');
      const pair = this.choose(now);
      if (!pair) break;
      this.swap(...pair);
      const next = this.placed();
      const worse = (next.height - now.height) / now.height;
      if (worse <= 0 || random() < Math.exp(-worse / (temperature * (1 - step / steps)))) now = next;
      else this.swap(...pair);
      if (now.height < best.height) best = now;
    }
    return best;
  }

  private placed(): Placed {
    return placeInOrder(this.packing, this.groups, this.order, 'lowest', Number.POSITIVE_INFINITY) as Placed;
  }

  /** A buffer that ends at the height, and one placed before it that is in its way, or in the way of such a one. */
  private choose({ offsets, height }: Placed): [Group, Group] | undefined {
    const endOf = ({ pieces, bytes }: Group): number => offsets[pieces[0].buffer] - pieces[0].at + bytes;
    const free = this.groups.filter(({ fixed }) => fixed === undefined);
    const top = this.pick(free.filter((group) => endOf(group) === height));
    if (!top) return undefined;
    const place = this.position.get(top) as number;
    const rivals = free.filter((group) => group !== top && meet(group, top) && (this.position.get(group) as number) < place);
    const rival = this.pick(rivals);
    if (!rival) return undefined;
    if (this.context.random() < 0.5) return [top, rival];
    const further = this.pick(free.filter((group) => group !== top && group !== rival && meet(group, rival)));
    return further ? [further, rival] : [top, rival];
  }

  private pick(list: readonly Group[]): Group | undefined {
    return list[Math.floor(this.context.random() * list.length)];
  }

  private swap(a: Group, b: Group): void {
    const [at, to] = [this.position.get(a) as number, this.position.get(b) as number];
    [this.order[at], this.order[to]] = [b, a];
    this.position.set(a, to);
    this.position.set(b, at);
  }
}

function meet(a: Group, b: Group): boolean {
  return a.first <= b.last && b.first <= a.last;
}
