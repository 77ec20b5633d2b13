import { halfToFloat, roundToHalf, SCALAR_FUNCTIONS } from '@regrain/core-ir/runtime';
import type { Module, Wasm } from './function-builder.js';

/** Functions of the host that a module asks for: scalar functions that WebAssembly does not have, and halves. */
export type HostFunctions = Readonly<Record<string, (...args: number[]) => number>>;

const HALF_BITS = new DataView(new ArrayBuffer(4));

function halfBits(value: number): number {
  HALF_BITS.setFloat32(0, roundToHalf(value));
  const bits = HALF_BITS.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 255) - 127;
  const fraction = bits & 0x7fffff;
  if (exponent === 128) return sign | 0x7c00 | (fraction ? 0x200 : 0);
  if (exponent >= -14) return sign | ((exponent + 15) << 10) | (fraction >> 13);
  if (exponent < -24) return sign;
  return sign | ((fraction | 0x800000) >> (-exponent - 1));
}

/** Everything that an import may name. */
export const HOST_FUNCTIONS: HostFunctions = { ...SCALAR_FUNCTIONS, halfToFloat, halfBits };

/** Collects what kernels need from the host. */
export class Imports {
  private readonly arity = new Map<string, number>();

  /** The internal name of a host function that takes and gives doubles. */
  use(name: string, args: number): string {
    this.arity.set(name, args);
    return `host_${name}`;
  }

  declare(wasm: Wasm, m: Module): void {
    for (const [name, args] of this.arity) {
      m.addFunctionImport(`host_${name}`, 'host', name, wasm.createType(Array.from({ length: args }, () => wasm.f64)), wasm.f64);
    }
  }
}
