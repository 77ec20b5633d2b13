/** Tasks one after the other, in a table of their greatest number. */
export class Sequence {
  readonly tasks: Int32Array;
  length = 0;

  constructor(most: number) {
    this.tasks = new Int32Array(most);
  }

  push(task: number): void {
    this.tasks[this.length++] = task;
  }
}
