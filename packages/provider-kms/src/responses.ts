import type { GetPublicKeyCommandOutput, KeyMetadata } from '@aws-sdk/client-kms';
import {
  type EncryptionAlgorithm,
  InternalError,
  isEncryptionAlgorithm,
  isKeyArn,
  KEY_ORIGINS,
  KEY_SPECS,
  KEY_STATES,
  KEY_USAGES,
  type KeyDescription,
  type KeyName,
  ownField,
  ProviderUnavailableError,
  type PublicKeyOutput,
  parseKeyId,
  UnsupportedOperationError,
} from '@keywrap/core';

// The contract uses KMS's names, but KMS also has key specs that the contract does not (ML-DSA, ML-KEM,
// Ed25519, SM2), none of which encrypts with an algorithm of the contract.

/**
 * Returns the required members of a response; the SDK types every member as optional.
 *
 * @throws {@link ProviderUnavailableError} when one is missing: the response is a proxy's, or truncated. A retry
 * may get a complete one.
 */
export function required<Response extends object, Name extends keyof Response>(
  response: Response,
  ...names: readonly Name[]
): { readonly [N in Name]-?: NonNullable<Response[N]> } {
  const missing = names.find((name) => ownField(response, name) === undefined);
  if (missing !== undefined) throw unreadable(`no ${String(missing)}`);
  return response as { readonly [N in Name]-?: NonNullable<Response[N]> };
}

/**
 * Returns the ARN that a response names, if it can be that of the key in the request. An alias name may be any key's. Core
 * checks that it is an ARN, and the same where the request has an ARN.
 *
 * @throws {@link InternalError} when another key answered: a proxy mixed up responses, or invents them.
 */
export function answered(arn: string, asked: KeyName | undefined): string {
  if (asked === undefined || asked.kind === 'alias-name' || !isKeyArn(arn)) return arn;
  const key = parseKeyId(arn) as Extract<KeyName, { kind: 'key-arn' }>;
  const isSame =
    asked.kind === 'alias-arn'
      ? asked.partition === key.partition &&
        asked.region === key.region &&
        asked.account === key.account
      : asked.id === key.id;
  if (isSame) return arn;
  throw new InternalError('the response of AWS KMS is about a key other than the requested one');
}

/** Converts a response of [GetPublicKey](https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html). */
export function toPublicKeyOutput(
  response: GetPublicKeyCommandOutput,
  key: KeyName,
): PublicKeyOutput {
  const { PublicKey, KeyId } = required(response, 'PublicKey', 'KeyId');
  return {
    publicKey: PublicKey,
    keyId: answered(KeyId, key),
    keySpec: known(KEY_SPECS, response.KeySpec, 'key spec'),
    keyUsage: known(KEY_USAGES, response.KeyUsage, 'key usage'),
    algorithms: ours(response.EncryptionAlgorithms),
  };
}

/** Converts [KeyMetadata](https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html). */
export function toKeyDescription(metadata: KeyMetadata | undefined, key: KeyName): KeyDescription {
  if (metadata?.CreationDate === undefined) throw unreadable('no key metadata');
  const deletionDate = ownField(metadata, 'DeletionDate');
  const keyVersion = ownField(metadata, 'CurrentKeyMaterialId');
  const { Arn } = required(metadata, 'Arn');
  return {
    keyId: answered(Arn, key),
    keySpec: known(KEY_SPECS, metadata.KeySpec, 'key spec'),
    keyUsage: known(KEY_USAGES, metadata.KeyUsage, 'key usage'),
    keyState: known(KEY_STATES, metadata.KeyState, 'key state'),
    origin: known(KEY_ORIGINS, metadata.Origin, 'origin'),
    algorithms: ours(metadata.EncryptionAlgorithms),
    description: metadata.Description ?? '',
    creationDate: metadata.CreationDate,
    ...(keyVersion !== undefined && { keyVersion }),
    ...(deletionDate !== undefined && { deletionDate }),
  };
}

function known<Name extends string>(names: readonly Name[], value: unknown, what: string): Name {
  const name = names.find((candidate) => candidate === value);
  if (name !== undefined) return name;
  if (typeof value !== 'string') throw unreadable(`no ${what}`);
  throw new UnsupportedOperationError(
    `the key has the ${what} ${value}, which keywrap does not support; use a SYMMETRIC_DEFAULT or RSA key`,
  );
}

function ours(algorithms: readonly string[] = []): EncryptionAlgorithm[] {
  if (!Array.isArray(algorithms)) throw unreadable('no list of algorithms');
  return algorithms.filter((algorithm) => isEncryptionAlgorithm(algorithm));
}

function unreadable(what: string): ProviderUnavailableError {
  return new ProviderUnavailableError(
    `the response of AWS KMS has ${what}: check the endpoint and the proxies on the way`,
  );
}
