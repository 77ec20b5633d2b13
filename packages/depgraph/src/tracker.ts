import { type Access, type AnalysisOptions, type Box, isEmpty, RAW, type Task, WAR, WAW } from '@regrain/core-ir';
import { type Cell, type Cells, PLAIN, READ, type Tasks, UNTOUCHED, WRITE } from './cell.js';
import type { Collector } from './collector.js';

/**
 * Follows tasks in their order and collects the exact dependences of each: of every element that it touches, by the definition in
 * `DependenceAnalyzer`. What a task touches is cut into cells with one history each; a write joins them again.
 */
export class DependenceTracker {
  private task = 0;

  /** `boxesOf` gives what an access touches (itself, or the regions that it is widened to). Instances without cells are not followed. */
  constructor(
    private readonly cells: readonly (Cells | undefined)[],
    private readonly options: AnalysisOptions,
    private readonly boxesOf: (access: Access) => readonly Box[],
    private readonly found: Collector,
  ) {}

  /** Tasks come by rising number. */
  add(task: Task, number: number): void {
    this.task = number;
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
    for (let each = last.writers; each; each = each.next) this.found.note(each.task, RAW, cell.volume);
    cell.last = { ...last, readers: { task: this.task, next: last.readers } };
  }

  private write(cell: Cell): void {
    const { last, volume } = cell;
    const own: Tasks = { task: this.task, next: undefined };
    if (this.commutes(cell) && last.commuting && !last.readers) {
      for (let each = last.beforeWriters; each; each = each.next) this.found.note(each.task, RAW, volume);
      for (let each = last.beforeReaders; each; each = each.next) this.found.note(each.task, WAR, volume);
      cell.last = { ...last, writers: { task: this.task, next: last.writers } };
      return;
    }
    if (last.readers) for (let each: Tasks | undefined = last.readers; each; each = each.next) this.found.note(each.task, WAR, volume);
    else for (let each = last.writers; each; each = each.next) this.found.note(each.task, WAW, volume);
    const commuting = this.commutes(cell);
    cell.last = commuting
      ? { ...UNTOUCHED, writers: own, commuting, beforeWriters: last.writers, beforeReaders: without(last.readers, this.task) }
      : { ...UNTOUCHED, writers: own };
  }
}

function without(tasks: Tasks | undefined, task: number): Tasks | undefined {
  if (!tasks) return undefined;
  const next = without(tasks.next, task);
  return tasks.task === task ? next : { task: tasks.task, next };
}
