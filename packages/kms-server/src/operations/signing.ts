import {
  arnOf,
  type KeyMaterial,
  type KeyVersion,
  newestVersion,
} from '@keywrap/provider-local/keys';
import { usableKey } from '../keys/find-key.js';
import { KmsError, validationError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/model.js';
import type { Region } from '../regions.js';
import {
  digestLength,
  hash,
  type SigningAlgorithm,
  sign,
  signMessage,
  verify,
} from '../sign-verify/signatures.js';
import { endDryRun, toBase64 } from './members.js';

/** [Sign](https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html) */
export async function Sign(request: RequestOf<'Sign'>, region: Region) {
  const { version, algorithm, digest, members } = await resolveRequest('Sign', request, region);
  endDryRun(request);
  const material = version.material as KeyMaterial;
  const signature =
    digest === undefined
      ? await signMessage(algorithm, material, request.Message)
      : sign(algorithm, material, digest);
  return { ...members, Signature: toBase64(signature) };
}

/** [Verify](https://docs.aws.amazon.com/kms/latest/APIReference/API_Verify.html) */
export async function Verify(request: RequestOf<'Verify'>, region: Region) {
  const { version, algorithm, members, ...read } = await resolveRequest('Verify', request, region);
  const digest = read.digest ?? hash(algorithm, request.Message);
  if (!verify(algorithm, version.publicKey as Uint8Array, digest, request.Signature)) {
    throw new KmsError('KMSInvalidSignatureException');
  }
  endDryRun(request);
  return { ...members, SignatureValid: true };
}

/** @returns What to sign or verify with and, when the message is a digest, that. */
async function resolveRequest(
  operation: 'Sign' | 'Verify',
  request: RequestOf<'Sign'>,
  { keys }: Region,
) {
  const { KeyId, SigningAlgorithm } = request;
  const use = { operation, usage: 'SIGN_VERIFY', algorithm: SigningAlgorithm } as const;
  const key = await usableKey(keys, KeyId, use);
  const algorithm = SigningAlgorithm as SigningAlgorithm;
  return {
    version: newestVersion(key) as KeyVersion,
    algorithm,
    digest: digestOf(request, algorithm),
    members: { KeyId: arnOf(key), SigningAlgorithm },
  };
}

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
