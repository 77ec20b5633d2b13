import { formatBox, type Observations, type Plan } from '@regrain/core-ir';
import type { WasmProgram } from '@regrain/hw-wasm';
import { table } from '../output/table.js';
import type { Terminal } from '../output/terminal.js';

interface Row {
  readonly name: string;
  tasks: number;
  ms: number;
}

/** Time by operator and kind of kernel, and by region. */
export interface Profile {
  readonly operators: readonly Row[];
  readonly regions: readonly Row[];
}

const REGIONS = 10;

export function profileOf(plan: Plan, program: WasmProgram, seen: Observations): Profile {
  const kinds = new Map(program.lanes.flatMap(({ schedule }) => schedule).map(({ step, kernel }) => [step, kernel]));
  const operators = new Map<string, Row>();
  plan.steps.forEach((step, s) => {
    const name =
      step.kind === 'move'
        ? 'move'
        : `${plan.program.operations[plan.decomposition.tasks[step.task].operation].type} (${kinds.get(s) ?? "operator set's definition"})`;
    const row = operators.get(name) ?? { name, tasks: 0, ms: 0 };
    row.tasks++;
    row.ms += (seen.end[s] - seen.start[s]) / 1e6;
    operators.set(name, row);
  });
  const regions = plan.decomposition.regions.map(({ instance, box }, r) => ({
    name: `${plan.program.tensors[plan.decomposition.instances[instance].tensor].name}${formatBox(box)}`,
    tasks: seen.accesses[r],
    ms: seen.busy[r] / 1e6,
  }));
  const bySlowest = (a: Row, b: Row): number => b.ms - a.ms;
  return { operators: [...operators.values()].sort(bySlowest), regions: regions.sort(bySlowest).slice(0, REGIONS) };
}

export function showProfile({ operators, regions }: Profile, terminal: Terminal): string {
  const total = operators.reduce((sum, { ms }) => sum + ms, 0);
  const cells = ({ name, tasks, ms }: Row): string[] => [name, `${tasks}`, ms.toFixed(2), `${((100 * ms) / (total || 1)).toFixed(1)} %`];
  return [
    table(['Operator (kernel)', 'tasks', 'ms', 'share'], operators.map(cells), terminal),
    '',
    table([`Regions whose tasks take longest`, 'tasks', 'ms', 'share'], regions.map(cells), terminal),
    '',
  ].join('\n');
}
