// `npm test`: set-up, lint, types, build, tests; stops at the first that fails. The last line is `N passed, N failed`, in test cases.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, install } from './lib/setup.mjs';
import { bin, checkNode, node } from './lib/workspace.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'regrain-test-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const results = join(scratch, 'results.json');
const only = process.argv.slice(2);

checkNode();
step('set-up', () => install());
step('lint: biome', () => node(bin('@biomejs/biome', 'biome'), ['check', '.']));
step('lint: module boundaries', () =>
  node(bin('dependency-cruiser', 'depcruise'), ['--config', '.dependency-cruiser.cjs', '--output-type', 'err', 'packages']),
);
step('types', () => node(bin('typescript', 'tsc'), ['-p', 'tsconfig.json', '--noEmit']));
step('build', () => build());
step('tests', () => node(bin('vitest'), ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${results}`, ...only]));
const { passed, failed } = totals();
finish(passed, failed);

function step(name, run) {
  console.log(`\n── ${name}`);
  const began = Date.now();
  const code = run() ?? 0;
  const took = `${((Date.now() - began) / 1000).toFixed(1)} s`;
  if (code === 0) {
    console.log(`── ${name}: passed in ${took}`);
    return;
  }
  console.log(`── ${name}: FAILED after ${took}`);
  const { passed, failed } = totals();
  finish(passed, Math.max(1, failed));
}

/** From vitest's report; a file that could not be loaded is one failure. Nothing before the tests have run. */
function totals() {
  if (!existsSync(results)) return { passed: 0, failed: 0 };
  const report = JSON.parse(readFileSync(results, 'utf8'));
  const broken = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
  return { passed: report.numPassedTests, failed: report.numFailedTests + broken };
}

function finish(passed, failed) {
  console.log('');
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}
