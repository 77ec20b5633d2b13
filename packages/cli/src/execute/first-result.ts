import { spawnSync } from 'node:child_process';
import type { FirstResult } from '@regrain/bench';

/** What a program of its own would do: nothing of this process is warm there. Prints milliseconds. */
const SCRIPT = `
const began = performance.now();
const { load } = await import(process.argv[1]);
const imported = performance.now();
const { readFileSync } = await import('node:fs');
const file = (name) => readFileSync(process.argv[2] + '/' + name);
const text = (name) => file(name).toString('utf8');
const files = { plan: text('plan.json'), constants: file('plan.bin'), manifest: text('plan.wasm.json'), module: file('plan.wasm'), data: file('plan.wasm.bin') };
const read = performance.now();
const session = await load(files);
const { tensors, states } = session.plan.program;
const given = tensors.filter(({ kind }, t) => kind === 'input' && !states.some(({ to }) => to.tensor === t));
const zeros = given.map(({ name, dtype, shape }) => [name, { dtype, shape, data: new Float64Array(shape.reduce((a, b) => a * b, 1)) }]);
const loaded = performance.now();
await session.run(new Map(zeros));
const done = performance.now();
console.log(JSON.stringify({ importMs: imported - began, readMs: read - imported, loadMs: loaded - read, runMs: done - loaded }));
`;

/** Until the first result of a compiled plan, in a fresh process. */
export function firstResult(folder: string): FirstResult | undefined {
  const runtime = import.meta.resolve('@regrain/hw-wasm/runtime');
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', SCRIPT, runtime, folder], { encoding: 'utf8' });
  return status === 0 ? (JSON.parse(stdout) as FirstResult) : undefined;
}
