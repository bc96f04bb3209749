// The life cycle of keys, for key stores and for programs that manage the keys of a store themselves, such as
// a server. Services that wrap keys do not need this.
export * from './aliases.js';
export * from './create.js';
export { dueDate, keyAt } from './due-changes.js';
export { problemOfName } from './key-name.js';
export * from './keys.js';
export * from './material.js';
export * from './pending-deletions.js';
export * from './record.js';
export type * from './store.js';
export * from './transitions.js';
