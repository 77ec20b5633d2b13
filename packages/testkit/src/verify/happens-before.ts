import type { Plan } from '@regrain/core-ir';

/**
 * Which step is known to have ended when another starts: an engine runs its own steps in order, and waits order across engines.
 * One vector clock per step (Fidge 1988, Mattern 1989): `clock[s * engines + e]` = how many of engine e's steps have ended by the end
 * of step s. O(steps × engines).
 */
export class HappensBefore {
  /** All steps are on one engine: each follows all before it. */
  readonly isOneChain: boolean;
  private readonly engines: number;
  private readonly clock: Int32Array;
  private readonly position: Int32Array;
  private readonly engineOf: Uint16Array;

  constructor({ steps, machine }: Plan) {
    const engines = Math.max(1, machine.engines.length);
    this.engines = engines;
    const [one] = steps;
    this.isOneChain = steps.every(({ engine }) => engine === one.engine);
    // The order of one chain is that of its steps: it needs no clocks.
    const clocked = this.isOneChain ? 0 : steps.length;
    this.clock = new Int32Array(clocked * engines);
    this.position = new Int32Array(clocked);
    this.engineOf = new Uint16Array(clocked);
    const latest = new Int32Array(engines).fill(-1);
    const done = new Int32Array(engines);
    for (let s = 0; s < clocked; s++) {
      const { engine, waits } = steps[s];
      const at = s * engines;
      if (latest[engine] >= 0) this.join(at, latest[engine]);
      for (const wait of waits) if (wait >= 0 && wait < s) this.join(at, wait);
      this.position[s] = this.clock[at + engine] = ++done[engine];
      this.engineOf[s] = engine;
      latest[engine] = s;
    }
  }

  private join(at: number, earlier: number): void {
    const { clock, engines } = this;
    for (let e = 0; e < engines; e++) if (clock[earlier * engines + e] > clock[at + e]) clock[at + e] = clock[earlier * engines + e];
  }

  /** Step `a` has ended when `b` starts, or is `b` itself. */
  ordered(a: number, b: number): boolean {
    if (this.isOneChain) return a <= b;
    return this.clock[b * this.engines + this.engineOf[a]] >= this.position[a];
  }
}
