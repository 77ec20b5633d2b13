export { BUILTIN_PLUGINS } from './builtin-plugins.js';
export * from './default-pipeline.js';
export { openTerminal, type Terminal } from './output/terminal.js';
export { run } from './run.js';
