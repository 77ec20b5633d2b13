/** What the user demands; every stage obeys it. Tensors and operations are named; spaces are those of the machine. */
export type Constraint =
  | { readonly kind: 'pin'; readonly tensor: string; readonly space: string; readonly offset?: number }
  | { readonly kind: 'reserve'; readonly space: string; readonly offset: number; readonly bytes: number }
  | { readonly kind: 'before'; readonly first: string; readonly then: string }
  | { readonly kind: 'input'; readonly tensor: string; readonly access: InputAccess }
  | { readonly kind: 'mac-factor'; readonly max: number }
  | { readonly kind: 'capacity'; readonly space: string; readonly bytes: number };

/**
 * How an input reaches the program: `resident`, whole in the arena from the start; `streamed`, read once and in order, each region
 * arriving just before its first reader; `external`, outside the arena, to be read again at will.
 */
export type InputAccess = 'resident' | 'streamed' | 'external';
