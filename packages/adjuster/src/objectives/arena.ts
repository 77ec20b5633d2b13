import type { Machine, Metrics } from '@regrain/core-ir';

/** Bytes of all counted spaces (of the first, if a machine counts none). */
export function countedBytes(bytes: readonly number[], machine: Machine): number {
  if (!machine.spaces.some(({ counted }) => counted)) return bytes[0] ?? 0;
  return bytes.reduce((sum, value, space) => (machine.spaces[space]?.counted ? sum + value : sum), 0);
}

export function arenaBytes(metrics: Metrics, machine: Machine): number {
  return countedBytes(metrics.arenaBytes, machine);
}

/** Squeezes [0, 2^64) into [0, 1), so that it only decides between equal whole numbers; 1 % of `value` is 0.0002 anywhere. */
export function tieBreak(value: number): number {
  return Math.min(Math.log2(1 + Math.max(0, value)) / 64, 1 - Number.EPSILON);
}
