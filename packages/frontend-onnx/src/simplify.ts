import { add, apply, type Box, bounds, type Expr } from '@regrain/core-ir';

/** A sum of terms: coefficient times an atom (a dimension, or a quotient or remainder that could not be resolved), and a constant. */
interface Sum {
  readonly terms: readonly { readonly atom: Expr; readonly by: number }[];
  readonly constant: number;
}

/**
 * Resolves quotients and remainders of sums whose ranges allow it: with `0 <= b < W`, `(a W + b) div W` is `a` and `(a W + b) mod W`
 * is `b`. `domain` bounds every dimension. What a chain of reshapes leaves of an untouched dimension is then the dimension itself.
 */
export function simplify(expr: Expr, domain: Box): Expr {
  if (typeof expr === 'number' || 'd' in expr) {
    return typeof expr === 'object' && 'd' in expr && domain[expr.d][1] - domain[expr.d][0] === 1 ? domain[expr.d][0] : expr;
  }
  if (expr[0] === '+') return build(sumOf(add(simplify(expr[1], domain), simplify(expr[2], domain))));
  const inner = simplify(expr[1], domain);
  const by = expr[2];
  if (expr[0] === '*') return build(sumOf(apply('*', inner, by)));
  if (expr[0] !== 'div' && expr[0] !== 'mod') return apply(expr[0], inner, by);
  if (by === 1) return expr[0] === 'div' ? inner : 0;
  const { terms, constant } = sumOf(inner);
  const whole = Math.floor(constant / by) * by;
  const multiples: Sum = { terms: terms.filter((term) => term.by % by === 0), constant: whole };
  const rest = build({ terms: terms.filter((term) => term.by % by !== 0), constant: constant - whole });
  const [lo, hi] = bounds(rest, domain);
  if (Math.floor(lo / by) === Math.floor(hi / by)) {
    const quotient = Math.floor(lo / by);
    if (expr[0] === 'mod') return build(sumOf(add(rest, -quotient * by)));
    return build({ terms: multiples.terms.map(({ atom, by: k }) => ({ atom, by: k / by })), constant: multiples.constant / by + quotient });
  }
  if (expr[0] === 'mod') return apply('mod', rest, by);
  // div: the multiples leave the quotient, the rest stays inside it
  const outside = build({ terms: multiples.terms.map(({ atom, by: k }) => ({ atom, by: k / by })), constant: multiples.constant / by });
  return add(outside, apply('div', rest, by));
}

function sumOf(expr: Expr): Sum {
  if (typeof expr === 'number') return { terms: [], constant: expr };
  if (typeof expr === 'object' && !('d' in expr)) {
    if (expr[0] === '+') {
      const [a, b] = [sumOf(expr[1]), sumOf(expr[2])];
      return { terms: merge([...a.terms, ...b.terms]), constant: a.constant + b.constant };
    }
    if (expr[0] === '*') {
      const { terms, constant } = sumOf(expr[1]);
      return { terms: terms.map(({ atom, by }) => ({ atom, by: by * expr[2] })), constant: constant * expr[2] };
    }
  }
  return { terms: [{ atom: expr, by: 1 }], constant: 0 };
}

function merge(terms: Sum['terms']): Sum['terms'] {
  const found = new Map<string, { atom: Expr; by: number }>();
  for (const { atom, by } of terms) {
    const key = JSON.stringify(atom);
    const before = found.get(key);
    if (before) before.by += by;
    else found.set(key, { atom, by });
  }
  return [...found.values()].filter(({ by }) => by !== 0);
}

function build({ terms, constant }: Sum): Expr {
  let expr: Expr | undefined;
  for (const { atom, by } of terms) {
    const term = apply('*', atom, by);
    expr = expr === undefined ? term : add(expr, term);
  }
  return expr === undefined ? constant : add(expr, constant);
}
