/** Thrown within plugins when the time for searching is over; never seen by callers. */
export class BudgetSpent extends Error {
  override readonly name = 'BudgetSpent';
}

/** The end of the time for searching, by the session's clock. */
export interface Deadline {
  readonly passed: () => boolean;
  /** Aborted by the outer signal, or once the time is over: also within work that gives no timer a chance to run. */
  readonly signal: AbortSignal;
}

export function deadlineIn(ms: number, now: () => number, outer: AbortSignal): Deadline {
  const end = now() + ms;
  const passed = (): boolean => now() >= end;
  const controller = new AbortController();
  if (outer.aborted) controller.abort(outer.reason);
  else outer.addEventListener('abort', () => controller.abort(outer.reason), { once: true });
  const { signal } = controller;
  const aborted = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')?.get as (this: AbortSignal) => boolean;
  const check = (): boolean => {
    if (!aborted.call(signal) && passed()) controller.abort(new BudgetSpent('the time for searching is over'));
    return aborted.call(signal);
  };
  // A timer would never fire within a plugin's loop: the clock is asked whenever the signal is.
  Object.defineProperties(signal, {
    aborted: { get: check },
    throwIfAborted: {
      value: (): void => {
        if (check()) throw signal.reason;
      },
    },
  });
  return { passed, signal };
}
