import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { example, regrain, workspace } from './regrain.js';

const docs = join(workspace, 'docs');
const tutorials = readdirSync(docs).filter((name) => name.startsWith('tutorial-'));

const VARIABLES: Readonly<Record<string, string>> = {
  $MODELS: example('models'),
  $TRACES: example('traces'),
  $ALLOCATION: example('allocation'),
};

interface Block {
  readonly language: string;
  /** What stands behind the language: the name of the file that the block is. */
  readonly file: string;
  readonly text: string;
}

function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w*) ?(.*)\n([\s\S]*?)^```$/gm)].map(([, language, file, text]) => ({ language, file, text }));
}

let base: string;
beforeAll(() => {
  // Inside the workspace, as the tutorials say, so that plugins find the kernel.
  mkdirSync(join(workspace, 'out'), { recursive: true });
  base = mkdtempSync(join(workspace, 'out', 'docs-'));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe.each(tutorials)('docs/%s', (tutorial) => {
  it('does what it says', () => {
    const cwd = join(base, tutorial);
    mkdirSync(cwd);
    const blocks = blocksOf(readFileSync(join(docs, tutorial), 'utf8'));
    expect(blocks.filter(({ language }) => language === 'sh').length).toBeGreaterThan(0);
    for (const { language, file, text } of blocks) {
      if (language !== 'sh') {
        expect(file, `a block of ${language} must name its file`).not.toBe('');
        writeFileSync(join(cwd, file), text);
        continue;
      }
      for (const line of text.trim().split('\n')) {
        const [command, ...args] = line.replace(/\$[A-Z]+/g, (name) => VARIABLES[name] ?? name).split(/\s+/);
        expect(command).toBe('regrain');
        const { code, stderr, stdout } = regrain(args, { cwd });
        expect(code, `${line}\n${stderr}`).toBe(0);
        expect(stdout).not.toBe('');
      }
    }
  });
});

describe('links', () => {
  const pages = [
    'README.md',
    'ARCHITECTURE.md',
    'examples/README.md',
    ...readdirSync(docs)
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ];
  it.each(pages.filter((page) => existsSync(join(workspace, page))))('of %s lead somewhere', (page) => {
    const text = readFileSync(join(workspace, page), 'utf8');
    const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, target]) => resolve(workspace, dirname(page), target));
    for (const target of targets) expect(existsSync(target), relative(workspace, target)).toBe(true);
  });
});
