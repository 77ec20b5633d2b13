export { MovedObjective } from './objectives/moved.js';
export { PeakObjective } from './objectives/peak.js';
export { TimeObjective } from './objectives/time.js';
export { WeightedObjective } from './objectives/weighted.js';
export { plugin } from './plugin.js';
export { thresholdOptions } from './threshold/options.js';
export { ThresholdAdjuster } from './threshold.js';
