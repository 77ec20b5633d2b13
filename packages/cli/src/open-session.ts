import { readFileSync } from 'node:fs';
import { badInput, createSession, type Plugin, type Session } from '@regrain/core-ir';
import { describedContribution, parseDescription } from '@regrain/hw-target';
import { BUILTIN_PLUGINS } from './builtin-plugins.js';
import { type ConfigFile, readConfigFile } from './config-file.js';
import type { Terminal } from './output/terminal.js';

/** What a session is opened from: enough to open it again in a thread. */
export interface SessionSource {
  /** The config file that is named, if one is. */
  readonly config: string | undefined;
  /** Files that describe a target each. */
  readonly machines: readonly string[];
}

export interface OpenSession {
  readonly session: Session;
  readonly file: ConfigFile;
  readonly source: SessionSource;
}

/** A session of the built-in plugins and those of the config file; `machines` are files that describe a target each. Plugins' messages go to stderr. */
export async function openSession(
  configPath: string | undefined,
  terminal: Terminal,
  machines: readonly string[] = [],
): Promise<OpenSession> {
  const file = await readConfigFile(configPath);
  const session = createSession([...BUILTIN_PLUGINS, ...machines.map(machinePlugin), ...file.config.plugins], {
    logger: { info: (message) => terminal.note(message), warn: (message) => terminal.note(`warning: ${message}`) },
  });
  return { session, file, source: { config: configPath, machines } };
}

/** A target can be named by its id, or by a JSON file that describes the machine. */
export function isMachineFile(target: string): boolean {
  return target.toLowerCase().endsWith('.json');
}

/** Reads a machine's description; throws `bad-input` naming the file. */
export function readMachine(path: string): ReturnType<typeof parseDescription> {
  let data: unknown;
  try {
    data = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw badInput(`${path}: ${error.message}`, error);
    throw error;
  }
  return parseDescription(data, path);
}

function machinePlugin(path: string): Plugin {
  const description = readMachine(path);
  return { name: path, version: '0.0.0', bindings: [describedContribution(description)] };
}
