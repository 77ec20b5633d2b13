export { describedContribution, describedOptions, describedTarget } from './described-target.js';
export {
  descriptionSchema,
  type MachineDescription,
  type MachineInput,
  machineOf,
  parseDescription,
  type SchedulerModel,
} from './description.js';
export { PerfettoReporter, traceJson } from './perfetto.js';
export { plugin } from './plugin.js';
export { simulate } from './simulator.js';
