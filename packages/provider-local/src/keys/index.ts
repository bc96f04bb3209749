// The life cycle of keys, for key stores and for programs that manage the keys of a store themselves, such as
// a server. Services that wrap keys do not need this.
export { aliasTaken, createAlias, deleteAlias, updateAlias } from './aliases.js';
export {
  isMultiRegionId,
  materialIdOf,
  type NewKey,
  type NewMaterial,
  newKey,
  newKeyId,
  newSymmetricVersion,
  newVersion,
} from './create.js';
export { dueDate, keyAt } from './due-changes.js';
export { problemOfName } from './key-name.js';
export { Keys, type ScopePage } from './keys.js';
export { KeyMaterial } from './material.js';
export { PendingDeletions } from './pending-deletions.js';
export {
  type AliasRecord,
  aliasArnOf,
  arnOf,
  isSameScope,
  type KeyRecord,
  type KeyVersion,
  materialsOf,
  newestVersion,
  type Tag,
  targetOf,
} from './record.js';
export type { ChangeNames, KeyStore, Page, Transaction } from './store.js';
export {
  assertImportable,
  assertNotPendingDeletion,
  assertOrigin,
  assertRotatable,
  assertState,
  assertSymmetric,
  daysAfter,
  deletionCancelled,
  disabled,
  enabled,
  type ImportDetails,
  imported,
  isPendingDeletion,
  materialDeleted,
  pendingDeletion,
  rotated,
  rotatedToPending,
  withAutomaticRotation,
} from './transitions.js';
