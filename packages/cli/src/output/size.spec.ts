import { describe, expect, it } from 'vitest';
import { duration, group, percent, size } from './size.js';

describe('size', () => {
  it.each([
    [0, '0 B'],
    [1000, '1000 B'],
    [1024, '1.0 KiB'],
    [237_568, '232 KiB'],
    [1372 * 1024, '1,372 KiB'],
    [25_088 * 1024, '25,088 KiB'],
    [574 * 1024 ** 2, '574 MiB'],
    [24 * 1024 ** 3, '24.0 GiB'],
    [Number.POSITIVE_INFINITY, 'unlimited'],
  ])('%d is %s', (bytes, text) => expect(size(bytes)).toBe(text));
});

it('groups digits, shares and times', () => {
  expect(group(1234567.4)).toBe('1,234,567');
  expect(percent(232, 1372)).toBe('16.9 %');
  expect(percent(0, 0)).toBe('');
  expect(duration(999.4)).toBe('999 ms');
  expect(duration(1500)).toBe('1.5 s');
});
