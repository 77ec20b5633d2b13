import { basename, extname } from 'node:path';
import { Command, Option } from 'commander';
import { type CompileFlags, compileFile, MATH_HELP } from '../compile/compile-file.js';
import { show } from '../compile/show.js';
import { writePlan } from '../compile/write-plan.js';
import { atLeast, capacity, dim, integer, shape } from '../options/parse.js';
import { addPipelineOptions } from '../options/pipeline.js';
import { examples } from '../output/examples.js';
import { EXIT } from '../output/failure.js';
import { printJson } from '../output/json.js';
import { checkFolder } from '../output/write-folder.js';
import { pareto } from '../pareto/pareto.js';
import type { Shell } from '../shell.js';

interface Flags extends CompileFlags {
  readonly out?: string;
  readonly json?: boolean;
  readonly pareto?: boolean;
  readonly points?: number;
}

export function compileCommand(shell: Shell): Command {
  const command = new Command('compile')
    .description('plans a model or a trace by regions, verifies the plan and shows it beside whole tensors')
    .argument('<model>', 'an ONNX model, or a trace (regrain.trace/1)')
    .option('--target <id>', 'the machine: an id of `regrain targets`, or a JSON file that describes it')
    .option('--objective <id>', 'what to minimise')
    .option('--tune', 'time every plan of the loop by real runs (--target wasm); the objective is then time unless another is given')
    .addOption(new Option('--math <how>', MATH_HELP).choices(['exact', 'fast']))
    .option('--config <file>', 'plugins and settings (default: regrain.config.* in the working directory)')
    .addOption(new Option('--max-mac-factor <x>', 'multiply-accumulates with recomputation ÷ without, at most').argParser(atLeast(1)))
    .addOption(new Option('--capacity <space=bytes>', 'limit of a memory space, such as sram=320k, repeatable').argParser(capacity))
    .addOption(new Option('--dim <name=n>', 'size of an open dimension, repeatable').argParser(dim))
    .addOption(new Option('--shape <input=1,3,64,64>', 'shape of an input, repeatable').argParser(shape))
    .addOption(new Option('--input <how>', 'how inputs are counted (default: streamed)').choices(['resident', 'streamed', 'external']));
  return addPipelineOptions(command)
    .addOption(new Option('--seed <n>', 'of all random choices').argParser(integer(0, 2 ** 32 - 1)))
    .addOption(
      new Option('--adjacency <share>', 'how much higher the arena may be so that what is read together lies side by side (default: 0)')
        .argParser(atLeast(0))
        .conflicts('pareto'),
    )
    .addOption(
      new Option('--budget <seconds>', 'end the search after so long, with the best plan so far').argParser(atLeast(0)).conflicts('pareto'),
    )
    .option('--pareto', 'plan the front of memory against multiply-accumulates, up to --max-mac-factor (default: 2)')
    .addOption(new Option('--points <n>', 'plans of the front, at most (default: 12)').argParser(integer(1)).implies({ pareto: true }))
    .option('--out <folder>', 'write plan.json, plan.bin and a trace for Perfetto there')
    .option('--json', 'print one JSON value')
    .addHelpText(
      'after',
      examples(
        'regrain compile examples/models/mbv2_224_qdq.onnx',
        'regrain compile model.onnx --target cortex-m7-f746 --capacity sram=256k --out plan',
        'regrain compile model.onnx --target wasm --tune --math fast --out plan',
        'regrain compile model.onnx --max-mac-factor 1.2 --iterations 50 --budget 30',
        'regrain compile model.onnx --pareto --max-mac-factor 1.5 --input external --out front',
        'regrain compile model.onnx --shape x=1,3,640,640 --schedule min-peak --json',
      ),
    )
    .action(async (model: string, flags: Flags) => compile(shell, model, flags));
}

async function compile(shell: Shell, model: string, flags: Flags): Promise<void> {
  const { terminal } = shell;
  if (flags.out !== undefined) checkFolder(flags.out);
  if (flags.pareto) return pareto(shell, model, modelName(model), flags);
  const done = await compileFile(model, modelName(model), flags, terminal);
  terminal.progress('');
  if (flags.out !== undefined) await writePlan(flags.out, done);
  if (flags.json) printJson(done.summary, terminal);
  else terminal.out(show(done.summary, done.result, terminal));
  for (const { rule, message } of done.result.faults.slice(0, 3)) terminal.note(`regrain: ${rule}: ${message}`);
  if (!done.summary.verified) shell.exitCode = EXIT.failed;
  else if (flags.out !== undefined) terminal.note(`Wrote ${flags.out}.`);
}

/** `a/b/mbv2.onnx` is called `mbv2`. */
function modelName(path: string): string {
  return basename(path, extname(path));
}
