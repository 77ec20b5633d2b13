import type { Plan, Values } from '@regrain/core-ir/runtime';
import type { Given, Into } from './given.js';
import type { InputOutput } from './input-output.js';
import type { WasmProgram } from './program.js';
import type { WasmMemory } from './web-assembly.js';

/** A plan that is ready to run, as often as wanted, on one thread (`WasmSession`) or several (`ThreadedSession`). One run at a time. */
export interface PlanSession {
  readonly plan: Plan;
  readonly program: WasmProgram;
  readonly memory: WasmMemory;
  /**
   * Runs once. `inputs` by name, in a map or an object, checked against the program (`bad-input`); the outputs come back in the same
   * form. With `into`, outputs are written to arrays of the caller's.
   */
  run(inputs: ReadonlyMap<string, Given>, into?: Into): Map<string, Values> | Promise<Map<string, Values>>;
  run(inputs: Readonly<Record<string, Given>>, into?: Into): Record<string, Values> | Promise<Record<string, Values>>;
  /** What state goes into and comes out of: for `adopt`. */
  readonly io: InputOutput;
  /**
   * State (LSTM, streaming audio) goes on from where another session of the same program left it, by whatever plan: between two runs a
   * better plan takes the place of the one at hand, and nobody notices. Throws `bad-input` for another program.
   */
  adopt(before: PlanSession): void;
  /** Ends what belongs to the session; it runs no more. */
  close(): Promise<void>;
}
