import type { Plan } from '@regrain/core-ir';
import type { MachineDescription } from '../description.js';
import { Lru } from './lru.js';

/** Granularity of the cache model: coarser than a line, fine enough for a row of pixels. */
const BLOCK = 1024;

/**
 * Turns bytes at an address into cycles of shared resources (one per bank of a space) and, behind caches, into cycles of the
 * engine's own. Caches are fully associative, write-back, least recently used, and see the steps in plan order.
 */
export class SpaceModel {
  readonly ports: Float64Array;
  /** Cycles that the present step spends on cache hits. */
  cacheCycles = 0;
  private readonly firstBank: Int32Array;
  private readonly arena: Float64Array;
  private caches: (readonly { readonly store: Lru; readonly bytesPerCycle: number }[])[] = [];
  private readonly row: number[] = [0];
  private readonly of: number[] = [];
  private readonly cycles: number[] = [];
  private readonly sum: Float64Array;
  private readonly used: number[] = [];

  constructor(
    private readonly description: MachineDescription,
    private readonly plan: Plan,
  ) {
    const { spaces } = description;
    this.firstBank = new Int32Array(spaces.length + 1);
    for (let s = 0; s < spaces.length; s++) this.firstBank[s + 1] = this.firstBank[s] + spaces[s].banks;
    this.ports = new Float64Array(this.firstBank[spaces.length]);
    for (let s = 0; s < spaces.length; s++) this.ports.fill(spaces[s].ports, this.firstBank[s], this.firstBank[s + 1]);
    this.sum = new Float64Array(this.ports.length);
    this.arena = new Float64Array(spaces.length);
    for (const { space, offset, bytes } of plan.placements) this.arena[space] = Math.max(this.arena[space], offset + bytes);
  }

  /** `outside` bytes (constants, external inputs) lie behind the arena in the constants' space. */
  open(outside: number): void {
    const home = this.plan.machine.home.constant;
    this.caches = this.description.spaces.map(({ caches }, s) => {
      const blocks = Math.ceil((this.arena[s] + (s === home ? outside : 0)) / BLOCK) + 2;
      return caches.map(({ bytes, bytesPerCycle }) => ({
        store: new Lru(blocks, Math.max(1, Math.floor(bytes / BLOCK))),
        bytesPerCycle,
      }));
    });
  }

  begin(): void {
    this.cacheCycles = 0;
  }

  /** A task's access. */
  use(space: number, address: number, bytes: number): void {
    const levels = this.caches[space];
    if (levels.length === 0) {
      this.move(space, address, bytes);
      return;
    }
    let missed = 0;
    for (let at = address, end = address + bytes; at < end; ) {
      const block = Math.floor(at / BLOCK);
      const next = Math.min(end, (block + 1) * BLOCK);
      let hit = false;
      for (const { store, bytesPerCycle } of levels) {
        const held = block >= 0 && store.touch(block);
        if (held && !hit) this.cacheCycles += (next - at) / bytesPerCycle;
        hit ||= held;
      }
      if (!hit) missed += next - at;
      at = next;
    }
    if (missed > 0) this.move(space, address, missed);
  }

  /** A task's read of a constant or an external input. */
  useOutside(address: number, bytes: number): void {
    const home = this.plan.machine.home.constant;
    this.use(home, this.arena[home] + address, bytes);
  }

  /** Bytes that pass the space's ports, split over the banks they lie in. */
  move(space: number, address: number, bytes: number): void {
    const { banks, bytesPerCycle, bytes: capacity } = this.description.spaces[space];
    const size = capacity === null || banks === 1 ? Number.POSITIVE_INFINITY : Math.ceil(capacity / banks);
    for (let at = address, end = address + bytes; at < end; ) {
      const bank = Math.min(banks - 1, Math.floor(at / size));
      const next = bank === banks - 1 ? end : Math.min(end, (bank + 1) * size);
      const resource = this.firstBank[space] + bank;
      if (this.sum[resource] === 0) this.used.push(resource);
      this.sum[resource] += (next - at) / bytesPerCycle;
      at = next;
    }
  }

  end(): void {
    this.used.sort((a, b) => a - b);
    for (const resource of this.used) {
      this.of.push(resource);
      this.cycles.push(this.sum[resource]);
      this.sum[resource] = 0;
    }
    this.used.length = 0;
    this.row.push(this.of.length);
  }

  demands(): { demandRow: Int32Array; demandOf: Int32Array; demand: Float64Array } {
    return { demandRow: Int32Array.from(this.row), demandOf: Int32Array.from(this.of), demand: Float64Array.from(this.cycles) };
  }
}
