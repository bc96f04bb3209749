import {
  digestLength,
  hash,
  type SigningAlgorithm,
  sign as signDigest,
  signMessage,
  verify as verifyDigest,
} from '../crypto/signatures.js';
import { findKeyOrAlias } from '../keys/find-key.js';
import { assertState } from '../keys/key-state.js';
import { assertUsage } from '../keys/key-usage.js';
import type { KmsKey, Material } from '../keys/kms-key.js';
import { KmsError, validationError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/requests.js';
import type { Region } from '../region.js';
import { endDryRun, toBase64 } from './common.js';

/** [Sign](https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html) */
export async function sign(request: RequestOf<'Sign'>, region: Region) {
  const key = await signingKey('Sign', request, region);
  const algorithm = request.SigningAlgorithm as SigningAlgorithm;
  const digest = digestOf(request, algorithm);
  endDryRun(request);
  const { material } = key.materials[0] as Material;
  const signature =
    digest === undefined
      ? await signMessage(algorithm, material, request.Message)
      : signDigest(algorithm, material, digest);
  return {
    KeyId: region.keys.arnOf(key),
    Signature: toBase64(signature),
    SigningAlgorithm: algorithm,
  };
}

/** [Verify](https://docs.aws.amazon.com/kms/latest/APIReference/API_Verify.html) */
export async function verify(request: RequestOf<'Verify'>, region: Region) {
  const key = await signingKey('Verify', request, region);
  const algorithm = request.SigningAlgorithm as SigningAlgorithm;
  const digest = digestOf(request, algorithm) ?? hash(algorithm, request.Message);
  const { publicKey } = key.materials[0] as Material;
  if (!verifyDigest(algorithm, publicKey as Uint8Array, digest, request.Signature)) {
    throw new KmsError('KMSInvalidSignatureException');
  }
  endDryRun(request);
  return { KeyId: region.keys.arnOf(key), SignatureValid: true, SigningAlgorithm: algorithm };
}

async function signingKey(
  operation: 'Sign' | 'Verify',
  { KeyId, SigningAlgorithm }: RequestOf<'Sign'>,
  { keys }: Region,
): Promise<KmsKey> {
  const key = await findKeyOrAlias(keys, KeyId);
  assertUsage(operation, key, keys, 'SIGN_VERIFY', SigningAlgorithm);
  assertState(operation, key, keys);
  return key;
}

/** The digest, when that is what the message is. */
function digestOf(
  { Message, MessageType = 'RAW' }: RequestOf<'Sign'>,
  algorithm: SigningAlgorithm,
): Uint8Array | undefined {
  if (MessageType === 'RAW') return undefined;
  if (MessageType === 'EXTERNAL_MU') {
    throw validationError(`MessageType EXTERNAL_MU is not valid for algorithm ${algorithm}.`);
  }
  if (Message.length === digestLength(algorithm)) return Message;
  throw validationError(`Digest is invalid length for algorithm ${algorithm}.`);
}
