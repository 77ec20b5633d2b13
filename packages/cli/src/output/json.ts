import type { Terminal } from './terminal.js';

/** Exactly one JSON value on stdout. */
export function printJson(value: unknown, terminal: Terminal): void {
  terminal.out(`${JSON.stringify(value, null, 2)}\n`);
}
