import { type Operand, type Operation, type Program, seeded, type Tensor } from '@regrain/core-ir';

/** Of the randomly wired networks that work best in Xie et al. 2019 (ICCV, section 5): 32 nodes of degree 4, rewired with p = 0.75. */
const NODES = 32;
const DEGREE = 4;
const REWIRED = 0.75;
/** Their small regime at 224²: channels and side of the three random stages. */
const STAGES = [
  { channels: 78, side: 28 },
  { channels: 156, side: 14 },
  { channels: 312, side: 7 },
] as const;

/**
 * A network whose stages are random small-world graphs (Watts & Strogatz 1998), arcs from lower to higher numbers as Xie et al. do: every
 * node reads its predecessors and writes one map, the first reads the stage before, the last averages what nobody reads. Tensors and
 * operations only: nothing of it is executed.
 */
export function randomlyWired(seed: number): Program {
  const random = seeded(seed);
  const tensors: Tensor[] = [{ name: 'input', shape: [1, 3, 56, 56], dtype: 'int8', kind: 'input' }];
  const operations: Operation[] = [];
  const node = (reads: readonly number[], channels: number, side: number): number => {
    const operands = [...reads, tensors.length].map(
      (tensor, k): Operand => ({
        tensor,
        mode: k < reads.length ? 'read' : 'write',
        map: (tensors[tensor]?.shape ?? [1, channels, side, side]).map((size) => ({ at: 0, size })),
      }),
    );
    const name = `node${operations.length}`;
    operations.push({ name, type: 'Node', attributes: {}, domain: [], operands, macs: 1 });
    return tensors.push({ name: `${name}_out`, shape: [1, channels, side, side], dtype: 'int8', kind: 'computed' }) - 1;
  };
  let last = 0;
  for (const { channels, side } of STAGES) {
    const before = smallWorld(random);
    const made: number[] = [];
    const unread = new Set<number>();
    for (let k = 0; k < NODES; k++) {
      const reads = before[k].length > 0 ? before[k].map((p) => made[p]) : [last];
      for (const tensor of reads) unread.delete(tensor);
      made.push(node(reads, channels, side));
      unread.add(made[k]);
    }
    last = node([...unread], channels, side);
  }
  return { name: `randwire-ws-${seed}`, tensors, operations, outputs: [last], states: [] };
}

/** Predecessors of each node of one stage. */
function smallWorld(random: () => number): number[][] {
  const joined = new Set<number>();
  const pair = (a: number, b: number): number => Math.min(a, b) * NODES + Math.max(a, b);
  for (let step = 1; step <= DEGREE / 2; step++) for (let a = 0; a < NODES; a++) joined.add(pair(a, (a + step) % NODES));
  for (let step = 1; step <= DEGREE / 2; step++) {
    for (let a = 0; a < NODES; a++) {
      if (random() >= REWIRED) continue;
      const b = Math.floor(random() * NODES);
      if (b === a || joined.has(pair(a, b))) continue;
      joined.delete(pair(a, (a + step) % NODES));
      joined.add(pair(a, b));
    }
  }
  const before: number[][] = Array.from({ length: NODES }, () => []);
  for (const each of [...joined].sort((x, y) => x - y)) before[each % NODES].push(Math.floor(each / NODES));
  return before;
}
