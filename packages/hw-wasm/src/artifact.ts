import { badInput, checkConstants, type Plan, planJsonOf, readKnownPlan, sha256Of, unsupported } from '@regrain/core-ir/runtime';
import type { PlanSession } from './plan-session.js';
import type { WasmProgram } from './program.js';
import { type SessionOptions, WasmSession } from './session.js';
import { ThreadedSession } from './threads.js';
import { hasRelaxedSimd, webAssembly } from './web-assembly.js';

/** Of plan.wasm.json: raised whenever its meaning changes. */
const FORMAT = 'regrain.wasm/3';

interface Manifest extends Omit<WasmProgram, 'module' | 'data'> {
  readonly format: typeof FORMAT;
  readonly dataAddress: number;
  /** SHA-256 of each file that belongs to the module; of this one, of all but these hashes. */
  readonly sha256: Readonly<Record<'plan.json' | 'plan.bin' | 'plan.wasm' | 'plan.wasm.bin' | 'plan.wasm.json', string>>;
}

/** Files beside plan.json that start faster than the plan alone: the module, what lies behind its arena, and how to run it. */
export async function wasmFiles(planText: string, constants: Uint8Array, program: WasmProgram): Promise<ReadonlyMap<string, Uint8Array>> {
  const { module, data, ...rest } = program;
  const unsigned = { format: FORMAT, dataAddress: data.address, ...rest } as const;
  const sha256 = {
    'plan.json': await hashOf(planText),
    'plan.bin': await sha256Of(constants),
    'plan.wasm': await sha256Of(module),
    'plan.wasm.bin': await sha256Of(data.bytes),
    'plan.wasm.json': await hashOf(JSON.stringify(unsigned)),
  };
  const manifest: Manifest = { ...unsigned, sha256 };
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

/** Bytes of memory that a session of these files takes, for callers who give their own (`SessionOptions.memory`). */
export function memoryBytesOf({ manifest }: Pick<PlanFiles, 'manifest'>): number {
  if (manifest === undefined)
    throw badInput('plan.wasm.json tells how much memory a plan takes; compile the model with --target wasm --out');
  return manifestOf(manifest).memoryBytes;
}

/** What it takes to start from the plan alone. */
export interface Compiler {
  parse(text: string, source: string): Plan;
  emit(plan: Plan, constants: Uint8Array): Promise<WasmProgram>;
}

/**
 * A session from a plan's files, in Node or a browser. With the module's files it takes milliseconds; without them the module is made
 * first, if there is something to make it. Throws `bad-input` where the files do not belong together.
 */
export async function openFiles(files: PlanFiles, options: SessionOptions, compiler?: Compiler): Promise<PlanSession> {
  const { module, manifest, data } = files;
  if (module && manifest !== undefined && data) return openModule({ ...files, module, manifest, data }, options);
  checkMachine(files.plan);
  if (!compiler) throw badInput('plan.wasm, plan.wasm.json and plan.wasm.bin are needed; compile the model with --target wasm --out');
  const plan = compiler.parse(files.plan, 'plan.json');
  await checkConstants(plan.program, files.constants);
  const program = await compiler.emit(plan, files.constants);
  checkOperations(plan, program, options);
  return openerOf(program).open(plan, files.constants, program, options);
}

async function openModule(files: Required<PlanFiles>, options: SessionOptions): Promise<PlanSession> {
  const manifest = manifestOf(files.manifest);
  if (manifest.relaxed && !hasRelaxedSimd())
    throw unsupported(
      'plan.wasm holds relaxed SIMD, which this host has not (Node 20 has it with --experimental-wasm-relaxed-simd); compile with --math exact',
    );
  // Hashes and the module's code are made by other threads, while this one reads the plan.
  const compiled = webAssembly.compile(files.module);
  compiled.catch(() => {});
  const { sha256, ...unsigned } = manifest;
  const hashes = Promise.all([
    hashOf(files.plan),
    sha256Of(files.constants),
    sha256Of(files.module),
    sha256Of(files.data),
    hashOf(JSON.stringify(unsigned)),
  ]);
  const plan = knownPlan(files.plan);
  const [ofPlan, ofConstants, ofModule, ofData, ofManifest] = await hashes;
  if (!plan || ofPlan !== sha256['plan.json']) {
    checkMachine(files.plan);
    throw badInput('plan.wasm was made from another plan.json; compile the model again');
  }
  if (ofConstants !== sha256['plan.bin']) {
    await checkConstants(plan.program, files.constants);
    throw badInput('plan.bin is not what plan.wasm was made with; compile the model again');
  }
  if (ofModule !== sha256['plan.wasm']) throw badInput('plan.wasm is not what plan.wasm.json belongs to; compile the model again');
  if (ofData !== sha256['plan.wasm.bin']) throw badInput('plan.wasm.bin is not what plan.wasm.json belongs to; compile the model again');
  if (ofManifest !== sha256['plan.wasm.json']) throw badInput('plan.wasm.json was edited; compile the model again');
  const { format: _format, dataAddress, ...rest } = unsigned;
  const program: WasmProgram = { ...rest, module: files.module, data: { address: dataAddress, bytes: files.data } };
  checkOperations(plan, program, options);
  return openerOf(program).open(plan, files.constants, program, options, compiled);
}

function openerOf(program: WasmProgram): typeof WasmSession | typeof ThreadedSession {
  return program.lanes.length > 1 ? ThreadedSession : WasmSession;
}

/** What only an operator set can compute needs one. */
function checkOperations({ program: { name, operations } }: Plan, { lanes }: WasmProgram, { evaluateOpaque }: SessionOptions): void {
  if (evaluateOpaque) return;
  for (const action of lanes.flatMap(({ actions }) => actions)) {
    if (action.kind !== 'host' || operations[action.operation].body) continue;
    const { name: node, type } = operations[action.operation];
    throw unsupported(`${name}: no kernel computes ${node} (${type}); give load an evaluateOpaque that does`);
  }
}

/** Undefined where the text cannot be the plan that a module was made from. */
function knownPlan(text: string): Plan | undefined {
  try {
    return readKnownPlan(text);
  } catch {
    return undefined;
  }
}

/** What is wrong with a text that should be a plan for this target, as far as a glance shows it. */
function checkMachine(text: string): void {
  const { machine } = planJsonOf(text, 'plan.json') as { readonly machine?: { readonly name?: unknown } };
  if (typeof machine?.name === 'string' && machine.name !== 'wasm')
    throw badInput(`plan.json: a plan for ${machine.name}; compile the model with --target wasm`);
}

function manifestOf(text: string): Manifest {
  let manifest: Partial<Manifest> | null;
  try {
    manifest = JSON.parse(text) as Partial<Manifest> | null;
  } catch (cause) {
    throw badInput('plan.wasm.json is not JSON; compile the model again', cause);
  }
  if (manifest?.format !== FORMAT)
    throw badInput(`plan.wasm.json has the format ${String(manifest?.format)}, not ${FORMAT}; compile the model again`);
  if (typeof manifest.sha256 !== 'object') throw badInput('plan.wasm.json is not whole; compile the model again');
  return manifest as Manifest;
}

function hashOf(text: string): Promise<string> {
  return sha256Of(new TextEncoder().encode(text));
}
