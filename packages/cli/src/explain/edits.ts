import { type Box, type Edit, overlaps, type Plan, type TrialFigures } from '@regrain/core-ir';

/** One round of the adjuster that touched a tensor (or a region of it), and what came of it. */
export interface EditRound {
  /** From 1. */
  readonly iteration: number;
  /** Such as `112 × split on axis 3`. */
  readonly what: readonly string[];
  /** Edits on this tensor, of so many in the batch. */
  readonly edits: number;
  readonly batch: number;
  readonly kept: boolean;
  /** By the objective. */
  readonly score: { readonly before: number; readonly after: number };
  readonly effect?: { readonly before: TrialFigures; readonly after?: TrialFigures };
}

/** Rounds whose edits meet the tensor; with a box, those that meet the box. */
export function roundsOf({ trials, program }: Plan, tensor: number, box?: Box): readonly EditRound[] {
  const meets = (edit: Edit): boolean => {
    switch (edit.kind) {
      case 'split':
        return edit.at.tensor === tensor && (!box || overlaps(edit.at.box, box));
      case 'merge':
        return edit.tensor === tensor && (!box || edit.boxes.some((each) => overlaps(each, box)));
      case 'recompute':
        return edit.tensor === tensor;
      case 'reduce':
        return program.operations[edit.operation].operands.some((operand) => operand.tensor === tensor && operand.mode !== 'read');
    }
  };
  return trials.flatMap(({ edits, before, after, kept, effect }, i): EditRound[] => {
    const own = edits.filter(meets);
    if (own.length === 0) return [];
    const what = counted(own.map((edit) => editName(edit, program)));
    return [{ iteration: i + 1, what, edits: own.length, batch: edits.length, kept, score: { before, after }, effect }];
  });
}

function editName(edit: Edit, { operations }: Plan['program']): string {
  switch (edit.kind) {
    case 'split':
      return `split on axis ${edit.axis}`;
    case 'merge':
      return 'merge of two neighbours';
    case 'recompute':
      return edit.along.length > 0
        ? `recompute for ${operations[edit.reader].name} along ${edit.along.map((d) => `axis ${d}`).join(', ')}`
        : `share again with ${operations[edit.reader].name}`;
    case 'reduce':
      return `reduction of ${operations[edit.operation].name} in ${edit.parts} parts`;
  }
}

function counted(names: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => (count === 1 ? name : `${count} × ${name}`));
}
