import { Container } from 'inversify';
import { badInput, nearest, PluginError, RegrainError } from '../errors.js';
import { OperatorSet, OperatorSets } from '../extension-points/operator-set.js';
import { type Choice, choiceId } from './choice.js';
import type { Contribution, Plugin } from './define.js';
import { PluginOptions } from './options.js';
import { POINTS, type Point, type Points, pointName } from './points.js';
import { complaintOf, formatPath } from './schema-errors.js';
import { Clock, Logger, RandomSource, type Services } from './services.js';

/** A contribution and the plugin that brought it. */
export interface Registered extends Contribution {
  readonly plugin: string;
}

/** The contributions to one extension point. Nothing bound is an empty list; asking for an id is then an error that says so. */
export interface Provider<T> {
  readonly list: readonly Registered[];
  /** One instance of each with its default options, made once. */
  all(): readonly T[];
  /** A new instance of the one with this id. */
  named(choice: Choice): T;
}

/** What plugins brought, by extension point; makes instances by dependency injection. Immutable once made. */
export class Registry {
  private readonly root = new Container();
  private readonly byPoint = new Map<symbol, Registered[]>();
  private readonly defaults = new Map<symbol, readonly object[]>();

  /** Throws `bad-input` for two plugins of one name, and two contributions of one id to one point. */
  constructor(plugins: readonly Plugin[], services: Services) {
    this.root.bind(Logger).toConstantValue(services.logger);
    this.root.bind(Clock).toConstantValue(services.clock);
    this.root.bind(RandomSource).toConstantValue(services.random);
    this.root.bind(OperatorSets).toDynamicValue(() => this.all(OperatorSet));
    const names = new Set<string>();
    for (const plugin of plugins) {
      checkPlugin(plugin);
      if (names.has(plugin.name)) throw badInput(`two plugins are called ${plugin.name}; list each once`);
      names.add(plugin.name);
      for (const contribution of plugin.bindings) this.register(plugin, contribution);
    }
  }

  /** By extension point in the order of the data's way, then as plugins were listed. */
  contributions(point?: symbol): readonly Registered[] {
    return point ? (this.byPoint.get(point) ?? []) : POINTS.flatMap((each) => this.byPoint.get(each) ?? []);
  }

  provider<P extends Point>(point: P): Provider<Points[P]> {
    return {
      list: this.contributions(point),
      all: () => this.all(point),
      named: (choice) => this.make(point, choice),
    };
  }

  /** What errors call a contribution: `min-peak of @regrain/scheduler`. */
  label(point: symbol, choice: Choice): string {
    const id = choiceId(choice);
    const found = this.contributions(point).find((contribution) => contribution.id === id);
    return found ? labelOf(found) : id;
  }

  /** A new instance with these options. Throws `bad-input` for an unknown id and for options that the schema refuses. */
  make<P extends Point>(point: P, choice: Choice): Points[P] {
    const found = this.find(point, choiceId(choice));
    return this.instantiate(found, optionsOf(found, typeof choice === 'string' ? {} : (choice.options ?? {}))) as Points[P];
  }

  private all<P extends Point>(point: P): readonly Points[P][] {
    let made = this.defaults.get(point);
    if (!made) {
      made = this.contributions(point).map((contribution) => this.instantiate(contribution, optionsOf(contribution, {})));
      this.defaults.set(point, made);
    }
    return made as readonly Points[P][];
  }

  private register(plugin: Plugin, contribution: Contribution): void {
    const { point, id } = contribution;
    if (!POINTS.includes(point as Point))
      throw new PluginError(plugin.name, `its contribution ${id} is to ${pointName(point)}, which is no extension point`);
    const others = this.byPoint.get(point) ?? [];
    const same = others.find((other) => other.id === id);
    if (same) throw badInput(`${plugin.name} and ${same.plugin} both bring a ${pointName(point)} ${id}; ids are unique for each point`);
    this.byPoint.set(point, [...others, Object.freeze({ ...contribution, plugin: plugin.name })]);
  }

  private find(point: symbol, id: string): Registered {
    const known = this.contributions(point);
    const found = known.find((contribution) => contribution.id === id);
    if (found) return found;
    const what = pointName(point);
    if (known.length === 0) throw badInput(`no plugin contributes to ${what}, so ${id} cannot be used; add one that does`);
    const ids = known.map((contribution) => contribution.id);
    const near = nearest(id, ids);
    throw badInput(`unknown ${what} "${id}"${near ? `; did you mean "${near}"?` : ''} (there are: ${ids.join(', ')})`);
  }

  private instantiate(contribution: Registered, options: object): object {
    const child = new Container({ parent: this.root });
    let made: unknown;
    try {
      child.bind(PluginOptions).toConstantValue(options);
      child.bind(contribution.use).toSelf();
      made = child.get(contribution.use);
    } catch (error) {
      if (error instanceof RegrainError) throw error;
      throw new PluginError(labelOf(contribution), `it cannot be made: ${firstLine(error)}`, error);
    }
    // A constructor or an activation that is asynchronous would hand the stages a promise.
    if (typeof made !== 'object' || made === null || typeof (made as { then?: unknown }).then === 'function')
      throw new PluginError(labelOf(contribution), 'it must be made synchronously');
    return made;
  }
}

function labelOf({ id, plugin }: Registered): string {
  return `${id} of ${plugin}`;
}

function optionsOf(contribution: Registered, given: Readonly<Record<string, unknown>>): object {
  const schema = contribution.options.strict();
  const parsed = schema.safeParse(given);
  if (parsed.success) return Object.freeze(parsed.data);
  const { path, message } = complaintOf(parsed.error, schema);
  const text = path.length === 0 ? message.replace('unknown key', 'unknown option') : `option ${formatPath(path)}: ${message}`;
  throw badInput(`${pointName(contribution.point)} ${labelOf(contribution)}: ${text}`);
}

/** Config files are not type checked, so a plugin may be anything. */
function checkPlugin(plugin: unknown): asserts plugin is Plugin {
  const { name, bindings } = (plugin ?? {}) as Partial<Plugin>;
  if (typeof name !== 'string' || !Array.isArray(bindings))
    throw badInput('a plugin must be what definePlugin returns (an object with name, version and bindings)');
  for (const binding of bindings as readonly (Partial<Contribution> | undefined)[]) {
    const { point, id, use, options } = binding ?? {};
    if (typeof point !== 'symbol' || typeof id !== 'string' || typeof use !== 'function' || typeof options?.safeParse !== 'function')
      throw new PluginError(name, 'each of its bindings needs point (a symbol), id, use (a class) and options (a zod object)');
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0];
}
