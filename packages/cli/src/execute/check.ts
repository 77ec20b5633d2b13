import { feedsOf, type OnnxRuntime, openOnnxRuntime } from '@regrain/bench';
import { badInput, type Program, type Values } from '@regrain/core-ir';

/** How outputs compare with ONNX Runtime's (`run --json`, DESIGN section 11). */
export interface Check {
  readonly passed: boolean;
  readonly maxAbsError: number;
  /** Largest error of an output ÷ its largest magnitude; of floats only. */
  readonly maxRelError: number;
  /** Elements that differ: of floats by more than the tolerance, of integers at all. */
  readonly mismatches: number;
  /** Elements of integer outputs that differ by one quantum, ÷ all of them. */
  readonly quantumShare: number;
  readonly referenceMs: number;
}

/** Relative to the largest magnitude of the output. */
const TOLERANCE = 1e-4;
/** ONNX Runtime's own sigmoid and exponential err by so much near 0. */
const ABSOLUTE = 1e-6;

/** Runs the model with ONNX Runtime on the same inputs and compares every output. */
export async function checkAgainstOnnxRuntime(
  model: string,
  program: Program,
  inputs: ReadonlyMap<string, Values>,
  outputs: ReadonlyMap<string, Values>,
): Promise<Check> {
  const ort = await onnxRuntime();
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const feeds = feedsOf(ort, session, program, inputs);
  const began = performance.now();
  const wanted = await session.run(feeds);
  const referenceMs = performance.now() - began;
  let [maxAbsError, maxRelError, mismatches, quanta, integers] = [0, 0, 0, 0, 0];
  let passed = true;
  for (const [name, { dtype, data }] of outputs) {
    const reference = wanted[name];
    if (!reference || reference.data.length !== data.length) throw badInput(`${model}: ONNX Runtime has no output ${name} of this size`);
    const float = dtype.startsWith('float');
    let greatest = 0;
    for (let k = 0; k < data.length; k++) greatest = Math.max(greatest, finite(Math.abs(Number(reference.data[k]))));
    for (let k = 0; k < data.length; k++) {
      const [a, b] = [data[k], Number(reference.data[k])];
      const error = Object.is(a, b) || a === b || (Number.isNaN(a) && Number.isNaN(b)) ? 0 : Math.abs(a - b);
      maxAbsError = Math.max(maxAbsError, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);
      if (float) {
        const relative = error === 0 ? 0 : error / (greatest || 1);
        maxRelError = Math.max(maxRelError, Number.isNaN(relative) ? Number.POSITIVE_INFINITY : relative);
        if (!(relative <= TOLERANCE || error <= ABSOLUTE)) mismatches++;
      } else {
        integers++;
        if (error > 0) mismatches++;
        if (error === 1) quanta++;
        if (error > 1) passed = false;
      }
    }
    if (float && mismatches > 0) passed = false;
  }
  return { passed, maxAbsError, maxRelError, mismatches, quantumShare: integers === 0 ? 0 : quanta / integers, referenceMs };
}

async function onnxRuntime(): Promise<OnnxRuntime> {
  const ort = await openOnnxRuntime('onnxruntime-node');
  if (!ort) throw badInput('--check needs onnxruntime-node, which is not installed here: npm install --save-dev onnxruntime-node@1.30');
  return ort;
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : 0;
}
