import {
  constants,
  createCipheriv,
  createPublicKey,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import type {
  GetParametersForImportCommandOutput,
  ImportKeyMaterialCommandInput,
  KMS,
} from '@aws-sdk/client-kms';

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
  const parameters = { KeyId, WrappingAlgorithm, WrappingKeySpec };
  return wrapWith(await kms.getParametersForImport(parameters), material, WrappingAlgorithm);
}

function wrapWith(
  { ImportToken, PublicKey }: GetParametersForImportCommandOutput,
  material: Uint8Array,
  WrappingAlgorithm: WrappingAlgorithm = 'RSAES_OAEP_SHA_256',
): Pick<ImportKeyMaterialCommandInput, 'ImportToken' | 'EncryptedKeyMaterial'> {
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

/**
 * Imports key material into a key, by default for ever, with one import token: the server makes an RSA key for each,
 * which takes a while.
 */
export async function importerInto(kms: KMS, KeyId: string) {
  const parameters = await kms.getParametersForImport({
    KeyId,
    WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
    WrappingKeySpec: 'RSA_2048',
  });
  return (material: Uint8Array, more: Partial<ImportKeyMaterialCommandInput> = FOREVER) =>
    kms.importKeyMaterial({ KeyId, ...wrapWith(parameters, material), ...more });
}

/** Wraps key material and imports it, by default for ever. */
export async function importInto(
  kms: KMS,
  KeyId: string,
  material: Uint8Array,
  more: Partial<ImportKeyMaterialCommandInput> = FOREVER,
) {
  return (await importerInto(kms, KeyId))(material, more);
}
