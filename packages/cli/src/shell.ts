import { readFileSync } from 'node:fs';
import type { Terminal } from './output/terminal.js';

/** What a command gets, and where it says how it ended. */
export interface Shell {
  readonly terminal: Terminal;
  /** Of the process; a command that finds a failed check sets it to 1. */
  exitCode: number;
}

/** From the package's own file, which lies above both `src` and `dist`. */
export function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}
