// What a service does with what it is given: every line must compile.
import { type KeyWrapProvider, type OwnedBytes, sealWithPublicKey } from '@keywrap/core';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { readKeyMaterial } from '@keywrap/provider-local/key-files';

export const keys: KeyWrapProvider = new LocalKeyWrapProvider({ keys: ['alias/orders'] });
const keyId = 'alias/orders';

/** Inputs are any bytes. */
export async function inputs(bytes: Uint8Array, shown: Buffer): Promise<void> {
  await keys.encrypt({ keyId, plaintext: bytes });
  await keys.encrypt({ keyId, plaintext: shown });
  await keys.decrypt({ ciphertext: bytes });
  await keys.reEncrypt({ ciphertext: shown, destination: { keyId } });
  await sealWithPublicKey(bytes, shown, 'RSAES_OAEP_SHA_256');
}

/** Results own an ArrayBuffer, which the platform's functions ask for. */
export async function results(bytes: Uint8Array): Promise<void> {
  const dataKey = await keys.generateDataKey({ keyId, keySpec: 'AES_256' });
  await platformTakes(dataKey.plaintext);
  await platformTakes(dataKey.ciphertext);
  const pair = await keys.generateDataKeyPair({ keyId, keyPairSpec: 'ECC_NIST_P256' });
  await platformTakes(pair.privateKey);
  await platformTakes(pair.publicKey);
  await platformTakes(pair.privateKeyCiphertext);
  const wrapped = await keys.generateDataKeyWithoutPlaintext({ keyId, numberOfBytes: 8 });
  await platformTakes(wrapped.ciphertext);
  const { privateKeyCiphertext, publicKey } = await keys.generateDataKeyPairWithoutPlaintext({
    keyId,
    keyPairSpec: 'RSA_2048',
  });
  await platformTakes(privateKeyCiphertext);
  await platformTakes(publicKey);
  await platformTakes((await keys.encrypt({ keyId, plaintext: bytes })).ciphertext);
  await platformTakes((await keys.decrypt({ ciphertext: bytes })).plaintext);
  await platformTakes((await keys.getPublicKey({ keyId })).publicKey);
  const moved = await keys.reEncrypt({ ciphertext: bytes, destination: { keyId } });
  await platformTakes(moved.ciphertext);
  await platformTakes(await sealWithPublicKey(bytes, bytes, 'RSAES_OAEP_SHA_256'));
  const read = await readKeyMaterial(bytes);
  if (read.type === 'private') await platformTakes(read.privateKey);
}

async function platformTakes(bytes: OwnedBytes): Promise<void> {
  await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt']);
  new Blob([bytes]);
  new Response(bytes);
  await fetch('http://127.0.0.1/', { method: 'POST', body: bytes });
  crypto.getRandomValues(bytes);
}
