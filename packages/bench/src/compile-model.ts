import { execFile } from 'node:child_process';
import type { BenchOptions } from './suite.js';

/** `compile --json` of a model or a program's file, in a process of its own; or why there is none. */
export function compileModel<T>({ command }: Pick<BenchOptions, 'command'>, path: string, flags: readonly string[]): Promise<T | string> {
  const [program, ...first] = command;
  return new Promise((resolve) => {
    execFile(program, [...first, 'compile', path, ...flags, '--json'], { maxBuffer: 1 << 28 }, (error, stdout, stderr) => {
      if (error) resolve(stderr.trim().split('\n').at(-1) ?? error.message);
      else resolve(JSON.parse(stdout) as T);
    });
  });
}
