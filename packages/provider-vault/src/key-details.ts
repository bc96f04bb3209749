import { createPublicKey } from 'node:crypto';
import {
  assertKeyEnabled,
  type EncryptionAlgorithm,
  InternalError,
  isRsaKeySpec,
  isRsaPublicKey,
  type KeyDescription,
  type KeySpec,
  type KeyState,
  type KeyUsage,
  type PublicKeyResult,
  UnsupportedOperationError,
} from '@keywrap/core';

type Data = Readonly<Record<string, unknown>>;

interface Kind {
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  readonly algorithms: readonly EncryptionAlgorithm[];
}

const SYMMETRIC: Kind = {
  keySpec: 'SYMMETRIC_DEFAULT',
  keyUsage: 'ENCRYPT_DECRYPT',
  algorithms: ['SYMMETRIC_DEFAULT'],
};

function rsa(keySpec: KeySpec): Kind {
  return { keySpec, keyUsage: 'ENCRYPT_DECRYPT', algorithms: ['RSAES_OAEP_SHA_256'] };
}

function signing(keySpec: KeySpec): Kind {
  return { keySpec, keyUsage: 'SIGN_VERIFY', algorithms: [] };
}

/** The [types of transit's keys](https://openbao.org/docs/secrets/transit/#key-types) that the contract has names for. */
const KINDS: ReadonlyMap<string, Kind> = new Map([
  ['aes128-gcm96', SYMMETRIC],
  ['aes256-gcm96', SYMMETRIC],
  ['chacha20-poly1305', SYMMETRIC],
  ['xchacha20-poly1305', SYMMETRIC],
  ['rsa-2048', rsa('RSA_2048')],
  ['rsa-3072', rsa('RSA_3072')],
  ['rsa-4096', rsa('RSA_4096')],
  ['ecdsa-p256', signing('ECC_NIST_P256')],
  ['ecdsa-p384', signing('ECC_NIST_P384')],
  ['ecdsa-p521', signing('ECC_NIST_P521')],
]);

/** Returns the algorithms that keys of a type encrypt with; none for other types. */
export function algorithmsOf(type: string): readonly EncryptionAlgorithm[] {
  return KINDS.get(type)?.algorithms ?? [];
}

/** @param data What `GET keys/<name>` returned. */
export function toKeyDescription(keyId: string, data: Data): KeyDescription {
  return {
    keyId,
    ...kindOf(data),
    keyState: stateOf(data),
    origin: data.imported_key === true ? 'EXTERNAL' : 'SOFTWARE',
    description: '',
    creationDate: creationDateOf(data),
    keyVersion: latestVersionOf(data),
  };
}

/** @param data What `GET keys/<name>` returned. */
export function toPublicKeyResult(keyId: string, data: Data): PublicKeyResult {
  const kind = kindOf(data);
  assertKeyEnabled({ keyId, ...kind, keyState: stateOf(data) });
  const keyVersion = latestVersionOf(data);
  const pem = (versionsOf(data)[keyVersion] as Data | undefined)?.public_key;
  if (typeof pem !== 'string') {
    throw new UnsupportedOperationError(`a ${kind.keySpec} key has no public key`);
  }
  const key = createPublicKey(pem);
  const bits = Number(kind.keySpec.slice(4));
  if (isRsaKeySpec(kind.keySpec) && !isRsaPublicKey(key.asymmetricKeyDetails, bits)) {
    throw new InternalError('the server returned a public key of another length or exponent');
  }
  return { keyId, ...kind, keyVersion, publicKey: key.export({ type: 'spki', format: 'der' }) };
}

function latestVersionOf({ latest_version: version }: Data): string {
  if (Number.isSafeInteger(version) && Number(version) > 0) return String(version);
  throw new InternalError('the server did not name the latest version of the key');
}

function stateOf({ soft_deleted }: Data): KeyState {
  return soft_deleted === true ? 'PendingDeletion' : 'Enabled';
}

function kindOf({ type }: Data): Kind {
  if (typeof type !== 'string') throw new InternalError('the server did not describe the key');
  const kind = KINDS.get(type);
  if (kind !== undefined) return kind;
  throw new UnsupportedOperationError(`the key is of the type ${type}, which has no name here`);
}

/** The creation of the first version. Unknown once that version was removed or may not decrypt. */
function creationDateOf(data: Data): Date | undefined {
  const first = versionsOf(data)['1'];
  if (typeof first === 'number') return new Date(first * 1000);
  const { creation_time: time } = (first ?? {}) as Data;
  const date = new Date(typeof time === 'string' ? time : Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

function versionsOf({ keys }: Data): Data {
  return typeof keys === 'object' && keys !== null ? (keys as Data) : {};
}
