import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { optionsOf } from '../src/compile/compile-file.js';
import { openSession } from '../src/open-session.js';
import { openTerminal } from '../src/output/terminal.js';
import { planFront } from '../src/pareto/plan-front.js';
import type { FrontSummary } from '../src/pareto/show-front.js';
import { example, json, regrain, workspace } from './regrain.js';

const model = example('models', 'kws_ref_model_qdq.onnx');

describe('compile --pareto', () => {
  it('plans the same front in threads as without them, every plan verified', async () => {
    // The sources have no file from which threads could start.
    const { session, file } = await openSession(undefined, openTerminal());
    const loaded = await session.load(model);
    const options = optionsOf(session, file, loaded, { input: 'external' }, openTerminal());
    const here = await planFront({ session, loaded, options, maxMacFactor: 2, points: 12, progress: () => {} });
    const { points } = json<FrontSummary>(['compile', model, '--pareto', '--input', 'external']);
    expect(points.length).toBeGreaterThan(1);
    expect(points.map(({ verified }) => verified)).not.toContain(false);
    const figures = ({ macFactor, arenaBytes, peakBytes, tasks }: Omit<(typeof points)[number], 'folder'>) =>
      [macFactor, arenaBytes, peakBytes, tasks] as const;
    expect(points.map(figures)).toEqual(here.points.map(figures));
  });

  it('leaves out points that do not fit, and says why where none does', () => {
    const { points } = json<FrontSummary>(['compile', model, '--pareto', '--capacity', 'sram=3500', '--target', 'cortex-m7-f746']);
    for (const { arenaBytes } of points) expect(arenaBytes).toBeLessThanOrEqual(3500);
    const { code, stderr } = regrain(['compile', model, '--pareto', '--capacity', 'sram=900', '--target', 'cortex-m7-f746']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/900/);
  });

  it('names what a plugin does to the thread it runs in', () => {
    const folder = mkdtempSync(join(tmpdir(), 'regrain-'));
    const kernel = pathToFileURL(join(workspace, 'packages/core-ir/dist/index.js')).href;
    const config = join(folder, 'regrain.config.mjs');
    const front = (schedule: string) => {
      writeFileSync(
        config,
        `import { isMainThread } from 'node:worker_threads';
        import { definePlugin, noOptions, Scheduler } from '${kernel}';
        class Ends { schedule() { ${schedule} } }
        const bindings = [{ point: Scheduler, id: 'ends', description: 'ends', use: Ends, options: noOptions }];
        export default { plugins: [definePlugin({ name: 'ends', version: '1.0.0', bindings })], pipeline: { schedule: 'ends' } };`,
      );
      return regrain(['compile', model, '--pareto', '--points', '2', '--config', config, '--out', join(folder, 'front')]);
    };
    try {
      const exits = front('process.exit(3)');
      expect(exits.stderr).toMatch(/ended the thread.*process\.exit\(3\)/);
      expect(exits.code).toBe(1);
      const throws = front('throw new Error("boom")');
      expect(throws.stderr).toMatch(/ends.*boom/);
      expect(throws.code).toBe(1);
      expect(existsSync(join(folder, 'front'))).toBe(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
