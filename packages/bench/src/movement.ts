import { type Program, tensorBytes } from '@regrain/core-ir';
import { findModel } from './find-model.js';
import { NetworkBuilder } from './network-builder.js';
import { type BenchOptions, type BenchResult, type BenchRow, row, type Suite } from './suite.js';
import { textTable } from './text-table.js';

interface Case {
  readonly name: string;
  /** A model's file, or a network that the suite makes. */
  readonly source: (options: BenchOptions) => string | Program | undefined;
  readonly capacity: number;
  readonly maxMacFactor: number;
  /** Bytes of traffic that are published for this case. */
  readonly published?: number;
}

const TARGET = 'ethos-u55-128';
const RATIO = 1.05;

const CASES: readonly Case[] = [
  {
    name: 'mbv2_224_qdq, 32 KiB',
    source: ({ models }) => findModel('mbv2_224_qdq', models),
    capacity: 32 * 1024,
    maxMacFactor: 1.5,
  },
  // Alwani et al., Fused-Layer CNN Accelerators, MICRO 2016: 77 MB layer by layer, 3.6 MB fused, 362 KB of storage on chip.
  { name: 'VGG-19, five convolutions, 362 KB', source: () => vggHead(), capacity: 362_000, maxMacFactor: 1.05, published: 3.6 * 1024 ** 2 },
];

/** The first five convolutions of VGG-19 and the two poolings between them; float32, as published. */
export function vggHead(): Program {
  const build = new NetworkBuilder('vgg19-head', [1, 3, 224, 224], 'float32');
  let x = build.conv(build.conv(build.input, 64, 3), 64, 3);
  x = build.conv(build.conv(build.maxPool(x, 2), 128, 3), 128, 3);
  return build.build(build.conv(build.maxPool(x, 2), 256, 3));
}

/** Bytes between the chip and what lies outside it, beside those that nobody can avoid. */
export const movementSuite: Suite = {
  name: 'movement',
  description: 'bytes moved where the working memory is smaller than the peak, against the compulsory traffic',
  async run(options): Promise<BenchResult> {
    const rows: BenchRow[] = [];
    const notes: string[] = [];
    const lines: string[][] = [];
    for (const { name, source, capacity, maxMacFactor, published } of CASES) {
      if (options.only.length > 0 && !options.only.some((part) => name.includes(part))) continue;
      const found = source(options);
      if (found === undefined) {
        notes.push(`${name}: not found; give its folder with --models`);
        continue;
      }
      options.progress(`movement: ${name}`);
      const plan = await options.runner.movement(found, { target: TARGET, space: 'sram', capacity, below: 'dram', maxMacFactor });
      const { inputBytes, outputBytes, layerByLayerBytes } = trafficOf(plan.program);
      const compulsory = inputBytes + outputBytes;
      const ours = compulsory + plan.movedBytes;
      rows.push(
        row(name, 'traffic', 'bytes', ours, compulsory, 'compulsory'),
        row(name, 'traffic', 'bytes', ours, layerByLayerBytes, 'layer by layer'),
      );
      if (published !== undefined) rows.push(row(name, 'traffic', 'bytes', ours, published, 'fused layers, MICRO 2016'));
      lines.push([
        name,
        String(inputBytes),
        String(outputBytes),
        String(layerByLayerBytes),
        String(plan.movedBytes),
        String(ours),
        (ours / compulsory).toFixed(3),
        String(plan.arenaBytes),
        plan.macFactor.toFixed(3),
      ]);
      if (ours > RATIO * compulsory)
        notes.push(`${name}: ${(ours / compulsory).toFixed(2)} times the compulsory traffic, more than ${RATIO}`);
      if (!plan.verified) notes.push(`${name}: not verified`);
    }
    return { suite: 'movement', rows, text: table(lines), notes, wrong: notes.some((note) => note.includes('not verified')) };
  },
};

/**
 * Feature maps alone, as the literature counts: every element of an input comes in once, every element of an output goes out once, whatever
 * the plan. Layer by layer, each operation reads what it reads from outside and writes what it writes to it.
 */
export function trafficOf({ tensors, operations, outputs }: Program): {
  readonly inputBytes: number;
  readonly outputBytes: number;
  readonly layerByLayerBytes: number;
} {
  const sum = (ids: Iterable<number>): number => [...ids].reduce((total, id) => total + tensorBytes(tensors[id]), 0);
  const used = new Set(operations.flatMap(({ operands }) => operands.map(({ tensor }) => tensor)));
  return {
    inputBytes: sum([...used].filter((id) => tensors[id].kind === 'input')),
    outputBytes: sum(new Set(outputs)),
    layerByLayerBytes: operations.reduce(
      (total, { operands }) =>
        total + sum(new Set(operands.flatMap(({ tensor }) => (tensors[tensor].kind === 'constant' ? [] : [tensor])))),
      0,
    ),
  };
}

function table(lines: readonly string[][]): string {
  const header = ['case', 'inputs', 'outputs', 'layer by layer', 'moved beside', 'traffic', '÷ compulsory', 'arena', 'MACs'];
  return `Bytes of feature maps between the chip and outside. Compulsory: inputs come in once, outputs go out once. Weights are apart\n\n${textTable(header, lines)}`;
}
