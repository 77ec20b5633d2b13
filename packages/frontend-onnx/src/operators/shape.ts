import { type DType, elements, unsupported } from '@regrain/core-ir';
import { number, numbers, tensor } from './attributes.js';
import { constantInput, constantOf, folded, input, type Lowering, operatorFamily, wrong } from './lowering.js';
import { dtypeOf } from './types.js';

/** Shape (opset 15: of the dimensions `start` to `end`). */
const shape: Lowering = {
  lower(node) {
    const own = input(node, 0).shape;
    const values = own.slice(number(node, 'start', 0), number(node, 'end', own.length));
    return folded(node, { shape: [values.length], dtype: 'int64' }, values);
  },
};

const size: Lowering = {
  lower: (node) => folded(node, { shape: [], dtype: 'int64' }, [elements(input(node, 0).shape)]),
};

const constant: Lowering = {
  lower(node) {
    const value = tensor(node, 'value');
    if (value) {
      const out = { shape: value.shape, dtype: value.dtype };
      return folded(node, out, value.splat === undefined ? value.data : { splat: value.splat });
    }
    const kinds: readonly (readonly [name: string, dtype: DType, list: boolean])[] = [
      ['value_float', 'float32', false],
      ['value_int', 'int64', false],
      ['value_floats', 'float32', true],
      ['value_ints', 'int64', true],
    ];
    for (const [name, dtype, list] of kinds) {
      if (node.attributes[name] === undefined) continue;
      const values = list ? numbers(node, name, []) : [number(node, name, 0)];
      return folded(node, { shape: list ? [values.length] : [], dtype }, values);
    }
    throw unsupported(`node ${node.name || '(unnamed)'} (Constant): only tensors of numbers are handled`);
  },
};

/** One value everywhere; nothing is stored for it. */
const constantOfShape: Lowering = {
  lower(node) {
    const value = tensor(node, 'value');
    const extents = constantInput(node, 0, 'shape');
    if (extents.some((extent) => !(extent >= 0))) throw wrong(node, `the shape [${extents}] is negative`);
    return folded(node, { shape: extents, dtype: value?.dtype ?? 'float32' }, { splat: value?.splat ?? value?.data[0] ?? 0 });
  },
};

const range: Lowering = {
  lower(node) {
    const [start, limit, delta] = ['start', 'limit', 'delta'].map((what, i) => constantInput(node, i, what)[0]);
    if (!delta) throw wrong(node, 'delta is 0');
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    return folded(
      node,
      { shape: [count], dtype: input(node, 0).dtype },
      Array.from({ length: count }, (_, i) => start + i * delta),
    );
  },
};

/** NonZero of a constant (its result's size depends on the values). */
const nonZero: Lowering = {
  lower(node) {
    const values = constantOf(node, 0);
    const own = input(node, 0).shape;
    if (!values) throw unsupported(`node ${node.name || '(unnamed)'} (NonZero): the size of its result depends on data`);
    const found: number[] = [];
    for (let i = 0; i < values.length; i++) if (values[i] !== 0) found.push(i);
    const coordinates = own.flatMap((extent, d) => {
      const stride = elements(own.slice(d + 1));
      return found.map((i) => Math.floor(i / stride) % extent);
    });
    return folded(node, { shape: [own.length, found.length], dtype: 'int64' }, coordinates);
  },
};

const eyeLike: Lowering = {
  lower(node) {
    const { shape: own, dtype } = input(node, 0);
    if (own.length !== 2) throw wrong(node, `needs a matrix, not [${own}]`);
    const code = number(node, 'dtype', 0);
    const [rows, columns] = own;
    const k = number(node, 'k', 0);
    const values = Array.from({ length: rows * columns }, (_, i) => (i % columns === Math.floor(i / columns) + k ? 1 : 0));
    return folded(node, { shape: own, dtype: code ? dtypeOf(node, code) : dtype }, values);
  },
};

/** Operators whose results are known at load time, once shapes are. */
export const ShapeOperators = operatorFamily('', {
  Shape: shape,
  Size: size,
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Range: range,
  NonZero: nonZero,
  EyeLike: eyeLike,
});
