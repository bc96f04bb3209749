import { createPublicKey, type KeyObject } from 'node:crypto';
import type { KeyVaultKey } from '@azure/keyvault-keys';
import {
  type EncryptionAlgorithm,
  InternalError,
  isRsaPublicKey,
  type KeyDescription,
  type KeySpec,
  type KeyState,
  type KeyUsage,
  rsaKeySpecOf,
  UnsupportedOperationError,
} from '@keywrap/core';

const CURVES: Readonly<Record<string, KeySpec>> = {
  'P-256': 'ECC_NIST_P256',
  'P-384': 'ECC_NIST_P384',
  'P-521': 'ECC_NIST_P521',
  'P-256K': 'ECC_SECG_P256K1',
};

/** Returns the version of a key, which its ciphertexts begin with. */
export function versionOf({ properties }: KeyVaultKey): string {
  const { version } = properties;
  if (version !== undefined && /^[0-9a-f]{32}$/.test(version)) return version;
  throw new InternalError('the vault returned a key without a version of 32 hexadecimal digits');
}

/** Describes a key by its latest version. */
export function describe(keyId: string, key: KeyVaultKey, now: Date): KeyDescription {
  const { keySpec, keyUsage, algorithms } = kindOf(key);
  return {
    keyId,
    keySpec,
    keyUsage,
    algorithms,
    keyState: stateOf(key, keyUsage, now),
    origin: key.keyType?.endsWith('-HSM') === true ? 'HSM' : 'SOFTWARE',
    description: '',
    // What the vault tells is when this version was made.
    creationDate: undefined,
    keyVersion: versionOf(key),
  };
}

/** Returns the public half of an RSA or EC key. */
export function publicKeyOf({ key, keyType = '' }: KeyVaultKey): KeyObject {
  const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('base64url');
  if (/^RSA/.test(keyType)) {
    const jwk = { kty: 'RSA', n: text(key?.n), e: text(key?.e) };
    const rsa = createPublicKey({ key: jwk, format: 'jwk' });
    if (isRsaPublicKey(rsa.asymmetricKeyDetails, 8 * (key?.n?.length ?? 0))) return rsa;
    throw new InternalError('the vault returned numbers that are no RSA key');
  }
  if (/^EC/.test(keyType)) {
    const crv = key?.crv === 'P-256K' ? 'secp256k1' : `${key?.crv}`;
    const jwk = { kty: 'EC', crv, x: text(key?.x), y: text(key?.y) };
    return createPublicKey({ key: jwk, format: 'jwk' });
  }
  throw new UnsupportedOperationError('the key has no public key');
}

interface Kind {
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  readonly algorithms: readonly EncryptionAlgorithm[];
}

function kindOf(key: KeyVaultKey): Kind {
  const { keyType = '', keyOperations = [] } = key;
  const encrypts = keyOperations.some((each) => each === 'encrypt' || each === 'decrypt');
  if (/^oct/.test(keyType)) {
    return kind('SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT', encrypts ? ['SYMMETRIC_DEFAULT'] : []);
  }
  if (/^RSA/.test(keyType)) {
    const keySpec = rsaKeySpecOf(key.key?.n?.length ?? 0);
    if (keySpec !== undefined) {
      return encrypts
        ? kind(keySpec, 'ENCRYPT_DECRYPT', ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'])
        : kind(keySpec, 'SIGN_VERIFY');
    }
  }
  const curve = CURVES[`${key.key?.crv}`];
  if (curve !== undefined) return kind(curve, 'SIGN_VERIFY');
  throw new UnsupportedOperationError(`keys of the type ${keyType} have no name here`);
}

function kind(
  keySpec: KeySpec,
  keyUsage: KeyUsage,
  algorithms: readonly EncryptionAlgorithm[] = [],
): Kind {
  return { keySpec, keyUsage, algorithms };
}

function stateOf(
  { properties, keyOperations = [] }: KeyVaultKey,
  usage: KeyUsage,
  now: Date,
): KeyState {
  const { enabled, notBefore, expiresOn } = properties;
  if (enabled === false) return 'Disabled';
  if ((notBefore && now < notBefore) || (expiresOn && now > expiresOn)) return 'Unavailable';
  return usage === 'ENCRYPT_DECRYPT' && !keyOperations.includes('encrypt')
    ? 'DecryptOnly'
    : 'Enabled';
}
