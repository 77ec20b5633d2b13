import type { Access, Box, IndexMap, Operation, Plan, Scalar } from '@regrain/core-ir';
import { BYTES } from '../verify/geometry.js';
import { valueAt } from '../verify/index-maps.js';
import { pointsOf } from './dependences.js';
import { grow, hullCovers, inside } from './hulls.js';
import type { Add, Reach } from './reach.js';

interface Cell {
  /** Tensor and element; for an accumulator also the terms that are in. */
  readonly value: string;
  /** Position of this byte in the element. */
  readonly byte: number;
  readonly writer: number;
}

/** Memory by bytes while the plan runs point by point, ascending or descending within a task. */
export class Shadow {
  private readonly memory: Map<number, Cell>[];
  private readonly written = new Set<string>();
  private readonly touches: Set<number>[];
  private readonly fills: Set<number>[];
  private live: { step: number; placements: ReadonlyMap<number, readonly { box: Box; p: number }[]> } = { step: -1, placements: new Map() };

  constructor(
    private readonly plan: Plan,
    private readonly reach: Reach,
    private readonly add: Add,
    private readonly descending: boolean,
  ) {
    this.memory = plan.machine.spaces.map(() => new Map());
    this.touches = plan.placements.map(() => new Set());
    this.fills = plan.placements.map(() => new Set());
  }

  run(): void {
    const { steps } = this.plan;
    for (let time = 0; time <= steps.length + 1; time++) {
      this.arrive(time);
      const step = steps[time - 1];
      if (!step) continue;
      if (step.kind === 'move') this.move(time - 1, step.from, step.to);
      else this.task(time - 1, step.task);
    }
    this.checkEnd();
    this.checkReuse();
  }

  private tensorOf(instance: number): number {
    return this.plan.decomposition.instances[instance].tensor;
  }

  private access(tensor: number): string {
    const { name } = this.plan.program.tensors[tensor];
    const said = this.plan.constraints.find((each) => each.kind === 'input' && each.tensor === name);
    return said?.kind === 'input' ? said.access : 'resident';
  }

  private isGiven(p: number): boolean {
    const { placements, decomposition, program, machine } = this.plan;
    const { holds, first, space } = placements[p];
    if (!('region' in holds)) return false;
    const tensor = this.tensorOf(decomposition.regions[holds.region].instance);
    if (program.tensors[tensor].kind !== 'input' || space !== machine.home.input) return false;
    if (this.access(tensor) === 'resident') return first === 0;
    const same = placements.filter((other) => 'region' in other.holds && other.holds.region === holds.region && other.space === space);
    return same.every((other) => other === placements[p] || other.first > first);
  }

  private arrive(time: number): void {
    this.plan.placements.forEach(({ holds, first }, p) => {
      if (first !== time || !('region' in holds) || !this.isGiven(p)) return;
      const { instance, box } = this.plan.decomposition.regions[holds.region];
      for (const point of pointsOf(box)) this.put(p, point, valueName(this.tensorOf(instance), point), -1);
    });
  }

  private address(p: number, point: readonly number[]): number {
    const { holds, offset } = this.plan.placements[p];
    if (!('region' in holds)) return offset;
    const { instance, box } = this.plan.decomposition.regions[holds.region];
    const { order, dtype } = this.plan.decomposition.instances[instance];
    const dims = order.length > 0 ? order : box.map((_, d) => d);
    return offset + dims.reduce((sum, d) => sum * (box[d][1] - box[d][0]) + point[d] - box[d][0], 0) * BYTES[dtype];
  }

  private width(p: number): number {
    const { holds } = this.plan.placements[p];
    return 'region' in holds ? BYTES[this.plan.decomposition.instances[this.plan.decomposition.regions[holds.region].instance].dtype] : 1;
  }

  private put(p: number, point: readonly number[], value: string, writer: number): void {
    const at = this.address(p, point);
    const memory = this.memory[this.plan.placements[p].space];
    for (let k = 0; k < this.width(p); k++) memory.set(at + k, { value, byte: k, writer });
  }

  /** The cell of an element if its bytes belong together. */
  private get(p: number, point: readonly number[]): Cell | undefined {
    const at = this.address(p, point);
    const memory = this.memory[this.plan.placements[p].space];
    const head = memory.get(at);
    if (head === undefined || head.byte !== 0) return undefined;
    for (let k = 1; k < this.width(p); k++) {
      const cell = memory.get(at + k);
      if (cell?.byte !== k || cell.value !== head.value) return undefined;
    }
    return head;
  }

  /** Live placements of the region that holds an element, where the step's engine reaches. */
  private places(step: number, instance: number, point: readonly number[]): number[] {
    if (this.live.step !== step) this.live = { step, placements: this.liveAt(step) };
    const found: number[] = [];
    for (const { box, p } of this.live.placements.get(instance) ?? []) if (inside(point, box)) found.push(p);
    return found;
  }

  /** Per instance: what is live at a step and within its engine's reach. */
  private liveAt(step: number): Map<number, { box: Box; p: number }[]> {
    const { placements, machine, steps, decomposition } = this.plan;
    const { spaces } = machine.engines[steps[step].engine];
    const live = new Map<number, { box: Box; p: number }[]>();
    placements.forEach(({ holds, first, last, space }, p) => {
      if (!('region' in holds) || first > step + 1 || last < step + 1 || !spaces.includes(space)) return;
      const { instance, box } = decomposition.regions[holds.region];
      const known = live.get(instance);
      if (known) known.push({ box, p });
      else live.set(instance, [{ box, p }]);
    });
    return live;
  }

  private task(step: number, task: number): void {
    const { decomposition, program } = this.plan;
    const { operation: o, box, phase, accesses } = decomposition.tasks[task];
    const operation = program.operations[o];
    const reduction = operation.domain.map(({ kind }) => kind === 'reduction');
    const ends = phase === 'init' || phase === 'finish';
    const outer = [...pointsOf(box.map((side, d) => (reduction[d] ? ([0, 1] as const) : side)))];
    if (this.descending) outer.reverse();
    const hulls = new Map<number, [number, number][]>();
    for (const at of outer) {
      const terms = ends ? [at] : [...pointsOf(box.map((side, d) => (reduction[d] ? side : ([at[d], at[d] + 1] as const))))];
      operation.operands.forEach(({ mode, tensor, map }, k) => {
        if (mode !== 'read' || !usesOperand(operation, k, phase)) return;
        for (const term of terms)
          for (const element of this.elements(map, term, tensor)) this.read(step, accesses, k, tensor, element, hulls);
      });
      operation.operands.forEach(({ mode, tensor, map }, k) => {
        if (mode === 'read') return;
        for (const element of this.elements(map, at, tensor))
          this.produce(step, accesses, k, tensor, element, phase, terms.map(String), reduction, hulls);
      });
    }
    const all = hullCovers(accesses, hulls);
    if (all !== undefined) this.add('access', `step ${step}: accesses of operand ${all} differ from what the points touch`);
  }

  private *elements(map: IndexMap, point: readonly number[], tensor: number): Generator<number[]> {
    const { shape } = this.plan.program.tensors[tensor];
    const box: Box = map.map((range, d) => {
      if (range === 'all') return [0, shape[d]] as const;
      const at = valueAt(range.at, point);
      return [Math.max(0, at), Math.min(shape[d], at + (range.size ?? 1))] as const;
    });
    yield* pointsOf(box);
  }

  private read(
    step: number,
    accesses: readonly Access[],
    operand: number,
    tensor: number,
    element: readonly number[],
    hulls: Map<number, [number, number][]>,
  ): void {
    grow(hulls, operand, element);
    const access = accesses.find(
      (each) => each.operand === operand && each.mode === 'read' && this.tensorOf(each.instance) === tensor && inside(element, each.box),
    );
    if (!access) {
      this.add('access', `step ${step} needs element ${element} of tensor ${tensor} by operand ${operand}, which no access covers`);
      return;
    }
    const { kind } = this.plan.program.tensors[tensor];
    if (kind === 'constant' || (kind === 'input' && this.access(tensor) === 'external')) return;
    this.expect(step, access.instance, element, valueName(tensor, element));
  }

  /** The step finds the value at the element, written by a step that is known to have ended. */
  private expect(step: number, instance: number, element: readonly number[], value: string): boolean {
    const places = this.places(step, instance, element);
    const p = places.find((place) => this.get(place, element)?.value === value);
    if (p === undefined) {
      this.add('values', `step ${step} does not find ${value} of instance ${instance}`);
      return false;
    }
    const writer = this.get(p, element)?.writer ?? -1;
    if (writer >= 0 && !this.reach[writer][step]) this.add('order', `step ${step} reads what step ${writer} writes without waiting`);
    this.touches[p].add(step);
    return true;
  }

  private produce(
    step: number,
    accesses: readonly Access[],
    operand: number,
    tensor: number,
    element: readonly number[],
    phase: string | undefined,
    terms: readonly string[],
    reduction: readonly boolean[],
    hulls: Map<number, [number, number][]>,
  ): void {
    const own = terms.map((term) =>
      term
        .split(',')
        .filter((_, d) => reduction[d])
        .join('.'),
    );
    if (!phase) {
      this.store(step, accesses, operand, tensor, element, valueName(tensor, element), hulls, 'write');
      return;
    }
    const access = accesses.find((each) => each.operand === -1 && inside(element, each.box));
    if (!access) {
      this.add('access', `step ${step} does not access the accumulator of ${element}`);
      return;
    }
    const base = `${valueName(tensor, element)} sum of`;
    if (phase === 'init') {
      this.store(step, accesses, -1, tensor, element, base, hulls, 'write');
      return;
    }
    const places = this.places(step, access.instance, element);
    const held = places.map((p) => this.get(p, element)?.value).find((value) => value?.startsWith(base));
    if (held === undefined) {
      this.add('values', `step ${step} does not find the accumulator of ${element}`);
      return;
    }
    this.expect(step, access.instance, element, held);
    const sum = held.slice(base.length).split(' ').filter(Boolean);
    if (phase === 'step') {
      if (own.some((term) => sum.includes(term))) this.add('coverage', `step ${step} adds a term twice`);
      this.store(step, accesses, -1, tensor, element, [base, ...[...sum, ...own].sort()].join(' '), hulls, 'accumulate');
      return;
    }
    const { domain } = this.plan.program.operations[this.operationOf(step)];
    const all = domain.reduce((product, { kind, extent }) => (kind === 'reduction' ? product * extent : product), 1);
    if (sum.length !== all) this.add('coverage', `step ${step} finishes with ${sum.length} of ${all} terms`);
    grow(hulls, -1, element);
    this.store(step, accesses, operand, tensor, element, valueName(tensor, element), hulls, 'write');
  }

  private operationOf(step: number): number {
    const at = this.plan.steps[step];
    return at.kind === 'task' ? this.plan.decomposition.tasks[at.task].operation : -1;
  }

  private store(
    step: number,
    accesses: readonly Access[],
    operand: number,
    tensor: number,
    element: readonly number[],
    value: string,
    hulls: Map<number, [number, number][]>,
    mode: 'write' | 'accumulate',
  ): void {
    const access = accesses.find((each) => each.operand === operand && each.mode === mode && this.tensorOf(each.instance) === tensor);
    if (!access) {
      const replica = accesses.some((each) => each.mode === 'write' && this.plan.decomposition.instances[each.instance].role === 'replica');
      if (!replica) this.add('access', `step ${step} writes nothing by operand ${operand}`);
      return;
    }
    grow(hulls, operand, element);
    if (!inside(element, access.box)) {
      this.add('access', `step ${step} writes ${element} outside its access`);
      return;
    }
    if (mode === 'write') {
      const key = `${access.instance}:${element}`;
      if (this.written.has(key)) this.add('coverage', `step ${step} writes ${key} again`);
      this.written.add(key);
    }
    const places = this.places(step, access.instance, element);
    if (places.length !== 1) {
      this.add('values', `step ${step} finds ${places.length} places for ${element} of instance ${access.instance}`);
      return;
    }
    this.put(places[0], element, value, step);
    this.touches[places[0]].add(step);
    this.fills[places[0]].add(step);
  }

  private move(step: number, from: number, to: number): void {
    const { placements, machine, steps } = this.plan;
    const { spaces } = machine.engines[steps[step].engine];
    const alive = [from, to].every(
      (p) => placements[p].first <= step + 1 && step + 1 <= placements[p].last && spaces.includes(placements[p].space),
    );
    const [a, b] = [placements[from].holds, placements[to].holds];
    if (!alive || !('region' in a) || !('region' in b) || a.region !== b.region) {
      this.add('values', `step ${step} cannot move`);
      return;
    }
    let copied = 0;
    for (const point of pointsOf(this.plan.decomposition.regions[a.region].box)) {
      const cell = this.get(from, point);
      const old = this.get(to, point);
      if (old && old.writer >= 0 && !this.fills[to].has(old.writer)) this.put(to, point, 'nothing', step);
      if (!cell?.value.startsWith(valueName(this.tensorOf(this.plan.decomposition.regions[a.region].instance), point))) continue;
      copied++;
      if (cell.writer >= 0 && !this.reach[cell.writer][step])
        this.add('order', `step ${step} copies what step ${cell.writer} writes without waiting`);
      this.put(to, point, cell.value, step);
    }
    if (copied === 0) this.add('values', `step ${step} copies nothing`);
    for (const p of [from, to]) this.touches[p].add(step);
    this.fills[to].add(step);
  }

  private checkEnd(): void {
    const { program, decomposition, placements, steps, machine } = this.plan;
    for (const tensor of program.outputs) {
      const { kind, shape } = program.tensors[tensor];
      if (kind !== 'computed') continue;
      for (const point of pointsOf(shape.map((extent) => [0, extent] as const))) {
        const there = placements.some(({ holds, last, space }, p) => {
          if (!('region' in holds) || last !== steps.length + 1 || space !== machine.home.output) return false;
          const { instance, box } = decomposition.regions[holds.region];
          const { role } = decomposition.instances[instance];
          return (
            role === 'primary' &&
            this.tensorOf(instance) === tensor &&
            inside(point, box) &&
            this.get(p, point)?.value === valueName(tensor, point)
          );
        });
        if (!there) this.add('values', `output ${tensor} lacks ${point} at the end`);
      }
    }
  }

  /** Placements are filled as whole objects: all that touched the bytes before has ended before anything fills them again. */
  private checkReuse(): void {
    const { placements } = this.plan;
    placements.forEach((a, p) => {
      placements.forEach((b, q) => {
        if (p === q || a.space !== b.space || a.last > b.first || (a.last === b.first && a.first >= b.first)) return;
        if (a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset) return;
        const fills = this.isGiven(q) ? this.touches[q] : this.fills[q];
        for (const fill of fills) {
          for (const touch of this.touches[p])
            if (!this.reach[touch][fill]) this.add('order', `step ${fill} fills bytes that step ${touch} may still use`);
        }
      });
    });
  }
}

function valueName(tensor: number, point: readonly number[]): string {
  return `${tensor}[${point}]`;
}

function usesOperand({ body }: Operation, operand: number, phase: string | undefined): boolean {
  if (!phase || !body) return true;
  const uses = (scalar: Scalar): boolean => typeof scalar === 'object' && ('x' in scalar ? scalar.x === operand : scalar.args.some(uses));
  return uses(phase === 'init' ? body.init : phase === 'step' ? body.step : body.finish);
}
