import {
  type DataKeyPairSpec,
  type EncryptionAlgorithm,
  isAsymmetricAlgorithm,
  isDriverProvider,
  limitOf,
  type ProviderCapabilities,
} from '@keywrap/core';
import type { ConformanceKeys, ConformanceSubject, Outage, Right } from './harness.js';
import { canRead } from './key-pair-check.js';
import { isUnsupported, type KeyKind, type KeyRing } from './key-ring.js';
import { nodeModule } from './platform.js';

/** A capability that a provider may declare. */
export type CapabilityNeed =
  | `algorithm:${EncryptionAlgorithm}`
  /** Any RSA algorithm. */
  | 'asymmetric'
  | 'encryptionContext'
  | 'keyIdFromCiphertext'
  | 'dataKeys'
  /** The kind of key that wraps data keys. */
  | `dataKeysUnder:${'SYMMETRIC_DEFAULT' | 'RSA'}`
  | 'oneAlgorithmPerKey'
  /** Any kind of data key pair. */
  | 'dataKeyPairs'
  | `pair:${DataKeyPairSpec}`;

/** The needs of symmetric encryption. */
export const SYMMETRIC = ['algorithm:SYMMETRIC_DEFAULT', 'key:SYMMETRIC_DEFAULT'] as const;

/** The needs of RSA encryption. */
export const RSA = ['asymmetric', 'key:RSA_2048'] as const;

/**
 * The need of a case about what core does itself, before it calls a driver or after: it parses and copies input, and
 * makes results. A driver can't break these rules, and they are tested with core, so they are not applicable to a
 * provider that core made from a driver ({@link isDriverProvider}).
 */
export const OWN_RUNTIME = 'own runtime';

/** The need of a case that checks keys by OpenSSL: Web Crypto has not all of the curves. */
export const NODE_CRYPTO = 'node:crypto' as const;

/** The needs of a case that checks pairs of this kind by OpenSSL. */
export const pairNeeds = (spec: DataKeyPairSpec) =>
  [`pair:${spec}`, NODE_CRYPTO, `${NODE_CRYPTO} ${spec}`] as const;

/** A need of a case: a capability or its absence, a kind of key, or a method of the harness. */
export type Need =
  | CapabilityNeed
  | `without ${CapabilityNeed}`
  | `key:${KeyKind}`
  | `keys.${Exclude<keyof ConformanceKeys, 'create'>}`
  /** Results say which version of a key was used. */
  | 'keyVersion'
  | 'rotates RSA keys'
  /** The harness can take this right to a kind of key. */
  | `denies ${Right} ${KeyKind}`
  /** The provider binds to encryption contexts of this serialised length. */
  | `context of ${number} bytes`
  | typeof OWN_RUNTIME
  | typeof NODE_CRYPTO
  /** It reads keys of this kind. */
  | `${typeof NODE_CRYPTO} ${DataKeyPairSpec}`
  /** `fail` of the harness breaks the backend in this way. */
  | `fail:${Outage}`
  | Hook;

/** An optional member of the harness's subject. */
type Hook = 'cache' | 'reopen' | 'fail';

/** How the reason begins if the harness does not offer what a case needs. */
export const MISSING = 'the harness has no';

/**
 * Returns why a need is not met; `undefined` when it is.
 *
 * @param openSpare Opens a subject that no case uses, to break its backend.
 */
export async function whyUnmet(
  need: Need,
  subject: Pick<ConformanceSubject, 'provider' | Hook>,
  ring: KeyRing,
  openSpare?: () => Promise<ConformanceSubject>,
): Promise<string | undefined> {
  const { capabilities } = subject.provider;
  if (need === OWN_RUNTIME) {
    return isDriverProvider(subject.provider) ? 'core does this for every driver' : undefined;
  }
  if (need === NODE_CRYPTO) {
    return nodeModule(NODE_CRYPTO) === undefined ? `this platform has no ${need}` : undefined;
  }
  if (need.startsWith(`${NODE_CRYPTO} `)) {
    const spec = need.slice(NODE_CRYPTO.length + 1) as DataKeyPairSpec;
    return canRead(spec) ? undefined : `node:crypto of this platform has no ${spec}`;
  }
  if (need === 'cache' || need === 'reopen' || need === 'fail') {
    return subject[need] === undefined ? `${MISSING} ${need}` : undefined;
  }
  if (need.startsWith('fail:')) {
    const outage = need.slice('fail:'.length) as Outage;
    return (await declines(outage, await openSpare?.()))
      ? `${MISSING} fail('${outage}')`
      : undefined;
  }
  if (need.startsWith('key:')) {
    const kind = need.slice('key:'.length) as KeyKind;
    return (await ring.isAvailable(kind)) ? undefined : `${MISSING} ${kind} keys`;
  }
  if (need.startsWith('keys.')) {
    const method = need.slice('keys.'.length) as keyof ConformanceKeys;
    return ring.can(method) ? undefined : `${MISSING} keys.${method}`;
  }
  if (need === 'keyVersion') {
    return (await ring.saysKeyVersion()) ? undefined : 'results do not say the key version';
  }
  if (need === 'rotates RSA keys') {
    return (await ring.rotatesRsa()) ? undefined : `${MISSING} rotation of RSA keys`;
  }
  if (need.startsWith('denies ')) {
    const [, right, kind] = need.split(' ') as [string, Right, KeyKind];
    if (!ring.can('deny')) return `${MISSING} keys.deny`;
    return (await ring.denies(right, kind)) ? undefined : `${MISSING} keys.deny(..., '${right}')`;
  }
  if (need.startsWith('context of ')) {
    const limit = limitOf(capabilities, 'encryptionContext');
    const isWithin = Number(need.split(' ')[2]) <= limit;
    return isWithin ? undefined : `the provider declares contexts of at most ${limit} bytes`;
  }
  if (need.startsWith('without ')) {
    const capability = need.slice('without '.length) as CapabilityNeed;
    return declares(capabilities, capability) ? `the provider declares ${capability}` : undefined;
  }
  return declares(capabilities, need as CapabilityNeed)
    ? undefined
    : `the provider does not declare ${need}`;
}

async function declines(outage: Outage, spare: ConformanceSubject | undefined): Promise<boolean> {
  try {
    await spare?.fail?.(outage);
    return false;
  } catch (error) {
    return isUnsupported(error);
  } finally {
    await spare?.fail?.(undefined);
  }
}

function declares(capabilities: ProviderCapabilities, need: CapabilityNeed): boolean {
  const { algorithms, dataKeyPairSpecs, dataKeyAlgorithm = 'SYMMETRIC_DEFAULT' } = capabilities;
  const [kind, name] = need.split(':');
  switch (kind) {
    case 'algorithm':
      return algorithms.includes(name as EncryptionAlgorithm);
    case 'asymmetric':
      return algorithms.some(isAsymmetricAlgorithm);
    case 'dataKeysUnder':
      return isAsymmetricAlgorithm(dataKeyAlgorithm) === (name === 'RSA');
    case 'dataKeyPairs':
      return dataKeyPairSpecs.length > 0;
    case 'pair':
      return dataKeyPairSpecs.includes(name as DataKeyPairSpec);
    default:
      return (
        capabilities[
          need as 'encryptionContext' | 'keyIdFromCiphertext' | 'dataKeys' | 'oneAlgorithmPerKey'
        ] === true
      );
  }
}
