/** A memory space. `counted` spaces make up the arena that plans are compared by; `bytes` may be `Infinity` (written as null). */
export interface Space {
  readonly name: string;
  readonly bytes: number;
  /** Alignment of every placement, in bytes. */
  readonly align: number;
  readonly counted: boolean;
}

export interface Engine {
  readonly name: string;
  /** The spaces it reaches, by position. */
  readonly spaces: readonly number[];
  readonly runs: 'tasks' | 'moves';
}

/** A target's description: everything that stages may know of the hardware. */
export interface Machine {
  readonly name: string;
  readonly spaces: readonly Space[];
  readonly engines: readonly Engine[];
  /** Where inputs, constants and outputs are at the start and at the end of a run: positions in `spaces`. */
  readonly home: { readonly input: number; readonly constant: number; readonly output: number };
  /**
   * Storage orders that the machine's kernels want, by the tensors' rank (dimensions, outermost first), where a decomposer does not choose
   * one: such as `{ 4: [0, 2, 3, 1] }`, channels last.
   */
  readonly storageOrders?: Readonly<Record<number, readonly number[]>>;
  /** The target's own costs; no stage but the target reads it. */
  readonly detail: unknown;
}
