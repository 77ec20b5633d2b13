import { overlaps, type Plan, RegrainError } from '@regrain/core-ir/runtime';
import type { SpaceLayout } from './layout/spaces.js';

/**
 * Watches the arena while a plan runs step by step: after each step no byte may have changed but those of the regions that the step
 * writes, and what no live region holds is overwritten, so that nothing can live on what is dead.
 */
export class ArenaWatch {
  private before: Uint8Array;
  private readonly ends: number[][];
  private readonly starts: number[][];
  /** How many live placements hold each byte. */
  private readonly held: Uint8Array;
  private time = 0;

  constructor(
    private readonly plan: Plan,
    private readonly spaces: SpaceLayout,
    private readonly arena: Uint8Array,
    private readonly poison: number,
  ) {
    const times = plan.steps.length + 3;
    this.starts = Array.from({ length: times }, () => []);
    this.ends = Array.from({ length: times }, () => []);
    plan.placements.forEach(({ first, last }, p) => {
      this.starts[first].push(p);
      this.ends[last].push(p);
    });
    this.held = new Uint8Array(arena.length);
    arena.fill(poison);
    this.before = arena.slice();
    this.hold(0);
  }

  /** What the host has put there is as it should be. */
  accept(): void {
    this.before.set(this.arena);
  }

  /** To be called before a step, in their order: what begins with it is held. */
  begin(step: number): void {
    while (this.time < step + 1) {
      this.release(this.time);
      this.hold(++this.time);
    }
  }

  /** To be called after the step. */
  check(step: number): void {
    const allowed = this.written(step);
    const { arena, before } = this;
    for (let k = 0; k < arena.length; k++) {
      if (arena[k] === before[k]) continue;
      if (!allowed.some(([from, to]) => from <= k && k < to)) {
        throw new RegrainError('verification', `step ${step} (${this.name(step)}) changes byte ${k} of the arena, which it does not write`);
      }
      before[k] = arena[k];
    }
  }

  private hold(time: number): void {
    for (const p of this.starts[time]) this.count(p, 1);
  }

  private release(time: number): void {
    for (const p of this.ends[time]) {
      this.count(p, -1);
      const [from, to] = this.bytesOf(p);
      for (let k = from; k < to; k++) if (this.held[k] === 0) this.arena[k] = this.before[k] = this.poison;
    }
  }

  private count(p: number, by: number): void {
    const [from, to] = this.bytesOf(p);
    for (let k = from; k < to; k++) this.held[k] += by;
  }

  private bytesOf(p: number): readonly [from: number, to: number] {
    const { space, offset, bytes } = this.plan.placements[p];
    const from = this.spaces.start[space] + offset;
    return [from, from + bytes];
  }

  /** The bytes that a step may change. */
  private written(step: number): (readonly [from: number, to: number])[] {
    const { placements, decomposition, steps } = this.plan;
    const at = steps[step];
    const live = placements.flatMap(({ first, last }, p) => (first <= step + 1 && step + 1 <= last ? [p] : []));
    if (at.kind === 'move') return [this.bytesOf(at.to)];
    const { accesses } = decomposition.tasks[at.task];
    return live.flatMap((p) => {
      const { holds } = placements[p];
      if (!('region' in holds)) return holds.scratch === at.task ? [this.bytesOf(p)] : [];
      const { instance, box } = decomposition.regions[holds.region];
      const writes = accesses.some((access) => access.mode !== 'read' && access.instance === instance && overlaps(access.box, box));
      return writes ? [this.bytesOf(p)] : [];
    });
  }

  private name(step: number): string {
    const at = this.plan.steps[step];
    return at.kind === 'move' ? 'a move' : this.plan.program.operations[this.plan.decomposition.tasks[at.task].operation].name;
  }
}
