import { setFlagsFromString } from 'node:v8';
import { hasRelaxedSimd } from '@regrain/hw-wasm';

/** Node 20 has relaxed SIMD behind a flag of V8, later ones and browsers have it as it is. Modules compiled before do not matter. */
export function allowRelaxedSimd(): void {
  if (!hasRelaxedSimd()) setFlagsFromString('--experimental-wasm-relaxed-simd');
}
