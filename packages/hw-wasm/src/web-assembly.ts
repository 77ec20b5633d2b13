import { badInput, RegrainError, unsupported } from '@regrain/core-ir/runtime';

/** The part of the WebAssembly API that sessions use; the compiler's libraries know it only together with a browser's whole DOM. */
export interface WasmMemory {
  readonly buffer: ArrayBufferLike;
  grow(pages: number): number;
}

export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}

/** A compiled module; workers can be sent it. */
export type WasmModule = object;

interface WebAssemblyApi {
  readonly Memory: new (limits: { readonly initial: number; readonly maximum?: number; readonly shared?: boolean }) => WasmMemory;
  validate(bytes: Uint8Array): boolean;
  compile(bytes: Uint8Array): Promise<WasmModule>;
  instantiate(module: WasmModule, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>): Promise<WasmInstance>;
}

export const webAssembly = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;

/** The export `run`: entries of a lane from its first address on, from one to another, and the lane's counter. */
export type Run = (entries: number, from: number, to: number, counter: number) => void;

/** The export `interleave`, where a lane has staging: so many pixels from three planes of floats. */
export type Interleave = (planes: number, to: number, count: number) => void;

/** Bytes of a page of memory. */
export const PAGE = 65536;

/** 4 GiB. */
const MAX_PAGES = 65536;

/** Memory of so many bytes at least: new, or the caller's own. `infeasible` where it cannot be had. */
export function memoryFor(name: string, bytes: number, shared: boolean, own?: WasmMemory): WasmMemory {
  const pages = Math.max(1, Math.ceil(bytes / PAGE));
  if (shared && typeof SharedArrayBuffer === 'undefined')
    throw unsupported(`${name}: threads need shared memory, which a page has only if it is cross-origin isolated (headers COOP and COEP)`);
  const cannot = `${name}: ${bytes} bytes of memory cannot be had`;
  try {
    if (!own) return new webAssembly.Memory({ initial: pages, maximum: MAX_PAGES, shared });
  } catch (cause) {
    throw new RegrainError('infeasible', cannot, { cause });
  }
  if (!(own instanceof webAssembly.Memory)) throw badInput(`${name}: memory is to be a WebAssembly.Memory`);
  if (own.buffer instanceof ArrayBuffer === shared)
    throw badInput(
      `${name}: ${shared ? 'a plan for several threads needs shared memory' : 'a plan for one thread takes memory that is not shared'}`,
    );
  const missing = pages - own.buffer.byteLength / PAGE;
  try {
    if (missing > 0) own.grow(missing);
  } catch (cause) {
    throw new RegrainError('infeasible', `${cannot}: yours has ${own.buffer.byteLength} and does not grow`, { cause });
  }
  return own;
}

/** A module of one function from v128 to v128: `f32x4.relaxed_madd` of its argument with itself. */
const RELAXED = '0061736d01000000' + '010601' + '60017b017b' + '03020100' + '0a0d010b00' + '200020002000' + 'fd8502' + '0b';

/** Whether modules may hold relaxed SIMD here. */
export function hasRelaxedSimd(): boolean {
  return webAssembly.validate(Uint8Array.from(RELAXED.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)));
}
