/** One thing to time; it may be asynchronous. */
export interface Contender {
  readonly name: string;
  run(): unknown;
}

/** Times of contenders that ran in turn: milliseconds, of each round. */
export type Rounds = ReadonlyMap<string, readonly number[]>;

/** Of the same rounds: time that passed, and time of the processor on this process, which other programs' load disturbs less. */
export interface Timed {
  readonly elapsed: Rounds;
  readonly work: Rounds;
}

export interface Summary {
  readonly median: number;
  /** Between the quartiles, ÷ the median. */
  readonly spread: number;
}

/** A contender repeats its run within a round until it took about so long, so that the clock and its callers do not count. */
const LEAST_MS = 3;
const WARM = 2;
/** Code is compiled again, faster, beside the first runs. */
const WARM_MS = 400;

/**
 * Runs all contenders in every round, each round beginning with another of them, so that a load that changes hits all alike. At least
 * `rounds` of them, more until the time is spent.
 */
export async function inTurn(contenders: readonly Contender[], rounds: number, budgetMs: number): Promise<Timed> {
  const repeats: number[] = [];
  for (const contender of contenders) {
    const warm = performance.now();
    for (let k = 0; k < WARM || performance.now() - warm < (budgetMs > 0 ? WARM_MS : 0); k++) await contender.run();
    repeats.push(Math.max(1, Math.ceil(LEAST_MS / (await timeOf(contender, 1)).elapsed)));
  }
  const times = contenders.map((): number[] => []);
  const work = contenders.map((): number[] => []);
  const began = performance.now();
  for (let round = 0; round < rounds || (round < 8 * rounds && performance.now() - began < budgetMs); round++) {
    for (let k = 0; k < contenders.length; k++) {
      const at = (round + k) % contenders.length;
      const took = await timeOf(contenders[at], repeats[at]);
      times[at].push(took.elapsed);
      work[at].push(took.work);
    }
  }
  const named = (lists: readonly (readonly number[])[]): Rounds => new Map(contenders.map(({ name }, k) => [name, lists[k]]));
  return { elapsed: named(times), work: named(work) };
}

async function timeOf(contender: Contender, repeats: number): Promise<{ readonly elapsed: number; readonly work: number }> {
  const [start, before] = [performance.now(), process.cpuUsage()];
  for (let k = 0; k < repeats; k++) await contender.run();
  const { user, system } = process.cpuUsage(before);
  return { elapsed: (performance.now() - start) / repeats, work: (user + system) / 1000 / repeats };
}

/** Median of the ratios of rounds. */
export function ratioOf(rounds: Rounds, ours: string, theirs: string): Summary | undefined {
  const [a, b] = [rounds.get(ours), rounds.get(theirs)];
  return a && b ? summaryOf(a.map((ms, k) => ms / b[k])) : undefined;
}

export function summaryOf(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))];
  return { median: at(0.5), spread: (at(0.75) - at(0.25)) / at(0.5) };
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
