import fc from 'fast-check';
import type { Problem } from './problem.js';

interface Shape {
  readonly arcs: readonly (readonly boolean[])[];
  readonly regions: readonly {
    readonly bytes: number;
    readonly before: boolean;
    readonly after: boolean;
    readonly by: readonly boolean[];
  }[];
  readonly scratch: readonly number[];
  readonly inPlace: readonly (readonly [number, number])[];
  readonly base: number;
}

/**
 * Random task graphs of at most so many tasks over random regions: several a task, some there from the start or kept to the end, some
 * written in place of others.
 */
export function problems(tasks: number): fc.Arbitrary<Problem> {
  return fc
    .integer({ min: 1, max: tasks })
    .chain((n) =>
      fc.record<Shape>({
        arcs: fc.array(fc.array(fc.boolean(), { minLength: n, maxLength: n }), { minLength: n, maxLength: n }),
        regions: fc.array(
          fc.record({
            bytes: fc.integer({ min: 1, max: 20 }),
            before: fc.integer({ min: 0, max: 5 }).map((k) => k === 0),
            after: fc.integer({ min: 0, max: 5 }).map((k) => k === 0),
            by: fc.array(
              fc.integer({ min: 0, max: 2 }).map((k) => k === 0),
              { minLength: n, maxLength: n },
            ),
          }),
          { minLength: 1, maxLength: 2 * n },
        ),
        scratch: fc.array(fc.constantFrom(0, 0, 0, 7), { minLength: n, maxLength: n }),
        inPlace: fc.array(fc.tuple(fc.nat(20), fc.nat(20)), { minLength: n, maxLength: n }),
        base: fc.constantFrom(0, 11),
      }),
    )
    .map(problemOf);
}

function problemOf({ arcs, regions, scratch, inPlace, base }: Shape): Problem {
  const tasks = arcs.length;
  const rows = (list: (task: number) => number[]): readonly [Int32Array, Int32Array] => {
    const lists = Array.from({ length: tasks }, (_, t) => list(t));
    const row = new Int32Array(tasks + 1);
    lists.forEach((each, t) => {
      row[t + 1] = row[t] + each.length;
    });
    return [row, Int32Array.from(lists.flat())];
  };
  const all = arcs.map((_, t) => t);
  // An arc in three of a full graph.
  const arc = (a: number, b: number): boolean => a < b && arcs[a][b] && arcs[b][a];
  const [row, from] = rows((t) => all.filter((p) => arc(p, t)));
  const [out, to] = rows((t) => all.filter((s) => arc(t, s)));
  const own = (t: number): number[] => regions.flatMap(({ by }, r) => (by[t] ? [r] : []));
  const [touches, region] = rows(own);
  const pairs = all.map((t) => {
    const list = own(t);
    if (list.length < 2) return [-1, -1];
    const [a, b] = [list[inPlace[t][0] % list.length], list[inPlace[t][1] % list.length]];
    return a !== b && inPlace[t][0] > 8 ? [a, b] : [-1, -1];
  });
  const bytes = Float64Array.from(regions, (each) => each.bytes);
  for (const [a, b] of pairs) if (a >= 0) bytes[b] = bytes[a];
  // A chain of pairs may have changed the first again: only pairs of equal size stay.
  const fair = pairs.map(([a, b]) => (a >= 0 && bytes[a] === bytes[b] ? [a, b] : [-1, -1]));
  return {
    arcs: { tasks, row, from, out, to },
    model: {
      row: touches,
      region,
      bytes,
      uses: Int32Array.from(regions, ({ by }) => by.filter(Boolean).length),
      before: Uint8Array.from(regions, ({ before }) => (before ? 1 : 0)),
      after: Uint8Array.from(regions, ({ after, by }) => (after && by.some(Boolean) ? 1 : 0)),
      scratch: Float64Array.from(scratch),
      inPlaceFrom: Int32Array.from(fair, ([a]) => a),
      inPlaceTo: Int32Array.from(fair, ([, b]) => b),
    },
    base,
  };
}

/** Peak of an order from each region's first and last position, with no state carried along. */
export function naivePeak({ model, base }: Problem, order: readonly number[]): number {
  const touching = (r: number): number[] =>
    order.flatMap((t, k) => (model.region.subarray(model.row[t], model.row[t + 1]).includes(r) ? [k] : []));
  const lives = Array.from(model.bytes, (bytes, r) => {
    const at = touching(r);
    const gone = at.length === 0 && !model.after[r] && !model.before[r];
    return {
      bytes: gone ? 0 : bytes,
      first: model.before[r] ? -1 : at[0],
      last: model.after[r] || at.length === 0 ? order.length : at[at.length - 1],
    };
  });
  const at = (k: number): number =>
    lives.reduce((sum, { bytes, first, last }) => sum + (bytes > 0 && first <= k && k <= last ? bytes : 0), base);
  let peak = at(-1);
  order.forEach((t, k) => {
    const [a, b] = [model.inPlaceFrom[t], model.inPlaceTo[t]];
    const shared = a >= 0 && lives[a].last === k && lives[b].first === k ? model.bytes[a] : 0;
    peak = Math.max(peak, at(k) + model.scratch[t] - shared);
  });
  return peak;
}

/** Every legal order. */
export function* allOrders({ arcs }: Problem): Generator<readonly number[]> {
  const order: number[] = [];
  const waits = Array.from({ length: arcs.tasks }, (_, t) => arcs.row[t + 1] - arcs.row[t]);
  function* extend(): Generator<readonly number[]> {
    if (order.length === arcs.tasks) yield order;
    for (let t = 0; t < arcs.tasks; t++) {
      if (waits[t] !== 0) continue;
      waits[t] = -1;
      for (let e = arcs.out[t]; e < arcs.out[t + 1]; e++) waits[arcs.to[e]]--;
      order.push(t);
      yield* extend();
      order.pop();
      for (let e = arcs.out[t]; e < arcs.out[t + 1]; e++) waits[arcs.to[e]]++;
      waits[t] = 0;
    }
  }
  yield* extend();
}
