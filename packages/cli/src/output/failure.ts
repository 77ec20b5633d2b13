/** Done; a check failed or nothing fits; bad input or usage. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;

/** The kernel's error codes and how they end the command. */
const EXIT_OF: Readonly<Record<string, number>> = {
  'bad-input': EXIT.usage,
  unsupported: EXIT.usage,
  infeasible: EXIT.failed,
  plugin: EXIT.failed,
  verification: EXIT.failed,
  internal: EXIT.failed,
};
/** What the operating system says of a path that the user gave. */
const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'is a folder, a file is needed',
  ENOTDIR: 'is a file, a folder is needed',
  ENOSPC: 'no space left on the device',
  EROFS: 'the file system is read-only',
};

export interface Failure {
  readonly exitCode: number;
  /** One line. */
  readonly message: string;
}

/**
 * What an error means for the user. Errors are told apart by `code`, not by class: a plugin outside the workspace may bring its own
 * copy of the kernel.
 */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { exitCode: EXIT.failed, message: oneLine(String(error)) };
  const code: unknown = (error as { code?: unknown }).code;
  const path: unknown = (error as { path?: unknown }).path;
  if (typeof code === 'string' && code in FILE_ERRORS && typeof path === 'string') {
    return { exitCode: EXIT.usage, message: `${path}: ${FILE_ERRORS[code]}` };
  }
  if (typeof code === 'string' && code in EXIT_OF) return { exitCode: EXIT_OF[code], message: oneLine(error.message) };
  if (error instanceof RangeError && /memory|allocation|Invalid (array|typed array) length/i.test(error.message)) {
    return { exitCode: EXIT.failed, message: `not enough memory: ${oneLine(error.message)}` };
  }
  return { exitCode: EXIT.failed, message: `internal error: ${oneLine(error.message || error.name)} (--stack shows where)` };
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim();
}
