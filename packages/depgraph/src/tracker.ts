import { type Access, type AnalysisOptions, type Box, type Dependences, isEmpty, RAW, type Task, WAR, WAW } from '@regrain/core-ir';
import { type Cell, type Cells, PLAIN, READ, type Tasks, UNTOUCHED, WRITE } from './cell.js';

/**
 * Follows tasks in their order and collects the exact dependences of each: of every element that it touches, by the definition in
 * `DependenceAnalyzer`. What a task touches is cut into cells with one history each; a write joins them again.
 */
export class DependenceTracker {
  private readonly row: number[] = [0];
  private readonly from: number[] = [];
  private readonly kinds: number[] = [];
  private readonly shared: number[] = [];
  /** Of the task at work: predecessor → slot in `found`. */
  private readonly slot: Int32Array;
  private readonly found: { from: number; kinds: number; elements: [number, number, number] }[] = [];
  private count = 0;
  private task = 0;

  /** `boxesOf` gives what an access touches (itself, or the regions that it is widened to). Instances without cells are never written. */
  constructor(
    private readonly cells: readonly (Cells | undefined)[],
    tasks: number,
    private readonly options: AnalysisOptions,
    private readonly boxesOf: (access: Access) => readonly Box[],
  ) {
    this.slot = new Int32Array(tasks).fill(-1);
  }

  add(task: Task): void {
    const touched: Cell[] = [];
    const written: { cells: Cells; box: Box }[] = [];
    for (const access of task.accesses) {
      const cells = this.cells[access.instance];
      if (!cells || isEmpty(access.box)) continue;
      const bits =
        (access.mode === 'read' ? READ : access.mode === 'write' ? WRITE : READ | WRITE) | (access.mode === 'accumulate' ? 0 : PLAIN);
      for (const box of this.boxesOf(access)) {
        cells.cut(box, (cell) => {
          if (cell.task !== this.task) {
            cell.task = this.task;
            cell.touch = 0;
          }
          cell.touch |= bits;
          touched.push(cell);
        });
        if (access.mode !== 'read') written.push({ cells, box });
      }
    }
    const all = this.parts(task, touched);
    for (const cell of all) if (cell.touch & READ) this.read(cell);
    for (const cell of all) if (cell.touch & WRITE) this.write(cell);
    if (!this.options.commute) for (const { cells, box } of written) cells.join(box);
    this.close();
  }

  finish(): Dependences {
    const packed = { row: Int32Array.from(this.row), from: Int32Array.from(this.from), kinds: Uint8Array.from(this.kinds) };
    return this.options.elements ? { ...packed, elements: Float64Array.from(this.shared) } : packed;
  }

  /** Every cell that the task touches, once, as they are after all of its cuts: a later access may have split a cell that was listed. */
  private parts(task: Task, touched: readonly Cell[]): Cell[] {
    if (task.accesses.length === 1) return touched as Cell[];
    const all = new Set<Cell>();
    for (const access of task.accesses) {
      const cells = this.cells[access.instance];
      if (!cells || isEmpty(access.box)) continue;
      for (const box of this.boxesOf(access)) cells.cut(box, (cell) => all.add(cell));
    }
    return [...all];
  }

  private commutes(cell: Cell): boolean {
    return this.options.commute === true && (cell.touch & (READ | WRITE)) === (READ | WRITE) && !(cell.touch & PLAIN);
  }

  private read(cell: Cell): void {
    const { last } = cell;
    if (this.commutes(cell) && last.commuting && !last.readers) return; // joins the accumulations before it
    for (let each = last.writers; each; each = each.next) this.note(each.task, 0, cell.volume);
    cell.last = { ...last, readers: { task: this.task, next: last.readers } };
  }

  private write(cell: Cell): void {
    const { last, volume } = cell;
    const own: Tasks = { task: this.task, next: undefined };
    if (this.commutes(cell) && last.commuting && !last.readers) {
      for (let each = last.beforeWriters; each; each = each.next) this.note(each.task, 0, volume);
      for (let each = last.beforeReaders; each; each = each.next) this.note(each.task, 1, volume);
      cell.last = { ...last, writers: { task: this.task, next: last.writers } };
      return;
    }
    if (last.readers) for (let each: Tasks | undefined = last.readers; each; each = each.next) this.note(each.task, 1, volume);
    else for (let each = last.writers; each; each = each.next) this.note(each.task, 2, volume);
    const commuting = this.commutes(cell);
    cell.last = commuting
      ? { ...UNTOUCHED, writers: own, commuting, beforeWriters: last.writers, beforeReaders: without(last.readers, this.task) }
      : { ...UNTOUCHED, writers: own };
  }

  private note(from: number, kind: 0 | 1 | 2, volume: number): void {
    if (from === this.task) return;
    let slot = this.slot[from];
    if (slot < 0 || slot >= this.count || this.found[slot].from !== from) {
      slot = this.count++;
      this.slot[from] = slot;
      this.found[slot] = { from, kinds: 0, elements: [0, 0, 0] };
    }
    const entry = this.found[slot];
    entry.kinds |= kind === 0 ? RAW : kind === 1 ? WAR : WAW;
    entry.elements[kind] += volume;
  }

  private close(): void {
    this.found.length = this.count;
    this.found.sort((a, b) => a.from - b.from);
    for (const { from, kinds, elements } of this.found) {
      this.from.push(from);
      this.kinds.push(kinds);
      if (this.options.elements) this.shared.push(...elements);
    }
    this.row.push(this.from.length);
    this.count = 0;
    this.task++;
  }
}

function without(tasks: Tasks | undefined, task: number): Tasks | undefined {
  if (!tasks) return undefined;
  const next = without(tasks.next, task);
  return tasks.task === task ? next : { task: tasks.task, next };
}
