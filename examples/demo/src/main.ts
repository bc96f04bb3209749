// The seed's three topics and the asymmetric case, then the same through a container, then three
// mistakes. Runs on local keys; KEYWRAP_URL=aws-kms://eu-west-1 runs the same against AWS KMS.
import 'reflect-metadata';
import { KeyWrapError, type KeyWrapProvider, sealWithPublicKey } from '@keywrap/core';
import { KEY_WRAP_PROVIDER, keyWrapModule } from '@keywrap/core/inversify';
import { Container } from 'inversify';
import { KEYS, openDemoProvider } from './demo-keys.js';
import { came, did, failed, heading, short } from './print.js';

const DATA_KEY = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 0);
const encryptionContext = { order: '1234' };

async function encryptDecryptReEncrypt(keys: KeyWrapProvider): Promise<void> {
  heading('Encrypt a data key');
  did(`encrypt ${DATA_KEY.length} bytes under ${KEYS.first}, bound to order 1234`);
  const wrapped = await keys.encrypt({ keyId: KEYS.first, plaintext: DATA_KEY, encryptionContext });
  came(`${short(wrapped.ciphertext)} under ${wrapped.keyId}`);

  heading('Decrypt it');
  did(`decrypt it, naming ${KEYS.first}`);
  using opened = await keys.decrypt({
    keyId: KEYS.first,
    ciphertext: wrapped.ciphertext,
    encryptionContext,
  });
  came(
    `the same ${opened.plaintext.length} bytes: ${Buffer.compare(opened.plaintext, DATA_KEY) === 0}`,
  );

  heading('Re-encrypt it under a different key');
  did(`reEncrypt it from ${KEYS.first} to ${KEYS.second}; the plaintext never comes here`);
  const moved = await keys.reEncrypt({
    ciphertext: wrapped.ciphertext,
    source: { keyId: KEYS.first, encryptionContext },
    destination: { keyId: KEYS.second, encryptionContext },
  });
  came(`${short(moved.ciphertext)} under ${moved.destinationKeyId}`);
}

async function decryptFromOutside(keys: KeyWrapProvider): Promise<void> {
  const algorithm = 'RSAES_OAEP_SHA_256';
  heading('Decrypt what was encrypted outside with a public key');
  did(`hand out the public key of ${KEYS.inbox}; outside, seal ${DATA_KEY.length} bytes with it`);
  const { publicKey } = await keys.getPublicKey({ keyId: KEYS.inbox });
  const ciphertext = await sealWithPublicKey(publicKey, DATA_KEY, algorithm);
  came(short(ciphertext));
  did(`decryptAsymmetric it, naming ${KEYS.inbox} and ${algorithm}`);
  using opened = await keys.decryptAsymmetric({ keyId: KEYS.inbox, ciphertext, algorithm });
  came(
    `the same ${opened.plaintext.length} bytes: ${Buffer.compare(opened.plaintext, DATA_KEY) === 0}`,
  );
}

async function throughContainer(keys: KeyWrapProvider): Promise<void> {
  heading('The same through an inversify container');
  const container = new Container();
  container.load(keyWrapModule(() => keys));
  const injected = await container.getAsync(KEY_WRAP_PROVIDER);
  did(`the container returns a ${injected.id} provider; generate an AES-256 data key with it`);
  using dataKey = await injected.generateDataKey({ keyId: KEYS.first, keySpec: 'AES_256' });
  came(
    `${dataKey.plaintext.length} bytes to encrypt with now, and wrapped ${short(dataKey.ciphertext)}`,
  );
  using opened = await injected.decrypt({ keyId: KEYS.first, ciphertext: dataKey.ciphertext });
  came(`unwrapped again, the same: ${Buffer.compare(opened.plaintext, dataKey.plaintext) === 0}`);
}

async function threeMistakes(keys: KeyWrapProvider): Promise<void> {
  const { ciphertext } = await keys.encrypt({
    keyId: KEYS.first,
    plaintext: DATA_KEY,
    encryptionContext,
  });
  heading('What mistakes look like');
  await mistake('decrypt with the wrong key', () =>
    keys.decrypt({ keyId: KEYS.second, ciphertext, encryptionContext }),
  );
  await mistake('decrypt with the wrong encryption context', () =>
    keys.decrypt({ keyId: KEYS.first, ciphertext, encryptionContext: { order: '9999' } }),
  );
  await mistake('encrypt with a disabled key', () =>
    keys.encrypt({ keyId: KEYS.disabled, plaintext: DATA_KEY }),
  );
}

async function mistake(what: string, attempt: () => Promise<unknown>): Promise<void> {
  did(what);
  try {
    await attempt();
    throw new Error(`${what}: it was not rejected`);
  } catch (error) {
    if (!(error instanceof KeyWrapError)) throw error;
    failed(`${error.code}: ${error.message}`);
  }
}

const keys = await openDemoProvider();
try {
  await encryptDecryptReEncrypt(keys);
  await decryptFromOutside(keys);
  await throughContainer(keys);
  await threeMistakes(keys);
} catch (error) {
  if (!(error instanceof KeyWrapError)) throw error;
  failed(`${error.operation} ${error.keyId ?? ''}: ${error.code}: ${error.message}`);
  process.exitCode = 1;
} finally {
  await keys.close();
}
