import type { Box, DType } from '@regrain/core-ir/runtime';
import type { Located } from './layout/view.js';

/** What a lane waits for before an action of the host and says after it, where there are several lanes. */
export interface Sync {
  /** Address of a list of waits (see `LaneBuilders.waits`); 0: none. */
  readonly waits: number;
  /** What the lane's counter becomes; absent: as it is. */
  readonly done?: number;
}

/** What a lane does, in order: runs of tasks inside the module, and what only the host can do between them. */
export type Action =
  /** Entries `from` to `to` of the lane's schedule. */
  | { readonly kind: 'run'; readonly from: number; readonly to: number }
  /** A part of an input comes into the arena. */
  | {
      readonly kind: 'arrive';
      readonly sync?: Sync;
      /** Before which step; absent: before the run. */
      readonly step?: number;
      readonly tensor: number;
      readonly box: Box;
      readonly at: Located;
    }
  /** A region is copied. */
  | {
      readonly kind: 'move';
      readonly sync?: Sync;
      readonly step: number;
      readonly from: number;
      readonly to: number;
      readonly bytes: number;
    }
  /** An operation without a body: the operator set that knows it computes it from what lies in memory. */
  | {
      readonly kind: 'host';
      readonly sync?: Sync;
      readonly step: number;
      readonly operation: number;
      readonly box: Box;
      readonly operands: readonly HostOperand[];
    };

export interface HostOperand {
  readonly operand: number;
  readonly dtype: DType;
  /** The part of the tensor that the task accesses. */
  readonly box: Box;
  readonly at: Located;
}

/** Where an output's parts lie after the last step, or a state's new values. */
export interface Held {
  readonly tensor: number;
  readonly box: Box;
  readonly at: Located;
}

/** How a task is computed. */
export type KernelKind = 'contraction' | 'window' | 'lanes' | 'generic';

export interface Lane {
  readonly actions: readonly Action[];
  /** Address of the entries of its schedule. */
  readonly entries: number;
  /** Per entry: the step, and how it is computed. */
  readonly schedule: readonly { readonly step: number; readonly kernel: KernelKind }[];
  /** Address of the counter of what it has done; absent with one lane. */
  readonly counter?: number;
  /** Where pixels of inputs wait, plane by plane, for the module's `interleave`; absent where no input is stored colour by colour. */
  readonly staging?: number;
}

/** A plan as a module and what a session needs to run it. All addresses are those of the module's memory. */
export interface WasmProgram {
  readonly module: Uint8Array;
  /** What lies behind the arena: constants, tables and descriptors. */
  readonly data: { readonly address: number; readonly bytes: Uint8Array };
  /** The plan's spaces. */
  readonly arenaBytes: number;
  /** Behind them, beside the constants: what some kernels of fast arithmetic work in, one piece for each lane. */
  readonly scratchBytes: number;
  /** Holds relaxed SIMD, which not every host has. */
  readonly relaxed: boolean;
  /** Everything: arena, data, inputs that lie outside. */
  readonly memoryBytes: number;
  /** One per engine that runs tasks; more than one need shared memory and a worker each. */
  readonly lanes: readonly Lane[];
  readonly held: readonly Held[];
  /** Inputs outside the arena, whole. */
  readonly external: readonly Held[];
  /** A word that is 0; any other value ends all waits by a trap. Absent with one lane. */
  readonly abort?: number;
  /** Number of functions by kind. */
  readonly kernels: Readonly<Record<KernelKind, number>>;
}
