import type { Item } from './items.js';

/** Sets of items of which no two from different sets live at the same time: positions in the list, ascending. O(n log n). */
export function componentsOf(items: readonly Item[]): number[][] {
  const first = (i: number): number => items[i].spans[0].first;
  const last = (i: number): number => items[i].spans[items[i].spans.length - 1].last;
  const order = items.flatMap(({ spans }, i) => (spans.length > 0 ? [i] : [])).sort((a, b) => first(a) - first(b));
  const components: number[][] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const i of order) {
    if (first(i) > end) components.push([]);
    components[components.length - 1].push(i);
    end = Math.max(end, last(i));
  }
  for (const component of components) component.sort((a, b) => a - b);
  return components;
}
