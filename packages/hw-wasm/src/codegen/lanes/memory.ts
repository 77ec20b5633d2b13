import { type DType, ELEMENT_BYTES, RegrainError } from '@regrain/core-ir';
import type { Expression, Local } from '../function-builder.js';
import { hasLanes, type Lanes, ZERO } from './lanes.js';
import { LaneValues } from './values.js';

/** Four elements from memory to registers and back. */
export class LaneMemory extends LaneValues {
  /** Four elements from an address on. */
  load(dtype: DType, address: Expression, offset = 0): Lanes {
    const { m } = this.fn;
    switch (dtype) {
      case 'float32':
        return this.keep('f32', m.v128.load(offset, 1, address));
      case 'int32':
        return this.keep('i32', m.v128.load(offset, 1, address));
      case 'int8':
        return this.keep('i32', m.i32x4.extend_low_i16x8_s(m.i16x8.extend_low_i8x16_s(m.v128.load32_zero(offset, 1, address))));
      case 'uint8':
      case 'bool':
        return this.keep('i32', m.i32x4.extend_low_i16x8_u(m.i16x8.extend_low_i8x16_u(m.v128.load32_zero(offset, 1, address))));
      case 'int16':
        return this.keep('i32', m.v128.load16x4_s(offset, 1, address));
      case 'uint16':
        return this.keep('i32', m.v128.load16x4_u(offset, 1, address));
      default:
        throw new RegrainError('internal', `no lanes of ${dtype}`);
    }
  }

  /** One element in all lanes. */
  splat(dtype: DType, address: Expression, offset = 0): Lanes {
    const { m } = this.fn;
    if (dtype === 'float32' || dtype === 'int32') {
      return this.keep(dtype === 'float32' ? 'f32' : 'i32', m.v128.load32_splat(offset, 1, address));
    }
    return this.keep('i32', m.i32x4.splat(this.element(dtype, address, offset)));
  }

  /** Four elements `stride` bytes apart. */
  gather(dtype: DType, address: Local, stride: number): Lanes {
    const { m } = this.fn;
    return this.gatherAt(dtype, (k) => (k === 0 ? address() : m.i32.add(address(), m.i32.const(k * stride))));
  }

  /** Four elements, each at an address of its own. */
  gatherAt(dtype: DType, at: (k: number) => Expression): Lanes {
    const { m } = this.fn;
    if (dtype === 'float32' || dtype === 'int32') {
      let v = m.v128.load32_zero(0, 1, at(0));
      for (let k = 1; k < 4; k++) v = m.v128.load32_lane(0, 1, k, at(k), v);
      return this.keep(dtype === 'float32' ? 'f32' : 'i32', v);
    }
    let v = m.i32x4.splat(this.element(dtype, at(0)));
    for (let k = 1; k < 4; k++) v = m.i32x4.replace_lane(v, k, this.element(dtype, at(k)));
    return this.keep('i32', v);
  }

  /** One small integer. */
  private element(dtype: DType, address: Expression, offset = 0): Expression {
    const { i32 } = this.fn.m;
    switch (dtype) {
      case 'int8':
        return i32.load8_s(offset, 1, address);
      case 'uint8':
      case 'bool':
        return i32.load8_u(offset, 1, address);
      case 'int16':
        return i32.load16_s(offset, 1, address);
      case 'uint16':
        return i32.load16_u(offset, 1, address);
      default:
        throw new RegrainError('internal', `no lanes of ${dtype}`);
    }
  }

  /** Stores the four lanes, or the first `count`. */
  store(dtype: DType, address: Expression, value: Lanes, stride: number, count: 1 | 4, offset = 0): void {
    const { fn } = this;
    const { m, wasm } = fn;
    const width = ELEMENT_BYTES[dtype];
    if (!hasLanes(dtype) && dtype !== 'uint32') throw new RegrainError('internal', `no lanes of ${dtype}`);
    if (dtype === 'float32') {
      const v = this.f32(value);
      if (count === 4 && stride === width) fn.push(m.v128.store(offset, 1, address, v()));
      else {
        const at = fn.keep(wasm.i32, address);
        for (let k = 0; k < count; k++) fn.push(m.v128.store32_lane(offset, 1, k, m.i32.add(at(), m.i32.const(k * stride)), v()));
      }
      return;
    }
    let v = this.i32(value);
    if (dtype === 'bool') {
      const whole = v;
      v = fn.keep(wasm.v128, m.i32x4.sub(m.v128.const(ZERO), m.i32x4.ne(whole(), m.v128.const(ZERO))));
    }
    if (count === 4 && stride === width && width === 4) fn.push(m.v128.store(offset, 1, address, v()));
    else if (count === 4 && stride === width && width === 1) {
      const bytes = m.i8x16.shuffle(v(), v(), [0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12]);
      fn.push(m.v128.store32_lane(offset, 1, 0, address, bytes));
    } else {
      const at = fn.keep(wasm.i32, address);
      for (let k = 0; k < count; k++) {
        const lane = m.i32x4.extract_lane(v(), k);
        const to = m.i32.add(at(), m.i32.const(k * stride));
        fn.push(
          width === 1
            ? m.i32.store8(offset, 1, to, lane)
            : width === 2
              ? m.i32.store16(offset, 1, to, lane)
              : m.i32.store(offset, 1, to, lane),
        );
      }
    }
  }

  /** Stores the lanes `[from, to)`, known only at run time; lane 0 would go to `address`. */
  storePart(dtype: DType, address: Expression, value: Lanes, stride: number, to: Expression, from?: Expression): void {
    const { m, wasm } = this.fn;
    const at = this.fn.keep(wasm.i32, address);
    const end = this.fn.keep(wasm.i32, to);
    const start = from && this.fn.keep(wasm.i32, from);
    const lanes: Lanes = dtype === 'float32' ? { kind: 'f32', v: this.f32(value) } : { kind: 'i32', v: this.i32(value) };
    for (let k = 0; k < (start ? 4 : 3); k++) {
      const below = m.i32.gt_s(end(), m.i32.const(k));
      this.fn.when(start ? m.i32.and(below, m.i32.le_s(start(), m.i32.const(k))) : below, () =>
        this.store(dtype, m.i32.add(at(), m.i32.const(k * stride)), this.shifted(lanes, k), stride, 1),
      );
    }
  }
}
