import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import {
  type Accountings,
  badInput,
  type CompileOptions,
  type CompileResult,
  type Observations,
  type Plan,
  parsePlan,
  type Session,
} from '@regrain/core-ir';
import { type CompileFlags, open, optionsOf } from '../compile/compile-file.js';
import type { Terminal } from '../output/terminal.js';

/** What is explained: a plan from a file, or one that was just made, with what only its making shows. */
export interface OpenedPlan {
  readonly name: string;
  readonly plan: Plan;
  readonly made?: {
    readonly flags: CompileFlags;
    readonly session: Session;
    readonly options: CompileOptions;
    readonly result: CompileResult;
    readonly seen: Observations;
    readonly accountings: Accountings;
  };
}

/** A plan.json, a folder that holds one, or a model or trace, which is planned as `compile` plans it. */
export async function openPlan(path: string, flags: CompileFlags, terminal: Terminal): Promise<OpenedPlan> {
  const file = planFile(path);
  if (file !== undefined) {
    const given = Object.keys(flags);
    if (given.length > 0) throw badInput(`${path} is a plan already: --${kebab(given[0])} is for a model`);
    const plan = parsePlan(readFileSync(file, 'utf8'), file);
    return { name: plan.program.name || basename(dirname(file)), plan };
  }
  const { session, file: config } = await open(flags, terminal);
  const loaded = await session.load(path, { dims: flags.dim ?? {}, shapes: flags.shape ?? {} });
  const options = optionsOf(session, config, loaded, flags, terminal);
  const result = await session.compile(loaded, options);
  const accountings = await session.accountings(result, options);
  terminal.progress('');
  return {
    name: basename(path, extname(path)),
    plan: result.plan,
    made: { flags, session, options, result, seen: result.seen, accountings },
  };
}

function planFile(path: string): string | undefined {
  if (path.toLowerCase().endsWith('.json')) return path;
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isDirectory()) return undefined;
  const inside = join(path, 'plan.json');
  if (!existsSync(inside)) throw badInput(`${path}: this folder holds no plan.json; give a plan or a model`);
  return inside;
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
