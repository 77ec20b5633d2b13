import { badInput, Decomposer } from '@regrain/core-ir';
import { Command, Option } from 'commander';
import type { CompileFlags } from '../compile/compile-file.js';
import { adviceOf } from '../explain/advice.js';
import { type OpenedPlan, openPlan } from '../explain/open-plan.js';
import { explainPeak } from '../explain/peak.js';
import { showPeak } from '../explain/show-peak.js';
import { showRegion, showTensor } from '../explain/show-tensor.js';
import { explainRegion, explainTensor } from '../explain/tensor.js';
import { tryAll } from '../explain/try.js';
import { openSession } from '../open-session.js';
import { atLeast, capacity, dim, integer, shape } from '../options/parse.js';
import { addPipelineOptions } from '../options/pipeline.js';
import { examples } from '../output/examples.js';
import { printJson } from '../output/json.js';
import { unknownName } from '../output/unknown-name.js';
import type { Shell } from '../shell.js';

interface Options extends CompileFlags {
  readonly peak?: boolean;
  readonly tensor?: string;
  readonly region?: number;
  readonly try?: boolean;
  readonly json?: boolean;
}

/** Of what `--json` prints. */
const SCHEMA = 'regrain.explain/1';

export function explainCommand(shell: Shell): Command {
  const command = new Command('explain')
    .description('says what the peak of a plan is made of and what would lower it, or why a tensor or a region has its size')
    .argument('<model|plan>', 'a plan.json, the folder that `compile --out` wrote, or a model or trace to plan')
    .addOption(
      new Option('--peak', 'the moment of the peak, what lives then, and what would lower it (the default)').conflicts([
        'tensor',
        'region',
      ]),
    )
    .addOption(
      new Option('--tensor <name>', 'how a tensor is cut, by whom and why; its uses, its life, the edits that were tried').conflicts(
        'region',
      ),
    )
    .addOption(new Option('--region <id>', 'the same of one region, by its number').argParser(integer(0)))
    .addOption(
      new Option('--try', 'also plan the alternatives and show what each really gives (a model only)').conflicts(['tensor', 'region']),
    )
    .option('--target <id>', 'the machine: an id of `regrain targets`, or a JSON file that describes it')
    .option('--objective <id>', 'what to minimise')
    .option('--config <file>', 'plugins and settings (default: regrain.config.* in the working directory)')
    .addOption(new Option('--max-mac-factor <x>', 'multiply-accumulates with recomputation ÷ without, at most').argParser(atLeast(1)))
    .addOption(new Option('--capacity <space=bytes>', 'limit of a memory space, such as sram=320k, repeatable').argParser(capacity))
    .addOption(new Option('--dim <name=n>', 'size of an open dimension, repeatable').argParser(dim))
    .addOption(new Option('--shape <input=1,3,64,64>', 'shape of an input, repeatable').argParser(shape))
    .addOption(new Option('--input <how>', 'how inputs are counted (default: streamed)').choices(['resident', 'streamed', 'external']));
  return addPipelineOptions(command)
    .addOption(new Option('--seed <n>', 'of all random choices').argParser(integer(0, 2 ** 32 - 1)))
    .option('--json', 'print one JSON value')
    .addHelpText(
      'after',
      examples(
        'regrain explain examples/models/mbv2_224_qdq.onnx',
        'regrain explain plan --tensor t10',
        'regrain explain plan/plan.json --region 500 --json',
        'regrain explain model.onnx --target cortex-m7-f746 --try',
      ),
    )
    .action(async (path: string, options: Options) => explain(shell, path, options));
}

async function explain(
  { terminal }: Shell,
  path: string,
  { peak: _, tensor, region, try: really, json, ...flags }: Options,
): Promise<void> {
  const opened = await openPlan(path, flags, terminal);
  if (really && !opened.made) throw badInput(`${path} is a plan: --try plans again, so give the model`);
  if (tensor !== undefined) await explainOneTensor(opened, tensor, json === true, terminal);
  else if (region !== undefined) await explainOneRegion(opened, region, json === true, terminal);
  else await explainThePeak(opened, path, really === true, json === true, terminal);
}

async function explainThePeak(
  opened: OpenedPlan,
  path: string,
  really: boolean,
  json: boolean,
  terminal: Shell['terminal'],
): Promise<void> {
  const { plan, name, made } = opened;
  if (plan.placements.length === 0) throw badInput(`${path}: nothing is placed in memory, so there is no peak`);
  const peak = explainPeak(plan);
  const advice = adviceOf(opened, peak, path);
  const tried = really ? await tryAll(opened, peak, (line) => terminal.progress(line)) : undefined;
  if (json) printJson({ schema: SCHEMA, ...head(opened), ...peak, advice, ...(tried ? { tried } : {}) }, terminal);
  else
    terminal.out(
      showPeak({ name, machine: plan.machine.name, input: made ? `, input ${made.options.input}` : '', peak, advice, tried }, terminal),
    );
}

async function explainOneTensor(opened: OpenedPlan, name: string, json: boolean, terminal: Shell['terminal']): Promise<void> {
  const { plan, made } = opened;
  const tensor = plan.program.tensors.findIndex((each) => each.name === name);
  if (tensor < 0) throw badInput(unknownName('tensor', name, namesOf(opened)));
  const explained = explainTensor(plan, tensor, made?.seen);
  if (json) printJson({ schema: SCHEMA, ...head(opened), ...explained }, terminal);
  else terminal.out(showTensor(explained, await contextOf(opened, terminal)));
}

async function explainOneRegion(opened: OpenedPlan, region: number, json: boolean, terminal: Shell['terminal']): Promise<void> {
  const { plan, made } = opened;
  const count = plan.decomposition.regions.length;
  if (region >= count) throw badInput(`there is no region ${region}: ${opened.name} has ${count}, from 0 to ${count - 1}`);
  const explained = explainRegion(plan, region, made?.seen);
  if (json) printJson({ schema: SCHEMA, ...head(opened), ...explained }, terminal);
  else terminal.out(showRegion(explained, await contextOf(opened, terminal)));
}

function head({ name, plan }: OpenedPlan): object {
  return { model: name, target: plan.machine.name, ...(plan.made ? { pipeline: plan.made } : {}), rounds: plan.trials.length };
}

/** Those that people ask for; constants have names, too, but are many. */
function namesOf({ plan }: OpenedPlan): string[] {
  return plan.program.tensors.flatMap(({ name, kind }) => (kind === 'constant' ? [] : [name]));
}

async function contextOf({ plan, made }: OpenedPlan, terminal: Shell['terminal']): Promise<Parameters<typeof showTensor>[1]> {
  const session = made?.session ?? (await openSession(undefined, terminal)).session;
  const id = plan.made?.['decompose']?.id;
  const rule = session.contributions(Decomposer).find((each) => each.id === id)?.description;
  return { steps: plan.steps.length, rounds: plan.trials.length, rule, terminal };
}
