import type pc from 'picocolors';
import { size } from '../output/size.js';
import type { Terminal } from '../output/terminal.js';
import { columnsOf, type LiveBytes } from './live-bytes.js';

type Colors = ReturnType<typeof pc.createColors>;

const ROWS = 9;
const EIGHTHS = ['', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** Live bytes over time of two plans, on one scale: the first as a shade, the second as solid blocks before it. */
export function picture(tensors: LiveBytes, regions: LiveBytes, terminal: Terminal, colours: Colors): string {
  const until = Math.max(tensors.end.at(-1) ?? 0, regions.end.at(-1) ?? 0);
  const most = Math.max(...peakOf(tensors), ...peakOf(regions));
  if (until <= 0 || most <= 0) return '';
  const label = Math.max(size(most).length, size(most / 2).length);
  const columns = terminal.width - label - 3;
  const back = columnsOf(tensors, columns, until);
  const front = columnsOf(regions, columns, until);
  const paint = terminal.unicode ? blocks : ascii;
  const lines: string[] = ['Live bytes over time'];
  for (let row = ROWS - 1; row >= 0; row--) {
    const mark = row === ROWS - 1 ? size(most) : row === (ROWS - 1) / 2 ? size(Math.round(most / 2)) : '';
    lines.push(`${mark.padStart(label)} ${terminal.unicode ? '│' : '|'}${paint(back, front, most, row, colours)}`.trimEnd());
  }
  const axis = terminal.unicode ? `└${'─'.repeat(columns)}` : `+${'-'.repeat(columns)}`;
  lines.push(`${'0'.padStart(label)} ${axis}`);
  const [shade, solid] = terminal.unicode ? ['░', '█'] : ['.', '#'];
  lines.push(`${' '.repeat(label + 2)}${colours.dim(shade)} whole tensors  ${colours.cyan(solid)} regions`);
  return lines.join('\n');
}

function peakOf({ bytes }: LiveBytes): number[] {
  return [bytes.reduce((most, value) => Math.max(most, value), 0)];
}

/** One row of cells, in runs of one colour. */
function blocks(back: Float64Array, front: Float64Array, most: number, row: number, colours: Colors): string {
  let line = '';
  let run = '';
  let solid = false;
  const flush = (): void => {
    line += run === '' || run.trim() === '' ? run : solid ? colours.cyan(run) : colours.dim(run);
    run = '';
  };
  for (let c = 0; c < front.length; c++) {
    const filled = Math.round((front[c] / most) * ROWS * 8) - row * 8;
    // What is there at all stays visible.
    const eighths = row === 0 && front[c] > 0 ? Math.max(1, filled) : filled;
    const cell = eighths > 0 ? EIGHTHS[Math.min(8, eighths)] : back[c] > 0 && (back[c] / most) * ROWS > row ? '░' : ' ';
    if (run !== '' && eighths > 0 !== solid) flush();
    solid = eighths > 0;
    run += cell;
  }
  flush();
  return line;
}

function ascii(back: Float64Array, front: Float64Array, most: number, row: number): string {
  let line = '';
  for (let c = 0; c < front.length; c++) {
    const height = Math.max(row === 0 && front[c] > 0 ? 1 : 0, Math.round((front[c] / most) * ROWS));
    line += height > row ? '#' : (back[c] / most) * ROWS > row ? '.' : ' ';
  }
  return line;
}
