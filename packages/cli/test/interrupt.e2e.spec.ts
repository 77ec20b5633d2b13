import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { example, workspace } from './regrain.js';

/** Ends when the command does. */
function interruptAfter(ms: number, out: string): Promise<{ readonly code: number | null; readonly signal: string | null }> {
  const command = join(workspace, 'packages/cli/dist/regrain.js');
  const child = spawn(process.execPath, [command, 'compile', example('models', 'mbv2_224_qdq.onnx'), '--out', out], { stdio: 'ignore' });
  setTimeout(() => child.kill('SIGINT'), ms);
  return new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
}

it.each([200, 900, 1600])('Ctrl-C after %i ms leaves all of the plan or nothing', async (ms) => {
  const folder = mkdtempSync(join(tmpdir(), 'regrain-interrupt-'));
  try {
    const out = join(folder, 'plan');
    await interruptAfter(ms, out);
    if (existsSync(out)) expect(readdirSync(out).sort()).toEqual(['plan.bin', 'plan.json', 'trace.json']);
    else expect(readdirSync(folder)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
