import { existsSync } from 'node:fs';
import { Adjuster } from '@regrain/core-ir';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { plugin } from './plugin.js';

describe.each(plugin.bindings.map((binding) => [binding.id, binding] as const))('%s', (id, { point, options, space = {}, use }) => {
  const [folder, page] = point === Adjuster ? ['', 'adjuster'] : ['objectives/', 'objective'];

  it('has a file of its name and a page', () => {
    expect(existsSync(new URL(`./${folder}${id}.ts`, import.meta.url))).toBe(true);
    expect(existsSync(new URL(`../../../docs/plugins/${page}/${id}.md`, import.meta.url))).toBe(true);
  });

  it('describes its options, has defaults for all, and a space within them', () => {
    const defaults = options.parse({});
    expect(new use(defaults)).toBeTruthy();
    for (const [name, schema] of Object.entries(options.shape as Record<string, z.ZodType>)) expect(schema.description, name).toBeTruthy();
    for (const [name, values] of Object.entries(space))
      for (const value of values) expect(() => options.parse({ [name]: value })).not.toThrow();
  });
});
