import type { z } from 'zod';
import { nearest } from '../errors.js';

type Issue = z.core.$ZodIssue;

/** The deepest of zod's complaints as one line without the place: `unknown key "ordr"; did you mean "order"? (there are: order, seed)`. */
export interface Complaint {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Picks the complaint that tells a person most: of a union's branches the one that got furthest. */
export function complaintOf(error: { readonly issues: readonly Issue[] }, schema: z.core.$ZodType): Complaint {
  const { issue, path } = deepest(error.issues, []);
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys;
    const known = keysAt(schema, path);
    const near = nearest(key, known);
    const list = known.length > 0 ? ` (there are: ${known.join(', ')})` : ' (there are none)';
    return { path, message: `unknown key "${key}"${near ? `; did you mean "${near}"?` : ''}${list}` };
  }
  return { path, message: plain(issue.message) };
}

/** `regions[3].box`, or '' for the whole. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) text += typeof part === 'number' ? `[${part}]` : text === '' ? String(part) : `.${String(part)}`;
  return text;
}

function deepest(issues: readonly Issue[], base: readonly PropertyKey[]): { issue: Issue; path: PropertyKey[] } {
  let best: { issue: Issue; path: PropertyKey[] } | undefined;
  for (const issue of issues) {
    const path = [...base, ...issue.path];
    let found = { issue, path };
    if (issue.code === 'invalid_union') {
      for (const branch of issue.errors) {
        if (branch.length === 0) continue;
        const inner = deepest(branch, path);
        if (inner.path.length > found.path.length || (inner.issue.code === 'unrecognized_keys' && found.issue.code === 'invalid_union'))
          found = inner;
      }
    }
    if (!best || found.path.length > best.path.length) best = found;
  }
  return best as { issue: Issue; path: PropertyKey[] };
}

function plain(message: string): string {
  return message
    .replace(/^Invalid input: /, '')
    .replace(/^Invalid option: /, '')
    .replace(/^Invalid discriminator value. Expected/, 'expected one of');
}

interface Def {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly innerType?: z.core.$ZodType;
  readonly element?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
  readonly options?: readonly z.core.$ZodType[];
  readonly in?: z.core.$ZodType;
}

/** The keys that objects at a path may have. */
function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  const def = schema._zod.def as Def;
  if (def.innerType) return keysAt(def.innerType, path);
  if (def.in) return keysAt(def.in, path);
  if (def.options) return [...new Set(def.options.flatMap((option) => keysAt(option, path)))];
  if (path.length === 0) return def.shape ? Object.keys(def.shape) : [];
  const [head, ...rest] = path;
  const next = def.shape?.[String(head)] ?? def.element ?? def.valueType;
  return next ? keysAt(next, rest) : [];
}
