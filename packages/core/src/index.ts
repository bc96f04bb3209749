export * from './errors.js';
export * from './key-spec.js';
