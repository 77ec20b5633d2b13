// Puts real output into README.md: `node tools/readme.mjs [--models FOLDER]`. Between `<!-- output: ARGS -->` and `<!-- /output -->` stands
// what `regrain ARGS` prints. `bench` needs the folder of the models, which are not part of the repository.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setUp } from './lib/setup.mjs';
import { root, say } from './lib/workspace.mjs';

const extra = process.argv.slice(2);
const readme = join(root, 'README.md');
setUp();
const text = readFileSync(readme, 'utf8').replace(/(<!-- output: (.+?) -->\n)[\s\S]*?(<!-- \/output -->)/g, (whole, start, args, end) => {
  const printed = regrain(args.split(' '));
  return printed === undefined ? whole : `${start}\n\`\`\`text\n${printed.trimEnd()}\n\`\`\`\n\n${end}`;
});
writeFileSync(readme, text);

/** What it prints, or undefined (and the old text stays) where it cannot run here. */
function regrain(args) {
  if (args[0] === 'bench' && extra.length === 0) {
    say(`left as it is: regrain ${args.join(' ')} (give --models FOLDER)`);
    return undefined;
  }
  const all = args[0] === 'bench' ? [...args, ...extra] : args;
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'packages/cli/dist/regrain.js'), ...all], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, NO_COLOR: '1', LC_ALL: 'C.UTF-8' },
  });
  if (status === 0) return stdout;
  say(`regrain ${all.join(' ')} ended with ${status}: ${stderr}`);
  process.exit(1);
}
