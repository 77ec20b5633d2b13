import type { ModelRunner } from '@regrain/bench';
import { type Loaded, OperatorSet, type Session, type Values } from '@regrain/core-ir';
import { interfaceOf, readTensorFile } from '@regrain/frontend-onnx';
import { emitWasm, evaluatorOf, WasmSession } from '@regrain/hw-wasm';

/** The plainest plan: whole tensors in the model's order. */
const PLAIN = {
  decompose: 'whole-tensor',
  analyze: 'region-index',
  schedule: 'program-order',
  move: 'one-space',
  allocate: 'first-fit',
  iterations: 0,
} as const;

/** Runs small models on our own kernels. */
export function modelRunner(session: Session): ModelRunner {
  const evaluateOpaque = evaluatorOf(session.contributions(OperatorSet).map(({ id }) => session.make(OperatorSet, id)));
  return {
    readTensor: readTensorFile,
    interfaceOf,
    async run(model, inputs) {
      const loaded = await loadBound(session, model, inputs);
      const { plan } = await session.compile(loaded, {
        pipeline: PLAIN,
        target: 'wasm',
        objective: 'peak',
        constraints: [],
        input: 'resident',
        seed: 1,
      });
      const wasm = await WasmSession.open(plan, loaded.constants, await emitWasm(plan, loaded.constants), { evaluateOpaque });
      const wanted = new Set(loaded.program.tensors.filter(({ kind }) => kind === 'input').map(({ name }) => name));
      return wasm.run(new Map([...inputs].filter(([name]) => wanted.has(name))));
    },
  };
}

/**
 * Loads a model that may take as inputs what decides shapes (axes, sizes, pads): such inputs become constants. First none are bound, then
 * the integers behind the first input, then all but the first.
 */
export async function loadBound(session: Session, model: string, inputs: ReadonlyMap<string, Values>): Promise<Loaded> {
  const behind = [...inputs].slice(1);
  const attempts = [[], behind.filter(([, { dtype }]) => !dtype.startsWith('float')), behind];
  let first: unknown;
  for (const bound of attempts) {
    try {
      return await session.load(model, { dims: {}, shapes: {}, values: new Map(bound) });
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
}
