export const RAW = 1;
export const WAR = 2;
export const WAW = 4;

/**
 * Dependences between tasks, exact by access boxes, in compressed sparse rows over predecessors: task t depends on
 * `from[row[t]] … from[row[t + 1] - 1]`, ascending; one entry per pair, its kinds a bit set of RAW, WAR and WAW.
 */
export interface Dependences {
  /** One more than there are tasks. */
  readonly row: Int32Array;
  readonly from: Int32Array;
  readonly kinds: Uint8Array;
  /** Three per entry (RAW, WAR, WAW): elements shared; only when asked for. */
  readonly elements?: Float64Array;
}

/** The same edges by successor. */
export function successors(dependences: Dependences): { readonly row: Int32Array; readonly to: Int32Array } {
  const tasks = dependences.row.length - 1;
  const row = new Int32Array(tasks + 1);
  for (const from of dependences.from) row[from + 1]++;
  for (let t = 0; t < tasks; t++) row[t + 1] += row[t];
  const next = row.slice(0, tasks);
  const to = new Int32Array(dependences.from.length);
  for (let t = 0; t < tasks; t++) {
    for (let e = dependences.row[t]; e < dependences.row[t + 1]; e++) to[next[dependences.from[e]]++] = t;
  }
  return { row, to };
}
