import type { Touches } from '../expand/touches.js';
import type { Residency } from '../extension-points/mover.js';
import type { Decomposition } from '../ir/decomposition.js';
import type { Dependences } from '../ir/dependences.js';
import type { Grain } from '../ir/grain.js';
import type { Observations } from '../ir/observations.js';
import type { Placement, Plan, Step } from '../ir/plan.js';
import type { Schedule } from '../ir/schedule.js';
import type { Choice } from '../plugin/choice.js';

/** One candidate on its way through the stages: immutable, every stage adds its part. */
export interface Draft {
  /** By stage, who made it. */
  readonly by: Readonly<Record<string, Choice>>;
  readonly grain?: Grain;
  readonly work?: Decomposition;
  /** Regions that take bytes (no constants, no external inputs) by task. */
  readonly touches?: Touches;
  readonly needs?: Dependences;
  readonly schedule?: Schedule;
  readonly steps?: readonly Step[];
  readonly residencies?: readonly Residency[];
  readonly placements?: readonly Placement[];
  readonly plan?: Plan;
  readonly seen?: Observations;
  readonly score?: number;
}

export type Drafted<K extends keyof Draft> = Draft & { readonly [key in K]-?: NonNullable<Draft[key]> };

/** The draft, known to have these parts: stages run in one order, so a missing part is a fault of the kernel. */
export function having<K extends keyof Draft>(draft: Draft, ...parts: readonly K[]): Drafted<K> {
  for (const part of parts) if (draft[part] === undefined) throw new Error(`a stage ran before the one that makes ${part}`);
  return draft as Drafted<K>;
}
