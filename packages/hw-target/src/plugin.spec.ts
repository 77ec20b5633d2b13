import { existsSync } from 'node:fs';
import { HardwareTarget } from '@regrain/core-ir';
import { describe, expect, it } from 'vitest';
import { plugin } from './plugin.js';
import { sketch, task, toy } from './spec-support.js';

const POINT = new Map([[HardwareTarget, ['hardware-target', 'machines/']]]);

describe.each(plugin.bindings.map((binding) => [binding.id, binding] as const))('%s', (id, { point, description }) => {
  const [page, folder] = POINT.get(point) ?? ['reporter', ''];

  it('has a file of its name, a page and a description', () => {
    expect(existsSync(new URL(`./${folder}${id}.ts`, import.meta.url))).toBe(true);
    expect(existsSync(new URL(`../../../docs/plugins/${page}/${id}.md`, import.meta.url))).toBe(true);
    expect(description.length).toBeGreaterThan(10);
  });
});

const targets = plugin.bindings.filter(({ point }) => point === HardwareTarget);

it.each(targets.map((binding) => [binding.id, binding] as const))(
  '%s runs a plan; its first space is the arena',
  (id, { use, options }) => {
    const target = new use(options.parse({})) as HardwareTarget;
    expect(target.machine.name).toBe(id);
    expect(target.machine.spaces[0].counted).toBe(true);
    const machine = target.machine.detail as typeof toy;
    const plan = sketch({ machine, tensors: [{ shape: [8] }], tasks: [{ cycles: 5, touches: [] }], steps: [task(0)] });
    const { seen } = target.execute(plan) as Awaited<ReturnType<HardwareTarget['execute']>>;
    expect(seen.end[0]).toBeGreaterThan(5);
  },
);
