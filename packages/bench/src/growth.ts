import { chainOf, graphOf, rowsOf, type Sized } from './growth-programs.js';
import { type BenchOptions, type BenchResult, type BenchRow, row, type StageTimes, type Suite } from './suite.js';
import { textTable } from './text-table.js';

const SHAPES: readonly (readonly [name: string, make: (tasks: number) => Sized])[] = [
  ['chain', chainOf],
  ['graph', graphOf],
  ['rows', rowsOf],
];
const SIZES = [1e3, 1e4, 1e5, 1e6];
/** Time for ten times the tasks, at most. */
const TIMES = 12;
/** Below this the clock and the compiler of the language count, not the work. */
const LEAST_MS = 50;
/** Small sizes are repeated, and their least time taken. */
const REPEATED_BELOW = 1e5;
const REPEATS = 3;

/** Processor time of every stage on synthetic programs of 10³ to 10⁶ tasks, and what ten times the tasks take. */
export const growthSuite: Suite = {
  name: 'growth',
  description: 'time of every stage on chains, graphs and rows of 10^3 to 10^6 tasks, and what ten times the tasks cost',
  async run(options: BenchOptions): Promise<BenchResult> {
    const rows: BenchRow[] = [];
    const lines: string[][] = [];
    const notes: string[] = [];
    for (const [shape, make] of SHAPES) {
      let before: StageTimes | undefined;
      for (const tasks of SIZES) {
        const name = `${shape}, ${tasks} tasks`;
        if (options.only.length > 0 && !options.only.some((part) => name.includes(part))) continue;
        const times = await leastOf(options, make(tasks), tasks < REPEATED_BELOW ? REPEATS : 1, name);
        rows.push(...rowsOfStages(name, times, before));
        lines.push(line(shape, tasks, times, before));
        notes.push(...shortfalls(name, times, before));
        before = times;
      }
    }
    return { suite: 'growth', rows, text: text(lines), notes };
  },
};

async function leastOf({ stages, progress }: BenchOptions, { program, grain }: Sized, repeats: number, name: string): Promise<StageTimes> {
  let least: Record<string, number> | undefined;
  for (let k = 0; k < repeats; k++) {
    const times = await stages(program, grain, (stage) => progress(`growth: ${name}: ${stage}`));
    const known = least;
    least = known ? Object.fromEntries(Object.entries(times).map(([stage, ms]) => [stage, Math.min(ms, known[stage])])) : { ...times };
  }
  return least ?? {};
}

function rowsOfStages(name: string, times: StageTimes, before: StageTimes | undefined): BenchRow[] {
  return Object.entries(times).map(([stage, ms]) =>
    row(name, stage, 'ms', ms, before ? Math.max(LEAST_MS, before[stage]) : null, before ? 'a tenth of the tasks, at least 50 ms' : 'none'),
  );
}

/** Undefined where the smaller size took no time to speak of. */
function factor(ms: number, before: number | undefined): number | undefined {
  return before !== undefined && before >= LEAST_MS ? ms / before : undefined;
}

let header: readonly string[] = [];

function line(shape: string, tasks: number, times: StageTimes, before: StageTimes | undefined): string[] {
  header = ['shape', 'tasks', ...Object.keys(times)];
  const cell = (stage: string, ms: number): string => {
    const grown = factor(ms, before?.[stage]);
    return `${ms.toFixed(0)}${grown === undefined ? '' : ` ×${grown.toFixed(1)}`}`;
  };
  return [shape, String(tasks), ...Object.entries(times).map(([stage, ms]) => cell(stage, ms))];
}

function text(lines: readonly string[][]): string {
  return [
    'Milliseconds of processor time of each stage; × what it took for a tenth of the tasks (where that was 50 ms or more)',
    lines.length > 0 ? textTable(header, lines) : '',
  ].join('\n\n');
}

function shortfalls(name: string, times: StageTimes, before: StageTimes | undefined): string[] {
  return Object.entries(times).flatMap(([stage, ms]) => {
    const grown = factor(ms, before?.[stage]);
    return grown !== undefined && grown > TIMES
      ? [`${name}: ${stage} takes ${grown.toFixed(1)} times a tenth of the tasks, more than ${TIMES}`]
      : [];
  });
}
