import { createHmac, timingSafeEqual } from 'node:crypto';
import { findKeyOrAlias } from '../keys/find-key.js';
import { assertState } from '../keys/key-state.js';
import { assertUsage } from '../keys/key-usage.js';
import type { KmsKey, Material } from '../keys/kms-key.js';
import { KmsError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/requests.js';
import type { Region } from '../region.js';
import { endDryRun, toBase64 } from './common.js';

/** [GenerateMac](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html) */
export async function generateMac(request: RequestOf<'GenerateMac'>, region: Region) {
  const key = await macKey('GenerateMac', request, region);
  endDryRun(request);
  return {
    Mac: toBase64(macOf(key, request)),
    MacAlgorithm: request.MacAlgorithm,
    KeyId: region.keys.arnOf(key),
  };
}

/** [VerifyMac](https://docs.aws.amazon.com/kms/latest/APIReference/API_VerifyMac.html) */
export async function verifyMac(request: RequestOf<'VerifyMac'>, region: Region) {
  const key = await macKey('VerifyMac', request, region);
  const mac = macOf(key, request);
  if (mac.length !== request.Mac.length || !timingSafeEqual(mac, request.Mac)) {
    throw new KmsError('KMSInvalidMacException');
  }
  endDryRun(request);
  return { KeyId: region.keys.arnOf(key), MacValid: true, MacAlgorithm: request.MacAlgorithm };
}

async function macKey(
  operation: 'GenerateMac' | 'VerifyMac',
  { KeyId, MacAlgorithm }: RequestOf<'GenerateMac'>,
  { keys }: Region,
): Promise<KmsKey> {
  const key = await findKeyOrAlias(keys, KeyId);
  assertUsage(operation, key, keys, 'GENERATE_VERIFY_MAC', MacAlgorithm);
  assertState(operation, key, keys);
  return key;
}

/** HMAC_SHA_256 is `sha256` to OpenSSL. */
function macOf(key: KmsKey, { Message, MacAlgorithm }: RequestOf<'GenerateMac'>): Buffer {
  const { material } = key.materials[0] as Material;
  return createHmac(MacAlgorithm.replace('HMAC_SHA_', 'sha'), material).update(Message).digest();
}
