import type { InputAccess, Plan } from '@regrain/core-ir/runtime';

/** How the plan counts an input. */
export function inputAccess(plan: Plan, tensor: number): InputAccess {
  const { name } = plan.program.tensors[tensor];
  const said = plan.constraints.find((each) => each.kind === 'input' && each.tensor === name);
  return said?.kind === 'input' ? said.access : 'resident';
}

/** Whether a placement is filled by the caller when it begins: an input that is there before the run, or arrives as it streams in. */
export function isGiven({ placements, decomposition, program, machine, ...plan }: Plan, p: number): boolean {
  const { holds, first, space } = placements[p];
  if (!('region' in holds)) return false;
  const { tensor } = decomposition.instances[decomposition.regions[holds.region].instance];
  if (program.tensors[tensor].kind !== 'input' || space !== machine.home.input) return false;
  if (inputAccess({ placements, decomposition, program, machine, ...plan }, tensor) === 'resident') return first === 0;
  return placements.every(
    (other, q) =>
      q === p || !('region' in other.holds) || other.holds.region !== holds.region || other.space !== space || other.first > first,
  );
}
