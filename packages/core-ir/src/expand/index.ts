export * from './copies.js';
export * from './edit.js';
export * from './expand.js';
export * from './in-place.js';
export * from './preimage.js';
export * from './region-index.js';
export * from './seams.js';
export * from './touches.js';
