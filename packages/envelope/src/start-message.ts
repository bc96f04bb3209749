import { type CallOptions, type EncryptionContext, wipe } from '@keywrap/core';
import { engine } from '#engine';
import type { Signer } from './engines/engine.js';
import { SIGNING_SUITE, SUITE, TAG_LENGTH } from './format/algorithm-suite.js';
import { MESSAGE_ID_LENGTH, PUBLIC_KEY_NAME } from './format/header.js';
import { MessageSealer } from './format/message-sealer.js';
import { HEADER_IV, writeHeader } from './format/write-header.js';
import { makeDataKey, type WrappedDataKeys } from './keys/wrap-data-key.js';
import type { Sealing } from './seal-options.js';
import { encodeBase64 } from './text/base64.js';

/**
 * Makes the data key and the header of a message
 * ([Encrypt](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/client-apis/encrypt.md#behavior)).
 */
export async function startMessage(sealing: Sealing, options: CallOptions): Promise<MessageSealer> {
  // "the default CMM MUST Generate a signing key", and add its public key to the context
  const signer = sealing.signed ? await engine.createSigner('P-384') : undefined;
  const encryptionContext: EncryptionContext =
    signer === undefined
      ? sealing.encryptionContext
      : { ...sealing.encryptionContext, [PUBLIC_KEY_NAME]: encodeBase64(signer.publicKey) };
  const { keys, frameLength } = sealing;
  const dataKeys = await makeDataKey(keys, encryptionContext, options);
  try {
    return await startWithDataKey(dataKeys, { encryptionContext, signer, frameLength });
  } finally {
    wipe(dataKeys.plaintext);
  }
}

/** What a message needs besides its data key. */
interface MessageParameters {
  /** All pairs, also the reserved one of a signed message. */
  readonly encryptionContext: EncryptionContext;
  readonly signer: Signer | undefined;
  readonly frameLength: number;
}

/** Makes the header of a message under a data key that may be the one of other messages too. */
export async function startWithDataKey(
  { plaintext, wrapped }: WrappedDataKeys,
  { encryptionContext, signer, frameLength }: MessageParameters,
): Promise<MessageSealer> {
  const suite = signer === undefined ? SUITE : SIGNING_SUITE;
  // Under one data key each message has its own keys, because they are derived with its id.
  const messageId = crypto.getRandomValues(new Uint8Array(MESSAGE_ID_LENGTH[2]));
  const deriving = engine.deriveKeys(suite, plaintext, messageId);
  const { key, commitKey } = deriving instanceof Promise ? await deriving : deriving;
  try {
    const header = writeHeader({
      suite,
      messageId,
      encryptionContext,
      dataKeys: wrapped,
      frameLength,
      commitKey: commitKey as Uint8Array,
    });
    // The tag over the header body is that of an empty plaintext.
    const bodyLength = header.length - TAG_LENGTH;
    const tag = header.subarray(bodyLength);
    const sealing = key.seal(HEADER_IV, header.subarray(0, bodyLength), NOTHING, tag);
    if (sealing !== undefined) await sealing;
    return new MessageSealer({ header, key, messageId, frameLength, signer });
  } catch (error) {
    key.wipe();
    throw error;
  }
}

const NOTHING = new Uint8Array();
