/**
 * Milliseconds of work: the processor's time of this process where that can be had (in Node), which other programs' load hardly changes;
 * elsewhere elapsed time. For comparing what runs on one thread.
 */
export function workMs(): number {
  if (typeof process !== 'object' || typeof process.cpuUsage !== 'function') return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
