import { type IndexMap, interpretProgram, type Operation, type Program, type Tensor } from '@regrain/core-ir';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { elideCopies } from './elide-copies.js';

const along = (count: number, from = 0): IndexMap[number][] => Array.from({ length: count }, (_, k) => ({ at: { d: from + k } }));

/** Collects operations over int32 tensors, the first of them the input `x`. */
class Draft {
  readonly tensors: Tensor[];
  readonly operations: Operation[] = [];

  constructor(shape: readonly number[]) {
    this.tensors = [{ name: 'x', shape, dtype: 'int32', kind: 'input' }];
  }

  tensor(shape: readonly number[]): number {
    return this.tensors.push({ name: `t${this.tensors.length}`, shape, dtype: 'int32', kind: 'computed' }) - 1;
  }

  push(
    type: string,
    from: { tensor: number; map: IndexMap; outside?: number },
    to: { tensor: number; map: IndexMap },
    extents: readonly number[],
    add: number,
  ) {
    this.operations.push({
      name: `o${this.operations.length}`,
      type,
      attributes: {},
      domain: extents.map((extent) => ({ extent, kind: 'parallel' })),
      operands: [
        { ...from, mode: 'read' },
        { ...to, mode: 'write' },
      ],
      body: { acc: 'int32', init: 0, step: 0, finish: add === 0 ? { x: 0 } : { fn: 'add', args: [{ x: 0 }, add] } },
      macs: 0,
    });
  }

  /** The tensor and a constant, element by element; or shifted by one along the last dimension, with zeros from outside. */
  plus(tensor: number, add: number, shift = false): number {
    const { shape } = this.tensors[tensor];
    const to = this.tensor(shape);
    const map = along(shape.length);
    const last = shape.length - 1;
    const read = shift ? [...map.slice(0, -1), { at: ['+', { d: last }, 1] as const }] : map;
    this.push('Add', { tensor, map: read, ...(shift ? { outside: 0 } : {}) }, { tensor: to, map }, shape, add);
    return to;
  }

  /** Copies of tensors of one shape side by side along a new dimension. */
  stacked(parts: readonly number[], axis: number): number {
    const { shape } = this.tensors[parts[0]];
    const to = this.tensor([...shape.slice(0, axis), parts.length, ...shape.slice(axis)]);
    parts.forEach((tensor, k) => {
      const map = along(shape.length + 1);
      const domain = [...shape.slice(0, axis), 1, ...shape.slice(axis)];
      const write = map.map((range, d) => (d === axis && k > 0 ? { at: ['+', { d }, k] as const } : range));
      this.push('Copy', { tensor, map: map.filter((_, d) => d !== axis) }, { tensor: to, map: write }, domain, 0);
    });
    return to;
  }
}

const choices = fc.record({
  shape: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
  parts: fc.array(fc.record({ shift: fc.boolean(), reader: fc.boolean(), same: fc.boolean() }), { minLength: 1, maxLength: 3 }),
  axes: fc.tuple(fc.nat(3), fc.nat(3)),
  twice: fc.boolean(),
});

it('leaves programs that compute the same, and takes out copies of what nobody else holds', () => {
  fc.assert(
    fc.property(choices, ({ shape, parts, axes, twice }) => {
      const draft = new Draft(shape);
      const outputs: number[] = [];
      let last = draft.plus(0, 1);
      const made = parts.map(({ shift, reader, same }, k) => {
        if (!same || k === 0) last = draft.plus(0, k + 2, shift);
        if (reader) outputs.push(draft.plus(last, 50 + k, shift));
        return last;
      });
      const once = draft.stacked(made, axes[0] % (shape.length + 1));
      const all = twice ? draft.stacked([once, draft.plus(once, 9)], axes[1] % (shape.length + 2)) : once;
      outputs.push(all, draft.plus(all, 100, true));
      const { tensors, operations } = draft;
      const elided = elideCopies(operations, tensors as never, outputs);
      const run = (list: readonly Operation[]): unknown[] => {
        const program: Program = { name: 'p', tensors, operations: list, outputs, states: [] };
        const data = Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => k * 7 + 1);
        const found = interpretProgram(program, new Uint8Array(), new Map([['x', { dtype: 'int32', shape, data }]]));
        return outputs.map((t) => Array.from(found.get(tensors[t].name)?.data ?? []));
      };
      expect(run(elided)).toEqual(run(operations));
      const plain = new Set(made).size === made.length && !parts.some(({ shift, reader }) => shift && reader) && !twice;
      if (plain) expect(elided.filter(({ type }) => type === 'Copy')).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
