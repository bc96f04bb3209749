import { sealWithPublicKey, serializeEncryptionContext } from '@keywrap/core';
import { expect } from 'chai';
import { KINDS, type TestVault } from './server.js';
import {
  ALGORITHM,
  CONTEXT,
  PLAINTEXT,
  rejection,
  type Use,
  usesOf,
  withVault,
} from './support.js';

for (const kind of KINDS) {
  describe(`Keys of a ${kind}`, () => {
    const vault = (test: (vault: TestVault) => Promise<void>) => () => withVault(kind, test);

    /** Runs a test with a new key of each type. */
    const each = (
      test: (vault: TestVault, keyId: string, use: Use) => Promise<void>,
    ): (() => Promise<void>) =>
      vault(async (its) => {
        for (const use of usesOf(kind)) await test(its, await its.create(use.type), use);
      });

    it(
      'open what older versions encrypted, which the ciphertext names',
      each(async ({ open, rotate }, keyId, { encrypt, decrypt }) => {
        const keys = open();
        const old = await encrypt(keys, keyId);
        await rotate(keyId);
        const made = await encrypt(keys, keyId);
        expect(old.keyVersion).not.to.equal(made.keyVersion);
        for (const { ciphertext, keyVersion } of [old, made]) {
          expect(Buffer.from(ciphertext.subarray(0, 32)).toString()).to.equal(keyVersion);
          const opened = await decrypt(keys, keyId, ciphertext);
          expect(opened.plaintext).to.deep.equal(PLAINTEXT);
          expect(opened.keyVersion).to.equal(keyVersion);
        }
      }),
    );

    it(
      "open with Microsoft's client alone",
      each(async ({ open, client }, keyId, { type, encrypt }) => {
        const { ciphertext, keyVersion = '' } = await encrypt(open(), keyId);
        const payload = ciphertext.subarray(32);
        const crypto = client.getCryptographyClient(keyId, { keyVersion });
        const { result } = await crypto.decrypt(
          type === 'RSA'
            ? { algorithm: 'RSA-OAEP-256', ciphertext: payload }
            : {
                algorithm: 'A256GCM',
                iv: payload.subarray(0, 12),
                ciphertext: payload.subarray(12, -16),
                authenticationTag: payload.subarray(-16),
                additionalAuthenticatedData: serializeEncryptionContext(CONTEXT),
              },
        );
        expect(Uint8Array.from(result)).to.deep.equal(PLAINTEXT);
      }),
    );

    it(
      'open what was sealed outside with the public key of any version',
      vault(async ({ create, rotate, open }) => {
        const keys = open();
        const keyId = await create('RSA');
        const sealed: Uint8Array[] = [];
        for (let i = 0; i < 3; i++) {
          if (i > 0) await rotate(keyId);
          const { publicKey } = await keys.getPublicKey({ keyId });
          sealed.push(await sealWithPublicKey(publicKey, PLAINTEXT, ALGORITHM));
        }
        for (const ciphertext of sealed) {
          const input = { keyId, algorithm: ALGORITHM, ciphertext } as const;
          expect((await keys.decryptAsymmetric(input)).plaintext).to.deep.equal(PLAINTEXT);
        }
      }),
    );

    it(
      'name their version by lower case only (INVALID_CIPHERTEXT)',
      each(async ({ open }, keyId, { encrypt, decrypt }) => {
        const keys = open();
        const { ciphertext } = await encrypt(keys, keyId);
        const upper = Uint8Array.from(ciphertext);
        for (let i = 0; i < 32; i++) if ((upper[i] as number) >= 97) (upper[i] as number) -= 32;
        if (Buffer.compare(upper, ciphertext) === 0) return;
        const error = await rejection(decrypt(keys, keyId, upper));
        expect(error.code).to.equal('INVALID_CIPHERTEXT');
      }),
    );

    it(
      'are described as they are: where they are kept, by the version that encrypts',
      each(async ({ open, rotate }, keyId) => {
        const keys = open();
        const key = await keys.describeKey({ keyId });
        const origin = kind === 'managed HSM' ? 'HSM' : 'SOFTWARE';
        expect(key).to.include({ origin, creationDate: undefined });
        await rotate(keyId);
        const rotated = await keys.describeKey({ keyId });
        expect(rotated.keyVersion)
          .to.match(/^[0-9a-f]{32}$/)
          .and.not.equal(key.keyVersion);
      }),
    );

    it(
      'that expired are KEY_STATE for what encrypts, and described as Unavailable',
      each(async ({ open, update }, keyId, { encrypt }) => {
        await update(keyId, { expiresOn: new Date(1_600_000_000_000) });
        const keys = open();
        expect((await keys.describeKey({ keyId })).keyState).to.equal('Unavailable');
        expect((await rejection(encrypt(keys, keyId))).code).to.equal('KEY_STATE');
      }),
    );

    it(
      'that are deleted are KEY_NOT_FOUND, until they are recovered',
      each(async ({ open, remove, recover }, keyId, { encrypt, decrypt }) => {
        const keys = open();
        const { ciphertext } = await encrypt(keys, keyId);
        await remove(keyId);
        for (const call of [
          () => encrypt(keys, keyId),
          () => decrypt(keys, keyId, ciphertext),
          () => keys.describeKey({ keyId }),
        ]) {
          expect((await rejection(call())).code).to.equal('KEY_NOT_FOUND');
        }
        await recover(keyId);
        expect((await decrypt(keys, keyId, ciphertext)).plaintext).to.deep.equal(PLAINTEXT);
      }),
    );

    it(
      'that are disabled are KEY_DISABLED for every call, and described as Disabled once seen',
      each(async ({ open, update }, keyId, { encrypt, decrypt }) => {
        const keys = open();
        const { ciphertext } = await encrypt(keys, keyId);
        await update(keyId, { enabled: false });
        for (const call of [
          () => encrypt(keys, keyId),
          () => decrypt(keys, keyId, ciphertext),
          () => open().describeKey({ keyId }),
        ]) {
          expect((await rejection(call())).code).to.equal('KEY_DISABLED');
        }
        expect((await keys.describeKey({ keyId })).keyState).to.equal('Disabled');
        await update(keyId, { enabled: true });
        await decrypt(keys, keyId, ciphertext);
      }),
    );
  });
}
