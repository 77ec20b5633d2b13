import { existsSync, statSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import { badInput, type Config, parseConfig } from '@regrain/core-ir';

const NAMES = ['ts', 'mts', 'js', 'mjs', 'json'].map((extension) => `regrain.config.${extension}`);

export interface ConfigFile {
  /** As messages name it; undefined where there is none. */
  readonly path?: string;
  readonly config: Config;
}

/** The file that `--config` names, or `regrain.config.*` in the working directory, or nothing. Throws `bad-input` with the file's name. */
export async function readConfigFile(named: string | undefined): Promise<ConfigFile> {
  const path = named ?? NAMES.find((name) => existsSync(name));
  if (path === undefined) return { config: parseConfig({}, 'defaults') };
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw badInput(`--config ${path}: no such file`);
  if (!found.isFile()) throw badInput(`--config ${path}: this is a folder; give a file`);
  return { path, config: parseConfig(await evaluate(path), path) };
}

async function evaluate(path: string): Promise<unknown> {
  // Loaded where it is needed: it takes longer than all else that the command loads at its start.
  const { loadConfig } = await import('c12');
  try {
    const { config } = await loadConfig<Record<string, unknown>>({
      name: 'regrain',
      configFile: resolve(path),
      rcFile: false,
      globalRc: false,
      packageJson: false,
      dotenv: false,
      envName: false,
      extend: false,
    });
    return config;
  } catch (error) {
    const shown = isAbsolute(path) ? path : relative('.', path);
    throw badInput(`${shown}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`, error);
  }
}
