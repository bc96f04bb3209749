export type { KeyMaterial, PrivateKeyMaterial, PublicKeyMaterial } from './key-material.js';
export { type ReadKeyMaterialOptions, readKeyMaterial } from './read.js';
export {
  type PrivateKeyFormat,
  type PublicKeyFormat,
  type WriteKeyMaterialOptions,
  type Written,
  writeKeyMaterial,
  writePublicKey,
} from './write.js';
