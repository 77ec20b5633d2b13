import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top folder of the workspace. */
export const workspace = resolve(fileURLToPath(new URL('../../..', import.meta.url)));
export const example = (...parts: readonly string[]): string => join(workspace, 'examples', ...parts);
const command = join(workspace, 'packages/cli/dist/regrain.js');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the *built* command as a user would, as a process of its own, outside any terminal. */
export function regrain(args: readonly string[], options: { readonly cwd?: string; readonly node?: readonly string[] } = {}): Ended {
  if (!existsSync(command)) throw new Error('the command is not built; run `npm run build` (npm test does)');
  const ended: SpawnSyncReturns<string> = spawnSync(process.execPath, [...(options.node ?? []), command, ...args], {
    cwd: options.cwd ?? workspace,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, NO_COLOR: '1', LC_ALL: 'C.UTF-8', INIT_CWD: undefined },
  });
  if (ended.error) throw ended.error;
  return { code: ended.status, stdout: ended.stdout, stderr: ended.stderr };
}

/** The one JSON value that `--json` prints; fails with the command's own words where it did not end well. */
export function json<T>(args: readonly string[], options: Parameters<typeof regrain>[1] = {}): T {
  const { code, stdout, stderr } = regrain([...args, '--json'], options);
  if (code !== 0) throw new Error(`regrain ${args.join(' ')} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as T;
}
