import type { Context, Decomposition, Program } from '@regrain/core-ir';

/**
 * The constraints with what follows from them where an operation in the middle has no task left (all of it is recomputed elsewhere): of
 * a before b before c, without tasks of b, a before c. O(orders) times the longest run of such operations.
 */
export function withOrdersThrough<C extends Pick<Context, 'constraints'>>(program: Program, work: Decomposition, context: C): C {
  const orders = context.constraints.filter((constraint) => constraint.kind === 'before');
  if (orders.length < 2) return context;
  const left = new Set(work.tasks.map(({ operation }) => program.operations[operation].name));
  const before = new Map<string, string[]>();
  for (const { first, then } of orders) {
    const list = before.get(then);
    if (list) list.push(first);
    else before.set(then, [first]);
  }
  const added: Context['constraints'][number][] = [];
  for (const [then, firsts] of before) {
    if (!left.has(then)) continue;
    const seen = new Set<string>();
    const stack = firsts.filter((name) => !left.has(name));
    for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
      if (seen.has(name)) continue;
      seen.add(name);
      for (const first of before.get(name) ?? []) {
        if (left.has(first)) added.push({ kind: 'before', first, then });
        else stack.push(first);
      }
    }
  }
  return added.length === 0 ? context : { ...context, constraints: [...context.constraints, ...added] };
}
