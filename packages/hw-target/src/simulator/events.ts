/** What the event loop needs of every step. All arrays are by step unless said otherwise. */
export interface Work {
  readonly engines: number;
  readonly engine: Int32Array;
  /** Compressed sparse rows of the earlier steps that each step waits for. */
  readonly waitRow: Int32Array;
  readonly waits: Int32Array;
  /** Cycles before data flows: dispatch, look-up, start of a transfer. */
  readonly lead: Float64Array;
  /** Cycles of compute (or of the link) while data flows. */
  readonly body: Float64Array;
  /** Compressed sparse rows: cycles of one port that a step needs of shared resources. */
  readonly demandRow: Int32Array;
  readonly demandOf: Int32Array;
  readonly demand: Float64Array;
  /** Per resource (a bank of a space): its ports. */
  readonly ports: Float64Array;
  /** Steps that a hardware window holds back (tasks), and its size; 0 = none. */
  readonly windowed: Uint8Array;
  readonly window: number;
}

export interface Timeline {
  readonly start: Float64Array;
  readonly end: Float64Array;
  /** When the step's engine had ended its previous step. */
  readonly free: Float64Array;
}

const IDLE = 0;
const LEAD = 1;
const FLOW = 2;

/**
 * Discrete-event simulation. An engine runs its steps in order; a step starts when its waits have ended, spends its lead, then
 * computes while its data flows. A resource with fewer ports than users serves all users alike (processor sharing), so a step ends
 * when its compute and all its flows have ended. Deterministic: events at one time are handled in the order of engines.
 * O(events × engines × resources of a step).
 */
export function runEvents(work: Work): Timeline {
  const steps = work.engine.length;
  const start = new Float64Array(steps);
  const end = new Float64Array(steps);
  const free = new Float64Array(steps);
  const queue = queues(work);
  const head = queue.row.slice(0, work.engines);
  const state = new Uint8Array(work.engines);
  const leadEnd = new Float64Array(work.engines);
  const bodyEnd = new Float64Array(work.engines);
  const freeAt = new Float64Array(work.engines);
  const users = new Int32Array(work.ports.length);
  const rates = new Float64Array(work.ports.length);
  const left = Float64Array.from(work.demand);
  const pending = new Int32Array(steps);
  for (let i = 0; i < steps; i++) pending[i] = work.waitRow[i + 1] - work.waitRow[i];
  const successors = reversed(work);
  const place = windowPlaces(work);
  const ended = new Uint8Array(place.count + 1);
  let oldest = 0;
  let time = 0;
  let done = 0;

  const startFlow = (e: number, i: number) => {
    state[e] = FLOW;
    bodyEnd[e] = time + work.body[i];
    for (let k = work.demandRow[i]; k < work.demandRow[i + 1]; k++) if (left[k] > 0) users[work.demandOf[k]]++;
  };
  const finish = (e: number, i: number) => {
    end[i] = time;
    freeAt[e] = time;
    state[e] = IDLE;
    head[e]++;
    done++;
    for (let k = successors.row[i]; k < successors.row[i + 1]; k++) pending[successors.to[k]]--;
    if (place.of[i] >= 0) {
      ended[place.of[i]] = 1;
      while (ended[oldest]) oldest++;
    }
  };

  while (done < steps) {
    // Ends first, then starts, until neither happens at this time (steps of no length end where they start).
    for (let changed = true; changed; ) {
      changed = false;
      for (let e = 0; e < work.engines; e++) {
        if (state[e] === IDLE) continue;
        const i = queue.steps[head[e]];
        if (state[e] === LEAD && leadEnd[e] <= time) startFlow(e, i);
        if (state[e] !== FLOW || bodyEnd[e] > time) continue;
        let flowing = false;
        for (let k = work.demandRow[i]; k < work.demandRow[i + 1]; k++) flowing ||= left[k] > 0;
        if (flowing) continue;
        finish(e, i);
        changed = true;
      }
      for (let e = 0; e < work.engines; e++) {
        if (state[e] !== IDLE || head[e] === queue.row[e + 1]) continue;
        const i = queue.steps[head[e]];
        if (pending[i] > 0 || (work.window > 0 && place.of[i] >= oldest + work.window)) continue;
        start[i] = time;
        free[i] = freeAt[e];
        state[e] = LEAD;
        leadEnd[e] = time + work.lead[i];
        changed = true;
      }
    }
    if (done === steps) break;

    let next = Number.POSITIVE_INFINITY;
    for (let e = 0; e < work.engines; e++) {
      if (state[e] === LEAD) next = Math.min(next, leadEnd[e]);
      if (state[e] !== FLOW) continue;
      const i = queue.steps[head[e]];
      if (bodyEnd[e] > time) next = Math.min(next, bodyEnd[e]);
      for (let k = work.demandRow[i]; k < work.demandRow[i + 1]; k++) {
        if (left[k] > 0) next = Math.min(next, time + left[k] / rate(users, work.ports, work.demandOf[k]));
      }
    }
    // All stopped: only steps that wait in a circle can do that, which `waits` on earlier steps exclude.
    if (next === Number.POSITIVE_INFINITY) throw new RangeError('steps wait for each other in a circle');

    for (let r = 0; r < rates.length; r++) rates[r] = rate(users, work.ports, r);
    for (let e = 0; e < work.engines; e++) {
      if (state[e] !== FLOW) continue;
      const i = queue.steps[head[e]];
      for (let k = work.demandRow[i]; k < work.demandRow[i + 1]; k++) {
        if (left[k] <= 0) continue;
        const resource = work.demandOf[k];
        const finished = time + left[k] / rates[resource] <= next;
        left[k] = finished ? 0 : left[k] - (next - time) * rates[resource];
        if (left[k] <= 0) users[resource]--;
      }
    }
    time = next;
  }
  return { start, end, free };
}

function rate(users: Int32Array, ports: Float64Array, resource: number): number {
  return users[resource] <= ports[resource] ? 1 : ports[resource] / users[resource];
}

function queues({ engines, engine }: Work): { row: Int32Array; steps: Int32Array } {
  const row = new Int32Array(engines + 1);
  for (const e of engine) row[e + 1]++;
  for (let e = 0; e < engines; e++) row[e + 1] += row[e];
  const next = row.slice(0, engines);
  const steps = new Int32Array(engine.length);
  for (let i = 0; i < engine.length; i++) steps[next[engine[i]]++] = i;
  return { row, steps };
}

function reversed({ engine, waitRow, waits }: Work): { row: Int32Array; to: Int32Array } {
  const steps = engine.length;
  const row = new Int32Array(steps + 1);
  for (const from of waits) row[from + 1]++;
  for (let i = 0; i < steps; i++) row[i + 1] += row[i];
  const next = row.slice(0, steps);
  const to = new Int32Array(waits.length);
  for (let i = 0; i < steps; i++) for (let k = waitRow[i]; k < waitRow[i + 1]; k++) to[next[waits[k]]++] = i;
  return { row, to };
}

/** Positions of the windowed steps among themselves; -1 for the others. */
function windowPlaces({ windowed }: Work): { of: Int32Array; count: number } {
  const of = new Int32Array(windowed.length).fill(-1);
  let count = 0;
  for (let i = 0; i < windowed.length; i++) if (windowed[i]) of[i] = count++;
  return { of, count };
}
