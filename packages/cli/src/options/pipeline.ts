import { type Choice, choiceId, choicesOf, type PipelineConfig } from '@regrain/core-ir';
import { type Command, Option } from 'commander';
import { ids, integer } from './parse.js';

/** The stages as the command line names them: ids, replacing those of the config file and the defaults. */
export interface PipelineFlags {
  readonly decompose?: readonly Choice[];
  readonly analyze?: readonly string[];
  readonly schedule?: readonly string[];
  readonly move?: readonly string[];
  readonly allocate?: readonly string[];
  readonly adjust?: readonly string[];
  readonly iterations?: number;
}

const STAGES = {
  decompose: 'how tensors are cut into regions',
  analyze: 'how dependences are found (one id)',
  schedule: 'how tasks are ordered',
  move: 'what is where when (one id)',
  allocate: 'how regions get their offsets',
  adjust: 'how regions change after a run (one id, or none)',
} as const;

export function addPipelineOptions(command: Command): Command {
  for (const [stage, what] of Object.entries(STAGES)) {
    command.addOption(
      new Option(
        `--${stage} <ids>`,
        `${what}; of several, the best by the objective is kept`.replace(/ \((one.*?)\); .*/, ' ($1)'),
      ).argParser(ids),
    );
  }
  return command.addOption(new Option('--iterations <n>', 'rounds of adjusting at most').argParser(integer(0)));
}

/** Flags over the config file over the defaults. An id that the config file gives options to keeps them. */
export function mergePipeline(flags: PipelineFlags, config: Partial<PipelineConfig>, defaults: PipelineConfig): PipelineConfig {
  const base = { ...defaults, ...defined(config) };
  const chosen = <T extends Choice | readonly Choice[]>(
    given: readonly Choice[] | undefined,
    before: T | undefined,
  ): Choice[] | undefined => given?.map((id) => choicesOf(before ?? []).find((choice) => choiceId(choice) === id) ?? id);
  return {
    decompose: chosen(flags.decompose, base.decompose) ?? base.decompose,
    analyze: chosen(flags.analyze, base.analyze)?.[0] ?? base.analyze,
    schedule: chosen(flags.schedule, base.schedule) ?? base.schedule,
    move: chosen(flags.move, base.move)?.[0] ?? base.move,
    allocate: chosen(flags.allocate, base.allocate) ?? base.allocate,
    adjust: flags.adjust?.[0] === 'none' ? undefined : (chosen(flags.adjust, base.adjust)?.[0] ?? base.adjust),
    iterations: flags.iterations ?? base.iterations,
  };
}

/** Without the keys that are undefined, which must not hide a default. */
function defined<T extends object>(object: T): Partial<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Partial<T>;
}
