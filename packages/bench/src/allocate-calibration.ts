const STEPS = 40_000_000;
const CELLS = 1 << 16;
const ROUNDS = 3;

/** Dependent loads, integer arithmetic and stores, as a search does them. */
function loop(): number {
  const cells = new Int32Array(CELLS);
  let state = 1;
  let sum = 0;
  for (let step = 0; step < STEPS; step++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const at = (state + cells[sum & (CELLS - 1)]) & (CELLS - 1);
    cells[at] = (cells[at] + (state & 0xff)) | 0;
    sum = (sum + cells[at]) | 0;
  }
  return sum;
}

/** What a fixed loop takes: the speed of this machine. The least of a few rounds, since other work only adds to it. */
export function calibrate(): { readonly cpuMs: number; readonly sum: number } {
  let cpuMs = Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const began = process.cpuUsage();
    sum = loop();
    const { user, system } = process.cpuUsage(began);
    cpuMs = Math.min(cpuMs, (user + system) / 1000);
  }
  return { cpuMs, sum };
}
