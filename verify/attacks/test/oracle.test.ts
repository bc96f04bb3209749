import { createPublicKey } from 'node:crypto';
import type { KeyWrapProvider } from '@keywrap/core';
import { startKmsServer } from '@keywrap/kms-server';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { expect } from 'chai';
import { spoiledBlobs, UNKNOWN_KEY } from '#dist/oracle/blobs.js';
import { genuine, MESSAGE, spoiled } from '#dist/oracle/oaep.js';
import { connectTo } from '#dist/pollution/subjects.js';

const KEY = 'alias/orders';
const RSA = 'alias/rsa';
const HASHES = { RSAES_OAEP_SHA_1: 'sha1', RSAES_OAEP_SHA_256: 'sha256' } as const;
const CONTEXT = { tenant: 'a' };

/** All that a caller can see of an error. */
async function seen(call: Promise<unknown>): Promise<object> {
  const error = await call.then(
    () => new Error('it was done'),
    (reason) => reason as Error & Record<string, unknown>,
  );
  const own = Reflect.ownKeys(error).map((name) => [name, Reflect.get(error, name)] as const);
  const constructors = [];
  for (let proto = error; proto !== null; proto = Object.getPrototypeOf(proto)) {
    constructors.push(proto.constructor);
  }
  const { requestId: _, stack, cause, ...rest } = Object.fromEntries(own);
  // The frames of this file are those of the caller, who knows what it asked.
  const frames = String(stack)
    .split('\n')
    .filter((line) => !line.includes('oracle.test'));
  return { ...rest, frames, constructors, cause: cause && String(cause), text: String(error) };
}

async function expectIndistinguishable(
  attempts: ReadonlyMap<string, () => Promise<unknown>>,
): Promise<void> {
  const [first, ...others] = attempts;
  if (first === undefined) throw new Error('nothing was tried');
  await seen(first[1]()); // the first call of all opens the provider, which the stack shows
  const expected = await seen(first[1]());
  expect(expected).to.include({ code: 'INVALID_CIPHERTEXT' });
  for (const [what, attempt] of others) {
    expect(await seen(attempt()), what).to.deep.equal(expected);
  }
}

const blobAttempts = async (keys: KeyWrapProvider, keyId?: string) => {
  const sealed = await keys.encrypt({ keyId: KEY, plaintext: MESSAGE, encryptionContext: CONTEXT });
  const decrypt = (ciphertext: Uint8Array, encryptionContext: Record<string, string> = CONTEXT) =>
    keys.decrypt({ ...(keyId && { keyId }), ciphertext, encryptionContext });
  const attempts = new Map<string, () => Promise<unknown>>();
  for (const [what, blob] of spoiledBlobs(sealed.ciphertext)) {
    // Where no key is named, this one is openly not there.
    if (what === UNKNOWN_KEY && keyId === undefined) continue;
    attempts.set(what, () => decrypt(blob));
  }
  for (const context of [{}, { tenant: 'b' }, { tenant: 'a', more: '' }, { Tenant: 'a' }]) {
    attempts.set(JSON.stringify(context), () => decrypt(sealed.ciphertext, context));
  }
  expect((await decrypt(sealed.ciphertext)).plaintext).to.deep.equal(MESSAGE);
  return attempts;
};

const oaepAttempts = async (
  keys: KeyWrapProvider,
  algorithm: 'RSAES_OAEP_SHA_1' | 'RSAES_OAEP_SHA_256',
) => {
  const { publicKey } = await keys.getPublicKey({ keyId: RSA });
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  const decrypt = (ciphertext: Uint8Array) =>
    keys.decryptAsymmetric({ keyId: RSA, algorithm, ciphertext });
  const opened = await decrypt(genuine(key, HASHES[algorithm]));
  expect(opened.plaintext).to.deep.equal(MESSAGE);
  const ciphertexts = spoiled(key, HASHES[algorithm]);
  return new Map([...ciphertexts].map(([what, bytes]) => [what, () => decrypt(bytes)] as const));
};

const KEYS = [KEY, { keyId: RSA, keySpec: 'RSA_2048' }] as const;

for (const engine of ['node', 'forge'] as const) {
  describe(`Decryption with the ${engine} engine fails in one way`, () => {
    const keys = new LocalKeyWrapProvider({ engine, keys: KEYS });
    after(() => keys.close());

    for (const keyId of [undefined, KEY]) {
      const named = keyId === undefined ? 'is found from the blob' : 'is named';
      it(`whatever is wrong with a blob, when the key ${named}`, async () => {
        const attempts = await blobAttempts(keys, keyId);
        expect(attempts.size).to.equal(keyId === undefined ? 20 : 21);
        await expectIndistinguishable(attempts);
      });
    }

    for (const algorithm of ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] as const) {
      it(`whatever is wrong with a message under ${algorithm}`, async () => {
        const attempts = await oaepAttempts(keys, algorithm);
        expect(attempts.size).to.equal(14);
        await expectIndistinguishable(attempts);
      });
    }
  });
}

describe('Decryption with provider-kms and kms-server fails in one way', () => {
  it('in the error, and in every byte of the answer but the id of the request', async () => {
    const server = await startKmsServer({
      port: 0,
      keys: [{ alias: KEY }, { alias: RSA, keySpec: 'RSA_2048' }],
    });
    const keys = connectTo(server.url);
    try {
      await expectIndistinguishable(await blobAttempts(keys));
      await expectIndistinguishable(await oaepAttempts(keys, 'RSAES_OAEP_SHA_256'));
      const answers = new Set<string>();
      const { ciphertext } = await keys.encrypt({ keyId: KEY, plaintext: MESSAGE });
      const { keyId } = await keys.describeKey({ keyId: KEY });
      for (const blob of spoiledBlobs(ciphertext).values()) {
        answers.add(await answerTo(server.url, blob, { KeyId: keyId }));
      }
      const { publicKey } = await keys.getPublicKey({ keyId: RSA });
      const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
      const EncryptionAlgorithm = 'RSAES_OAEP_SHA_256';
      for (const bytes of spoiled(key, 'sha256').values()) {
        answers.add(await answerTo(server.url, bytes, { KeyId: RSA, EncryptionAlgorithm }));
      }
      expect([...answers]).to.have.length(1);
      expect([...answers][0])
        .to.contain('400')
        .and.to.contain('InvalidCiphertextException');
    } finally {
      await keys.close();
      await server.close();
    }
  });
});

async function answerTo(url: string, ciphertext: Uint8Array, members = {}): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'X-Amz-Target': 'TrentService.Decrypt' },
    body: JSON.stringify({
      ...members,
      CiphertextBlob: Buffer.from(ciphertext).toString('base64'),
    }),
  });
  const headers = [...response.headers].filter(
    ([name]) => name !== 'x-amzn-requestid' && name !== 'date',
  );
  return JSON.stringify([response.status, headers, await response.text()]);
}
