import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { example, json, regrain } from './regrain.js';

interface Row {
  readonly case: string;
  readonly metric: string;
  readonly ours: number;
}

const cases = example('conformance');
const folder = mkdtempSync(join(tmpdir(), 'regrain-conformance-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('bench conformance', () => {
  it('passes what is known, shape arguments that arrive as inputs included, and refuses the rest', () => {
    const { rows } = json<{ rows: readonly Row[] }>(['bench', 'conformance', '--cases', cases]);
    const of = (metric: string): string[] => rows.filter((row) => row.metric === metric).map((row) => row.case);
    expect(of('wrong')).toEqual([]);
    expect(of('refused')).toEqual(['test_nonmaxsuppression_two_classes']);
    expect(of('passed')).toHaveLength(rows.length - 1);
    expect(of('passed')).toContain('test_resize_downsample_sizes_linear_pytorch_half_pixel');
  });

  it('says which result is wrong, and ends with 1', () => {
    const own = join(folder, 'test_softmax_axis_1');
    cpSync(join(cases, 'test_softmax_axis_1'), own, { recursive: true });
    const output = join(own, 'test_data_set_0', 'output_0.pb');
    const bytes = readFileSync(output);
    bytes[bytes.length - 1] ^= 0x40;
    writeFileSync(output, bytes);
    const { code, stderr } = regrain(['bench', 'conformance', '--cases', folder]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/test_softmax_axis_1: WRONG: y: element 59 is/);
  });

  it('names a folder without cases', () => {
    const { code, stderr } = regrain(['bench', 'conformance', '--cases', example('models')]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/no case in it/);
  });
});
