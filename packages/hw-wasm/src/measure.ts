import { type EvaluateOpaque, type Observations, type Plan, RegrainError, seeded, type Values } from '@regrain/core-ir';
import { emitWasm } from './emit.js';
import { randomInputs } from './random-inputs.js';
import { WasmSession } from './session.js';

/** Runs in turn of the plan at hand and of the reference. */
const PAIRS = 9;
/** A pair takes several runs where one is shorter than this. */
const LEAST_MS = 4;
/** Times are told apart by so much; what lies nearer counts as equal. */
const STEP = 0.02;

/**
 * Times plans by real runs on seeded random inputs. Plans come one after the other, while the machine's load changes, so each is run in
 * turn with the first one, and its time is that one's times the median ratio; a ratio within its own spread of 1, or within a step of
 * another, counts as equal, so that noise makes no winner.
 */
export class Measurer {
  private reference: { readonly session: WasmSession; readonly ms: number } | undefined;
  private inputs: Map<string, Values> | undefined;

  constructor(private readonly evaluateOpaque: EvaluateOpaque) {}

  /** What one run showed, its times scaled so that the last step ends when the plan's time is over. */
  async measure(plan: Plan, constants: Uint8Array): Promise<Observations> {
    const session = await WasmSession.open(plan, constants, await emitWasm(plan, constants), { evaluateOpaque: this.evaluateOpaque });
    const inputs = (this.inputs ??= randomInputs(plan.program, seeded(1)));
    for (let warm = 0; warm < 3; warm++) session.run(inputs);
    const ms = this.reference ? this.reference.ms * this.ratio(this.reference.session, session, inputs) : timeOf(session, inputs, 5);
    this.reference ??= { session, ms };
    const { seen } = session.observe(inputs);
    const last = seen.end.reduce((latest, end) => Math.max(latest, end), 0);
    if (!(last > 0)) throw new RegrainError('internal', `${plan.program.name}: the clock stands still`);
    const scale = (ms * 1e6) / last;
    return {
      ...seen,
      start: seen.start.map((time) => time * scale),
      end: seen.end.map((time) => time * scale),
      busy: seen.busy.map((time) => time * scale),
    };
  }

  private ratio(reference: WasmSession, session: WasmSession, inputs: Map<string, Values>): number {
    const runs = Math.max(1, Math.ceil(LEAST_MS / (this.reference?.ms ?? LEAST_MS)));
    const ratios: number[] = [];
    for (let pair = 0; pair < PAIRS; pair++) {
      const [before, after] = [timeOf(reference, inputs, runs), timeOf(session, inputs, runs)];
      ratios.push(after / before);
    }
    ratios.sort((a, b) => a - b);
    const [low, median, high] = [0.25, 0.5, 0.75].map((share) => ratios[Math.floor(share * (PAIRS - 1))]);
    if (low <= 1 && 1 <= high) return 1;
    return Math.round(median / STEP) * STEP;
  }
}

/** Milliseconds of a run, the mean of several. */
function timeOf(session: WasmSession, inputs: Map<string, Values>, runs: number): number {
  const start = performance.now();
  for (let k = 0; k < runs; k++) session.run(inputs);
  return (performance.now() - start) / runs;
}
