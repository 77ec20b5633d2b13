import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import type { Terminal } from '../output/terminal.js';
import { columnsOf } from './live-bytes.js';
import { picture } from './picture.js';

const live = (bytes: number[], end: number[]) => ({ bytes: Float64Array.from(bytes), end: Float64Array.from(end) });
const terminal = (unicode: boolean, width: number): Terminal => ({
  out: () => {},
  note: () => {},
  progress: () => {},
  width,
  colour: false,
  unicode,
});

describe('columnsOf', () => {
  it('keeps the most of every part of the time that a step touches', () => {
    expect([...columnsOf(live([1, 9, 2], [4, 4.1, 10]), 5, 10)]).toEqual([1, 1, 9, 2, 2]);
  });

  it('does not let a step reach beyond the border at which it ends', () => {
    expect([...columnsOf(live([5, 1], [5, 10]), 2, 10)]).toEqual([5, 1]);
  });

  it('loses no peak, however short', () => {
    const bytes = Array.from({ length: 1000 }, (_, i) => (i === 777 ? 100 : 1));
    const columns = columnsOf(
      live(
        bytes,
        bytes.map((_, i) => i + 1),
      ),
      20,
      1000,
    );
    expect(Math.max(...columns)).toBe(100);
  });
});

describe('picture', () => {
  const tensors = live([900 * 1024, 100 * 1024], [50, 100]);
  const regions = live([100 * 1024, 50 * 1024], [50, 100]);

  it('draws both on one scale: tensors as a shade above the solid regions', () => {
    const lines = picture(tensors, regions, terminal(true, 40), pc.createColors(false)).split('\n');
    expect(lines[1]).toMatch(/^ ?900 KiB │░+$/);
    expect(lines.at(-3)).toMatch(/│█+▄+$/);
    expect(lines.at(-1)).toContain('░ whole tensors  █ regions');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(40);
  });

  it('needs nothing but ASCII where the terminal has no more', () => {
    const text = picture(tensors, regions, terminal(false, 40), pc.createColors(false));
    expect(text).toMatch(/^[\x20-\x7e\n]*$/);
    expect(text.split('\n')[1]).toMatch(/\|\.+$/);
  });

  it('is empty where nothing ever lives', () => {
    expect(picture(live([0], [1]), live([], []), terminal(true, 40), pc.createColors(false))).toBe('');
  });
});
