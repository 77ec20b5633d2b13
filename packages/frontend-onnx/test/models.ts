import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const examples = join(import.meta.dirname, '../../../examples/models');
/** More real models, beside the project where they are present. */
const shared = process.env.REGRAIN_MODELS ?? join(import.meta.dirname, '../../../../shared/models');

/** Small sizes for open dimensions. */
export const SHAPES: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = {
  'ch_PP-OCRv4_det_infer': { x: [1, 3, 64, 64] },
  'ch_PP-OCRv4_rec_infer': { x: [1, 3, 48, 64] },
  'ch_ppocr_mobile_v2.0_cls_infer': { x: [1, 3, 48, 96] },
  prisma_seg: { input_3: [1, 3, 256, 256] },
};

/** Models that take the plain interpreter more than some three seconds each. */
const SLOW = /prisma|superres|vgg|resnet50|inception|alexnet|mcunetv2_large|ultraface|light_squeezenet|fastestdet|PP-OCRv4_rec|ch_ppocr/;

export interface TestModelFile {
  readonly name: string;
  readonly path: string;
}

/** The models to run: the quick ones, or all with REGRAIN_ALL_MODELS=1. */
export function models(): TestModelFile[] {
  const all = [examples, shared, join(shared, 'light')].flatMap((folder) =>
    existsSync(folder)
      ? readdirSync(folder)
          .filter((file) => file.endsWith('.onnx'))
          .map((file) => ({ name: file.slice(0, -5), path: join(folder, file) }))
      : [],
  );
  const first = all.filter(({ name }, i) => all.findIndex((other) => other.name === name) === i);
  return process.env.REGRAIN_ALL_MODELS ? first : first.filter(({ name }) => !SLOW.test(name));
}
