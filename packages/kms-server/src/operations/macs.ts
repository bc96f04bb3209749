import { createHmac, timingSafeEqual } from 'node:crypto';
import {
  arnOf,
  type KeyMaterial,
  type KeyVersion,
  newestVersion,
} from '@keywrap/provider-local/keys';
import { usableKey } from '../keys/find-key.js';
import { KmsError } from '../protocol/kms-error.js';
import type { RequestOf } from '../protocol/model.js';
import type { Region } from '../regions.js';
import { endDryRun, toBase64 } from './members.js';

/** [GenerateMac](https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html) */
export async function GenerateMac(request: RequestOf<'GenerateMac'>, region: Region) {
  const { mac, members } = await computeMac('GenerateMac', request, region);
  endDryRun(request);
  return { ...members, Mac: toBase64(mac) };
}

/** [VerifyMac](https://docs.aws.amazon.com/kms/latest/APIReference/API_VerifyMac.html) */
export async function VerifyMac(request: RequestOf<'VerifyMac'>, region: Region) {
  const { mac, members } = await computeMac('VerifyMac', request, region);
  if (mac.length !== request.Mac.length || !timingSafeEqual(mac, request.Mac)) {
    throw new KmsError('KMSInvalidMacException');
  }
  endDryRun(request);
  return { ...members, MacValid: true };
}

/** HMAC (RFC 2104). @returns The MAC, and the rest of the response. */
async function computeMac(
  operation: 'GenerateMac' | 'VerifyMac',
  { KeyId, Message, MacAlgorithm }: RequestOf<'GenerateMac'>,
  { keys }: Region,
) {
  const use = { operation, usage: 'GENERATE_VERIFY_MAC', algorithm: MacAlgorithm } as const;
  const key = await usableKey(keys, KeyId, use);
  const { material } = newestVersion(key) as KeyVersion;
  // OpenSSL calls HMAC_SHA_256 sha256.
  const hmac = createHmac(
    MacAlgorithm.replace('HMAC_SHA_', 'sha'),
    (material as KeyMaterial).bytes,
  );
  return { mac: hmac.update(Message).digest(), members: { KeyId: arnOf(key), MacAlgorithm } };
}
