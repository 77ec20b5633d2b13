import type { ProgressEvent } from '@regrain/core-ir';
import type { Terminal } from './output/terminal.js';

const EVERY_MS = 80;

/** One line that is overwritten: what runs, how far. Shown on a terminal only, and not more often than an eye can follow. */
export function showProgress(terminal: Terminal, prefix = ''): (event: ProgressEvent) => void {
  let shown = 0;
  return ({ stage, plugin, done, of, what }) => {
    const now = performance.now();
    if (now - shown < EVERY_MS) return;
    shown = now;
    const share = of > 0 ? ` ${Math.floor((100 * done) / of)} %` : '';
    terminal.progress(`${prefix}${stage} · ${plugin}${share} ${what}`.trimEnd());
  };
}
