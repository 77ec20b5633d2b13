import { PluginError } from '../../errors.js';
import { type Dependences, RAW, WAR, WAW } from '../../ir/dependences.js';

/** An analyzer's result: rows that fit the tasks, each row's predecessors earlier than its task, ascending, each with its kinds. */
export function checkDependences(plugin: string, tasks: number, { row, from, kinds, elements }: Dependences): void {
  const fail = (invariant: string): never => {
    throw new PluginError(plugin, invariant);
  };
  if (!(row instanceof Int32Array && from instanceof Int32Array && kinds instanceof Uint8Array))
    fail('dependences are an Int32Array row, an Int32Array from and a Uint8Array kinds');
  if (row.length !== tasks + 1 || row[0] !== 0) fail(`row has ${tasks + 1} entries and starts with 0, but has ${row.length}`);
  if (row[tasks] !== from.length || kinds.length !== from.length)
    fail(`row ends with the number of entries, but ends with ${row[tasks]} for ${from.length} predecessors and ${kinds.length} kinds`);
  if (elements && elements.length !== 3 * from.length) fail(`elements has three entries per dependence, but ${elements.length} in all`);
  for (let t = 0; t < tasks; t++) if (row[t + 1] < row[t]) fail(`row is ascending, but falls after task ${t}`);
  for (let t = 0; t < tasks; t++) {
    let last = -1;
    for (let e = row[t]; e < row[t + 1]; e++) {
      if (from[e] <= last || from[e] >= t)
        fail(`a task's predecessors are earlier tasks, ascending, but task ${t} has ${from[e]} after ${last}`);
      if (kinds[e] === 0 || kinds[e] > (RAW | WAR | WAW)) fail(`kinds are RAW, WAR and WAW, but ${from[e]} → ${t} has ${kinds[e]}`);
      last = from[e];
    }
  }
}
