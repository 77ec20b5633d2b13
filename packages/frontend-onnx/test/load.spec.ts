import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  type Box,
  bounds,
  boxOf,
  domainBox,
  elements,
  type Freeze,
  image,
  intersect,
  shifted,
  subtractAll,
  volume,
} from '@regrain/core-ir';
import { describe, expect, it } from 'vitest';
import { loadOnnx } from '../src/onnx.js';

const examples = join(import.meta.dirname, '../../../examples/models');
/** More real models, beside the project where they are present. */
const shared = process.env.REGRAIN_MODELS ?? join(import.meta.dirname, '../../../../shared/models');

/** The sizes at which models with open dimensions are planned. */
const SHAPES: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = {
  'ch_PP-OCRv4_det_infer': { x: [1, 3, 640, 640] },
  'ch_PP-OCRv4_rec_infer': { x: [1, 3, 48, 320] },
  'ch_ppocr_mobile_v2.0_cls_infer': { x: [1, 3, 48, 192] },
  prisma_seg: { input_3: [1, 3, 256, 256] },
};

const files = [examples, shared, join(shared, 'light')].flatMap((folder) =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => file.endsWith('.onnx'))
        .map((file) => join(folder, file))
    : [],
);

/** What a plan's file can hold. */
function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isPlain);
  if (typeof value === 'object' && value !== null)
    return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isPlain);
  return ['number', 'string', 'boolean'].includes(typeof value);
}

describe.each(files)('%s', (path) => {
  const name = basename(path, '.onnx');
  const freeze: Freeze = { dims: {}, shapes: SHAPES[name] ?? {} };

  it('becomes a legal program', () => {
    const { program, constants } = loadOnnx(path, freeze);
    expect(program.name).toBe(name);
    expect(program.outputs.length).toBeGreaterThan(0);
    expect(new Set(program.tensors.map((tensor) => tensor.name)).size).toBe(program.tensors.length);
    expect(new Set(program.operations.map((operation) => operation.name)).size).toBe(program.operations.length);
    for (const tensor of program.tensors) {
      if (tensor.kind === 'constant') expect(tensor.data).toBeDefined();
      if (tensor.data && 'offset' in tensor.data) {
        expect(tensor.data.offset % 8).toBe(0);
        expect(tensor.data.offset).toBeLessThanOrEqual(constants.length);
      }
    }
    const written = program.tensors.map((): Box[] => []);
    for (const operation of program.operations) {
      const domain = domainBox(operation);
      expect(isPlain(operation.attributes), operation.name).toBe(true);
      expect(volume(domain), operation.name).toBeGreaterThan(0);
      for (const operand of operation.operands) {
        const { shape, kind, name: tensor } = program.tensors[operand.tensor];
        const where = `${operation.name} at ${tensor}`;
        expect(operand.map.length, where).toBe(shape.length);
        const box = image(operand.map, domain, shape);
        const inside = box.every(([lo, hi], d) => lo >= 0 && hi <= shape[d]);
        if (operand.outside === undefined) expect(inside, `${where}: ${JSON.stringify(box)} of [${shape}]`).toBe(true);
        if (operand.mode === 'read') {
          const read = intersect(box, boxOf(shape));
          if (kind === 'computed' && read) expect(subtractAll(read, written[operand.tensor]), `${where} before it is written`).toEqual([]);
          continue;
        }
        expect(kind, where).toBe('computed');
        for (const range of operand.map) expect(shifted(range), where).toBeDefined();
        written[operand.tensor].push(box);
      }
    }
    program.tensors.forEach((tensor, id) => {
      if (tensor.kind === 'computed') {
        expect(subtractAll(boxOf(tensor.shape), written[id]), `${tensor.name} is written whole`).toEqual([]);
        expect(
          written[id].reduce((sum, box) => sum + volume(box), 0),
          `${tensor.name} is written once`,
        ).toBe(elements(tensor.shape));
      }
    });
  });
});

it('keeps the uniform weights of a large model as single values', () => {
  const path = join(shared, 'light/light_vgg19.onnx');
  if (!existsSync(path)) return;
  const { constants } = loadOnnx(path);
  expect(constants.length).toBeLessThan(2 ** 20);
});

it('keeps the rows of a convolution tight behind views', () => {
  const { program } = loadOnnx(join(examples, 'mbv2_224_qdq.onnx'));
  const convolutions = program.operations.filter(({ type }) => /Conv/.test(type));
  expect(convolutions.length).toBe(52);
  for (const { domain, operands, name } of convolutions) {
    const write = operands.find(({ mode }) => mode === 'write');
    const row = write && shifted(write.map[2]);
    if (!row || row.d < 0) continue;
    const box = domain.map(({ extent }, d) => [0, d === row.d ? 1 : extent] as const);
    const range = operands[0].map[2];
    if (range === 'all') throw new Error(name);
    const [lo, hi] = bounds(range.at, box);
    expect(hi - lo, name).toBeLessThan(7);
  }
});
