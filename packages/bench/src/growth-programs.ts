import {
  type Box,
  type Grain,
  type IndexMap,
  type Operand,
  type Operation,
  type Program,
  seeded,
  type Tensor,
  wholeTensorGrain,
} from '@regrain/core-ir';

/** A program of so many tasks, with the grain that makes them. */
export interface Sized {
  readonly program: Program;
  readonly grain: Grain;
}

/** Elements of each map of a chain or a graph. */
const ELEMENTS = 16;
/** A node of a graph reads two of so many nodes before it. */
const REACH = 12;
/** Operations of a stack of rows, and the extent of a row. */
const LAYERS = 50;
const WIDTH = 8;

/** Each operation reads what the one before it wrote. */
export function chainOf(tasks: number): Sized {
  return wholeTensors('chain', tasks, (k) => [k]);
}

/** Each operation reads the tensor before its own and a random one of the last twelve. */
export function graphOf(tasks: number): Sized {
  const random = seeded(1);
  return wholeTensors('graph', tasks, (k) => [...new Set([k, k - Math.floor(random() * Math.min(k + 1, REACH))])]);
}

/** What is alike in all operations and tensors is one object, as a million of them would be most of the heap. */
function wholeTensors(name: string, tasks: number, reads: (k: number) => readonly number[]): Sized {
  const map: IndexMap = [{ at: 0, size: ELEMENTS }];
  const shape = [ELEMENTS];
  const attributes = {};
  const domain: Operation['domain'] = [];
  const tensors: Tensor[] = [{ name: 't0', shape, dtype: 'int8', kind: 'input' }];
  const operations: Operation[] = [];
  for (let k = 0; k < tasks; k++) {
    tensors.push({ name: `t${k + 1}`, shape, dtype: 'int8', kind: 'computed' });
    // Lists of their exact length: those that grow keep room.
    const operands = [...reads(k), k + 1].map((tensor): Operand => ({ tensor, mode: tensor > k ? 'write' : 'read', map }));
    operations.push({ name: `o${k}`, type: 'Node', attributes, domain, operands, macs: 1 });
  }
  const program: Program = { name: `${name}-${tasks}`, tensors, operations, outputs: [tasks], states: [] };
  return { program, grain: wholeTensorGrain(program) };
}

/** Fifty layers, each of so many rows that there are as many tasks as wanted; a row reads three of the layer before. */
export function rowsOf(tasks: number): Sized {
  const height = Math.max(1, Math.round(tasks / LAYERS));
  const shape = [height, WIDTH];
  const tensors: Tensor[] = [{ name: 't0', shape, dtype: 'int8', kind: 'input' }];
  const operations: Operation[] = [];
  for (let k = 0; k < LAYERS; k++) {
    tensors.push({ name: `t${k + 1}`, shape, dtype: 'int8', kind: 'computed' });
    operations.push({
      name: `o${k}`,
      type: 'Rows',
      attributes: {},
      domain: [{ extent: height, kind: 'parallel' }],
      operands: [
        {
          tensor: k,
          mode: 'read',
          outside: 0,
          map: [
            { at: ['+', { d: 0 }, -1], size: 3 },
            { at: 0, size: WIDTH },
          ],
        },
        { tensor: k + 1, mode: 'write', map: [{ at: { d: 0 } }, { at: 0, size: WIDTH }] },
      ],
      macs: 3 * height * WIDTH,
    });
  }
  const program: Program = { name: `rows-${tasks}`, tensors, operations, outputs: [LAYERS], states: [] };
  const rows = Array.from(
    { length: height },
    (_, r): Box => [
      [r, r + 1],
      [0, WIDTH],
    ],
  );
  return { program, grain: { ...wholeTensorGrain(program), regions: tensors.map(() => rows) } };
}
