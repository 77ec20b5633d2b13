import { DependenceAnalyzer, expand, wholeTensorGrain } from '@regrain/core-ir';
import { regionGraph } from '@regrain/depgraph';
import { Command } from 'commander';
import { write as gexf } from 'graphology-gexf';
import { countKinds } from '../compile/summary.js';
import { type EdgeRow, edgeRows } from '../deps/edges.js';
import { openSession } from '../open-session.js';
import { examples } from '../output/examples.js';
import { printJson } from '../output/json.js';
import { duration, group } from '../output/size.js';
import type { Terminal } from '../output/terminal.js';
import { writeFileWhole } from '../output/write-folder.js';
import type { Shell } from '../shell.js';

interface Options {
  readonly analyzer: string;
  readonly config?: string;
  readonly edges?: boolean;
  readonly gexf?: string;
  readonly json?: boolean;
}

/** `deps --json` (DESIGN section 11), without the edges, which are printed as they are made. */
interface Summary {
  readonly tasks: number;
  readonly accesses: number;
  readonly raw: number;
  readonly war: number;
  readonly waw: number;
  readonly elapsedMs: number;
}

export function depsCommand(shell: Shell): Command {
  return new Command('deps')
    .description('finds which instructions of a trace must wait for which, exactly, by the elements they share')
    .argument('<trace>', 'a trace (regrain.trace/1), or a model')
    .option('--analyzer <id>', 'which analyzer', 'region-index')
    .option('--config <file>', 'plugins and settings (default: regrain.config.* in the working directory)')
    .option('--edges', 'list every dependence: from, to, kind, shared elements')
    .option('--gexf <file>', 'write the graph of regions for Gephi and the like')
    .option('--json', 'print one JSON value')
    .addHelpText(
      'after',
      examples(
        'regrain deps examples/traces/gemm-relu-blur.jsonl',
        'regrain deps trace.jsonl --edges --json',
        'regrain deps trace.jsonl --gexf regions.gexf',
      ),
    )
    .action(async (path: string, options: Options) => deps(shell, path, options));
}

async function deps({ terminal }: Shell, path: string, options: Options): Promise<void> {
  const { session } = await openSession(options.config, terminal);
  const analyzer = session.make(DependenceAnalyzer, options.analyzer);
  const { program } = await session.load(path, { dims: {}, shapes: {} });
  const work = expand(program, wholeTensorGrain(program));
  const began = performance.now();
  const found = await analyzer.analyze(work, { elements: options.edges === true });
  const elapsedMs = performance.now() - began;
  const accesses = work.tasks.reduce((sum, task) => sum + task.accesses.length, 0);
  const summary: Summary = { tasks: work.tasks.length, accesses, ...countKinds(found.kinds), elapsedMs };
  if (options.gexf !== undefined) writeFileWhole(options.gexf, gexf(regionGraph(program, work, found)));
  if (options.edges) printEdges(summary, edgeRows(work, found), options.json === true, terminal);
  else if (options.json) printJson(summary, terminal);
  else terminal.out(text(summary, options.analyzer));
}

function text({ tasks, accesses, raw, war, waw, elapsedMs }: Summary, analyzer: string): string {
  return `${group(tasks)} tasks, ${group(accesses)} accesses: ${group(raw)} RAW, ${group(war)} WAR, ${group(waw)} WAW dependences; ${analyzer}, ${duration(elapsedMs)}.\n`;
}

/** In pieces: a long trace has more edges than one string can hold. */
function printEdges(summary: Summary, rows: Iterable<EdgeRow>, json: boolean, terminal: Terminal): void {
  const pieces: string[] = [];
  const flush = (): void => terminal.out(pieces.splice(0).join(''));
  let first = true;
  if (json) pieces.push(`${JSON.stringify(summary).slice(0, -1)},"edges":[`);
  for (const row of rows) {
    pieces.push(json ? `${first ? '' : ','}\n${JSON.stringify(row)}` : `${row.join('\t')}\n`);
    first = false;
    if (pieces.length > 10_000) flush();
  }
  if (json) pieces.push(']}\n');
  flush();
}
