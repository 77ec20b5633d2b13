import { type Expression, FunctionBuilder, type Module, type Wasm } from './function-builder.js';

/** Looks at a counter so often before it sleeps. */
const SPINS = 20_000;
/** Nanoseconds of one sleep; nobody wakes sleepers, so that those who finish need not look for them. */
const SLEEP = 50_000;

/**
 * `run(entries, from, to, counter)` calls the kernels of these entries of a lane's schedule. With several lanes (`abort` is the address
 * of a word that ends all waits) each entry first waits for the counters of others, and then says by its own that it is done;
 * `wait(list)` is the wait alone.
 */
export function writeScheduler(wasm: Wasm, m: Module, abort: number | undefined): void {
  if (abort !== undefined) writeWait(wasm, m, abort);
  const fn = new FunctionBuilder(wasm, m, [wasm.i32, wasm.i32, wasm.i32, wasm.i32]);
  const [entries, from, to, counter] = [0, 1, 2, 3].map((k) => fn.param(k));
  const shift = abort === undefined ? 3 : 4;
  fn.loop(from(), to, 1, (i) => {
    const at = fn.keep(wasm.i32, m.i32.add(entries(), m.i32.shl(i(), m.i32.const(shift))));
    const call = (): Expression =>
      m.call_indirect('kernels', m.i32.load(0, 4, at()), [m.i32.load(4, 4, at())], wasm.createType([wasm.i32]), wasm.none);
    if (abort === undefined) {
      fn.push(call());
      return;
    }
    const list = fn.keep(wasm.i32, m.i32.load(8, 4, at()));
    fn.when(list(), () => fn.push(m.call('wait', [list()], wasm.none)));
    fn.push(call());
    fn.push(m.i32.atomic.store(0, counter(), m.i32.load(12, 4, at())));
  });
  fn.finish('run');
  m.addFunctionExport('run', 'run');
}

function writeWait(wasm: Wasm, m: Module, abort: number): void {
  const fn = new FunctionBuilder(wasm, m, [wasm.i32]);
  const list = fn.param(0);
  const end = fn.keep(wasm.i32, m.i32.shl(m.i32.load(0, 4, list()), m.i32.const(3)));
  fn.loop(m.i32.const(0), end, 8, (i) => {
    const at = fn.keep(wasm.i32, m.i32.add(list(), i()));
    const counter = fn.keep(wasm.i32, m.i32.load(4, 4, at()));
    const wanted = fn.keep(wasm.i32, m.i32.load(8, 4, at()));
    const [spins, setSpins] = fn.variable(wasm.i32);
    const [seen, setSeen] = fn.variable(wasm.i32);
    setSpins(m.i32.const(0));
    const body = fn.block(() => {
      setSeen(m.i32.atomic.load(0, counter()));
      fn.when(m.i32.lt_s(seen(), wanted()), () => {
        setSpins(m.i32.add(spins(), m.i32.const(1)));
        fn.when(m.i32.gt_s(spins(), m.i32.const(SPINS)), () => {
          fn.when(m.i32.atomic.load(0, m.i32.const(abort)), () => fn.push(m.unreachable()));
          fn.push(m.drop(m.memory.atomic.wait32(counter(), seen(), m.i64.const(BigInt(SLEEP)))));
        });
        fn.push(m.br('again'));
      });
    });
    fn.push(m.loop('again', body));
  });
  fn.finish('wait');
  m.addFunctionExport('wait', 'wait');
}
