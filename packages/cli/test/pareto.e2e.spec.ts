import { describe, expect, it } from 'vitest';
import { optionsOf } from '../src/compile/compile-file.js';
import { openSession } from '../src/open-session.js';
import { openTerminal } from '../src/output/terminal.js';
import { planFront } from '../src/pareto/plan-front.js';
import type { FrontSummary } from '../src/pareto/show-front.js';
import { example, json, regrain } from './regrain.js';

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
});
