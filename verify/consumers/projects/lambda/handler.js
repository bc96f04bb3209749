// A function of AWS Lambda: makes a data key for each record. The region and the credentials come from Lambda.
import { isKeyWrapError } from '@keywrap/core';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';

const keys = new KmsKeyWrapProvider();

export async function handler({ keyId, record }) {
  try {
    const encryptionContext = { record };
    using dataKey = await keys.generateDataKey({ keyId, keySpec: 'AES_256', encryptionContext });
    // Encrypt the record with dataKey.plaintext here.
    return { wrappedKey: Buffer.from(dataKey.ciphertext).toString('base64') };
  } catch (error) {
    if (isKeyWrapError(error)) return { error: error.name, code: error.code };
    throw error;
  }
}
