import { createRequire } from 'node:module';
import { cpus, freemem, totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import { networkProgram } from '@regrain/bench';
import { Command } from 'commander';
import { BUILTIN_PLUGINS } from '../builtin-plugins.js';
import { compileLoaded } from '../compile/compile-file.js';
import { examples } from '../output/examples.js';
import { EXIT, failureOf } from '../output/failure.js';
import { printJson } from '../output/json.js';
import { duration, size } from '../output/size.js';
import type { Terminal } from '../output/terminal.js';
import { type Shell, version } from '../shell.js';

const LEAST_NODE = 20;
const LEAST_MEMORY = 1024 ** 3;

/** `ok`; `note`: works without it; `bad`: does not work. */
interface Check {
  readonly name: string;
  readonly state: 'ok' | 'note' | 'bad';
  readonly found: string;
}

export function doctorCommand(shell: Shell): Command {
  return new Command('doctor')
    .description('checks that regrain works here: Node, packages, memory, and a small compile')
    .option('--json', 'print one JSON value')
    .addHelpText('after', examples('regrain doctor', 'regrain doctor --json'))
    .action(async (options: { readonly json?: boolean }) => {
      const checks = [node(), machine(), memory(), packages(), onnxRuntime(), await selfCheck(shell.terminal)];
      const healthy = checks.every(({ state }) => state !== 'bad');
      if (options.json) printJson({ healthy, checks }, shell.terminal);
      else shell.terminal.out(text(checks, shell.terminal));
      if (!healthy) shell.exitCode = EXIT.failed;
    });
}

function node(): Check {
  const major = Number(process.versions.node.split('.')[0]);
  return { name: 'node', state: major >= LEAST_NODE ? 'ok' : 'bad', found: `${process.version} (needed: ${LEAST_NODE} or newer)` };
}

function machine(): Check {
  const cores = cpus();
  return {
    name: 'machine',
    state: 'ok',
    found: `${process.platform} ${process.arch}, ${cores.length} cores, ${cores[0]?.model ?? 'unknown processor'}`,
  };
}

function memory(): Check {
  const heap = getHeapStatistics().heap_size_limit;
  const state = Math.min(heap, totalmem()) < LEAST_MEMORY ? 'note' : 'ok';
  return { name: 'memory', state, found: `${size(totalmem())}, ${size(freemem())} free; Node's heap may take ${size(heap)}` };
}

function packages(): Check {
  const found = BUILTIN_PLUGINS.map(({ name, version }) => `${name} ${version}`).join(', ');
  return { name: 'packages', state: 'ok', found: `@regrain/cli ${version()}, ${found}` };
}

function onnxRuntime(): Check {
  try {
    createRequire(import.meta.url).resolve('onnxruntime-node');
    return { name: 'onnxruntime-node', state: 'ok', found: 'installed' };
  } catch {
    return { name: 'onnxruntime-node', state: 'note', found: 'not installed; only comparisons with ONNX Runtime need it' };
  }
}

/** Three inverted residuals through every stage, in about a second. */
async function selfCheck(terminal: Terminal): Promise<Check> {
  const name = 'self-check';
  const program = networkProgram('self-check', {
    input: [32, 32, 3],
    stem: { conv: [3, 8, 3, 2] },
    blocks: [
      [8, 8, 4, 1, 3],
      [8, 16, 4, 2, 3],
      [16, 16, 4, 1, 3],
    ],
    tail: { globalPool: true, dense: [16, 10] },
  });
  try {
    const began = performance.now();
    const { summary } = await compileLoaded('self-check', { program, constants: new Uint8Array(0) }, { iterations: 1 }, terminal);
    terminal.progress('');
    const { peakBytes, tensorPeakBytes } = summary.streamedInput;
    const found = `a small network compiled in ${duration(performance.now() - began)}: peak ${size(peakBytes)}, by whole tensors ${size(tensorPeakBytes)}`;
    return { name, state: summary.verified ? 'ok' : 'bad', found: summary.verified ? `${found}, verified` : `${found}, NOT verified` };
  } catch (error) {
    terminal.progress('');
    return { name, state: 'bad', found: failureOf(error).message };
  }
}

function text(checks: readonly Check[], { unicode }: Terminal): string {
  const mark = unicode ? { ok: '✓', note: '•', bad: '✗' } : { ok: 'ok ', note: '-  ', bad: 'BAD' };
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks.map(({ name, state, found }) => `${mark[state]} ${name.padEnd(width)}  ${found}\n`).join('');
}
