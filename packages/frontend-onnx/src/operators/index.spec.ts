import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { operatorContributions, operatorSets } from './index.js';

describe('operator sets', () => {
  it.each(operatorContributions.map(({ id }) => id))('%s has a page', (id) => {
    expect(existsSync(new URL(`../../../../docs/plugins/operator-set/${id}.md`, import.meta.url))).toBe(true);
  });

  it('has each type in one set only', () => {
    const types = operatorSets().flatMap((set) => set.types.map(({ domain, type }) => `${domain}.${type}`));
    expect(types.length).toBeGreaterThan(180);
    expect(new Set(types).size).toBe(types.length);
  });
});
