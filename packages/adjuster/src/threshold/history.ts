import type { Edit, Trial } from '@regrain/core-ir';

/** What earlier rounds teach: batches that execution rejected, and the way in which tensors were edited lately. */
export class History {
  private readonly rejected = new Set<string>();
  private readonly failures = new Map<string, number>();
  private readonly lately = new Map<number, Edit['kind']>();

  constructor(trials: readonly Trial[], cooldown: number) {
    const kept: Trial[] = [];
    for (const trial of trials) {
      if (trial.kept) {
        kept.push(trial);
        continue;
      }
      this.rejected.add(batchKey(trial.edits));
      const key = aimKey(trial.edits[0]?.kind, new Set(trial.edits.flatMap(tensorsOf)));
      this.failures.set(key, (this.failures.get(key) ?? 0) + 1);
    }
    for (const { edits } of cooldown > 0 ? kept.slice(-cooldown) : []) {
      for (const edit of edits) if (edit.kind === 'split' || edit.kind === 'merge') this.lately.set(tensorsOf(edit)[0], edit.kind);
    }
  }

  wasRejected(edits: readonly Edit[]): boolean {
    return this.rejected.size > 0 && this.rejected.has(batchKey(edits));
  }

  /** How far to believe a prediction: batches of the same kind on the same tensors that failed each cost three quarters of it. */
  trust(kind: Edit['kind'], tensors: readonly number[]): number {
    return this.failures.size === 0 ? 1 : 0.25 ** (this.failures.get(aimKey(kind, new Set(tensors))) ?? 0);
  }

  /** A tensor that was merged a short while ago is not split again, nor the other way round: no edit undoes a confirmed one. */
  allows(tensor: number, kind: 'split' | 'merge'): boolean {
    const last = this.lately.get(tensor);
    return last === undefined || last === kind;
  }
}

function tensorsOf(edit: Edit): number[] {
  if (edit.kind === 'split') return [edit.at.tensor];
  return edit.kind === 'reduce' ? [] : [edit.tensor];
}

function aimKey(kind: Edit['kind'] | undefined, tensors: ReadonlySet<number>): string {
  return `${kind} ${[...tensors].sort((a, b) => a - b).join()}`;
}

/** Equal for equal batches, whatever the order of keys in their objects (plans are read back from JSON). */
function batchKey(edits: readonly Edit[]): string {
  return edits.map(editKey).join(';');
}

function editKey(edit: Edit): string {
  switch (edit.kind) {
    case 'split':
      return `s${edit.at.tensor}/${edit.at.box.join()}/${edit.axis}/${edit.cut}/${edit.tasks}`;
    case 'merge':
      return `m${edit.tensor}/${edit.boxes[0].join()}/${edit.boxes[1].join()}/${edit.tasks}`;
    case 'recompute':
      return `r${edit.tensor}/${edit.reader}/${edit.along.join()}`;
    case 'reduce':
      return `p${edit.operation}/${edit.axis}/${edit.parts}`;
  }
}
