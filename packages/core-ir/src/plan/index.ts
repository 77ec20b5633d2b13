export * from './live-profile.js';
export * from './metrics.js';
