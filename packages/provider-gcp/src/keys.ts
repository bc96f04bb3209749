import type { protos } from '@google-cloud/kms';
import {
  type AsymmetricAlgorithm,
  type EncryptionAlgorithm,
  InternalError,
  type KeyDescription,
  type KeyOrigin,
  type KeySpec,
  type KeyState,
  type KeyUsage,
  UnsupportedOperationError,
} from '@keywrap/core';

type CryptoKey = protos.google.cloud.kms.v1.ICryptoKey;
type CryptoKeyVersion = protos.google.cloud.kms.v1.ICryptoKeyVersion;
type Timestamp = protos.google.protobuf.ITimestamp | null | undefined;

/** A version of a key. */
export interface Version {
  /** Its resource name. */
  readonly name: string;
  /** The last part of its name. */
  readonly id: string;
  readonly isEnabled: boolean;
  readonly keySpec: KeySpec;
  readonly keyUsage: KeyUsage;
  /** What it encrypts with: one algorithm, or none. */
  readonly algorithm: EncryptionAlgorithm | undefined;
  readonly keyState: KeyState;
  readonly origin: KeyOrigin;
  readonly destroyTime: Date | undefined;
}

const STATES: Readonly<Record<string, KeyState>> = {
  ENABLED: 'Enabled',
  DISABLED: 'Disabled',
  DESTROY_SCHEDULED: 'PendingDeletion',
  PENDING_GENERATION: 'Creating',
  PENDING_IMPORT: 'PendingImport',
};

const CURVES: Readonly<Record<string, KeySpec>> = {
  P256: 'ECC_NIST_P256',
  P384: 'ECC_NIST_P384',
  SECP256K1: 'ECC_SECG_P256K1',
};

/** Returns the id of a version of this key, from its resource name; undefined for a version of another key. */
export function versionIn(resource: string, name: string | null | undefined): string | undefined {
  const versions = `${resource}/cryptoKeyVersions/`;
  return name?.startsWith(versions) && /^\d{1,20}$/.test(name.slice(versions.length))
    ? name.slice(versions.length)
    : undefined;
}

/** Returns the versions of a key, the newest first. */
export function versionsOf(resource: string, all: readonly CryptoKeyVersion[]): Version[] {
  return all
    .map((each) => versionOf(resource, each))
    .sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? 1 : -1));
}

function versionOf(resource: string, version: CryptoKeyVersion): Version {
  const { name, state, protectionLevel, importJob, destroyTime } = version;
  const id = versionIn(resource, name);
  if (id === undefined) throw new InternalError('Cloud KMS returned a version of another key');
  const keyState = STATES[`${state}`] ?? 'Unavailable';
  return {
    ...kindOf(`${version.algorithm}`),
    name: name as string,
    id,
    isEnabled: keyState === 'Enabled',
    keyState,
    origin: originOf(`${protectionLevel}`, Boolean(importJob)),
    destroyTime: dateOf(destroyTime),
  };
}

function originOf(protectionLevel: string, isImported: boolean): KeyOrigin {
  if (protectionLevel.startsWith('EXTERNAL')) return 'EXTERNAL_KEY_STORE';
  if (isImported) return 'EXTERNAL';
  return protectionLevel.startsWith('HSM') ? 'HSM' : 'SOFTWARE';
}

/** The [algorithms](https://cloud.google.com/kms/docs/algorithms), whose names contain the size and the hash. */
function kindOf(algorithm: string): Pick<Version, 'keySpec' | 'keyUsage' | 'algorithm'> {
  if (/^(GOOGLE|EXTERNAL)_SYMMETRIC_ENCRYPTION$/.test(algorithm)) {
    return kind('SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT', 'SYMMETRIC_DEFAULT');
  }
  const [, bits, hash] = /^RSA_DECRYPT_OAEP_(2048|3072|4096)_SHA(1|256|512)$/.exec(algorithm) ?? [];
  if (hash !== undefined) {
    const oaep = `RSAES_OAEP_SHA_${hash}` as AsymmetricAlgorithm;
    return kind(`RSA_${bits}` as KeySpec, 'ENCRYPT_DECRYPT', oaep);
  }
  const [, size] = /^RSA_SIGN_[A-Z0-9_]*?(2048|3072|4096)/.exec(algorithm) ?? [];
  if (size !== undefined) return kind(`RSA_${size}` as KeySpec, 'SIGN_VERIFY');
  const curve = CURVES[/^EC_SIGN_([A-Z0-9]+)_/.exec(algorithm)?.[1] ?? ''];
  if (curve !== undefined) return kind(curve, 'SIGN_VERIFY');
  const [, mac] = /^HMAC_SHA(224|256|384|512)$/.exec(algorithm) ?? [];
  if (mac !== undefined) return kind(`HMAC_${mac}` as KeySpec, 'GENERATE_VERIFY_MAC');
  throw new UnsupportedOperationError(`keys of the algorithm ${algorithm} have no name here`);
}

function kind(
  keySpec: KeySpec,
  keyUsage: KeyUsage,
  algorithm?: EncryptionAlgorithm,
): Pick<Version, 'keySpec' | 'keyUsage' | 'algorithm'> {
  return { keySpec, keyUsage, algorithm };
}

/**
 * Describes a key by its primary version, or by all where there is none: Google has a primary of symmetric keys only.
 *
 * @param versions The primary version, or all of them, the newest first.
 */
export function describe(
  keyId: string,
  versions: readonly Version[],
  key?: CryptoKey,
): KeyDescription {
  const enabled = versions.filter(({ isEnabled }) => isEnabled);
  // The newest that can be used; of a key without one, the newest that can be restored.
  const current =
    enabled[0] ?? versions.find(({ keyState }) => keyState !== 'Unavailable') ?? versions[0];
  if (current === undefined) return describeEmpty(keyId, key);
  const { keySpec, keyUsage, keyState, origin, id, destroyTime } = current;
  const algorithms = (enabled.length > 0 ? enabled : [current]).flatMap(
    ({ algorithm }) => algorithm ?? [],
  );
  return {
    keyId,
    keySpec,
    keyUsage,
    // A new version may have another algorithm than those before.
    algorithms: [...new Set(algorithms)],
    keyState,
    origin,
    description: '',
    creationDate: dateOf(key?.createTime),
    keyVersion: id,
    ...(keyState === 'PendingDeletion' && { deletionDate: destroyTime }),
  };
}

/** Describes a key without versions by the template of its first. */
function describeEmpty(keyId: string, key: CryptoKey | undefined): KeyDescription {
  const { algorithm, protectionLevel } = key?.versionTemplate ?? {};
  const isImported = key?.importOnly === true;
  const { algorithm: own, ...spec } = kindOf(`${algorithm ?? 'GOOGLE_SYMMETRIC_ENCRYPTION'}`);
  return {
    keyId,
    ...spec,
    algorithms: own === undefined ? [] : [own],
    keyState: isImported ? 'PendingImport' : 'Unavailable',
    origin: originOf(`${protectionLevel}`, isImported),
    description: '',
    creationDate: dateOf(key?.createTime),
  };
}

function dateOf(time: Timestamp): Date | undefined {
  const { seconds, nanos } = time ?? {};
  if (seconds === undefined || seconds === null) return undefined;
  return new Date(Number(seconds) * 1000 + Math.floor((nanos ?? 0) / 1e6));
}
