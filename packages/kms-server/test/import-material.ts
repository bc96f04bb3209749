import {
  constants,
  createCipheriv,
  createPublicKey,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import type { ImportKeyMaterialCommandInput, KMS } from '@aws-sdk/client-kms';

export const FOREVER = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' } as const;

type WrappingAlgorithm = `${'RSAES_OAEP' | 'RSA_AES_KEY_WRAP'}_SHA_${1 | 256}`;

/** Wraps key material as KMS's documentation tells people to. */
export async function wrap(
  kms: KMS,
  KeyId: string,
  material: Uint8Array,
  WrappingAlgorithm: WrappingAlgorithm = 'RSAES_OAEP_SHA_256',
  WrappingKeySpec: 'RSA_2048' | 'RSA_3072' = 'RSA_2048',
): Promise<Pick<ImportKeyMaterialCommandInput, 'ImportToken' | 'EncryptedKeyMaterial'>> {
  const { ImportToken, PublicKey } = await kms.getParametersForImport({
    KeyId,
    WrappingAlgorithm,
    WrappingKeySpec,
  });
  const key = createPublicKey({ key: Buffer.from(PublicKey ?? []), format: 'der', type: 'spki' });
  const oaepHash = WrappingAlgorithm.endsWith('256') ? 'sha256' : 'sha1';
  const oaep = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash };
  if (WrappingAlgorithm.startsWith('RSAES_OAEP')) {
    return { ImportToken, EncryptedKeyMaterial: publicEncrypt(oaep, material) };
  }
  const aesKey = randomBytes(32);
  const iv = Buffer.from('a65959a6', 'hex');
  const cipher = createCipheriv('id-aes256-wrap-pad', aesKey, iv);
  const wrapped = [publicEncrypt(oaep, aesKey), cipher.update(material), cipher.final()];
  return { ImportToken, EncryptedKeyMaterial: Buffer.concat(wrapped) };
}

/** Wraps key material and imports it, by default for ever. */
export async function importInto(
  kms: KMS,
  KeyId: string,
  material: Uint8Array,
  more: Partial<ImportKeyMaterialCommandInput> = FOREVER,
) {
  return kms.importKeyMaterial({ KeyId, ...(await wrap(kms, KeyId, material)), ...more });
}
