import { type Choice, choiceId } from '@regrain/core-ir';
import type { CompileFlags } from '../compile/compile-file.js';

/** The flags of a compile as one would type them again, with others in place of some. */
export function flagsText(flags: CompileFlags, instead: Readonly<Record<string, string>>): string {
  const given = new Map<string, readonly string[]>();
  const set = (name: string, value: unknown): void => {
    if (value !== undefined) given.set(name, [String(value)]);
  };
  const ids = (choices: readonly Choice[] | undefined): string | undefined => choices?.map(choiceId).join(',');
  const each = (name: string, entries: Readonly<Record<string, unknown>> | undefined): void => {
    if (entries)
      given.set(
        name,
        Object.entries(entries).map(([key, value]) => `${key}=${value}`),
      );
  };
  set('target', flags.target);
  set('objective', flags.objective);
  set('config', flags.config);
  set('max-mac-factor', flags.maxMacFactor);
  each('capacity', flags.capacity);
  each('dim', flags.dim);
  each('shape', flags.shape);
  set('input', flags.input);
  set('decompose', ids(flags.decompose));
  for (const stage of ['analyze', 'schedule', 'move', 'allocate', 'adjust'] as const) set(stage, ids(flags[stage]));
  set('iterations', flags.iterations);
  set('seed', flags.seed);
  // What is put in place comes last, where one looks for it.
  for (const [name, value] of Object.entries(instead)) {
    given.delete(name);
    set(name, value);
  }
  return [...given].flatMap(([name, values]) => values.map((value) => `--${name} ${value}`)).join(' ');
}
