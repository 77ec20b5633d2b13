import type { Work } from '../asked.js';
import type { Group } from '../groups.js';

/** The time line is cut into so many spans, at most. */
const SPANS = 4096;

/** Which groups live at some time of another's life. Groups of no bytes meet nobody. */
export class Meeting {
  /** By span: who lives where it begins, and who begins within it. */
  private readonly living: number[][];
  private readonly beginning: number[][];
  private readonly width: number;

  constructor(
    private readonly groups: readonly Group[],
    private readonly work: Work,
  ) {
    const end = groups.reduce((most, { last }) => Math.max(most, last), 0) + 1;
    this.width = Math.ceil(end / SPANS);
    const spans = Math.ceil(end / this.width);
    this.living = Array.from({ length: spans }, () => []);
    this.beginning = Array.from({ length: spans }, () => []);
    groups.forEach(({ first, last, bytes }, g) => {
      if (bytes === 0) return;
      const span = this.spanOf(first);
      this.beginning[span].push(g);
      for (let s = span + 1; s * this.width <= last; s++) this.living[s].push(g);
    });
  }

  of(g: number, visit: (other: number) => void): void {
    const { first, last } = this.groups[g];
    const from = this.spanOf(first);
    const meets = (other: number): void => {
      if (other !== g && this.groups[other].first <= last && first <= this.groups[other].last) visit(other);
    };
    this.living[from].forEach(meets);
    this.work.left -= this.living[from].length;
    for (let s = from; s * this.width <= last; s++) {
      this.beginning[s].forEach(meets);
      this.work.left -= this.beginning[s].length;
    }
  }

  private spanOf(time: number): number {
    return Math.floor(time / this.width);
  }
}
