import { expect, it } from 'vitest';
import { mergePipeline } from './pipeline.js';

const defaults = {
  decompose: ['whole-tensor', 'bands'],
  analyze: 'region-index',
  schedule: 'min-peak',
  move: 'one-space',
  allocate: 'best-fit',
  adjust: 'threshold',
  iterations: 3,
} as const;

it('takes flags over the config file over the defaults', () => {
  const merged = mergePipeline({ schedule: ['locality'], iterations: 0 }, { schedule: 'critical-path', allocate: ['first-fit'] }, defaults);
  expect(merged).toEqual({ ...defaults, schedule: ['locality'], allocate: ['first-fit'], iterations: 0 });
});

it('keeps the options that the config file gives to an id that a flag names', () => {
  const bands = { id: 'bands', options: { rows: 4 } };
  const merged = mergePipeline({ decompose: ['uniform', 'bands'] }, { decompose: ['whole-tensor', bands] }, defaults);
  expect(merged.decompose).toEqual(['uniform', bands]);
});

it('turns the loop off by name, and does not let an absent key hide a default', () => {
  expect(mergePipeline({ adjust: ['none'] }, {}, defaults).adjust).toBeUndefined();
  expect(mergePipeline({}, { adjust: undefined }, defaults).adjust).toBe('threshold');
});
