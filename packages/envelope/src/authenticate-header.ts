import {
  type CallOptions,
  type EncryptionAlgorithm,
  type EncryptionContext,
  UnsupportedOperationError,
  wipe,
} from '@keywrap/core';
import { engine } from '#engine';
import type { MessageKey, Verifier } from './engines/engine.js';
import { damagedMessage } from './errors.js';
import type { AlgorithmSuiteName } from './format/algorithm-suite.js';
import { type MessageHeader, PUBLIC_KEY_NAME } from './format/header.js';
import type { OpeningKeys } from './format/message-opener.js';
import { unwrapDataKey } from './keys/unwrap-data-key.js';
import type { Opening } from './open-options.js';
import { decodeBase64 } from './text/base64.js';

/** What an authenticated header says. */
export interface OpenedHeader {
  /** The pairs of the message, without the reserved one of a signed message. */
  readonly encryptionContext: EncryptionContext;
  readonly algorithmSuite: AlgorithmSuiteName;
  /** The ARN of the key that unwrapped the data key. */
  readonly keyId: string;
}

/** What an authenticated header says, and what opens its message. */
export interface AuthenticatedHeader extends OpeningKeys {
  readonly opened: OpenedHeader;
  /** That unwrapped the data key. */
  readonly algorithm: EncryptionAlgorithm;
}

/**
 * Unwraps the data key of a message and authenticates its header ([Get the decryption
 * materials](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/client-apis/decrypt.md#get-the-decryption-materials),
 * [Verify the
 * header](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/client-apis/decrypt.md#verify-the-header)).
 */
export async function authenticateHeader(
  header: MessageHeader,
  opening: Opening,
  options: CallOptions,
  unwrap: typeof unwrapDataKey = unwrapDataKey,
): Promise<AuthenticatedHeader> {
  const { suite, encryptionContext } = header;
  assertAllowed(header, opening);
  for (const name of Object.keys(opening.encryptionContext)) {
    const isSame = encryptionContext[name] === opening.encryptionContext[name];
    if (!isSame || !Object.hasOwn(encryptionContext, name)) throw damagedMessage();
  }
  const verifier = await createVerifier(header);
  const dataKey = await unwrap(
    header.dataKeys,
    opening.trustedKeys,
    encryptionContext,
    suite.keyLength,
    options,
  );
  const { plaintext, keyId, algorithm } = dataKey;
  try {
    const key = await authenticate(header, plaintext);
    const pairs = withoutPublicKey(encryptionContext);
    const opened = { encryptionContext: pairs, algorithmSuite: suite.name, keyId };
    return { key, verifier, opened, algorithm };
  } finally {
    wipe(plaintext);
  }
}

function withoutPublicKey(encryptionContext: EncryptionContext): EncryptionContext {
  const pairs: Record<string, string> = {};
  for (const name of Object.keys(encryptionContext)) {
    if (name !== PUBLIC_KEY_NAME) pairs[name] = encryptionContext[name] as string;
  }
  return pairs;
}

/** Derives the key of the message, and verifies with it the commitment and the header's tag. */
async function authenticate(header: MessageHeader, dataKey: Uint8Array): Promise<MessageKey> {
  const { suite, messageId, body, iv, tag } = header;
  const { key, commitKey } = await engine.deriveKeys(suite, dataKey, messageId);
  const isCommitted = !suite.commits || isSame(commitKey, header.commitKey);
  if (isCommitted && (await key.open(iv, body, tag)) !== undefined) return key;
  key.wipe();
  throw damagedMessage();
}

/** @throws UnsupportedOperationError for a suite that the options do not allow. */
function assertAllowed({ suite }: MessageHeader, { commitmentPolicy, signature }: Opening): void {
  if (!suite.commits && commitmentPolicy === 'REQUIRE_ENCRYPT_REQUIRE_DECRYPT') {
    throw new UnsupportedOperationError(
      `the message has the suite ${suite.name}, which does not commit to its data key; commitmentPolicy REQUIRE_ENCRYPT_ALLOW_DECRYPT opens it`,
    );
  }
  const isSigned = suite.curve !== undefined;
  if (signature !== undefined && isSigned !== (signature === 'required')) {
    throw new UnsupportedOperationError(
      `the message is ${isSigned ? '' : 'not '}signed; the option signature says ${signature}`,
    );
  }
}

/**
 * A suite that signs has a public key in the context, and no other suite has ([Decrypt
 * Materials](https://github.com/awslabs/aws-encryption-sdk-specification/blob/master/framework/default-cmm.md#decrypt-materials)).
 */
async function createVerifier({
  suite,
  encryptionContext,
}: MessageHeader): Promise<Verifier | undefined> {
  const publicKey = encryptionContext[PUBLIC_KEY_NAME];
  if ((publicKey === undefined) !== (suite.curve === undefined)) throw damagedMessage();
  if (publicKey === undefined || suite.curve === undefined) return undefined;
  const point = decodeBase64(publicKey);
  const verifier = point && (await engine.createVerifier(suite.curve, point));
  if (verifier === undefined) throw damagedMessage();
  return verifier;
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && engine.isEqual(a, b);
}
