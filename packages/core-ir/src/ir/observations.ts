/** What the monitors saw in one execution. */
export interface Observations {
  readonly unit: 'cycle' | 'ns';
  /** Per step. */
  readonly start: Float64Array;
  readonly end: Float64Array;
  /** Per region: time that tasks waited for it though otherwise ready; time of the tasks that touch it. */
  readonly waited: Float64Array;
  readonly busy: Float64Array;
  /** Per region: bytes read from it; bytes written or moved into it; number of accesses. */
  readonly read: Float64Array;
  readonly filled: Float64Array;
  readonly accesses: Float64Array;
  /** Pairs of regions of one instance and the number of tasks that touch both. */
  readonly coaccess: readonly (readonly [a: number, b: number, tasks: number])[];
}
