// `npm start`: MobileNetV2 by whole tensors and by regions. `npm start -- ARGS`: the regrain command.
import { join, relative } from 'node:path';
import { regrain } from './lib/command.mjs';
import { root } from './lib/workspace.mjs';

const args = process.argv.slice(2);
const model = relative(process.env.INIT_CWD ?? process.cwd(), join(root, 'examples', 'models', 'mbv2_224_qdq.onnx'));
process.exitCode = regrain(args.length > 0 ? args : ['compile', model]);
