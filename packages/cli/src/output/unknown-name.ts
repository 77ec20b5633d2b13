import { nearest } from '@regrain/core-ir';

/** Longer lists are cut: of a model's tensors nobody reads hundreds. */
const LISTED = 24;

/** `unknown suite "memry"; did you mean "memory"? (there are: memory)`. */
export function unknownName(kind: string, name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  const more = known.length - LISTED;
  const list = known.slice(0, LISTED).join(', ') + (more > 0 ? ` and ${more} more` : '');
  return `unknown ${kind} "${name}"${near ? `; did you mean "${near}"?` : ''} (there are: ${list || 'none'})`;
}
