// The regrain command from a clone: `node tools/regrain.mjs ARGS`. Installs and builds first where needed.
import { regrain } from './lib/command.mjs';

process.exitCode = regrain(process.argv.slice(2));
