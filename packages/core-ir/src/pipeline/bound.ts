import { type Box, boxOf, intersect, volume } from '../ir/box.js';
import type { Constraint } from '../ir/constraint.js';
import { image } from '../ir/index-map.js';
import type { Machine } from '../ir/machine.js';
import type { Operation, Program } from '../ir/program.js';
import { ELEMENT_BYTES, tensorBytes } from '../ir/tensor.js';
import { heldAtOnce } from './held-at-once.js';
import { InputAccesses } from './input-access.js';

/**
 * Bytes of counted spaces that every plan without recomputation holds at some time, whatever its grain and order. The largest of:
 * - all outputs and state, which are there at the end;
 * - all resident inputs that anything reads, which are there at the start;
 * - what one point of an opaque operation uses at once (the operation cannot be split further), a write that may take the bytes of
 *   a read counted once;
 * - a tensor of which an operation needs every element after something that depends on all of them (`heldAtOnce`).
 * Where data may move out of the counted spaces only the third holds. Not the least possible: between these lie orders that no
 * term here rules out.
 */
export function lowerBound(program: Program, machine: Machine, constraints: readonly Constraint[]): number {
  const { bytes, confined, takesBytes } = boundTerms(program, machine, constraints);
  return confined ? Math.max(bytes, heldAtOnce(program, takesBytes)) : bytes;
}

/**
 * The part of the bound that holds with recomputation, too. 0 where tasks may work outside the counted spaces: where the user pins a
 * tensor there, or data is moved between spaces and tasks reach them all.
 */
export function provenBound(program: Program, machine: Machine, constraints: readonly Constraint[]): number {
  const uncounted = new Set(machine.spaces.flatMap(({ name, counted }) => (counted ? [] : [name])));
  const pinned = constraints.some((each) => each.kind === 'pin' && uncounted.has(each.space));
  const reached = machine.engines.some(({ runs, spaces }) => runs === 'tasks' && spaces.some((space) => !machine.spaces[space].counted));
  const moves = machine.engines.some(({ runs }) => runs === 'moves');
  return pinned || (reached && moves) ? 0 : boundTerms(program, machine, constraints).bytes;
}

interface Terms {
  readonly bytes: number;
  /** Nothing can leave the counted spaces. */
  readonly confined: boolean;
  readonly takesBytes: (tensor: number) => boolean;
}

function boundTerms(program: Program, machine: Machine, constraints: readonly Constraint[]): Terms {
  const inputs = new InputAccesses(program, constraints);
  const takesBytes = (tensor: number): boolean => program.tensors[tensor].kind !== 'constant' && inputs.of(tensor) !== 'external';
  const sum = (tensors: Iterable<number>): number => {
    let total = 0;
    for (const tensor of new Set(tensors)) if (takesBytes(tensor)) total += tensorBytes(program.tensors[tensor]);
    return total;
  };
  const point = Math.max(0, ...program.operations.map((operation) => (operation.body ? 0 : pointBytes(program, operation, takesBytes))));
  const confined = machine.spaces.every(({ counted }) => counted) || !machine.engines.some(({ runs }) => runs === 'moves');
  if (!confined || program.trace) return { bytes: point, confined: false, takesBytes };
  const counted = (space: number): boolean => machine.spaces[space]?.counted ?? false;
  const states = program.states.flatMap(({ from, to }) => [from.tensor, to.tensor]);
  const read = new Set(
    program.operations.flatMap(({ operands }) => operands.flatMap(({ tensor, mode }) => (mode === 'read' ? [tensor] : []))),
  );
  const resident = program.tensors.flatMap((_, id) => (inputs.of(id) === 'resident' && (read.has(id) || states.includes(id)) ? [id] : []));
  const atEnd = counted(machine.home.output) ? sum([...program.outputs, ...states]) : 0;
  const atStart = counted(machine.home.input) ? sum(resident) : 0;
  return { bytes: Math.max(point, atEnd, atStart), confined: true, takesBytes };
}

/** What one point of an opaque operation uses, the less of its first and its last point: padding makes boxes smaller at the ends. */
function pointBytes(program: Program, operation: Operation, takesBytes: (tensor: number) => boolean): number {
  const at = (pick: (extent: number) => number): number => {
    const box: Box = operation.domain.map(({ extent, kind }) => (kind === 'parallel' ? [pick(extent), pick(extent) + 1] : [0, extent]));
    let read = 0;
    let written = 0;
    const seen = new Set<number>();
    for (const { tensor, mode, map, inPlaceOf } of operation.operands) {
      if (!takesBytes(tensor) || seen.has(tensor)) continue;
      seen.add(tensor);
      const { shape, dtype } = program.tensors[tensor];
      const touched = intersect(image(map, box, shape), boxOf(shape));
      const bytes = touched ? volume(touched) * ELEMENT_BYTES[dtype] : 0;
      if (mode === 'read') read += bytes;
      else if (inPlaceOf === undefined) written += bytes;
    }
    return read + written + (operation.scratchBytes ?? 0);
  };
  return Math.min(
    at(() => 0),
    at((extent) => extent - 1),
  );
}
