/** A total order of tasks and the engine of each position (a position in `Machine.engines`). Times are observed, not planned. */
export interface Schedule {
  readonly order: Int32Array;
  readonly engine: Uint8Array;
}
