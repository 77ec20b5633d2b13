import {
  arrayFor,
  constantValues,
  domainBox,
  type EvaluateOpaque,
  elements,
  interpretOperation,
  type Operation,
  type Plan,
  sameBox,
  type Values,
  volume,
} from '@regrain/core-ir/runtime';
import type { Action } from './program.js';
import type { TensorMemory } from './tensor-memory.js';

/** Operations without a body: computed by their operator set from what lies in memory. */
export class HostOperations {
  constructor(
    private readonly memory: TensorMemory,
    private readonly plan: Plan,
    private readonly constants: Uint8Array,
    private readonly evaluateOpaque: EvaluateOpaque | undefined,
  ) {}

  run(action: Extract<Action, { kind: 'host' }>): void {
    const { program } = this.plan;
    const operation = program.operations[action.operation];
    const part = this.hostPart(action, operation);
    const writes = operation.operands.flatMap(({ mode, tensor }, k) => (mode === 'read' ? [] : [{ k, ...program.tensors[tensor] }]));
    if (part) {
      for (const { k, values } of part)
        for (const each of action.operands) if (each.operand === k) this.memory.writePart(values, each.box, each.at);
      return;
    }
    const reads = operation.operands.map(({ tensor, mode }, k): Values | undefined => {
      if (mode !== 'read') return undefined;
      const { dtype, shape, kind } = program.tensors[tensor];
      if (kind === 'constant') return constantValues(program, tensor, this.constants);
      const data = arrayFor(dtype, elements(shape));
      for (const each of action.operands) if (each.operand === k) this.memory.read(data, shape, each.box, each.at);
      return { dtype, shape, data };
    });
    const results = interpretOperation(operation, reads, writes, this.evaluateOpaque);
    writes.forEach(({ k }, i) => {
      for (const each of action.operands) if (each.operand === k) this.memory.write(results[i], each.box, each.at);
    });
  }

  /** A part of an operation computed from just what it reads, where its operator set can do that: the results then have the part's size. */
  private hostPart(action: Extract<Action, { kind: 'host' }>, operation: Operation): { k: number; values: Values }[] | undefined {
    const { program } = this.plan;
    if (sameBox(action.box, domainBox(operation))) return undefined;
    const reads: Values[] = [];
    for (const [k, { tensor, mode }] of operation.operands.entries()) {
      if (mode !== 'read') continue;
      const pieces = action.operands.filter(({ operand }) => operand === k);
      if (program.tensors[tensor].kind === 'constant' || pieces.length !== 1) return undefined;
      const [{ box, at, dtype }] = pieces;
      const shape = box.map(([lo, hi]) => hi - lo);
      const data = arrayFor(dtype, elements(shape));
      this.memory.readPart(data, box, at);
      reads.push({ dtype, shape, data });
    }
    const results = this.evaluateOpaque?.(operation, reads);
    const written = operation.operands.flatMap(({ mode }, k) => (mode === 'read' ? [] : [k]));
    const parts = written.map((k, i) => ({ k, values: results?.[i], pieces: action.operands.filter(({ operand }) => operand === k) }));
    const fits = parts.every(({ values, pieces }) => values && pieces.length === 1 && values.data.length === volume(pieces[0].box));
    return fits ? parts.map(({ k, values }) => ({ k, values: values as Values })) : undefined;
  }
}
