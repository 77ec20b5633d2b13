import { elements, interpretProgram, type Values } from '@regrain/core-ir';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { loadOnnx } from '../src/onnx.js';
import { operatorSets } from '../src/operators/index.js';
import { runOnnx } from './onnx-runtime.js';
import { type Fields, floats, inFolder, info, integers, model, node, write } from './test-model.js';

interface Chain {
  readonly nodes: Fields[];
  readonly constants: Fields[];
  shape: number[];
  last: string;
}

const ints = (name: string, values: readonly number[]): Fields => ({ name, ints: values, type: 7 });
const START = [2, 4, 3, 6];

/** Appends one view operator, chosen and shaped by three numbers; leaves the chain as it is where the choice does not fit. */
function extend(chain: Chain, [kind, a, b]: readonly [string, number, number]): void {
  const { nodes, constants, shape, last } = chain;
  const [next, own] = [`t${nodes.length}`, `c${constants.length}`];
  const d = a % 4;
  switch (kind) {
    case 'transpose': {
      const perm = [0, 1, 2, 3];
      [perm[d], perm[b % 4]] = [perm[b % 4], perm[d]];
      nodes.push(node('Transpose', [last], [next], { attribute: [ints('perm', perm)] }));
      chain.shape = perm.map((from) => shape[from]);
      break;
    }
    case 'slice': {
      const [start, step] = [b % shape[d], 1 + (b % 2)];
      constants.push(integers(`${own}s`, [start]), integers(`${own}e`, [1000]), integers(`${own}a`, [d]), integers(`${own}t`, [step]));
      nodes.push(node('Slice', [last, `${own}s`, `${own}e`, `${own}a`, `${own}t`], [next]));
      chain.shape = shape.map((extent, k) => (k === d ? Math.ceil((extent - start) / step) : extent));
      break;
    }
    case 'reverse': {
      constants.push(integers(`${own}s`, [-1]), integers(`${own}e`, [-1000]), integers(`${own}a`, [d]), integers(`${own}t`, [-1]));
      nodes.push(node('Slice', [last, `${own}s`, `${own}e`, `${own}a`, `${own}t`], [next]));
      break;
    }
    case 'pad': {
      const pads = [0, 0, 0, 0, 0, 0, 0, 0];
      pads[d] = b % 3;
      pads[d + 4] = (b >> 2) % 3;
      constants.push(integers(own, pads));
      nodes.push(node('Pad', [last, own], [next]));
      chain.shape = shape.map((extent, k) => extent + pads[k] + pads[k + 4]);
      break;
    }
    case 'reshape': {
      const e = (d + 1 + (b % 3)) % 4;
      const factor = [2, 3].find((each) => shape[d] % each === 0);
      if (!factor) return;
      chain.shape = shape.map((extent, k) => (k === d ? extent / factor : k === e ? extent * factor : extent));
      constants.push(integers(own, chain.shape));
      nodes.push(node('Reshape', [last, own], [next]));
      break;
    }
    default: {
      if (shape[d] !== 1) return;
      const wide = shape.map((extent, k) => (k === d ? 3 : extent));
      constants.push(integers(own, wide));
      nodes.push(node('Expand', [last, own], [next]));
      chain.shape = wide;
    }
  }
  chain.last = next;
}

function reader(chain: Chain, kind: string): void {
  const { nodes, constants, shape, last } = chain;
  const window = [ints('kernel_shape', [3, 3]), ints('pads', [1, 1, 1, 1])];
  if (kind === 'conv') {
    const count = shape[1] * 9;
    constants.push(
      floats(
        'weights',
        [1, shape[1], 3, 3],
        Array.from({ length: count }, (_, k) => (k % 7) - 3),
      ),
    );
    nodes.push(node('Conv', [last, 'weights'], ['y'], { attribute: window }));
  } else if (kind === 'pool') nodes.push(node('MaxPool', [last], ['y'], { attribute: window }));
  else if (kind === 'concat') nodes.push(node('Concat', [last, last], ['y'], { attribute: [{ name: 'axis', i: 1, type: 2 }] }));
  else nodes.push(node(kind === 'view' ? 'Identity' : 'Neg', [last], ['y']));
}

/** The index maps of composed views against ONNX Runtime; whole numbers, so that sums are exact in any order. */
it('reads chains of views as ONNX Runtime does', async () => {
  const step = fc.tuple(fc.constantFrom('transpose', 'slice', 'reverse', 'pad', 'reshape', 'expand'), fc.nat(11), fc.nat(11));
  const end = fc.constantFrom('conv', 'pool', 'concat', 'neg', 'view');
  const first = {
    dtype: 'float32' as const,
    shape: START,
    data: Float32Array.from({ length: elements(START) }, (_, k) => ((k * 37) % 101) - 50),
  };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 5 }), end, fc.boolean(), async (steps, kind, computed) => {
      const chain: Chain = { nodes: [], constants: [], shape: [...START], last: 'x' };
      if (computed) {
        chain.nodes.push(node('Abs', ['x'], ['t']));
        chain.last = 't';
      }
      for (const each of steps) extend(chain, each);
      reader(chain, kind);
      const graph = {
        input: [info('x', START)],
        output: [{ name: 'y', type: { tensor_type: { elem_type: 1 } } }],
        node: chain.nodes,
        initializer: chain.constants,
      };
      const bytes = model(graph);
      const inputs: Record<string, Values> = { x: first };
      const expected = (await runOnnx(bytes, inputs, { optimize: 'disabled' })).get('y') as Values;
      const { program, constants } = inFolder((folder) => loadOnnx(write(folder, bytes)));
      const sets = operatorSets();
      const result = interpretProgram(program, constants, new Map(Object.entries(inputs)), (operation, values) => {
        for (const set of sets) {
          const found = set.evaluate?.(operation, values);
          if (found) return found;
        }
        return undefined;
      }).get('y') as Values;
      expect(result.shape).toEqual(expected.shape);
      expect(Array.from(result.data, (value) => value + 0)).toEqual(Array.from(expected.data, (value) => value + 0));
    }),
    { numRuns: 300 },
  );
});
