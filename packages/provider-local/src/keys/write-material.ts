import { copyBytes, InvalidInputError, KeyStateError, ownFields } from '@keywrap/core';
import type { ExportFormat } from '../read-manager-input.js';
import type { KeyRecord } from './key-record.js';

/** Writes the newest material of a key. @throws {@link InvalidInputError}, {@link KeyStateError} */
export async function writeMaterial(
  key: KeyRecord,
  { format, passphrase }: { format: ExportFormat; passphrase?: string | undefined },
): Promise<string | Uint8Array> {
  const newest = key.materials.at(-1);
  if (newest === undefined) throw new KeyStateError('the key has no key material yet');
  const isPair = ownFields(newest).publicKey !== undefined;
  if (isPair === (format === 'raw')) {
    const fitting = isPair ? 'one of the PKCS formats' : 'raw';
    throw new InvalidInputError('format', `must be ${fitting} for a ${key.keySpec} key`);
  }
  if (format === 'raw') {
    if (passphrase !== undefined) {
      throw new InvalidInputError('passphrase', 'is of no use: raw is not encrypted');
    }
    return copyBytes(newest.material);
  }
  // The types tie the passphrase to the format; here both come from outside and are checked at run time.
  const { writeKeyMaterial } = await import('../key-files/index.js');
  return writeKeyMaterial(newest.material, { format, passphrase } as {
    format: 'pkcs12';
    passphrase: string;
  });
}
