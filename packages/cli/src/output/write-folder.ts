import { mkdirSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { badInput } from '@regrain/core-ir';

export type Content = Uint8Array | string;

/** Refuses, before any work is done, a folder that cannot be one. */
export function checkFolder(folder: string): void {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found && !found.isDirectory()) throw badInput(`--out ${folder}: this is a file; give a folder`);
}

/**
 * Writes all files, or none: each beside its place under a temporary name, then all renamed. An interrupt (Ctrl-C) waits until the
 * folder is whole. On an error nothing of ours remains.
 */
export function writeFolder(folder: string, files: ReadonlyMap<string, Content>): void {
  checkFolder(folder);
  writeAll([...files].map(([name, content]) => [join(folder, name), content] as const));
}

/** One file, or nothing. */
export function writeFileWhole(path: string, content: Content): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw badInput(`${path}: this is a folder; give a file`);
  writeAll([[path, content]]);
}

function writeAll(files: readonly (readonly [path: string, content: Content])[]): void {
  let interrupted = false;
  const onInterrupt = (): void => {
    interrupted = true;
  };
  // With a listener the signals wait for the end of this synchronous work; without one they would end the program in its midst.
  process.on('SIGINT', onInterrupt).on('SIGTERM', onInterrupt);
  const made: string[] = [];
  const temporary: string[] = [];
  try {
    for (const [path] of files) makeFolder(dirname(path), made);
    for (const [path, content] of files) {
      const beside = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
      temporary.push(beside);
      writeFileSync(beside, content);
    }
    files.forEach(([path], i) => {
      renameSync(temporary[i], path);
    });
  } catch (error) {
    for (const path of temporary) attempt(() => rmSync(path, { force: true }));
    // Of the folders that were made, those that are empty again; somebody else's files stay.
    for (const path of made.reverse()) attempt(() => rmdirSync(path));
    throw error;
  } finally {
    setImmediate(() => {
      process.off('SIGINT', onInterrupt).off('SIGTERM', onInterrupt);
      if (interrupted) process.exit(130);
    });
  }
}

/** `mkdir -p`, noting in `made` what was not there. */
function makeFolder(path: string, made: string[]): void {
  const first = mkdirSync(path, { recursive: true });
  if (first === undefined) return;
  let missing = path;
  const chain = [missing];
  while (missing !== first && dirname(missing) !== missing) chain.push((missing = dirname(missing)));
  made.push(...chain.reverse());
}

/** Cleaning up must not hide why it is needed. */
function attempt(clean: () => void): void {
  try {
    clean();
  } catch {
    // What cannot be removed was not written.
  }
}
