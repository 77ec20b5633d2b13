import { badInput, InfeasibleError, PluginError, unsupported } from '@regrain/core-ir';
import { describe, expect, it } from 'vitest';
import { failureOf } from './failure.js';

describe('failureOf', () => {
  it('ends with 2 for what the user gave, 1 for what did not work out', () => {
    expect(failureOf(badInput('x.onnx: is empty'))).toEqual({ exitCode: 2, message: 'x.onnx: is empty' });
    expect(failureOf(unsupported('no')).exitCode).toBe(2);
    expect(failureOf(new PluginError('p', 'q')).exitCode).toBe(1);
    const detail = { space: 'sram', required: 20, available: 10, task: 't', peak: [{ what: 'x', bytes: 20 }] };
    expect(failureOf(new InfeasibleError(detail))).toMatchObject({ exitCode: 1, message: expect.stringContaining('(10 too many)') });
  });

  it('knows the errors of another copy of the kernel by their code', () => {
    expect(failureOf(Object.assign(new Error('from afar'), { code: 'bad-input' }))).toEqual({ exitCode: 2, message: 'from afar' });
  });

  it('says what is wrong with a path, not what the system call was', () => {
    const error = Object.assign(new Error('ENOENT: no such file or directory, open'), { code: 'ENOENT', path: 'a.csv' });
    expect(failureOf(error)).toEqual({ exitCode: 2, message: 'a.csv: no such file or folder' });
  });

  it('is one line, whatever was thrown', () => {
    expect(failureOf(new Error('two\n  lines')).message).toBe('internal error: two lines (--stack shows where)');
    expect(failureOf('text').message).toBe('text');
  });
});
