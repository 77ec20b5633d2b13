import type { Newable } from 'inversify';
import type { z } from 'zod';

/**
 * One implementation of an extension point, registered under an id (its file's name). The container makes it once per pipeline;
 * services and options come by its constructor, each parameter with its own `@inject(Token)`.
 */
export interface Contribution {
  /** A token of `extension-points`. */
  readonly point: symbol;
  readonly id: string;
  /** One sentence for `regrain plugins`. */
  readonly description: string;
  readonly use: Newable<object>;
  /** Options with defaults, each `.describe()`d. */
  readonly options: z.ZodObject;
  /** The options that a sweep walks, each with its values. */
  readonly space?: Readonly<Record<string, readonly unknown[]>>;
}

export interface Plugin {
  readonly name: string;
  readonly version: string;
  readonly bindings: readonly Contribution[];
}

/** What a plugin package exports. */
export function definePlugin(plugin: Plugin): Plugin {
  return plugin;
}
