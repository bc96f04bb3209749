// What a page does: keys in memory, an encrypted key file, a public key. The result goes to the server.
import { sealWithPublicKey } from '@keywrap/core';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';

async function main() {
  const plaintext = Uint8Array.of(1, 2, 3);
  const algorithm = 'RSAES_OAEP_SHA_256';
  const keys = new LocalKeyWrapProvider({ keys: ['alias/orders'] });
  const { ciphertext, keyId } = await keys.encrypt({ keyId: 'alias/orders', plaintext });
  const opened = await keys.decrypt({ keyId, ciphertext });
  const keyMaterial = await (await fetch('/key.pem')).text();
  const inbox = await keys.createKey({
    keySpec: 'RSA_2048',
    origin: 'EXTERNAL',
    keyUsage: 'ENCRYPT_DECRYPT',
  });
  await keys.importKeyMaterial({ keyId: inbox.keyId, keyMaterial, passphrase: 'correct horse' });
  const { publicKey } = await keys.getPublicKey({ keyId: inbox.keyId });
  const letter = await sealWithPublicKey(publicKey, plaintext, algorithm);
  const read = await keys.decryptAsymmetric({ keyId: inbox.keyId, ciphertext: letter, algorithm });
  const refused = await keys.describeKey({ keyId: 'alias/none' }).catch(({ name }) => name);
  await keys.close();
  return `${opened.plaintext} ${read.plaintext} ${refused}`;
}

main()
  .catch((error) => `${error.name}: ${error.message} ${error.cause}`)
  .then((body) => fetch('/result', { method: 'POST', body }));
