import type { Box, Plan } from '@regrain/core-ir';
import { type Faults, Names } from './faults.js';
import { BYTES, count, firstOverlap } from './geometry.js';
import { rowsBy } from './tables.js';

/** Rule `structure`: ids in range, sizes as they follow from boxes and types, every task exactly once. Later rules build on it. */
export function checkStructure(plan: Plan, faults: Faults): void {
  const fault = (message: string): void => faults.add('structure', message);
  checkInstances(plan, fault);
  if (!faults.any) checkRegions(plan, fault);
  if (!faults.any) checkTasks(plan, fault);
  if (!faults.any) checkPlacements(plan, faults);
  if (!faults.any) checkSteps(plan, fault);
}

type Fault = (message: string) => void;

const isIndex = (value: number, length: number): boolean => Number.isInteger(value) && value >= 0 && value < length;

function isBox(box: Box, rank: number): boolean {
  if (box.length !== rank) return false;
  for (const [lo, hi] of box) if (!Number.isInteger(lo) || !Number.isInteger(hi)) return false;
  return true;
}

/** A box within a tensor that is not empty. */
function isPart(box: Box, shape: readonly number[]): boolean {
  if (!isBox(box, shape.length)) return false;
  for (let d = 0; d < box.length; d++) {
    const [lo, hi] = box[d];
    if (lo < 0 || hi > shape[d] || lo >= hi) return false;
  }
  return true;
}

function checkInstances({ program, decomposition }: Plan, fault: Fault): void {
  const primaries = new Uint8Array(program.tensors.length);
  decomposition.instances.forEach(({ tensor, role, dtype, order }, i) => {
    if (!isIndex(tensor, program.tensors.length)) {
      fault(`instance ${i} is of tensor ${tensor}, which does not exist`);
      return;
    }
    const { name, shape, dtype: own } = program.tensors[tensor];
    if (role !== 'accumulator' && dtype !== own) fault(`instance ${i} of ${name} is ${dtype}, not ${own}`);
    if (role === 'primary' && primaries[tensor]++ > 0) fault(`${name} has two primary instances`);
    if (order.length > 0 && !isPermutation(order, shape.length))
      fault(`instance ${i} of ${name} has the order [${order}], which is no permutation of ${shape.length} dimensions`);
  });
}

function isPermutation(order: readonly number[], rank: number): boolean {
  return order.length === rank && new Set(order).size === rank && order.every((d) => isIndex(d, rank));
}

function checkRegions(plan: Plan, fault: Fault): void {
  const { program, decomposition } = plan;
  const names = new Names(plan);
  const { instances, regions } = decomposition;
  const instanceOf = new Int32Array(regions.length).fill(-1);
  regions.forEach(({ instance, box, bytes }, r) => {
    if (!isIndex(instance, instances.length)) {
      fault(`region ${r} is of instance ${instance}, which does not exist`);
      return;
    }
    const { tensor, dtype } = instances[instance];
    const { shape } = program.tensors[tensor];
    if (!isPart(box, shape)) {
      fault(`${names.region(r)} is empty or lies outside its tensor [${shape}]`);
      return;
    }
    if (bytes !== count(box) * BYTES[dtype]) fault(`${names.region(r)} has ${bytes} bytes, not ${count(box) * BYTES[dtype]}`);
    instanceOf[r] = instance;
  });
  if (program.trace) return; // the storage of a trace is given: tracked regions may share bytes
  const { row, member } = rowsBy(instanceOf, instances.length);
  for (let i = 0; i < instances.length; i++) {
    if (row[i + 1] - row[i] < 2) continue;
    const ids = member.subarray(row[i], row[i + 1]);
    const clash = firstOverlap(Array.from(ids, (r) => regions[r].box));
    if (clash) fault(`${names.region(ids[clash[0]])} and ${names.region(ids[clash[1]])} overlap`);
  }
}

function checkTasks(plan: Plan, fault: Fault): void {
  const { program, decomposition } = plan;
  const names = new Names(plan);
  decomposition.tasks.forEach(({ operation, box, accesses, phase }, t) => {
    if (!isIndex(operation, program.operations.length)) {
      fault(`task ${t} is of operation ${operation}, which does not exist`);
      return;
    }
    const { domain } = program.operations[operation];
    const ends = phase === 'init' || phase === 'finish';
    if (!isBox(box, domain.length)) {
      fault(`task ${t} has a box of another rank than its operation`);
      return;
    }
    box.forEach(([lo, hi], d) => {
      const empty = ends && domain[d].kind === 'reduction';
      if (empty ? hi !== lo : !(0 <= lo && lo < hi && hi <= domain[d].extent))
        fault(`${names.task(t)} leaves its operation's domain or is empty on dimension ${d}`);
    });
    for (const { instance, box: part, operand } of accesses) {
      if (!isIndex(instance, decomposition.instances.length)) {
        fault(`${names.task(t)} accesses instance ${instance}, which does not exist`);
        continue;
      }
      const { shape } = program.tensors[decomposition.instances[instance].tensor];
      if (!isPart(part, shape))
        fault(`${names.task(t)} accesses ${names.box(part)} of ${names.instance(instance)}, which is empty or outside`);
      if (operand !== -1 && !isIndex(operand, program.operations[operation].operands.length))
        fault(`${names.task(t)} accesses by operand ${operand}, which does not exist`);
    }
  });
}

function checkPlacements({ program, decomposition, machine, placements, steps }: Plan, faults: Faults): void {
  placements.forEach(({ holds, space, offset, bytes, first, last }, p) => {
    const fault = (message: string): void => faults.add('structure', `placement ${p} ${message}`);
    if (!isIndex(space, machine.spaces.length)) {
      fault(`is in space ${space}, which does not exist`);
      return;
    }
    if (!Number.isSafeInteger(offset) || offset < 0) fault(`has the offset ${offset}`);
    if (!Number.isInteger(first) || !Number.isInteger(last) || first < 0 || last < first || last > steps.length + 1)
      fault(`lives from ${first} to ${last} in a plan of ${steps.length} steps`);
    if ('region' in holds) {
      if (!isIndex(holds.region, decomposition.regions.length)) {
        fault(`holds region ${holds.region}, which does not exist`);
        return;
      }
      if (bytes !== decomposition.regions[holds.region].bytes)
        fault(`has ${bytes} bytes for a region of ${decomposition.regions[holds.region].bytes}`);
    } else {
      if (!isIndex(holds.scratch, decomposition.tasks.length)) {
        fault(`is scratch of task ${holds.scratch}, which does not exist`);
        return;
      }
      const wanted = program.operations[decomposition.tasks[holds.scratch].operation].scratchBytes ?? 0;
      if (!(bytes >= wanted)) fault(`has ${bytes} bytes for a scratch of ${wanted}`);
    }
  });
}

function checkSteps(plan: Plan, fault: Fault): void {
  const { decomposition, machine, placements, steps, program } = plan;
  const names = new Names(plan);
  const seen = new Uint8Array(decomposition.tasks.length);
  steps.forEach((step, s) => {
    if (!isIndex(step.engine, machine.engines.length)) {
      fault(`step ${s} is on engine ${step.engine}, which does not exist`);
      return;
    }
    const engine = machine.engines[step.engine];
    for (const wait of step.waits) if (!isIndex(wait, s)) fault(`step ${s} waits for step ${wait}, which is not an earlier one`);
    if (step.kind === 'task') {
      if (!isIndex(step.task, decomposition.tasks.length)) {
        fault(`step ${s} runs task ${step.task}, which does not exist`);
        return;
      }
      if (seen[step.task]++) fault(`${names.task(step.task)} runs twice`);
      if (engine.runs !== 'tasks') fault(`${names.step(s)} is on ${engine.name}, which runs ${engine.runs}`);
      const wanted = program.operations[decomposition.tasks[step.task].operation].engine;
      if (wanted !== undefined && wanted !== engine.name && machine.engines.some(({ name }) => name === wanted))
        fault(`${names.step(s)} must run on ${wanted} but is on ${engine.name}`);
      return;
    }
    if (!isIndex(step.from, placements.length) || !isIndex(step.to, placements.length) || step.from === step.to) {
      fault(`step ${s} moves from placement ${step.from} to ${step.to}`);
      return;
    }
    if (engine.runs !== 'moves') fault(`${names.step(s)} is on ${engine.name}, which runs ${engine.runs}`);
  });
  seen.forEach((times, task) => {
    if (times === 0) fault(`${names.task(task)} never runs`);
  });
}
