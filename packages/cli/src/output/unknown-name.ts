import { nearest } from '@regrain/core-ir';

/** `unknown suite "memry"; did you mean "memory"? (there are: memory)`. */
export function unknownName(kind: string, name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return `unknown ${kind} "${name}"${near ? `; did you mean "${near}"?` : ''} (there are: ${known.join(', ') || 'none'})`;
}
