import type { Box, Observations, Plan } from '@regrain/core-ir';

/** What the monitors saw of one tensor's stored regions, and the regions themselves. */
export interface TensorMetrics {
  readonly tensor: number;
  /** Primary regions, in the decomposition's order. */
  readonly regions: readonly number[];
  readonly boxes: readonly Box[];
  /** Time that tasks waited for its regions ÷ time of the tasks that touch them. */
  readonly contention: number;
  readonly waited: number;
  /** Bytes read (an output once by the caller) ÷ bytes filled. */
  readonly reuse: number;
  readonly accesses: number;
  /** Accesses per 1000 units of time. */
  readonly frequency: number;
  /** Mean over neighbouring regions: tasks that touch both ÷ tasks that touch either. */
  readonly coaccess: number;
}

/** Metrics of every tensor that has stored regions and is no constant; tensors that only exist as replicas are left out. */
export function measureTensors(plan: Plan, seen: Observations): TensorMetrics[] {
  const { decomposition, program } = plan;
  const { regions, instances } = decomposition;
  const makespan = seen.end.reduce((most, end) => Math.max(most, end), 0);
  const of: number[][] = program.tensors.map(() => []);
  for (let r = 0; r < regions.length; r++) {
    const { role, tensor } = instances[regions[r].instance];
    if (role === 'primary' && program.tensors[tensor].kind !== 'constant') of[tensor].push(r);
  }
  const both = new Float64Array(program.tensors.length);
  const pairs = new Int32Array(program.tensors.length);
  for (const [a, b, tasks] of seen.coaccess) {
    const { role, tensor } = instances[regions[a].instance];
    if (role !== 'primary') continue;
    const either = seen.accesses[a] + seen.accesses[b] - tasks;
    both[tensor] += either > 0 ? Math.min(1, tasks / either) : 0;
    pairs[tensor]++;
  }
  const found: TensorMetrics[] = [];
  of.forEach((list, tensor) => {
    if (list.length === 0) return;
    const sum = (values: Float64Array) => list.reduce((total, r) => total + values[r], 0);
    const busy = sum(seen.busy);
    const filled = sum(seen.filled);
    const waited = sum(seen.waited);
    const accesses = sum(seen.accesses);
    // The caller reads an output once, after the run.
    const read = sum(seen.read) + (program.outputs.includes(tensor) ? list.reduce((bytes, r) => bytes + regions[r].bytes, 0) : 0);
    found.push({
      tensor,
      regions: list,
      boxes: list.map((r) => regions[r].box),
      contention: busy > 0 ? waited / busy : 0,
      waited,
      reuse: filled > 0 ? read / filled : Number.POSITIVE_INFINITY,
      accesses,
      frequency: makespan > 0 ? (1000 * accesses) / makespan : 0,
      // Neighbours that no task touches together count as zero.
      coaccess: list.length > 1 ? both[tensor] / Math.max(pairs[tensor], list.length - 1) : 0,
    });
  });
  return found;
}
