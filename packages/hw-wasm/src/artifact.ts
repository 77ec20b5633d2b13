import { badInput, type Plan, parsePlan, RegrainError, sha256Of } from '@regrain/core-ir';
import { emitWasm } from './emit.js';
import type { WasmProgram } from './program.js';
import { type SessionOptions, WasmSession } from './session.js';

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

/**
 * A session from a plan's files, in Node or a browser. With the module's files it takes milliseconds; without them the module is made
 * first. Throws `bad-input` where the files do not belong together.
 */
export async function load(files: PlanFiles, options: SessionOptions = {}): Promise<WasmSession> {
  const plan = parsePlan(files.plan, 'plan.json');
  return WasmSession.open(plan, files.constants, await programOf(plan, files), options);
}

async function programOf(plan: Plan, { plan: text, constants, module, manifest, data }: PlanFiles): Promise<WasmProgram> {
  if (!module || manifest === undefined || !data) return emitWasm(plan, constants);
  let parsed: Manifest;
  try {
    parsed = JSON.parse(manifest) as Manifest;
  } catch (cause) {
    throw new RegrainError('bad-input', 'plan.wasm.json is not JSON; compile the model again', { cause });
  }
  const { format, plan: hash, dataAddress, ...rest } = parsed;
  if (format !== FORMAT) throw badInput(`plan.wasm.json has the format ${String(format)}, not ${FORMAT}; compile the model again`);
  if (hash !== (await hashOf(text))) throw badInput('plan.wasm was made from another plan.json; compile the model again');
  return { ...rest, module, data: { address: dataAddress, bytes: data } };
}

function hashOf(text: string): Promise<string> {
  return sha256Of(new TextEncoder().encode(text));
}
