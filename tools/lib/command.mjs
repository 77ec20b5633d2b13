import { join } from 'node:path';
import { setUp } from './setup.mjs';
import { node, root } from './workspace.mjs';

/** Runs the built `regrain` after any set-up it needs, from the folder in which the user typed the command; returns its exit code. */
export function regrain(args) {
  setUp();
  // Ctrl-C belongs to the command: it cleans up and ends by itself, and we with it.
  process.on('SIGINT', () => {});
  return node(join(root, 'packages', 'cli', 'dist', 'regrain.js'), args, { cwd: process.env.INIT_CWD ?? process.cwd() });
}
