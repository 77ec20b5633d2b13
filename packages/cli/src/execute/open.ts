import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { OperatorSet, type PlanFault, parsePlan, RegrainError, type Session, Verifier } from '@regrain/core-ir';
import { emitWasm, evaluatorOf, load, type PlanSession, ThreadedSession, WasmSession } from '@regrain/hw-wasm';
import { compileFile, mathOf } from '../compile/compile-file.js';
import { openSession } from '../open-session.js';
import type { Terminal } from '../output/terminal.js';
import type { RunFlags } from './flags.js';
import { inputsFor } from './inputs.js';
import { allowRelaxedSimd } from './relaxed-simd.js';
import { compare, type Speedup } from './timing.js';

/** Written over all free bytes of the arena: as a float a large negative number, as bytes neither zero nor small. */
const POISON = 0xfa;

/** A plan that is ready to run. */
export interface Opened {
  readonly session: Session;
  readonly wasm: PlanSession;
  readonly compileMs: number;
  readonly openedAt: number;
  readonly speedup?: number;
  readonly bestOfSpeedup?: number;
  readonly chosenSpeedup?: number;
}

/** More threads must gain so much to be taken. */
const WORTHWHILE = 1.03;

/** Of plans that turn out to need one thread. */
const NOT_SEVERAL: Speedup = { ratio: 0, ofBest: 0 };

/** Plans a model; with several threads allowed, by as many as are measurably faster than one. */
export async function openModel(path: string, flags: RunFlags, terminal: Terminal): Promise<Opened> {
  const one = await openPlan(path, flags, terminal);
  if (flags.threads === 1) return one;
  const { plan } = one.wasm;
  const inputs = inputsFor(plan.program, flags.input, flags.seed ?? 1);
  let best = one;
  let [speedup, bestOf] = [0, 0];
  // Few large bands per operation: threads meet only at their borders.
  for (const bands of [flags.threads, 2 * flags.threads]) {
    terminal.progress(`trying ${flags.threads} threads, ${bands} bands`);
    const several = await openPlan(path, flags, terminal, { threads: flags.threads, bands });
    const { ratio, ofBest } = several.wasm instanceof ThreadedSession ? await compare(one.wasm, several.wasm, inputs) : NOT_SEVERAL;
    if (ratio > speedup) speedup = ratio;
    bestOf = Math.max(bestOf, ofBest);
    const faster = ratio > WORTHWHILE && ratio >= speedup;
    const [kept, left] = faster ? [several, best] : [best, several];
    await left.wasm.close();
    best = kept;
  }
  terminal.progress('');
  let chosenSpeedup = 1;
  if (best !== one) {
    // What won among several may have won by luck, so it is compared again.
    chosenSpeedup = (await compare(one.wasm, best.wasm, inputs)).ratio;
    if (chosenSpeedup < 1) {
      await best.wasm.close();
      [best, chosenSpeedup] = [one, 1];
    }
  }
  return { ...best, speedup, bestOfSpeedup: bestOf, chosenSpeedup, openedAt: performance.now() };
}

async function openPlan(
  path: string,
  flags: RunFlags,
  terminal: Terminal,
  parallel?: { readonly threads: number; readonly bands: number },
): Promise<Opened> {
  const began = performance.now();
  const { input: _files, seed: _seed, threads: _threads, ...own } = flags;
  const compileFlags = parallel
    ? {
        ...own,
        threads: parallel.threads,
        decompose: [{ id: 'bands', options: { maxBands: parallel.bands } }],
        schedule: ['critical-path'],
        iterations: 0,
      }
    : own;
  const { session, result, target } = await compileFile(path, basename(path), compileFlags, terminal);
  terminal.progress('making the module');
  const { plan, loaded } = result;
  const program = await emitWasm(plan, loaded.constants, { generic: flags.generic === true, math: mathOf(target) });
  terminal.progress('');
  const openedAt = performance.now();
  const Opener = program.lanes.length > 1 ? ThreadedSession : WasmSession;
  const wasm = await Opener.open(plan, loaded.constants, program, optionsFor(session, flags));
  return { session, wasm, compileMs: openedAt - began, openedAt };
}

/** A folder that `compile --target wasm --out` wrote. */
export async function openFolder(folder: string, flags: RunFlags, terminal: Terminal): Promise<Opened> {
  const { session } = await openSession(flags.config, terminal);
  allowRelaxedSimd();
  const openedAt = performance.now();
  const path = join(folder, 'plan.json');
  const plan = readFileSync(path, 'utf8');
  const optional = (name: string): Buffer | undefined => (existsSync(join(folder, name)) ? readFileSync(join(folder, name)) : undefined);
  const constants = readFileSync(join(folder, 'plan.bin'));
  const module = optional('plan.wasm');
  // A module belongs to the very plan that was verified when it was made; a plan alone may have been edited.
  if (!module)
    for (const { id } of session.contributions(Verifier)) refuseFaults(path, session.make(Verifier, id).verify(parsePlan(plan, path)));
  const wasm = await load(
    {
      plan,
      constants,
      module,
      manifest: optional('plan.wasm.json')?.toString('utf8'),
      data: optional('plan.wasm.bin'),
    },
    optionsFor(session, flags),
  );
  return { session, wasm, compileMs: 0, openedAt };
}

function refuseFaults(path: string, [fault]: readonly PlanFault[]): void {
  if (fault) throw new RegrainError('verification', `${path}: ${fault.rule}: ${fault.message}`);
}

function optionsFor(session: Session, flags: RunFlags): Parameters<typeof WasmSession.open>[3] {
  const sets = session.contributions(OperatorSet).map(({ id }) => session.make(OperatorSet, id));
  return { evaluateOpaque: evaluatorOf(sets), ...(flags.poison ? { poison: POISON } : {}) };
}
