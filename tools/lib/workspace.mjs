import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top folder of the workspace. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Nx without its background process, its screens and its network: the tools must behave the same everywhere. */
const quietNx = { NX_DAEMON: 'false', NX_TUI: 'false', NX_NO_CLOUD: 'true' };

/** The JavaScript file of a command that an installed package brings. */
export function bin(packageName, command = packageName) {
  const folder = join(root, 'node_modules', packageName);
  const { bin: entry } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return join(folder, typeof entry === 'string' ? entry : entry[command]);
}

/** Runs Node on a file of JavaScript and returns its exit code (130 where a signal ended it). */
export function node(file, args, options = {}) {
  const { status, error } = spawnSync(process.execPath, [file, ...args], {
    cwd: root,
    stdio: 'inherit',
    ...options,
    env: { ...process.env, ...quietNx, ...options.env },
  });
  if (error) throw error;
  return status ?? 130;
}

/** npm, from the copy that runs us if there is one. Its output goes to stderr, so that stdout carries results only. */
export function npm(args) {
  const script = process.env.npm_execpath;
  const options = { cwd: root, stdio: ['ignore', 2, 2] };
  const { status, error } =
    script && existsSync(script) && /\.c?js$/.test(script)
      ? spawnSync(process.execPath, [script, ...args], options)
      : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  if (error) throw error;
  return status ?? 1;
}

export function say(text) {
  process.stderr.write(`${text}\n`);
}

/** Ends the program with a message if Node is older than package.json allows. */
export function checkNode() {
  const { engines } = createRequire(import.meta.url)('../../package.json');
  const least = Number(/\d+/.exec(engines.node)[0]);
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= least) return;
  say(`regrain needs Node ${least} or newer; this is Node ${process.versions.node} (${process.execPath}).`);
  process.exit(2);
}
