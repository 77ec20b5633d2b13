import { type AnalysisOptions, type Box, type Decomposition, type Dependences, RAW, WAR, WAW } from '@regrain/core-ir';

/** Every point of a box, in row-major order. */
export function* pointsOf(box: Box): Generator<number[]> {
  if (box.some(([lo, hi]) => hi <= lo)) return;
  const point = box.map(([lo]) => lo);
  for (;;) {
    yield [...point];
    let d = box.length - 1;
    while (d >= 0 && ++point[d] === box[d][1]) point[d] = box[d--][0];
    if (d < 0) return;
  }
}

interface Element {
  /** The last write, or the accumulations since then that may change places. */
  writers: number[];
  commuting: boolean;
  readers: Set<number>;
  /** What the first of a group of accumulations waited for; those that join the group wait for the same. */
  before: readonly (readonly [kind: 0 | 1, task: number])[];
}

/**
 * The oracle of dependence analysis: one state per element of each instance, by the definition alone. For small works; its time is
 * that of all elements of all accesses. Elements are counted per pair and kind, summed over instances.
 */
export function bruteForceDependences(work: Decomposition, options: AnalysisOptions = {}): Dependences {
  const elements = new Map<string, Element>();
  const counts = work.tasks.map(() => new Map<number, [number, number, number]>());
  work.tasks.forEach((task, t) => {
    const note = (from: number, kind: 0 | 1 | 2): void => {
      if (from === t) return;
      const known = counts[t].get(from) ?? [0, 0, 0];
      known[kind]++;
      counts[t].set(from, known);
    };
    const touches = { reads: new Map<string, boolean>(), writes: new Map<string, boolean>() };
    for (const { instance, box, mode } of task.accesses) {
      for (const key of keysOf(work, instance, box, options.snap ?? false)) {
        const accumulates = mode === 'accumulate';
        if (mode !== 'write') touches.reads.set(key, accumulates && (touches.reads.get(key) ?? true));
        if (mode !== 'read') touches.writes.set(key, accumulates && (touches.writes.get(key) ?? true));
      }
    }
    const at = (key: string): Element => {
      let element = elements.get(key);
      if (!element) elements.set(key, (element = { writers: [], commuting: false, readers: new Set(), before: [] }));
      return element;
    };
    const commutes = (key: string): boolean =>
      (options.commute ?? false) && touches.reads.get(key) === true && touches.writes.get(key) === true;
    for (const key of touches.reads.keys()) {
      const element = at(key);
      if (commutes(key) && element.commuting && element.readers.size === 0) continue; // joins the accumulations before it
      for (const writer of element.writers) note(writer, 0);
      element.readers.add(t);
    }
    for (const key of touches.writes.keys()) {
      const element = at(key);
      if (commutes(key) && element.commuting && element.readers.size === 0) {
        for (const [kind, before] of element.before) note(before, kind);
        element.writers.push(t);
        continue;
      }
      const readers = [...element.readers];
      if (readers.length > 0) for (const reader of readers) note(reader, 1);
      else for (const writer of element.writers) note(writer, 2);
      element.before = [
        ...element.writers.map((writer) => [0, writer] as const),
        ...readers.filter((reader) => reader !== t).map((reader) => [1, reader] as const),
      ];
      element.writers = [t];
      element.commuting = commutes(key);
      element.readers = new Set();
    }
  });
  return pack(counts, options.elements ?? false);
}

function* keysOf(work: Decomposition, instance: number, box: Box, snap: boolean): Generator<string> {
  if (!snap) {
    for (const point of pointsOf(box)) yield `${instance}:${point}`;
    return;
  }
  const seen = new Set<string>();
  for (const region of work.regions) {
    if (region.instance !== instance || !region.box.every(([lo, hi], d) => lo < box[d][1] && box[d][0] < hi)) continue;
    for (const point of pointsOf(region.box)) {
      const key = `${instance}:${point}`;
      if (seen.size !== seen.add(key).size) yield key;
    }
  }
}

function pack(counts: readonly Map<number, [number, number, number]>[], elements: boolean): Dependences {
  const row = new Int32Array(counts.length + 1);
  const from: number[] = [];
  const kinds: number[] = [];
  const shared: number[] = [];
  counts.forEach((map, t) => {
    for (const before of [...map.keys()].sort((a, b) => a - b)) {
      const [raw, war, waw] = map.get(before) ?? [0, 0, 0];
      from.push(before);
      kinds.push((raw ? RAW : 0) | (war ? WAR : 0) | (waw ? WAW : 0));
      shared.push(raw, war, waw);
    }
    row[t + 1] = from.length;
  });
  const packed = { row, from: Int32Array.from(from), kinds: Uint8Array.from(kinds) };
  return elements ? { ...packed, elements: Float64Array.from(shared) } : packed;
}
