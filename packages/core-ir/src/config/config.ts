import type { z } from 'zod';
import { badInput } from '../errors.js';
import type { CompileOptions } from '../pipeline/types.js';
import { complaintOf, formatPath } from '../plugin/schema-errors.js';
import { configSchema } from './schema.js';

/** What a person writes in `regrain.config.ts`. */
export type ConfigInput = z.input<typeof configSchema>;

/** The same, checked; lists that were left out are empty. */
export type Config = z.output<typeof configSchema>;

/** Types a config file: `export default defineConfig({ … })`. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}

/** Checks the whole of a config; `source` is what messages call it. Throws `bad-input` that names the key, and the nearest known one. */
export function parseConfig(value: unknown, source: string): Config {
  const parsed = configSchema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const { path, message } = complaintOf(parsed.error, configSchema);
  throw badInput(`${source}: ${path.length > 0 ? `${formatPath(path)}: ` : ''}${message}`);
}

/** What the config says, over the defaults. Constraints of both hold. */
export function resolveConfig(config: Config, defaults: CompileOptions): CompileOptions {
  const { pipeline = {}, constraints } = config;
  const said = Object.fromEntries(Object.entries(pipeline).filter(([, value]) => value !== undefined));
  return {
    ...defaults,
    pipeline: { ...defaults.pipeline, ...said },
    target: config.target ?? defaults.target,
    objective: config.objective ?? defaults.objective,
    constraints: [...defaults.constraints, ...constraints],
    input: config.input ?? defaults.input,
    seed: config.seed ?? defaults.seed,
  };
}
