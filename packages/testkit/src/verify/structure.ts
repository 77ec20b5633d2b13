import type { Box, Plan } from '@regrain/core-ir';
import { type Faults, Names } from './faults.js';
import { BYTES, count, firstOverlap, whole, within } from './geometry.js';

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
  return box.length === rank && box.every(([lo, hi]) => Number.isInteger(lo) && Number.isInteger(hi));
}

function checkInstances({ program, decomposition }: Plan, fault: Fault): void {
  const primaries = new Set<number>();
  decomposition.instances.forEach(({ tensor, role, dtype, order }, i) => {
    if (!isIndex(tensor, program.tensors.length)) {
      fault(`instance ${i} is of tensor ${tensor}, which does not exist`);
      return;
    }
    const { name, shape, dtype: own } = program.tensors[tensor];
    if (role !== 'accumulator' && dtype !== own) fault(`instance ${i} of ${name} is ${dtype}, not ${own}`);
    if (role === 'primary' && primaries.size === primaries.add(tensor).size) fault(`${name} has two primary instances`);
    const dims = new Set(order);
    if (order.length > 0 && (order.length !== shape.length || dims.size !== shape.length || !order.every((d) => isIndex(d, shape.length))))
      fault(`instance ${i} of ${name} has the order [${order}], which is no permutation of ${shape.length} dimensions`);
  });
}

function checkRegions(plan: Plan, fault: Fault): void {
  const { program, decomposition } = plan;
  const names = new Names(plan);
  const boxes: Box[][] = decomposition.instances.map(() => []);
  const ids: number[][] = decomposition.instances.map(() => []);
  decomposition.regions.forEach(({ instance, box, bytes }, r) => {
    if (!isIndex(instance, decomposition.instances.length)) {
      fault(`region ${r} is of instance ${instance}, which does not exist`);
      return;
    }
    const { tensor, dtype } = decomposition.instances[instance];
    const { shape } = program.tensors[tensor];
    if (!isBox(box, shape.length) || !within(box, whole(shape)) || count(box) === 0) {
      fault(`${names.region(r)} is empty or lies outside its tensor [${shape}]`);
      return;
    }
    if (bytes !== count(box) * BYTES[dtype]) fault(`${names.region(r)} has ${bytes} bytes, not ${count(box) * BYTES[dtype]}`);
    boxes[instance].push(box);
    ids[instance].push(r);
  });
  if (program.trace) return; // the storage of a trace is given: tracked regions may share bytes
  boxes.forEach((list, instance) => {
    const clash = firstOverlap(list);
    if (clash) fault(`${names.region(ids[instance][clash[0]])} and ${names.region(ids[instance][clash[1]])} overlap`);
  });
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
      if (!isBox(part, shape.length) || !within(part, whole(shape)) || count(part) === 0)
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
