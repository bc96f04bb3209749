export {
  type KeyMaterial,
  type PrivateKeyMaterial,
  type PublicKeyMaterial,
  type ReadKeyMaterialOptions,
  readKeyMaterial,
} from './read.js';
export {
  type PrivateKeyFormat,
  type PublicKeyFormat,
  type WriteKeyMaterialOptions,
  type Written,
  writeKeyMaterial,
  writePublicKey,
} from './write.js';
