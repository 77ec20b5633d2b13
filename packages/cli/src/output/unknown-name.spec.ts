import { expect, it } from 'vitest';
import { unknownName } from './unknown-name.js';

it('suggests the nearest name and lists all', () => {
  expect(unknownName('suite', 'memry', ['memory', 'execute'])).toBe(
    'unknown suite "memry"; did you mean "memory"? (there are: memory, execute)',
  );
  expect(unknownName('suite', 'quux', ['memory'])).toBe('unknown suite "quux" (there are: memory)');
  expect(unknownName('suite', 'quux', [])).toContain('(there are: none)');
});

it('does not list hundreds', () => {
  const many = Array.from({ length: 100 }, (_, k) => `t${k}`);
  expect(unknownName('tensor', 't1o', many)).toMatch(
    /^unknown tensor "t1o"; did you mean "t1.?"\? \(there are: t0, t1, .*, t23 and 76 more\)$/,
  );
});
