import {
  type Awaitable,
  type Call,
  type EncryptOutput,
  InvalidInputError,
  LIMITS,
  type OwnedBytes,
  ownSecret,
  type ReEncryptOutput,
  type ReEncryptRequest,
  type UsedKey,
  wipe,
} from '@keywrap/core';
import { Client } from '../right/client.js';

/** The plaintext of a source, and its key. */
export type Opened = UsedKey & { readonly plaintext: OwnedBytes };

/** A client that re-encrypts itself: what it does with the destination is apart. */
export abstract class ReEncrypting extends Client {
  async reEncrypt(request: ReEncryptRequest, call: Call): Promise<ReEncryptOutput> {
    const { ciphertext, source } = request;
    const { plaintext: secret, ...used } = await this.decrypt({ ...source, ciphertext }, call);
    const opened = { ...used, plaintext: ownSecret(secret) };
    try {
      const { length } = opened.plaintext;
      if (length === 0 || length > LIMITS.plaintext) {
        throw new InvalidInputError('ciphertext', 'does not fit the destination');
      }
      const sealed = await this.sealAgain(request, opened, call);
      return {
        ciphertext: sealed.ciphertext,
        sourceKeyId: opened.keyId,
        sourceKeyVersion: opened.keyVersion,
        destinationKeyId: sealed.keyId,
        destinationKeyVersion: sealed.keyVersion,
      };
    } finally {
      wipe(opened.plaintext);
    }
  }

  protected abstract sealAgain(
    request: ReEncryptRequest,
    opened: Opened,
    call: Call,
  ): Awaitable<EncryptOutput>;
}
