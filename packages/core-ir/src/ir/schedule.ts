/** A total order of tasks and the engine of each position (a position in `Machine.engines`). Times are observed, not planned. */
export interface Schedule {
  readonly order: Int32Array;
  readonly engine: Uint8Array;
  /** Of schedulers that search for fewer live bytes. */
  readonly found?: FoundPeak;
}

/**
 * The most bytes that are live at once in an order, by a scheduler's own count over all spaces, and what no order of these tasks is below
 * under the same constraints: where both are equal, the order is proved the best.
 */
export interface FoundPeak {
  readonly peakBytes: number;
  readonly boundBytes: number;
}
