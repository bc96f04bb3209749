import { copyBytes, InvalidInputError, KeyStateError, type OwnedBytes } from '@keywrap/core';
import { type KeyRecord, newestVersion } from './keys/record.js';
import type { ExportRequest } from './parse-input.js';

/** Encodes the newest material of a key. @throws {@link InvalidInputError}, {@link KeyStateError} */
export async function writeMaterial(
  key: KeyRecord,
  { format, passphrase }: Pick<ExportRequest, 'format' | 'passphrase'>,
): Promise<string | OwnedBytes> {
  const newest = newestVersion(key);
  if (newest?.material === undefined) throw new KeyStateError('the key has no key material');
  const { bytes } = newest.material;
  const isPair = newest.publicKey !== undefined;
  if (isPair === (format === 'raw')) {
    const fitting = isPair ? 'one of the PKCS formats' : 'raw';
    throw new InvalidInputError('format', `must be ${fitting} for a ${key.keySpec} key`);
  }
  if (format === 'raw') {
    if (passphrase !== undefined) {
      throw new InvalidInputError('passphrase', 'must be left out: raw is not encrypted');
    }
    return copyBytes(bytes);
  }
  // The types tie the passphrase to the format, but both come from a caller and are checked at run time.
  const { writeKeyMaterial } = await import('./key-files/index.js');
  return writeKeyMaterial(bytes, { format, passphrase } as {
    format: 'pkcs12';
    passphrase: string;
  });
}
