import { compileModel } from './compile-model.js';
import { findModel } from './find-model.js';
import { type BenchResult, type BenchRow, row, type Suite } from './suite.js';
import { textTable } from './text-table.js';

/** The part of `compile --json` that the suite reads. */
interface Compiled {
  readonly externalInput: { readonly arenaBytes: number };
  readonly adjacency: number;
  readonly descriptors: number;
  readonly leastDescriptors: number;
  readonly apart: { readonly arenaBytes: number; readonly adjacency: number; readonly descriptors: number };
  readonly tasks: number;
  readonly verified: boolean;
}

interface Case {
  readonly model: string;
  readonly freeze: readonly string[];
  /** A machine whose alignment lets tiles lie side by side: what is no multiple of it has a gap behind it, wherever it lies. */
  readonly target: string;
}

/** Aligned to 16 bytes. */
const SMALL = 'ethos-u55-128';
/** Aligned to 64 bytes, memory without limit. */
const LARGE = 'cpu';

const CASES: readonly Case[] = [
  { model: 'mbv2_224_qdq', freeze: [], target: SMALL },
  { model: 'mcunet_vww_qdq', freeze: [], target: SMALL },
  { model: 'mcunetv2_large_qdq', freeze: [], target: SMALL },
  { model: 'person_detect_qdq', freeze: [], target: SMALL },
  { model: 'pretrainedResnet_quant_qdq', freeze: [], target: SMALL },
  { model: 'kws_ref_model_qdq', freeze: [], target: SMALL },
  { model: 'ad01_int8_qdq', freeze: [], target: SMALL },
  { model: 'mnist_opt', freeze: [], target: SMALL },
  { model: 'superres_core_224', freeze: [], target: LARGE },
  { model: 'ultraface_rfb_640', freeze: [], target: LARGE },
  { model: 'yunet_n_320', freeze: [], target: LARGE },
  { model: 'fastestdet', freeze: [], target: LARGE },
  { model: 'prisma_seg', freeze: ['--dim', 'None=1'], target: LARGE },
  { model: 'ch_PP-OCRv4_det_infer', freeze: ['--shape', 'x=1,3,640,640'], target: LARGE },
  { model: 'ch_ppocr_mobile_v2.0_cls_infer', freeze: ['--shape', 'x=1,3,48,192'], target: LARGE },
  { model: 'ch_PP-OCRv4_rec_infer', freeze: ['--shape', 'x=1,3,48,320'], target: LARGE },
  { model: 'dtln_1', freeze: [], target: LARGE },
];

const SHARE = 0.95;
const EXTRA = 0.02;
/** The searched plan of the fewest bytes: tiles, which need neighbours the most. Nothing is recomputed. */
const FLAGS = ['--decompose', 'search', '--schedule', 'min-peak', '--input', 'external', '--iterations', '0', '--adjacency', String(EXTRA)];

/** How much of what is read together lies side by side, at what height, before and with adjacency as an objective. */
export const adjacencySuite: Suite = {
  name: 'adjacency',
  description: 'co-accessed bytes that are contiguous, extra height for it, and descriptors against the least possible',
  async run(options): Promise<BenchResult> {
    const rows: BenchRow[] = [];
    const notes: string[] = [];
    const lines: string[][] = [];
    for (const { model, freeze, target } of CASES) {
      if (options.only.length > 0 && !options.only.some((part) => model.includes(part))) continue;
      const path = findModel(model, options.models);
      if (!path) {
        notes.push(`${model}: not found; give its folder with --models`);
        continue;
      }
      options.progress(`adjacency: ${model}`);
      const compiled = await compileModel<Compiled>(options, path, [...freeze, '--target', target, ...FLAGS]);
      if (typeof compiled === 'string') {
        notes.push(`${model}: ${compiled}`);
        continue;
      }
      const { apart, adjacency, descriptors, leastDescriptors } = compiled;
      const height = compiled.externalInput.arenaBytes;
      rows.push(
        row(model, 'contiguous share of co-accessed bytes', 'share', adjacency, SHARE, 'to reach'),
        row(model, 'contiguous share without the objective', 'share', apart.adjacency, null, ''),
        row(model, 'height', 'bytes', height, apart.arenaBytes, 'without the objective'),
        row(model, 'descriptors of reads', 'count', descriptors, leastDescriptors, 'least'),
        row(model, 'descriptors of reads without the objective', 'count', apart.descriptors, leastDescriptors, 'least'),
      );
      lines.push([
        model,
        target,
        String(compiled.tasks),
        apart.adjacency.toFixed(3),
        adjacency.toFixed(3),
        String(apart.arenaBytes),
        String(height),
        (height / apart.arenaBytes).toFixed(4),
        String(leastDescriptors),
        (apart.descriptors / leastDescriptors).toFixed(2),
        (descriptors / leastDescriptors).toFixed(2),
      ]);
      if (adjacency < SHARE) notes.push(`${model}: ${(100 * adjacency).toFixed(1)} % contiguous, less than ${100 * SHARE} %`);
      if (height > apart.arenaBytes * (1 + EXTRA)) notes.push(`${model}: more than ${100 * EXTRA} % higher`);
      if (!compiled.verified) notes.push(`${model}: not verified`);
    }
    return { suite: 'adjacency', rows, text: table(lines), notes, wrong: notes.some((note) => note.includes('not verified')) };
  },
};

function table(lines: readonly string[][]): string {
  const header = [
    'model',
    'target',
    'tasks',
    'share before',
    'share',
    'height before',
    'height',
    'ratio',
    'least',
    'before ÷ least',
    'descr. ÷ least',
  ];
  return `Share of co-accessed bytes that are contiguous, height of the arena, descriptors of one run's reads; before: without the objective\n\n${textTable(header, lines)}`;
}
