import type { Plan } from '@regrain/core-ir';

/** Notes that a rule is broken. */
export type Add = (rule: string, message: string) => void;

/** `reach[a][b]`: step b starts after step a has ended, or is a. */
export type Reach = readonly (readonly boolean[])[];

/** By closure over waits and each engine's own order. */
export function reachability({ steps }: Plan): Reach {
  const before: boolean[][] = [];
  const last = new Map<number, number>();
  steps.forEach(({ engine, waits }, b) => {
    const reached = steps.map((_, a) => a === b);
    for (const a of [...waits, ...(last.has(engine) ? [last.get(engine) as number] : [])]) {
      before[a]?.forEach((yes, c) => {
        if (yes) reached[c] = true;
      });
    }
    before.push(reached);
    last.set(engine, b);
  });
  return steps.map((_, a) => steps.map((__, b) => before[b][a]));
}
