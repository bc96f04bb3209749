import {
  type CallOptions,
  DecryptResult,
  type EncryptionAlgorithm,
  type EncryptionContext,
  type KeyWrapProvider,
  parseCall,
  readSafely,
  wipe,
} from '@keywrap/core';
import { type AuthenticatedHeader, authenticateHeader } from './authenticate-header.js';
import { errorOf } from './errors.js';
import type { AlgorithmSuiteName } from './format/algorithm-suite.js';
import { concat } from './format/bytes.js';
import { MessageOpener } from './format/message-opener.js';
import type { unwrapDataKey } from './keys/unwrap-data-key.js';
import { type Opening, type OpenOptions, readOpenOptions } from './open-options.js';
import { readMessage } from './parse-message-header.js';

/** An opened message. Wipe its plaintext when done: `using`, or `opened[Symbol.dispose]()`. */
export class OpenedMessage extends DecryptResult {
  /** The pairs that the message is bound to, without the reserved one of a signed message. */
  readonly encryptionContext: EncryptionContext;
  /** The suite, under the name of the specification. */
  readonly algorithmSuite: AlgorithmSuiteName;

  /** @param fields `plaintext` passes into the ownership of the result. */
  constructor(fields: {
    readonly plaintext: Uint8Array;
    readonly keyId: string;
    readonly algorithm: EncryptionAlgorithm;
    readonly encryptionContext: EncryptionContext;
    readonly algorithmSuite: AlgorithmSuiteName;
  }) {
    super(fields);
    this.encryptionContext = fields.encryptionContext;
    this.algorithmSuite = fields.algorithmSuite;
  }
}

/**
 * Decrypts a message of {@link seal}, or of the AWS Encryption SDK in any language. Returns nothing before all of
 * the message is authenticated and, if it is signed, its signature is verified.
 *
 * @param message The bytes, or their base64url without padding.
 * @throws `InvalidCiphertextError`, always the same, when the message is damaged or does not have the expected
 * pairs; `UntrustedKeyError` when it is not sealed under a trusted key; `InvalidInputError` when it is no message,
 * or exceeds a limit; `UnsupportedOperationError` for a suite or version that is unknown or not allowed. When no
 * key opens it, what the provider rejected with.
 *
 * @example
 * ```ts
 * import type { KeyWrapProvider } from '@keywrap/core';
 * import { open } from '@keywrap/envelope';
 *
 * async function show(keys: KeyWrapProvider, message: Uint8Array) {
 *   using opened = await open(keys, message, {
 *     trustedKeys: ['alias/invoices'],
 *     encryptionContext: { invoice: '2026-000123' },
 *   });
 *   return new TextDecoder().decode(opened.plaintext);
 * }
 * ```
 */
export async function open(
  provider: KeyWrapProvider,
  message: Uint8Array | string,
  options: OpenOptions,
  callOptions?: CallOptions,
): Promise<OpenedMessage> {
  const { opening, call, bytes } = readSafely('open', 'options', () => ({
    opening: readOpenOptions(provider, options),
    call: parseCall(callOptions),
    bytes: readMessage(message),
  }));
  try {
    return await openMessage(bytes, opening, call);
  } catch (error) {
    throw errorOf('open', error);
  }
}

/** Opens a message, with one way to unwrap its data key. Copies the bytes before it returns its promise. */
export async function openMessage(
  bytes: Uint8Array,
  opening: Opening,
  callOptions: CallOptions,
  unwrap?: typeof unwrapDataKey,
): Promise<OpenedMessage> {
  let authenticated: AuthenticatedHeader | undefined;
  const opener = new MessageOpener({
    maximumDataKeys: opening.maximumDataKeys,
    maximumFrameLength: opening.maximumFrameLength,
    // The message is in memory already.
    maximumSingleBlock: Number.POSITIVE_INFINITY,
    async authenticate(header) {
      authenticated = await authenticateHeader(header, opening, callOptions, unwrap);
      return authenticated;
    },
  });
  const parts = await opener.update(bytes);
  const plaintext = joinAndWipe(parts, () => opener.final());
  const { opened, algorithm } = authenticated as AuthenticatedHeader;
  const { keyId, encryptionContext, algorithmSuite } = opened;
  return new OpenedMessage({ plaintext, keyId, algorithm, encryptionContext, algorithmSuite });
}

/** Joins parts, if the check passes. What does not leave, because there are several or the check fails, is wiped. */
function joinAndWipe(parts: readonly Uint8Array[], check: () => void): Uint8Array {
  let joined: Uint8Array | undefined;
  try {
    check();
    joined = concat(parts);
    return joined;
  } finally {
    for (const part of parts) if (part !== joined) wipe(part);
  }
}
