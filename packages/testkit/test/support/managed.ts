import type { CreateKeyInput, KeyInput } from '@keywrap/core';
import { ReferenceProvider } from './reference.js';

/** The reference provider with some methods of a `KeyManager`, as the command finds them. */
export class Managed extends ReferenceProvider {
  createKey({ keySpec = 'SYMMETRIC_DEFAULT', keyUsage = 'ENCRYPT_DECRYPT' }: CreateKeyInput = {}) {
    return this.create({ keySpec, keyUsage });
  }

  disableKey({ keyId }: KeyInput): Promise<void> {
    return this.disable(keyId);
  }
}
