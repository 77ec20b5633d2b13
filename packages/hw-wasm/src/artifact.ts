import { badInput, checkConstants, type Plan, parsePlan, sha256Of } from '@regrain/core-ir';
import type { WasmProgram } from './program.js';
import { type SessionOptions, WasmSession } from './session.js';
import { ThreadedSession } from './threads.js';

/** Of plan.wasm.json: raised whenever its meaning changes. */
const FORMAT = 'regrain.wasm/1';

interface Manifest extends Omit<WasmProgram, 'module' | 'data'> {
  readonly format: typeof FORMAT;
  readonly dataAddress: number;
  /** SHA-256 of the plan.json that the module was made from. */
  readonly plan: string;
}

/** Files beside plan.json that start faster than the plan alone: the module, what lies behind its arena, and how to run it. */
export async function wasmFiles(planText: string, program: WasmProgram): Promise<ReadonlyMap<string, Uint8Array>> {
  const { module, data, ...rest } = program;
  const manifest: Manifest = { format: FORMAT, plan: await hashOf(planText), dataAddress: data.address, ...rest };
  return new Map([
    ['plan.wasm', module],
    ['plan.wasm.json', new TextEncoder().encode(JSON.stringify(manifest))],
    ['plan.wasm.bin', data.bytes],
  ]);
}

/** What `load` reads: the texts and bytes of a folder that `compile --target wasm --out` wrote; the module's files may be absent. */
export interface PlanFiles {
  /** plan.json */
  readonly plan: string;
  /** plan.bin */
  readonly constants: Uint8Array;
  /** plan.wasm, plan.wasm.json and plan.wasm.bin */
  readonly module?: Uint8Array;
  readonly manifest?: string;
  readonly data?: Uint8Array;
}

/** Makes the module where its files are absent. */
export type EmitModule = (plan: Plan, constants: Uint8Array) => Promise<WasmProgram>;

/**
 * A session from a plan's files, in Node or a browser. With the module's files it takes milliseconds; without them the module is made
 * first, if there is something to make it. Throws `bad-input` where the files do not belong together.
 */
export async function openFiles(files: PlanFiles, options: SessionOptions, emit?: EmitModule): Promise<WasmSession | ThreadedSession> {
  const manifest = files.module && files.manifest !== undefined && files.data ? manifestOf(files.manifest) : undefined;
  const known = manifest !== undefined && manifest.plan === (await hashOf(files.plan));
  const plan = parsePlan(files.plan, 'plan.json', known);
  if (plan.machine.name !== 'wasm') throw badInput(`plan.json: a plan for ${plan.machine.name}; compile the model with --target wasm`);
  if (manifest && !known) throw badInput('plan.wasm was made from another plan.json; compile the model again');
  await checkConstants(plan.program, files.constants);
  if (!manifest && !emit)
    throw badInput('plan.wasm, plan.wasm.json and plan.wasm.bin are needed; compile the model with --target wasm --out');
  const program = manifest ? programOf(manifest, files) : await (emit as EmitModule)(plan, files.constants);
  return (program.lanes.length > 1 ? ThreadedSession : WasmSession).open(plan, files.constants, program, options);
}

function manifestOf(text: string): Manifest {
  let manifest: Manifest;
  try {
    manifest = JSON.parse(text) as Manifest;
  } catch (cause) {
    throw badInput('plan.wasm.json is not JSON; compile the model again', cause);
  }
  if (manifest.format !== FORMAT)
    throw badInput(`plan.wasm.json has the format ${String(manifest.format)}, not ${FORMAT}; compile the model again`);
  return manifest;
}

function programOf({ format: _format, plan: _plan, dataAddress, ...rest }: Manifest, { module, data }: PlanFiles): WasmProgram {
  return { ...rest, module: module as Uint8Array, data: { address: dataAddress, bytes: data as Uint8Array } };
}

function hashOf(text: string): Promise<string> {
  return sha256Of(new TextEncoder().encode(text));
}
