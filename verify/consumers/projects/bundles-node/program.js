// A program that uses what bundlers find hard: classes by name, libraries loaded when needed, node-forge.
import { generateKeyPairSync } from 'node:crypto';
import { KeyNotFoundError, openKeyWrapProvider } from '@keywrap/core';
import { LocalKeyWrapProvider, localScheme } from '@keywrap/provider-local';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const keyMaterial = privateKey.export({ type: 'pkcs8', format: 'pem' });
const plaintext = Uint8Array.of(1, 2, 3);
const algorithm = 'RSAES_OAEP_SHA_256';

async function use(engine) {
  const inbox = { keyId: 'alias/inbox', keySpec: 'RSA_2048', keyMaterial };
  const keys = new LocalKeyWrapProvider({ engine, keys: ['alias/orders', inbox] });
  const { ciphertext, keyId } = await keys.encrypt({ keyId: 'alias/orders', plaintext });
  const opened = await keys.decrypt({ keyId, ciphertext });
  expect(opened.plaintext, '1,2,3');
  const sealed = await keys.encrypt({ keyId: 'alias/inbox', plaintext, algorithm });
  const { keyId: sealedBy, ciphertext: letter } = sealed;
  const read = await keys.decryptAsymmetric({ keyId: sealedBy, ciphertext: letter, algorithm });
  expect(read.plaintext, '1,2,3');
  const keyPairSpec = 'ECC_SECG_P256K1';
  await keys.generateDataKeyPair({ keyId, keyPairSpec });
  const pem = await keys.exportKeyMaterial({ keyId: 'alias/inbox', format: 'pkcs1-pem' });
  expect(pem.startsWith('-----BEGIN RSA PRIVATE KEY-----'), true);
  const error = await keys.describeKey({ keyId: 'alias/none' }).catch((thrown) => thrown);
  expect(error instanceof KeyNotFoundError, true);
  expect(error.name, 'KeyNotFoundError');
  await keys.close();
}

function expect(actual, expected) {
  if (`${actual}` !== `${expected}`) throw new Error(`${actual} instead of ${expected}`);
}

async function main() {
  for (const engine of ['auto', 'node', 'forge']) await use(engine);
  const keys = await openKeyWrapProvider('local:?keys=alias/a', [localScheme]);
  await keys.encrypt({ keyId: 'alias/a', plaintext });
  await keys.close();
  console.log('it works');
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
