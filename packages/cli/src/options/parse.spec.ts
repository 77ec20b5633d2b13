import { describe, expect, it } from 'vitest';
import { bytes, capacity, dim, ids, integer, shape } from './parse.js';

describe('bytes', () => {
  it.each([
    ['1000', 1000],
    ['320k', 320 * 1024],
    ['320KiB', 320 * 1024],
    ['1M', 1024 ** 2],
    ['0.5k', 512],
  ])('reads %s', (text, expected) => expect(bytes(text)).toBe(expected));

  it.each(['', '-1', '1.5', 'many', '1e9', '10 0'])('refuses %j', (text) => expect(() => bytes(text)).toThrow('Give bytes'));
});

describe('repeatable options', () => {
  it('collect by name', () => {
    expect(capacity('flash=1M', capacity('sram=4k'))).toEqual({ sram: 4096, flash: 1048576 });
    expect(dim('batch=1', dim('a=b=2'))).toEqual({ 'a=b': 2, batch: 1 });
    expect(shape('x=1,3,64,64')).toEqual({ x: [1, 3, 64, 64] });
    expect(shape('x=1x3x48x320')).toEqual({ x: [1, 3, 48, 320] });
  });

  it.each(['sram', '=1', 'sram=', 'sram=-5'])('refuse --capacity %j', (text) => expect(() => capacity(text)).toThrow());
  it.each(['batch', 'batch=one', 'batch=-1', 'batch=1.5'])('refuse --dim %j', (text) => expect(() => dim(text)).toThrow());
  it.each(['x=1,,3', 'x=1,-3', 'x'])('refuse --shape %j', (text) => expect(() => shape(text)).toThrow());
});

it('reads whole numbers within a range, and ids between commas', () => {
  expect(integer(0, 9)('9')).toBe(9);
  expect(() => integer(0, 9)('10')).toThrow('from 0 to 9');
  expect(ids(' bands, whole-tensor ')).toEqual(['bands', 'whole-tensor']);
  expect(() => ids(',')).toThrow();
});
