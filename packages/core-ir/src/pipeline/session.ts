import { badInput, unsupported } from '../errors.js';
import { type Freeze, Frontend, type Loaded } from '../extension-points/frontend.js';
import type { Choice } from '../plugin/choice.js';
import type { Plugin } from '../plugin/define.js';
import type { Point, Points } from '../plugin/points.js';
import { type Registered, Registry } from '../plugin/registry.js';
import { type Services, seeded } from '../plugin/services.js';
import { accountings } from './accountings.js';
import { compile } from './compile.js';
import type { Accountings, CompileOptions, CompileResult } from './types.js';

const HEAD_BYTES = 4096;

/** A set of plugins, ready to work. Immutable; any number of compiles may run, one after the other or together. */
export interface Session {
  /** Reads a file with the first frontend that accepts it. Throws `unsupported` if none does. */
  load(path: string, freeze?: Freeze): Promise<Loaded>;
  compile(loaded: Loaded, options: CompileOptions): Promise<CompileResult>;
  /** The three ways of counting inputs; plans again, with the options of the compile. */
  accountings(result: CompileResult, options: CompileOptions): Promise<Accountings>;
  /** What is installed, of one extension point or all. */
  contributions(point?: symbol): readonly Registered[];
  /** A new instance. Throws `bad-input` for an unknown id and options that it does not have. */
  make<P extends Point>(point: P, choice: Choice): Points[P];
}

/** Throws `bad-input` for duplicate plugins or ids. */
export function createSession(plugins: readonly Plugin[], services: Partial<Services> = {}): Session {
  const all: Services = { ...defaultServices, ...services };
  const registry = new Registry(plugins, all);
  const now = (): number => all.clock.now();
  return Object.freeze<Session>({
    load: (path, freeze = { dims: {}, shapes: {} }) => load(registry, all, path, freeze),
    compile: (loaded, options) => compile(registry, loaded, options, now),
    accountings: (result, options) => accountings(registry, result, options, now),
    contributions: (point) => registry.contributions(point),
    make: (point, choice) => registry.make(point, choice),
  });
}

const defaultServices: Services = {
  logger: { info: () => {}, warn: () => {} },
  clock: { now: () => performance.now() },
  random: { seeded },
  head: readHead,
};

async function load(registry: Registry, { head }: Services, path: string, freeze: Freeze): Promise<Loaded> {
  const { list, all } = registry.provider(Frontend);
  if (list.length === 0) throw badInput(`no plugin brings a Frontend, so ${path} cannot be read; add one`);
  const first = await head(path, HEAD_BYTES);
  const frontend = all().find((each) => each.accepts(path, first));
  if (!frontend) throw unsupported(`${path}: no frontend knows this format (there are: ${list.map(({ id }) => id).join(', ')})`);
  return frontend.load(path, freeze);
}

/** Node's files; in a browser the session's owner gives its own `head`. */
async function readHead(path: string, count: number): Promise<Uint8Array> {
  const { open } = await import('node:fs/promises');
  try {
    const file = await open(path, 'r');
    try {
      if ((await file.stat()).isDirectory()) throw badInput(`${path}: this is a folder; give a file`);
      const { buffer, bytesRead } = await file.read(new Uint8Array(count), 0, count, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOENT') throw badInput(`${path}: no such file`, error);
    if (error instanceof Error && (error as NodeJS.ErrnoException).code === 'EISDIR')
      throw badInput(`${path}: this is a folder; give a file`, error);
    throw error;
  }
}
