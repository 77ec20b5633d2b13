import { elements, type IndexMap, type Lowered, unsupported } from '@regrain/core-ir';
import { text } from './attributes.js';
import { accumulatorOf, at, dims, input, type Lowering, parallel, read, reduction, write, wrong } from './lowering.js';
import { add, mul, x } from './scalar.js';

/** Einsum as a sum of products; every label is a dimension of the domain, the result's first. */
export const einsum: Lowering = {
  lower(node) {
    const equation = text(node, 'equation', '').replaceAll(' ', '');
    if (equation.includes('.')) throw unsupported(`node ${node.name || '(unnamed)'} (Einsum): an ellipsis is not handled`);
    const [left, right] = equation.split('->');
    const terms = left.split(',');
    if (terms.length !== node.inputs.length) throw wrong(node, `equation ${equation} does not fit ${node.inputs.length} inputs`);
    const labels = [...left.replaceAll(',', '')];
    const result =
      right ??
      [...new Set(labels)]
        .filter((label) => labels.filter((other) => other === label).length === 1)
        .sort()
        .join('');
    const extents = new Map<string, number>();
    terms.forEach((term, i) => {
      const { shape } = input(node, i);
      if (term.length !== shape.length) throw wrong(node, `term ${term} does not fit input ${i} of shape [${shape}]`);
      [...term].forEach((label, d) => {
        if ((extents.get(label) ?? shape[d]) !== shape[d]) throw wrong(node, `label ${label} has two sizes`);
        extents.set(label, shape[d]);
      });
    });
    const summed = [...extents.keys()].filter((label) => !result.includes(label));
    const order = [...result, ...summed];
    const shape = [...result].map((label) => extents.get(label) ?? 1);
    const { dtype } = input(node, 0);
    const reduced = summed.map((label) => extents.get(label) ?? 1);
    const maps = terms.map((term): IndexMap => [...term].map((label) => at({ d: order.indexOf(label) })));
    const product = terms.map((_, i) => x(i)).reduce(mul);
    return {
      outputs: [{ shape, dtype }],
      operations: [
        {
          name: node.name,
          type: node.type,
          attributes: {},
          domain: [...parallel(shape), ...reduction(reduced)],
          operands: [...maps.map((map, i) => read(i, map)), write(node.inputs.length, dims(0, shape.length))],
          body: {
            acc: accumulatorOf(dtype),
            init: 0,
            step: add('acc', product),
            finish: reduced.length ? 'acc' : product,
          },
          macs: elements(shape) * elements(reduced),
        },
      ],
    } satisfies Lowered;
  },
};
