import Table from 'cli-table3';
import type { Terminal } from './terminal.js';

const ASCII = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Columns aligned without rules: the first `left` of them to the left, the others to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[], terminal: Terminal, left = 1): string {
  const rule = terminal.unicode ? '─' : '-';
  const widths = header.map((_, c) => Math.max(header[c].length, ...rows.map((row) => row[c].length)));
  const made = new Table({
    head: [],
    chars: ASCII,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colAligns: header.map((_, c) => (c < left ? 'left' : 'right')),
  });
  made.push(
    [...header],
    widths.map((width) => rule.repeat(width)),
    ...rows.map((row) => [...row]),
  );
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
