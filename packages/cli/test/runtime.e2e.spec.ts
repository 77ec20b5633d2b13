import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { workspace } from './regrain.js';

/** What a built file imports before it runs, and what those files of ours import, by the names that they use. */
function importsOf(file: string, seen = new Set<string>()): Set<string> {
  for (const [, name] of readFileSync(file, 'utf8').matchAll(/^(?:import|export)\b[^'"]*['"]([^'"]+)['"];/gm)) {
    if (seen.has(name)) continue;
    seen.add(name);
    if (name.startsWith('./')) importsOf(join(file, '..', name), seen);
    if (name === '@regrain/core-ir/runtime') importsOf(join(workspace, 'packages/core-ir/dist/runtime.js'), seen);
  }
  return seen;
}

describe("@regrain/hw-wasm/runtime and its workers' file", () => {
  it.each(['runtime.js', 'worker.js'])('%s imports nothing but our own runtime: it loads in milliseconds and fits a page', (entry) => {
    const imports = [...importsOf(join(workspace, 'packages/hw-wasm/dist', entry))];
    expect(imports).toContain('@regrain/core-ir/runtime');
    expect(imports.filter((name) => !name.startsWith('./') && name !== '@regrain/core-ir/runtime')).toEqual([]);
  });
});
