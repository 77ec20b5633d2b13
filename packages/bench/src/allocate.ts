import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { badInput } from '@regrain/core-ir';
import { calibrate } from './allocate-calibration.js';
import { type PeerRun, RECORDED, runMinimalloc } from './allocate-peer.js';
import { type Allocation, type BenchOptions, type BenchResult, type BenchRow, row, type Suite } from './suite.js';
import { textTable } from './text-table.js';

/** One instance at one capacity. */
interface Measured extends Allocation {
  readonly name: string;
  readonly file: string;
  /** Undefined where the lowest height is looked for. */
  readonly capacity?: number;
  /** The capacity that comes with the instance, not the one that we try beyond it. */
  readonly given: boolean;
  readonly peer?: PeerRun;
}

/** Over the load bound, at most, where there is no capacity. */
const NEAR = 1.01;

/** Placement alone, on MinimAlloc's files; the capacity stands in the name, as in theirs. */
export const allocateSuite: Suite = {
  name: 'allocate',
  description: 'placement of buffers with given lives: height, proof and processor time beside the load bound and MinimAlloc (--instances)',
  async run(options: BenchOptions): Promise<BenchResult> {
    const measured: Measured[] = [];
    for (const file of options.instances.flatMap(filesIn)) {
      const name = basename(file);
      if (options.only.length > 0 && !options.only.some((part) => name.includes(part))) continue;
      options.progress(`allocate: ${name}`);
      measured.push(...(await measure(file, options)));
    }
    const loop = calibrate();
    return { suite: 'allocate', rows: measured.flatMap(rowsOf), text: text(measured, loop.cpuMs), notes: shortfalls(measured) };
  },
};

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) throw badInput(`--instances ${folder}: no such folder or file`);
  if (!statSync(folder).isDirectory()) return [folder];
  const found = readdirSync(folder).filter((name) => name.endsWith('.csv'));
  if (found.length === 0) throw badInput(`--instances ${folder}: no .csv file in it`);
  return found.sort().map((name) => join(folder, name));
}

/** At its capacity, if it has one, and at the load bound where that is lower: nobody can promise that it fits there. */
async function measure(file: string, { allocate, minimalloc }: BenchOptions): Promise<Measured[]> {
  const name = basename(file);
  const inName = /\.(\d+)\.csv$/.exec(name);
  if (!inName) return [{ ...(await allocate(file)), name, file, given: true }];
  const at = async (capacity: number, given: boolean): Promise<Measured> => ({
    ...(await allocate(file, capacity)),
    ...(minimalloc === undefined || !given ? {} : { peer: await runMinimalloc(minimalloc, file, capacity) }),
    name,
    file,
    capacity,
    given,
  });
  const first = await at(Number(inName[1]), true);
  return first.loadBound < Number(inName[1]) ? [first, await at(first.loadBound, false)] : [first];
}

function rowsOf({ name, given, capacity, height, loadBound, solved, nodes, cpuMs, peer }: Measured): BenchRow[] {
  const of = given ? name : `${name} at ${capacity}`;
  return [
    row(of, 'height', 'bytes', height, loadBound, 'load bound'),
    row(of, 'solved', 'instances', solved ? 1 : 0, peer ? Number(peer.solved) : 1, peer ? 'MinimAlloc' : 'all'),
    row(of, 'nodes', 'nodes', nodes, null, 'none'),
    row(of, 'processor time', 'ms', cpuMs, peer ? peer.cpuMs : null, peer ? 'MinimAlloc' : 'none'),
  ];
}

const HEADER = [
  'instance',
  'buffers',
  'load bound',
  'capacity',
  'height',
  'over bound',
  'solved',
  'proof',
  'nodes',
  'ms',
  'MinimAlloc ms',
  'ratio',
];

function line({ name, given, buffers, loadBound, capacity, height, solved, proof, nodes, cpuMs, peer }: Measured): string[] {
  return [
    given ? name : `${name} at the bound`,
    String(buffers),
    String(loadBound),
    String(capacity ?? '-'),
    String(height),
    `${(100 * (height / loadBound - 1)).toFixed(3)} %`,
    solved ? 'yes' : 'no',
    proof,
    String(nodes),
    cpuMs.toFixed(0),
    peer ? `${peer.cpuMs.toFixed(0)}${peer.solved ? '' : ' (unsolved)'}` : '-',
    peer ? (cpuMs / peer.cpuMs).toFixed(3) : '-',
  ];
}

function text(measured: readonly Measured[], loopMs: number): string {
  const table = textTable(HEADER, measured.map(line));
  const told = [
    'Processor time of the placing alone, all in one process, each instance once. No capacity: the lowest height that is found.',
  ];
  return `Placement alone; height in bytes\n\n${table}\n\n${[...told, ...sums(measured), ...recorded(measured, loopMs)].join('\n')}`;
}

/** Of all instances at their capacities. */
function sums(measured: readonly Measured[]): string[] {
  const hard = measured.filter(({ given, capacity }) => given && capacity !== undefined);
  if (hard.length === 0) return [];
  const ours = hard.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
  const solved = hard.filter((each) => each.solved).length;
  const told = [`${solved} of ${hard.length} solved at their capacity in ${ours.toFixed(0)} ms in sum.`];
  const theirs = hard.reduce((sum, { peer }) => sum + (peer?.cpuMs ?? 0), 0);
  if (theirs > 0)
    told.push(`MinimAlloc, measured in this run, its start included: ${theirs.toFixed(0)} ms; ratio ${(ours / theirs).toFixed(4)}.`);
  return told;
}

/** Without the peer's program: what it took elsewhere, scaled by the loop. Only of all instances that were measured then. */
function recorded(measured: readonly Measured[], loopMs: number): string[] {
  const { instances, cpuMs, loopMs: loopThen } = RECORDED;
  const loops = cpuMs / loopThen;
  const told = `Calibration loop: ${loopMs.toFixed(0)} ms.`;
  if (measured.some(({ peer }) => peer)) return [told];
  const those = measured.filter(({ name, given }) => given && instances.includes(name));
  const scaled = `MinimAlloc is recorded, not measured here, at ${loops.toFixed(0)} such loops for its ${instances.length} hard instances`;
  if (those.length < instances.length) return [told, `${scaled}; ${those.length} of them are here, so no ratio is given.`];
  const ours = those.reduce((sum, each) => sum + each.cpuMs, 0);
  return [
    told,
    `${scaled}, ${((loops * loopMs) / 1000).toFixed(1)} s at this speed; ratio ${(ours / (loops * loopMs)).toFixed(4)}, recorded.`,
  ];
}

function shortfalls(measured: readonly Measured[]): string[] {
  return measured.flatMap(({ name, given, capacity, solved, height, loadBound, nodes, proof }) => {
    if (capacity !== undefined && !solved && proof === '-')
      return [`${name}: neither packed into ${capacity} bytes${given ? '' : ' (its load bound)'} nor proved impossible in ${nodes} nodes`];
    return capacity === undefined && height > NEAR * loadBound ? [`${name}: more than 1 % over the load bound`] : [];
  });
}
