/** What went wrong, for tests and callers to tell apart without reading the text. */
export type ErrorCode =
  | 'bad-input' // a file, a value or an option that the user gave
  | 'unsupported' // valid, but something that no plugin handles
  | 'infeasible' // no plan within the constraints
  | 'plugin' // a plugin broke its contract
  | 'verification' // a plan is wrong
  | 'internal';

/** One line that names the file, node or plugin, says what is wrong and what to do. `bad-input` and `unsupported` exit with 2, others with 1. */
export class RegrainError extends Error {
  override readonly name: string = 'RegrainError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
  }
}

export function badInput(message: string, cause?: unknown): RegrainError {
  return new RegrainError('bad-input', message, { cause });
}

export function unsupported(message: string): RegrainError {
  return new RegrainError('unsupported', message);
}

/** The named plugin broke the named invariant. */
export class PluginError extends RegrainError {
  override readonly name = 'PluginError';

  constructor(
    readonly plugin: string,
    readonly invariant: string,
    cause?: unknown,
  ) {
    super('plugin', `plugin ${plugin} broke its contract: ${invariant}`, { cause });
  }
}

/** What does not fit where. `peak` lists what lives at the worst moment, largest first. */
export class InfeasibleError extends RegrainError {
  override readonly name = 'InfeasibleError';

  constructor(
    readonly detail: {
      readonly space: string;
      readonly required: number;
      readonly available: number;
      readonly task: string;
      readonly peak: readonly { readonly what: string; readonly bytes: number }[];
    },
  ) {
    super(
      'infeasible',
      `space ${detail.space} holds ${detail.available} bytes, ${detail.required} are required (${detail.required - detail.available} too many), first at task ${detail.task}; the peak is made of ${detail.peak.map(({ what, bytes }) => `${what} ${bytes}`).join(', ')}`,
    );
  }
}

/** The name among `known` that is nearest to `name` (Levenshtein distance at most a third of its length), to suggest it. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.ceil(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row.push(Math.min(row[j - 1] + 1, previous[j] + 1, previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    previous = row;
  }
  return previous[b.length];
}
