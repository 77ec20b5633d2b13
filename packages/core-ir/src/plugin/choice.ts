/** A contribution by id, with options where they differ from its defaults. */
export type Choice = string | { readonly id: string; readonly options?: Readonly<Record<string, unknown>> };

export function choiceId(choice: Choice): string {
  return typeof choice === 'string' ? choice : choice.id;
}

/** One or several, as a list. */
export function choicesOf(choices: Choice | readonly Choice[]): readonly Choice[] {
  return Array.isArray(choices) ? (choices as readonly Choice[]) : [choices as Choice];
}
