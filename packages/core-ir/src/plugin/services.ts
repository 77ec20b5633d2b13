/** Inject for messages to a person; they go wherever the session's owner sends them (nowhere by default). */
export interface Logger {
  info(message: string): void;
  warn(message: string): void;
}
export const Logger = Symbol.for('regrain.Logger');

/** Inject to measure time; plans must not depend on it. */
export interface Clock {
  /** Milliseconds since any fixed moment. */
  now(): number;
}
export const Clock = Symbol.for('regrain.Clock');

/** Inject where a plugin needs random numbers outside a stage's call (within one, `Context.random` is at hand). */
export interface RandomSource {
  /** Uniform in [0, 1), the same sequence for the same seed on every machine. */
  seeded(seed: number): () => number;
}
export const RandomSource = Symbol.for('regrain.RandomSource');

/** What a session's owner may replace. */
export interface Services {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** The first bytes of a file (at most `count`), by which frontends tell formats apart. */
  readonly head: (path: string, count: number) => Promise<Uint8Array>;
}

/** Mulberry32 (Tommy Ettinger 2017, public domain): 32 bits of state are plenty for tie-breaks and local search. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A seed for one use out of a run's seed, so that one stage's draws never change another's (FNV-1a over the name). */
export function seedFor(seed: number, use: string): number {
  let hash = 0x811c9dc5 ^ (seed >>> 0);
  for (let i = 0; i < use.length; i++) hash = Math.imul(hash ^ use.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
