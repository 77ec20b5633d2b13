import type { Box } from '@regrain/core-ir';
import { Numbers } from './tables.js';

const NONE = -1;

/** What happened to each placement, in the order of the steps: tables, as there may be millions. */
export class Histories {
  /** Elements of the region that are there, counted by disjoint fills. */
  readonly held: Float64Array;
  /** How many of the region's writes it has seen: a copy made before a later write is stale. */
  readonly seen: Int32Array;
  /** 1: holds values from the start, or from its `first` time on (inputs, constants). */
  readonly given: Uint8Array;
  private readonly firstFill: Int32Array;
  private readonly lastFill: Int32Array;
  private readonly fillStep = new Numbers();
  private readonly fillBox: Box[] = [];
  private readonly nextFill = new Numbers();
  private readonly lastTouch: Int32Array;
  private readonly touchStep = new Numbers();
  private readonly touchBefore = new Numbers();

  constructor(placements: number) {
    this.held = new Float64Array(placements);
    this.seen = new Int32Array(placements);
    this.given = new Uint8Array(placements);
    this.firstFill = new Int32Array(placements).fill(NONE);
    this.lastFill = new Int32Array(placements).fill(NONE);
    this.lastTouch = new Int32Array(placements).fill(NONE);
  }

  /** A step (a task or a move) puts values into a box of it. */
  fill(placement: number, step: number, box: Box): void {
    const fill = this.fillStep.push(step);
    this.fillBox.push(box);
    this.nextFill.push(NONE);
    if (this.lastFill[placement] === NONE) this.firstFill[placement] = fill;
    else this.nextFill.set(this.lastFill[placement], fill);
    this.lastFill[placement] = fill;
  }

  /** A step reads or writes it. */
  touch(placement: number, step: number): void {
    this.touchBefore.push(this.lastTouch[placement]);
    this.lastTouch[placement] = this.touchStep.push(step);
  }

  isTouched(placement: number): boolean {
    return this.lastTouch[placement] !== NONE;
  }

  /** Calls `visit(step, box)` for every fill, in their order, until it returns true; whether it did. */
  someFill(placement: number, visit: (step: number, box: Box) => boolean): boolean {
    for (let fill = this.firstFill[placement]; fill !== NONE; fill = this.nextFill.at(fill)) {
      if (visit(this.fillStep.at(fill), this.fillBox[fill])) return true;
    }
    return false;
  }

  fillsOf(placement: number): { readonly step: number; readonly box: Box }[] {
    const fills: { step: number; box: Box }[] = [];
    this.someFill(placement, (step, box) => {
      fills.push({ step, box });
      return false;
    });
    return fills;
  }

  /** Steps that read or write it, the last first. */
  *touchesOf(placement: number): Generator<number> {
    for (let touch = this.lastTouch[placement]; touch !== NONE; touch = this.touchBefore.at(touch)) yield this.touchStep.at(touch);
  }
}
