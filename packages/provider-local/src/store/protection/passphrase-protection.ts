import { hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { InvalidInputError, ownSecret, wipe } from '@keywrap/core';
import { nodeAesInBlocks } from '../../cipher/engines/node/aes.js';
import { openWithNonce, sealWithNonce } from '../../cipher/sealed.js';
import { Xaes256GcmKey } from '../../cipher/xaes-256-gcm.js';
import {
  ACCEPTABLE_COST,
  DEFAULT_COST,
  deriveFromPassphrase,
  isAcceptableCost,
  passphraseBytes,
  type ScryptCost,
} from './passphrase.js';
import { COMMITMENT_LENGTH, type PassphraseRecord, SALT_LENGTH } from './record.js';
import { KEY_LENGTH } from './store-key.js';

// AES-GCM alone does not commit to its key: a crafted ciphertext opens under hundreds of keys, and an attacker
// who sees whether it opened tests hundreds of passphrases at once (Len, Grubbs, Ristenpart:
// "Partitioning Oracle Attacks", USENIX Security 2021). So two keys are derived by HKDF-SHA-512, one that
// wraps and one that is stored as the commitment and compared before anything is opened, as in algorithm
// suite 0x0478 of the AWS Encryption SDK
// (https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/algorithms-reference.html; Albertini et
// al.: "How to Abuse and Fix Authenticated Encryption Without Key Commitment", USENIX Security 2022). An
// attacker would need a collision of HKDF-SHA-512 for one record to suit two passphrases.

/** Wraps the key of a store under a passphrase, with a fresh salt. @throws {@link InvalidInputError} */
export async function wrapWithPassphrase(
  storeId: string,
  secret: Uint8Array,
  passphrase: string | Uint8Array,
  cost: ScryptCost = DEFAULT_COST,
): Promise<PassphraseRecord> {
  const parameters = { ...cost };
  if (!isAcceptableCost(parameters)) {
    throw new InvalidInputError('scrypt', `must have ${ACCEPTABLE_COST}`);
  }
  const { blockSize, parallelization } = parameters;
  const salt = randomBytes(SALT_LENGTH);
  const { commitment, key } = await deriveKeys(storeId, passphrase, salt, parameters);
  const wrapped = sealWithNonce(key, secret, contextOf(storeId));
  key.destroy();
  return {
    by: 'passphrase',
    scrypt: { cost: parameters.cost, blockSize, parallelization, salt: salt.toString('base64') },
    commitment: Buffer.from(commitment).toString('base64'),
    wrapped: Buffer.from(wrapped).toString('base64'),
  };
}

/** @returns Whether the passphrase is wrong and, if it is right, the key; no key if the record was changed. */
export async function unwrapWithPassphrase(
  storeId: string,
  passphrase: string | Uint8Array,
  { scrypt, commitment: expected, wrapped: encoded }: PassphraseRecord,
): Promise<{ readonly denied: boolean; readonly secret: Uint8Array | undefined }> {
  const salt = Buffer.from(scrypt.salt, 'base64');
  const { commitment, key } = await deriveKeys(storeId, passphrase, salt, scrypt);
  try {
    if (!timingSafeEqual(commitment, Buffer.from(expected, 'base64'))) {
      return { denied: true, secret: undefined };
    }
    const wrapped = Buffer.from(encoded, 'base64');
    return { denied: false, secret: openWithNonce(key, wrapped, contextOf(storeId)) };
  } finally {
    key.destroy();
  }
}

async function deriveKeys(
  storeId: string,
  passphrase: string | Uint8Array,
  salt: Uint8Array,
  cost: ScryptCost,
): Promise<{ readonly commitment: Uint8Array; readonly key: Xaes256GcmKey }> {
  const bytes = passphraseBytes(passphrase);
  const derived = await deriveFromPassphrase(bytes, salt, cost).finally(() => wipe(bytes));
  const expand = (label: string, length: number) => {
    const info = `keywrap store v2 ${label} ${storeId}`;
    return ownSecret(new Uint8Array(hkdfSync('sha512', derived, salt, info, length)));
  };
  const wrappingKey = expand('DERIVEKEY', KEY_LENGTH);
  try {
    const commitment = expand('COMMITKEY', COMMITMENT_LENGTH);
    return { commitment, key: new Xaes256GcmKey(nodeAesInBlocks, wrappingKey) };
  } finally {
    wipe(derived);
    wipe(wrappingKey);
  }
}

/** Authenticated with the wrapped key. */
function contextOf(storeId: string): Uint8Array {
  return new TextEncoder().encode(`keywrap store v2 key ${storeId}`);
}
