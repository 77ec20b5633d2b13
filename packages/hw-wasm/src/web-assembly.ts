import { RegrainError } from '@regrain/core-ir';

/** The part of the WebAssembly API that sessions use; the compiler's libraries know it only together with a browser's whole DOM. */
export interface WasmMemory {
  readonly buffer: ArrayBufferLike;
}

export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}

interface WebAssemblyApi {
  readonly Memory: new (limits: { readonly initial: number; readonly maximum?: number; readonly shared?: boolean }) => WasmMemory;
  compile(bytes: Uint8Array): Promise<object>;
  instantiate(module: object, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>): Promise<WasmInstance>;
}

export const webAssembly = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;

/** The export `run`: entries of a lane from its first address on, from one to another, and the lane's counter. */
export type Run = (entries: number, from: number, to: number, counter: number) => void;

const PAGE = 65536;

/** Memory of so many bytes at least; `infeasible` where it cannot be had. */
export function makeMemory(name: string, bytes: number, shared: boolean): WasmMemory {
  try {
    return new webAssembly.Memory({ initial: Math.max(1, Math.ceil(bytes / PAGE)), maximum: PAGE, shared });
  } catch (cause) {
    throw new RegrainError('infeasible', `${name}: ${bytes} bytes of memory cannot be had`, { cause });
  }
}
