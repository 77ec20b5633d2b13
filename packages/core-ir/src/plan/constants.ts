import { badInput, unsupported } from '../errors.js';
import type { Program } from '../ir/program.js';
import { tensorBytes } from '../ir/tensor.js';

/**
 * Checks the constants that belong to a program (plan.bin) by size and by the SHA-256 of each. `source` is what messages call them.
 * Throws `bad-input` that names the first tensor that differs.
 */
export async function checkConstants(program: Program, constants: Uint8Array, source = 'plan.bin'): Promise<void> {
  for (const tensor of program.tensors) {
    if (!tensor.data || 'splat' in tensor.data) continue;
    const { offset, sha256 } = tensor.data;
    const end = offset + tensorBytes(tensor);
    if (end > constants.byteLength)
      throw badInput(`${source}: ${tensor.name} needs bytes ${offset} to ${end}, but there are ${constants.byteLength}`);
    const found = await sha256Of(constants.subarray(offset, end));
    if (found !== sha256) throw badInput(`${source}: ${tensor.name} is not what the plan was made with (SHA-256 ${found}, not ${sha256})`);
  }
}

/** In hexadecimal. Browsers do this in secure contexts only: `unsupported` elsewhere. */
export async function sha256Of(bytes: Uint8Array): Promise<string> {
  const subtle: typeof globalThis.crypto.subtle | undefined = globalThis.crypto?.subtle;
  if (!subtle) throw unsupported('SHA-256 needs a secure context: serve the page over https or from localhost');
  // Shared memory is not taken; other bytes need no copy.
  const own = bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
  const digest = await subtle.digest('SHA-256', own);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
