import { existsSync, readFileSync } from 'node:fs';
import { pointName } from '@regrain/core-ir';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { BUILTIN_PLUGINS } from './builtin-plugins.js';

const contributions = BUILTIN_PLUGINS.flatMap(({ bindings }) => bindings);
const folder = (point: symbol): string =>
  pointName(point)
    .replace(/\B[A-Z]/g, (letter) => `-${letter}`)
    .toLowerCase();

describe.each(contributions.map((each) => [`${folder(each.point)}/${each.id}`, each] as const))('%s', (page, { description, options }) => {
  it('has a page that names all of its options', () => {
    const file = new URL(`../../../docs/plugins/${page}.md`, import.meta.url);
    expect(existsSync(file), `docs/plugins/${page}.md`).toBe(true);
    const text = readFileSync(file, 'utf8');
    for (const name of Object.keys(options.shape)) expect(text).toContain(name);
  });

  it('has a description, and one for each option; all options have defaults', () => {
    expect(description).toMatch(/\S \S/);
    const { properties = {} } = z.toJSONSchema(options, { unrepresentable: 'any', io: 'input' });
    for (const property of Object.values(properties)) expect(typeof property === 'object' && property.description).toBeTruthy();
    expect(options.safeParse({}).success).toBe(true);
  });
});
