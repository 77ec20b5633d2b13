import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describedTarget } from './described-target.js';
import { machineOf, parseDescription } from './description.js';
import { toy } from './spec-support.js';

const broken = (change: object) => () => parseDescription({ ...toy, ...change }, 'mine.json');

describe('machine description', () => {
  it('survives JSON and keeps an unbounded space', () => {
    const machine = machineOf(parseDescription(JSON.parse(JSON.stringify(toy))));
    expect(machine.spaces.map(({ bytes }) => bytes)).toEqual([4096, Number.POSITIVE_INFINITY]);
    expect(machine.home).toEqual({ input: 0, constant: 1, output: 0 });
    expect(machine.engines[2]).toEqual({ name: 'dma', runs: 'moves', spaces: [0, 1] });
    expect(parseDescription(JSON.parse(JSON.stringify(machine.detail)))).toEqual(machine.detail);
  });

  it.each([
    ['an unknown key', { colour: 'red' }, /mine\.json.*colour/],
    ['a wrong type', { clockHz: 'fast' }, /mine\.json: clockHz/],
    ['a negative bandwidth', { spaces: [{ ...toy.spaces[0], bytesPerCycle: -1 }] }, /spaces\.0\.bytesPerCycle/],
    ['an unknown space', { home: { constant: 'rom' } }, /home\.constant: there is no space rom; spaces are fast, slow/],
    ['a space that an engine cannot reach', { engines: [{ ...toy.engines[0], spaces: ['rom'] }] }, /a: there is no space rom/],
    ['a name used twice', { spaces: [toy.spaces[0], toy.spaces[0]] }, /name fast is used twice/],
    ['no engine for tasks', { engines: [toy.engines[2]] }, /none runs tasks/],
    ['an unknown scheduler', { scheduler: { kind: 'magic' } }, /scheduler\.kind/],
  ])('names %s', (_, change, message) => {
    expect(broken(change)).toThrow(expect.objectContaining({ code: 'bad-input', message: expect.stringMatching(message) }));
  });
});

describe('described target', () => {
  it('costs a task alone and takes a scheduler by option', () => {
    const operation = {
      name: 'o',
      type: 'o',
      attributes: {},
      domain: [{ extent: 10, kind: 'parallel' as const }],
      operands: [],
      macs: 800,
    };
    const half = { operation: 0, box: [[0, 5]] as const, accesses: [] };
    const target = new (describedTarget(toy))({});
    expect(target.cost(operation, half, 0)).toBe(10 + 50);
    expect(target.cost(operation, half, 400)).toBe(10 + 100);
    const float = { ...operation, body: { acc: 'float32' as const, init: 0, step: 0, finish: 0 } };
    expect(target.cost(float, half, 0)).toBe(10 + 200);
    const scheduler = { kind: 'table', entries: 8, window: 4, lookupCycles: 2, dispatchCycles: 5, editCycles: 3 };
    expect(new (describedTarget(toy))({ scheduler }).cost(operation, half, 0)).toBe(10 + 5 + 2 + 50);
  });
});

it('reads the example of its page', () => {
  const page = readFileSync(new URL('../../../docs/plugins/hardware-target/README.md', import.meta.url), 'utf8');
  const [, json] = /```json\n([\s\S]*?)```/.exec(page) ?? [];
  const machine = machineOf(parseDescription(JSON.parse(json), 'mine.json'));
  expect(machine.spaces[0]).toEqual({ name: 'tcm', bytes: 131072, align: 8, counted: true });
  expect(machine.home.constant).toBe(1);
});
