import { type Box, overlaps, type Plan } from '@regrain/core-ir/runtime';
import type { SpaceLayout } from './spaces.js';
import type { Piece } from './view.js';

/** Walks over the steps of a plan and knows where each instance's regions lie at the step in hand. */
export class LiveRegions {
  private readonly starts: number[][];
  private readonly ends: number[][];
  /** Per instance: live placements, by rising `first`. */
  private readonly live: number[][];

  constructor(
    private readonly plan: Plan,
    private readonly spaces: SpaceLayout,
  ) {
    const times = plan.steps.length + 2;
    this.starts = Array.from({ length: times }, () => []);
    this.ends = Array.from({ length: times + 1 }, () => []);
    plan.placements.forEach(({ holds, first, last }, p) => {
      if (!('region' in holds)) return;
      this.starts[first].push(p);
      this.ends[last + 1].push(p);
    });
    this.live = plan.decomposition.instances.map(() => []);
  }

  /** To be called for each time from 0 on; what is new is given back. */
  advance(time: number): readonly number[] {
    const { placements } = this.plan;
    for (const p of this.ends[time]) {
      const list = this.live[this.instanceOf(p)];
      list.splice(list.indexOf(p), 1);
    }
    for (const p of this.starts[time]) this.live[this.instanceOf(p)].push(p);
    return this.starts[time].filter((p) => 'region' in placements[p].holds);
  }

  /** The regions of an instance that hold parts of a box, within reach of an engine; of two copies the later. */
  pieces(instance: number, box: Box, engine: number): Piece[] {
    const { placements, decomposition, machine } = this.plan;
    const { spaces } = machine.engines[engine];
    const found = new Map<number, Piece>();
    for (const p of this.live[instance]) {
      const { holds, space, offset } = placements[p];
      if (!('region' in holds) || !spaces.includes(space)) continue;
      const region = decomposition.regions[holds.region];
      if (overlaps(region.box, box)) found.set(holds.region, { box: region.box, address: this.spaces.start[space] + offset });
    }
    return [...found.values()];
  }

  /** Ids of the live regions of an instance that hold parts of a box. */
  regions(instance: number, box: Box): number[] {
    const { placements, decomposition } = this.plan;
    return this.live[instance].flatMap((p) => {
      const { holds } = placements[p];
      return 'region' in holds && overlaps(decomposition.regions[holds.region].box, box) ? [holds.region] : [];
    });
  }

  address(p: number): number {
    const { space, offset } = this.plan.placements[p];
    return this.spaces.start[space] + offset;
  }

  private instanceOf(p: number): number {
    const { holds } = this.plan.placements[p];
    return 'region' in holds ? this.plan.decomposition.regions[holds.region].instance : -1;
  }
}
