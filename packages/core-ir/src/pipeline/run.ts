import type { Context } from '../extension-points/context.js';
import { HardwareTarget } from '../extension-points/hardware-target.js';
import { Objective } from '../extension-points/objective.js';
import type { Constraint } from '../ir/constraint.js';
import type { Machine } from '../ir/machine.js';
import type { Program } from '../ir/program.js';
import { type Choice, choiceId } from '../plugin/choice.js';
import type { Point, Points } from '../plugin/points.js';
import type { Registry } from '../plugin/registry.js';
import { seeded, seedFor } from '../plugin/services.js';
import { blame } from './blame.js';
import type { CompileOptions, PipelineConfig } from './types.js';

/** What all stages of one compile share: plugins made once, the clock, and the context that each stage is given. */
export class Run {
  readonly signal: AbortSignal;
  readonly elapsedMs: Record<string, number>;
  readonly pipeline: PipelineConfig;

  private constructor(
    readonly registry: Registry,
    readonly program: Program,
    readonly constants: Uint8Array | undefined,
    readonly options: CompileOptions,
    readonly target: HardwareTarget,
    readonly objective: Objective,
    readonly machine: Machine,
    readonly constraints: readonly Constraint[],
    private readonly now: () => number,
    private readonly made: Map<string, object>,
    signal: AbortSignal | undefined,
    shared: { readonly elapsedMs: Record<string, number> },
    /** Allocators are asked to lay side by side what is read together, at so much more height, as a share, at most. */
    readonly adjacency?: number,
  ) {
    this.signal = signal ?? new AbortController().signal;
    this.pipeline = options.pipeline;
    this.elapsedMs = shared.elapsedMs;
  }

  static open(
    registry: Registry,
    program: Program,
    constants: Uint8Array | undefined,
    options: CompileOptions,
    constraints: readonly Constraint[],
    now: () => number,
  ): Run {
    const target = registry.make(HardwareTarget, options.target);
    const objective = registry.make(Objective, options.objective);
    const shared = { elapsedMs: {} };
    return new Run(
      registry,
      program,
      constants,
      options,
      target,
      objective,
      target.machine,
      constraints,
      now,
      new Map(),
      options.signal,
      shared,
    );
  }

  /** The same run on other terms. */
  with(changes: {
    readonly machine?: Machine;
    readonly constraints?: readonly Constraint[];
    readonly pipeline?: Partial<PipelineConfig>;
    readonly signal?: AbortSignal;
    readonly adjacency?: number;
  }): Run {
    return new Run(
      this.registry,
      this.program,
      this.constants,
      changes.pipeline ? { ...this.options, pipeline: { ...this.pipeline, ...changes.pipeline } } : this.options,
      this.target,
      this.objective,
      changes.machine ?? this.machine,
      changes.constraints ?? this.constraints,
      this.now,
      this.made,
      changes.signal ?? this.signal,
      this,
      changes.adjacency ?? this.adjacency,
    );
  }

  /** The plugin of a choice, made once per run. */
  plugin<P extends Point>(point: P, choice: Choice): Points[P] {
    const key = `${String(point)} ${JSON.stringify(choice)}`;
    let made = this.made.get(key);
    if (!made) {
      made = this.registry.make(point, choice);
      this.made.set(key, made);
    }
    return made as Points[P];
  }

  /** Calls a plugin within a stage: timed, abortable, blamed by name for what it throws. */
  async call<T>(stage: string, point: Point, choice: Choice, use: (context: Context) => T | Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    const label = this.registry.label(point, choice);
    const plugin = choiceId(choice);
    const progress = (done: number, of: number, what: string): void => this.options.progress?.({ stage, plugin, done, of, what });
    progress(0, 0, '');
    const context: Context = {
      machine: this.machine,
      constraints: this.constraints,
      objective: this.objective,
      random: seeded(seedFor(this.options.seed, `${stage}/${plugin}`)),
      signal: this.signal,
      progress,
    };
    return this.timed(stage, () => blame(label, this.signal, () => use(context)));
  }

  async timed<T>(stage: string, run: () => T | Promise<T>): Promise<T> {
    const began = this.now();
    try {
      return await run();
    } finally {
      this.elapsedMs[stage] = (this.elapsedMs[stage] ?? 0) + this.now() - began;
    }
  }
}
