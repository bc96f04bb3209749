import type { KeyManager, KeyWrapProvider } from '@keywrap/core';
import { RIGHT_KEY, RSA_KEY } from './subjects.js';

const plaintext = Uint8Array.of(1, 2, 3);
const encryptionContext = { tenant: 'a' };

/** Calls every method, with and without what may be left out; some calls are refused. */
export async function callEverything(provider: KeyWrapProvider): Promise<void> {
  const keyId = RIGHT_KEY;
  const bound = await provider.encrypt({ keyId, plaintext, encryptionContext });
  const { ciphertext } = await provider.encrypt({ keyId, plaintext });
  await provider.decrypt({ ciphertext });
  await provider.decrypt({ keyId, ciphertext: bound.ciphertext, encryptionContext }, {});
  await provider.reEncrypt({ ciphertext, source: {}, destination: { keyId } });
  await provider.generateDataKey({ keyId, keySpec: 'AES_256' });
  await provider.generateDataKey({ keyId, numberOfBytes: 5 }, { bytesToEncrypt: 3 });
  await provider.generateDataKeyWithoutPlaintext({ keyId, numberOfBytes: 5 });
  const pair = { keyId, keyPairSpec: 'ECC_NIST_P256' } as const;
  await provider.generateDataKeyPair(pair);
  await provider.generateDataKeyPairWithoutPlaintext(pair);
  await provider.describeKey({ keyId });
  await provider.getPublicKey({ keyId: RSA_KEY });
  const rsa = { keyId: RSA_KEY, algorithm: 'RSAES_OAEP_SHA_256' } as const;
  const sealed = await provider.encrypt({ ...rsa, plaintext });
  await provider.decryptAsymmetric({ ...rsa, ciphertext: sealed.ciphertext });
  await isRefused(provider.decrypt({ ciphertext: plaintext }));
  await isRefused(provider.decrypt({ ciphertext: bound.ciphertext }));
  await isRefused(provider.getPublicKey({ keyId }));
  await isRefused(provider.encrypt({ keyId: 'alias/missing', plaintext }));
  const manager = provider as KeyWrapProvider & Partial<KeyManager>;
  if (typeof manager.createKey === 'function') await manage(manager as KeyManager);
}

async function manage(keys: KeyManager): Promise<void> {
  const { keyId } = await keys.createKey();
  await keys.rotateKey({ keyId });
  await keys.disableKey({ keyId });
  await keys.enableKey({ keyId });
  await keys.scheduleKeyDeletion({ keyId });
  await keys.cancelKeyDeletion({ keyId });
  const alias = 'alias/attacked';
  await keys.createAlias({ alias, keyId });
  await keys.updateAlias({ alias, keyId: (await keys.createKey()).keyId });
  await keys.deleteAlias({ alias });
  const external = await keys.createKey({ origin: 'EXTERNAL' });
  await keys.importKeyMaterial({ keyId: external.keyId, keyMaterial: new Uint8Array(32) });
  await keys.listKeys();
  await keys.listAliases();
}

/** Rejects where a call was done that had to be refused. */
export async function isRefused(call: Promise<unknown>): Promise<void> {
  const wasDone = await call.then(
    () => true,
    () => false,
  );
  if (wasDone) throw new Error('a call was to be refused, and was done');
}
