import { type EvaluateOpaque, type Observations, type Plan, RegrainError, seeded, type Values } from '@regrain/core-ir';
import { type Arithmetic, emitWasm } from './emit.js';
import { compareRuns, timeOf, warmUp } from './pairs.js';
import { randomInputs } from './random-inputs.js';
import { WasmSession } from './session.js';

/** Of a plan at hand and the reference, while plans are searched. */
const PAIRS = 15;
const BUDGET_MS = 2500;
/** Of the last word. */
const FINAL_PAIRS = 41;
const FINAL_BUDGET_MS = 6000;
/** Times are told apart by so much; what lies nearer counts as equal. */
const STEP = 0.01;

/**
 * Times plans by real runs on seeded random inputs. Plans come one after the other, while the machine's load changes, so each is run in
 * turn with the first one, and its time is that one's times the median ratio. A ratio whose confidence interval holds 1 counts as 1, so
 * that noise makes no winner.
 */
export class Measurer {
  private reference: { readonly run: () => void; readonly ms: number } | undefined;
  private inputs: Map<string, Values> | undefined;

  constructor(
    private readonly evaluateOpaque: EvaluateOpaque,
    private readonly math: Arithmetic,
  ) {}

  /** What one run showed, its times scaled so that the last step ends when the plan's time is over. */
  async measure(plan: Plan, constants: Uint8Array): Promise<Observations> {
    const session = await this.open(plan, constants);
    const inputs = this.inputsOf(plan);
    const run = (): void => void session.run(inputs);
    warmUp(run);
    const ms = this.reference ? this.reference.ms * this.ratio(run, this.reference.run) : timeOf(run, 5);
    this.reference ??= { run, ms };
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

  /**
   * Time of a plan ÷ time of another, measured afresh: the winner of many comparisons has had luck with noise, which does not come
   * again. 1 where they are not told apart and the median is no more than a step above; else the median.
   */
  async compare(plan: Plan, reference: Plan, constants: Uint8Array): Promise<number> {
    const [ours, theirs] = [await this.open(plan, constants), await this.open(reference, constants)];
    const inputs = this.inputsOf(plan);
    const [first, second] = [ours, theirs].map((session) => (): void => void session.run(inputs));
    warmUp(first);
    warmUp(second);
    const { ratio, low, high } = compareRuns(first, second, FINAL_PAIRS, FINAL_BUDGET_MS);
    return low <= 1 && 1 <= high && ratio <= 1 + STEP ? 1 : ratio;
  }

  private async open(plan: Plan, constants: Uint8Array): Promise<WasmSession> {
    const program = await emitWasm(plan, constants, { math: this.math });
    return WasmSession.open(plan, constants, program, { evaluateOpaque: this.evaluateOpaque });
  }

  private inputsOf({ program }: Plan): Map<string, Values> {
    this.inputs ??= randomInputs(program, seeded(1));
    return this.inputs;
  }

  private ratio(run: () => void, reference: () => void): number {
    const { ratio, low, high } = compareRuns(run, reference, PAIRS, BUDGET_MS);
    return low <= 1 && 1 <= high ? 1 : Math.round(ratio / STEP) * STEP;
  }
}
