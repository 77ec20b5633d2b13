import type { TaskGraph } from './graph.js';
import { TaskHeap } from './heap.js';
import type { LiveBytes } from './live-bytes.js';
import type { MemoryModel } from './memory-model.js';
import type { Sequence } from './sequence.js';

/**
 * Orders of the tasks of a range of operations whose predecessors outside of it have run. All run the tasks of one operation in
 * their own order (top to bottom of a map) and differ in which operation goes next:
 * - `deepest`: the last operation that can (row streaming: a row is used up as soon as it is there);
 * - `wave`: the one that is least advanced, relative to its length (branches stay level);
 * - `pull`: only what the least advanced of the range's sinks needs next (nothing is computed before it is wanted);
 * - `frugal`: the one that leaves the fewest bytes live;
 * - `layers`: operation by operation.
 */
export const POLICIES = ['deepest', 'wave', 'pull', 'frugal', 'layers'] as const;
export type Policy = (typeof POLICIES)[number];

/** The policy at work on one task graph; reusable, as its arrays are large. */
export class Orders {
  private readonly next: Int32Array;
  private readonly done: Uint8Array;
  /** Predecessors that have not run, and those there are: made for the first policy that asks. */
  private waits = new Int32Array(0);
  private counts = new Int32Array(0);
  private countedFrom = -1;
  /** Operations whose next task can run. */
  private readonly able: number[] = [];
  private readonly isAble: Uint8Array;

  constructor(
    private readonly graph: TaskGraph,
    readonly model: MemoryModel,
  ) {
    this.next = new Int32Array(graph.start.length);
    this.done = new Uint8Array(graph.tasks);
    this.isAble = new Uint8Array(graph.start.length);
  }

  get tasks(): number {
    return this.graph.tasks;
  }

  /** Runs operations `first … last - 1` from the state in `bytes`, appending to `order`; stops early, with false, once the peak reaches `limit`. */
  run(policy: Policy, first: number, last: number, bytes: LiveBytes, limit: number, order?: Sequence): boolean {
    const { start } = this.graph;
    if (policy === 'layers') {
      for (let t = start[first]; t < start[last]; t++) {
        bytes.run(t);
        if (bytes.peak >= limit) return false;
        order?.push(t);
      }
      return true;
    }
    this.done.fill(0, start[first], start[last]);
    for (let o = first; o < last; o++) this.next[o] = start[o];
    return policy === 'pull' ? this.pull(first, last, bytes, limit, order) : this.push(policy, first, last, bytes, limit, order);
  }

  /** Predecessors from operation `first` on: most runs from there end early, so they are counted once for all. */
  private count(first: number): void {
    if (this.countedFrom === first) return;
    if (this.countedFrom < 0) {
      this.waits = new Int32Array(this.graph.tasks);
      this.counts = new Int32Array(this.graph.tasks);
    }
    this.countedFrom = first;
    const { start, row, from, operationOf, tasks } = this.graph;
    for (let t = start[first]; t < tasks; t++) {
      let count = 0;
      for (let e = row[t]; e < row[t + 1]; e++) if (operationOf[from[e]] >= first) count++;
      this.counts[t] = count;
    }
  }

  private push(
    policy: 'deepest' | 'wave' | 'frugal',
    first: number,
    last: number,
    bytes: LiveBytes,
    limit: number,
    order?: Sequence,
  ): boolean {
    const { start } = this.graph;
    this.count(first);
    this.waits.set(this.counts.subarray(start[first], start[last]), start[first]);
    this.able.length = 0;
    this.isAble.fill(0, first, last);
    for (let o = first; o < last; o++) this.offer(o);
    for (let left = start[last] - start[first]; left > 0; left--) {
      const at = this.choose(policy, bytes);
      const operation = this.able[at];
      const task = this.next[operation]++;
      bytes.run(task);
      if (bytes.peak >= limit) return false;
      order?.push(task);
      this.able[at] = this.able[this.able.length - 1];
      this.able.pop();
      this.isAble[operation] = 0;
      this.release(task, last);
      this.offer(operation);
    }
    return true;
  }

  /** Lists an operation if its next task can run. */
  private offer(operation: number): void {
    const task = this.next[operation];
    if (this.isAble[operation] || task >= this.graph.start[operation + 1] || this.waits[task] > 0) return;
    this.isAble[operation] = 1;
    this.able.push(operation);
  }

  /** The position in `able` of the operation that goes next; of equals, the last of the program. */
  private choose(policy: 'deepest' | 'wave' | 'frugal', bytes: LiveBytes): number {
    const { start } = this.graph;
    const { able, next } = this;
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    let second = Number.POSITIVE_INFINITY;
    for (let k = 0; k < able.length; k++) {
      const o = able[k];
      const task = next[o];
      let value = -o;
      let other = 0;
      if (policy === 'wave') value = (task + 1 - start[o]) / (start[o + 1] - start[o]);
      else if (policy === 'frugal') [other, value] = bytes.preview(task);
      if (value < least || (value === least && (other < second || (other === second && o > able[best]))))
        [best, least, second] = [k, value, other];
    }
    return best;
  }

  private pull(first: number, last: number, bytes: LiveBytes, limit: number, order?: Sequence): boolean {
    const { start, row, from, out, to, operationOf } = this.graph;
    const sinks: number[] = [];
    for (let o = first; o < last; o++) {
      let feeds = false;
      for (let t = start[o]; t < start[o + 1] && !feeds; t++) {
        for (let e = out[t]; e < out[t + 1] && !feeds; e++) feeds = operationOf[to[e]] < last && operationOf[to[e]] !== o;
      }
      if (!feeds && start[o + 1] > start[o]) sinks.push(o);
    }
    const stack: number[] = [];
    const share = (o: number): number => (this.next[o] - start[o]) / (start[o + 1] - start[o]);
    const remaining = new TaskHeap((a, b) => share(a) < share(b) || (share(a) === share(b) && a < b));
    for (const o of sinks) remaining.push(o);
    // What feeds no sink of the range (its last tasks feed others) is swept up at the end, in order.
    while (remaining.size > 0) {
      const best = remaining.pop();
      const wanted = this.next[best];
      this.next[best]++;
      if (this.next[best] < start[best + 1]) remaining.push(best);
      stack.push(wanted);
      if (!this.unwind(stack, first, row, from, operationOf, bytes, limit, order)) return false;
    }
    for (let t = start[first]; t < start[last]; t++) {
      if (this.done[t]) continue;
      stack.push(t);
      if (!this.unwind(stack, first, row, from, operationOf, bytes, limit, order)) return false;
    }
    return true;
  }

  /** Runs what the top of the stack needs, then it. */
  private unwind(
    stack: number[],
    first: number,
    row: Int32Array,
    from: Int32Array,
    operationOf: Int32Array,
    bytes: LiveBytes,
    limit: number,
    order?: Sequence,
  ): boolean {
    while (stack.length > 0) {
      const task = stack[stack.length - 1];
      if (this.done[task]) {
        stack.pop();
        continue;
      }
      let missing = -1;
      for (let e = row[task]; e < row[task + 1]; e++) {
        if (operationOf[from[e]] >= first && !this.done[from[e]]) {
          missing = from[e];
          break;
        }
      }
      if (missing >= 0) {
        stack.push(missing);
        continue;
      }
      stack.pop();
      this.done[task] = 1;
      bytes.run(task);
      if (bytes.peak >= limit) return false;
      order?.push(task);
    }
    return true;
  }

  private release(task: number, last: number): void {
    const { out, to, operationOf } = this.graph;
    for (let e = out[task]; e < out[task + 1]; e++) {
      const operation = operationOf[to[e]];
      if (operation < last && --this.waits[to[e]] === 0) this.offer(operation);
    }
  }
}
