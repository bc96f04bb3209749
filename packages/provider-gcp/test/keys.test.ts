import { sealWithPublicKey, serializeEncryptionContext } from '@keywrap/core';
import { expect } from 'chai';
import { versionIn } from '#dist/keys.js';
import { arnOf, itOnDouble, KEY_RING, type TestServer, withDouble, withServer } from './server.js';
import { rejection } from './support.js';

const PLAINTEXT = Uint8Array.from({ length: 32 }, (_, i) => i);
const CONTEXT = { order: '7' };
const ALGORITHM = 'RSAES_OAEP_SHA_256';

const createRsa = (server: TestServer, algorithm = 'RSA_DECRYPT_OAEP_2048_SHA256') =>
  server.create({ purpose: 'ASYMMETRIC_DECRYPT', versionTemplate: { algorithm } as never });

const isVersion = (id: number) => (name: string) => name.endsWith(`/${id}`);

describe('Names of versions of Cloud KMS', () => {
  const key = `${KEY_RING}/cryptoKeys/orders`;

  it('end with a number, and not with one of megabytes, which would take long to compare', () => {
    const versionOf = (end: string) => versionIn(key, `${key}/cryptoKeyVersions/${end}`);
    expect(versionOf('12')).to.equal('12');
    for (const end of ['', 'x', '-1', '1/2', '9'.repeat(21), '9'.repeat(1_000_000)]) {
      expect(versionOf(end), end.slice(0, 9)).to.equal(undefined);
    }
  });
});

describe('Ciphertexts of Cloud KMS', () => {
  it("open with Google's client alone, and its ciphertexts open here", () =>
    withServer(async ({ admin, create, open }) => {
      const name = await create();
      const keys = open();
      for (const encryptionContext of [CONTEXT, undefined]) {
        const aad = serializeEncryptionContext(encryptionContext ?? {});
        const made = await keys.encrypt({ keyId: name, plaintext: PLAINTEXT, encryptionContext });
        const { ciphertext } = made;
        const request = { name, ciphertext, additionalAuthenticatedData: aad };
        const [opened] = await admin.decrypt(request);
        expect(Uint8Array.from(opened.plaintext as Buffer)).to.deep.equal(PLAINTEXT);
        const [sealed] = await admin.encrypt({
          name,
          plaintext: PLAINTEXT,
          additionalAuthenticatedData: aad,
        });
        const its = Uint8Array.from(sealed.ciphertext as Buffer);
        const result = await keys.decrypt({ keyId: name, ciphertext: its, encryptionContext });
        expect(result.plaintext).to.deep.equal(PLAINTEXT);
      }
    }));

  it('under RSA are what each version made, with nothing in front', () =>
    withServer(async (server) => {
      const name = await createRsa(server);
      const keys = server.open();
      const input = { keyId: name, algorithm: ALGORITHM } as const;
      const made = [await keys.encrypt({ ...input, plaintext: PLAINTEXT })];
      await server.rotate(name);
      made.push(await keys.encrypt({ ...input, plaintext: PLAINTEXT }));
      for (const { ciphertext, keyVersion } of made) {
        expect(ciphertext).to.have.length(256);
        const version = `${name}/cryptoKeyVersions/${keyVersion}`;
        const [opened] = await server.admin.asymmetricDecrypt({ name: version, ciphertext });
        expect(Uint8Array.from(opened.plaintext as Buffer)).to.deep.equal(PLAINTEXT);
        const result = await keys.decryptAsymmetric({ ...input, ciphertext });
        expect(result.plaintext).to.deep.equal(PLAINTEXT);
        expect(result.keyVersion).to.equal(keyVersion);
      }
      expect(made.map(({ keyVersion }) => keyVersion)).to.deep.equal(['1', '2']);
    }));

  it('that were sealed outside with the public key of any version open', () =>
    withServer(async (server) => {
      const name = await createRsa(server);
      const keys = server.open();
      const sealed: Uint8Array[] = [];
      for (let i = 0; i < 3; i++) {
        if (i > 0) await server.rotate(name);
        const { publicKey, keyVersion } = await keys.getPublicKey({ keyId: name });
        expect(keyVersion).to.equal(`${i + 1}`);
        sealed.push(await sealWithPublicKey(publicKey, PLAINTEXT, ALGORITHM));
      }
      for (const ciphertext of sealed) {
        const input = { keyId: name, algorithm: ALGORITHM, ciphertext } as const;
        expect((await keys.decryptAsymmetric(input)).plaintext).to.deep.equal(PLAINTEXT);
      }
    }));
});

describe('Keys of Cloud KMS', () => {
  it('are named by key, ring, resource name, alias and ARN', () =>
    withServer(async ({ create, open }) => {
      const name = await create();
      const [ring, key] = [KEY_RING.split('/').at(-1), name.split('/').at(-1) as string];
      const keys = open({ aliases: { 'alias/orders': `${ring}/${key}` } });
      for (const keyId of [key, `${ring}/${key}`, name, 'alias/orders', arnOf(name)]) {
        expect((await keys.describeKey({ keyId })).keyId).to.equal(arnOf(name));
      }
      expect(arnOf(name)).to.match(/^arn:gcp:kms:[a-z0-9-]+:[^:]+:key\/[\w-]+%2F[\w-]+$/);
    }));

  it('of other names, rings, projects and locations are KEY_NOT_FOUND without a request', () =>
    withServer(async ({ create, open, double }) => {
      const name = await create();
      const key = name.split('/').at(-1);
      const keys = open();
      await keys.describeKey({ keyId: name });
      const before = double?.requests.length;
      for (const keyId of [
        name.replace(/^projects\/[^/]+/, 'projects/another'),
        name.replace(/locations\/[^/]+/, 'locations/mars'),
        `${name}/cryptoKeyVersions/1`,
        `a/b/${key}`,
        `../${key}`,
        `ring/`,
        arnOf(name).replace(/key\/.*%2F/, 'key/'),
        arnOf(name).replace(/:kms:[^:]+:/, ':kms:mars:'),
        'alias/orders',
      ]) {
        const error = await rejection(keys.describeKey({ keyId }));
        expect(error.code, keyId).to.equal('KEY_NOT_FOUND');
      }
      expect(double?.requests.length).to.equal(before);
      const error = await rejection(keys.encrypt({ keyId: 'none', plaintext: PLAINTEXT }));
      expect(error.code).to.equal('KEY_NOT_FOUND');
    }));

  itOnDouble('are sent one request for each use of a symmetric key', () =>
    withDouble(async ({ create, open }, double) => {
      const keyId = await create();
      const keys = open();
      double.requests.length = 0;
      const { ciphertext } = await keys.encrypt({ keyId, plaintext: PLAINTEXT });
      await keys.decrypt({ keyId, ciphertext });
      expect(double.requests).to.deep.equal(['Encrypt', 'Decrypt']);
    }),
  );

  itOnDouble('under RSA are read as seldom as possible', () =>
    withDouble(async (server, double) => {
      const input = { keyId: await createRsa(server), algorithm: ALGORITHM } as const;
      const keys = server.open();
      await keys.encrypt({ ...input, plaintext: PLAINTEXT });
      double.requests.length = 0;
      const { ciphertext } = await keys.encrypt({ ...input, plaintext: PLAINTEXT });
      expect(double.requests).to.deep.equal(['ListCryptoKeyVersions']);
      double.requests.length = 0;
      await keys.decryptAsymmetric({ ...input, ciphertext });
      expect(double.requests).to.deep.equal(['AsymmetricDecrypt']);
    }),
  );

  itOnDouble('encrypt and decrypt with credentials that may not read them', () =>
    withDouble(async ({ create, open }, double) => {
      const keyId = await create();
      double.deny(keyId, 'describe');
      const keys = open();
      const input = { keyId, encryptionContext: CONTEXT };
      const { ciphertext, keyVersion } = await keys.encrypt({ ...input, plaintext: PLAINTEXT });
      expect(keyVersion).to.equal('1');
      expect((await keys.decrypt({ ...input, ciphertext })).plaintext).to.deep.equal(PLAINTEXT);
      const wrong = { ...input, encryptionContext: { order: '8' }, ciphertext };
      expect((await rejection(keys.decrypt(wrong))).code).to.equal('INVALID_CIPHERTEXT');
      expect((await rejection(keys.describeKey({ keyId }))).code).to.equal('ACCESS_DENIED');
    }),
  );

  it('in an HSM take the longest plaintext with the longest context, and no longer one', () =>
    withServer(async ({ create, open }) => {
      const versionTemplate = { protectionLevel: 'HSM' } as const;
      const keyId = await create({ purpose: 'ENCRYPT_DECRYPT', versionTemplate });
      const keys = open();
      expect((await keys.describeKey({ keyId })).origin).to.equal('HSM');
      // Serialised, a pair has 6 bytes more, of 2 for the number of pairs and 4 for the lengths.
      const contextOf = (length: number) => ({ a: 'b'.repeat(length - 7) });
      const input = { keyId, plaintext: new Uint8Array(4096), encryptionContext: contextOf(4096) };
      const { ciphertext } = await keys.encrypt(input);
      const { encryptionContext } = input;
      await keys.decrypt({ keyId, ciphertext, encryptionContext });
      const longer = { ...input, encryptionContext: contextOf(4097) };
      expect((await rejection(keys.encrypt(longer))).code).to.equal('INVALID_INPUT');
    }));
});

describe('Versions of a key of Cloud KMS', () => {
  it('encrypt by the primary after a rotation; the older ones decrypt', () =>
    withServer(async ({ create, open, rotate, admin }) => {
      const keyId = await create();
      const keys = open();
      const old = await keys.encrypt({ keyId, plaintext: PLAINTEXT });
      await rotate(keyId);
      expect((await keys.describeKey({ keyId })).keyVersion).to.equal('2');
      expect((await keys.encrypt({ keyId, plaintext: PLAINTEXT })).keyVersion).to.equal('2');
      const { ciphertext } = old;
      expect((await keys.decrypt({ keyId, ciphertext })).plaintext).to.deep.equal(PLAINTEXT);
      await admin.updateCryptoKeyPrimaryVersion({ name: keyId, cryptoKeyVersionId: '1' });
      expect((await keys.encrypt({ keyId, plaintext: PLAINTEXT })).keyVersion).to.equal('1');
    }));

  it('that are disabled are KEY_DISABLED, and no others', () =>
    withServer(async ({ create, open, rotate, change }) => {
      const keyId = await create();
      const keys = open();
      const old = await keys.encrypt({ keyId, plaintext: PLAINTEXT });
      await rotate(keyId);
      const made = await keys.encrypt({ keyId, plaintext: PLAINTEXT });
      await change(keyId, 'DISABLED', isVersion(1));
      const decryptOld = () => keys.decrypt({ keyId, ciphertext: old.ciphertext });
      expect((await rejection(decryptOld())).code).to.equal('KEY_DISABLED');
      expect((await keys.describeKey({ keyId })).keyState).to.equal('Enabled');
      await keys.decrypt({ keyId, ciphertext: made.ciphertext });
      await change(keyId, 'DISABLED', isVersion(2));
      expect((await keys.describeKey({ keyId })).keyState).to.equal('Disabled');
      await change(keyId, 'ENABLED', isVersion(1));
      expect((await decryptOld()).plaintext).to.deep.equal(PLAINTEXT);
      const encrypt = keys.encrypt({ keyId, plaintext: PLAINTEXT });
      expect((await rejection(encrypt)).code).to.equal('KEY_DISABLED');
    }));

  it('that are to be destroyed are KEY_STATE, and say when', () =>
    withServer(async ({ create, open, change, double }) => {
      const keyId = await create();
      const keys = open();
      const { ciphertext } = await keys.encrypt({ keyId, plaintext: PLAINTEXT });
      await change(keyId, 'DESTROY_SCHEDULED');
      const { keyState, deletionDate } = await keys.describeKey({ keyId });
      expect(keyState).to.equal('PendingDeletion');
      expect(Number(deletionDate)).to.be.greaterThan(Date.now());
      for (const call of [
        () => keys.decrypt({ keyId, ciphertext }),
        () => keys.encrypt({ keyId, plaintext: PLAINTEXT }),
      ]) {
        expect((await rejection(call())).code).to.equal('KEY_STATE');
        double?.destroy(`${keyId}/cryptoKeyVersions/1`);
        expect((await rejection(call())).code).to.equal('KEY_STATE');
      }
    }));

  itOnDouble('that are destroyed decrypt nothing any more (INVALID_CIPHERTEXT)', () =>
    withDouble(async ({ create, open, rotate, change }, double) => {
      const keyId = await create();
      const keys = open();
      const { ciphertext } = await keys.encrypt({ keyId, plaintext: PLAINTEXT });
      await rotate(keyId);
      await change(keyId, 'DESTROY_SCHEDULED', isVersion(1));
      const decrypt = () => rejection(keys.decrypt({ keyId, ciphertext }));
      expect((await decrypt()).code).to.equal('KEY_STATE');
      double.destroy(`${keyId}/cryptoKeyVersions/1`);
      expect((await decrypt()).code).to.equal('INVALID_CIPHERTEXT');
    }),
  );

  it('of RSA: the newest that is enabled encrypts, and a disabled one no longer decrypts', () =>
    withServer(async (server) => {
      const input = { keyId: await createRsa(server), algorithm: ALGORITHM } as const;
      const keys = server.open();
      await server.rotate(input.keyId);
      const made = await keys.encrypt({ ...input, plaintext: PLAINTEXT });
      expect(made.keyVersion).to.equal('2');
      await server.change(input.keyId, 'DISABLED', isVersion(2));
      const old = await keys.encrypt({ ...input, plaintext: PLAINTEXT });
      expect(old.keyVersion).to.equal('1');
      const open = ({ ciphertext }: { readonly ciphertext: Uint8Array }) =>
        keys.decryptAsymmetric({ ...input, ciphertext });
      expect((await open(old)).keyVersion).to.equal('1');
      expect((await rejection(open(made))).code).to.equal('INVALID_CIPHERTEXT');
      await server.change(input.keyId, 'DISABLED', isVersion(1));
      expect((await rejection(open(old))).code).to.equal('KEY_DISABLED');
      const encrypt = keys.encrypt({ ...input, plaintext: PLAINTEXT });
      expect((await rejection(encrypt)).code).to.equal('KEY_DISABLED');
      await server.change(input.keyId, 'ENABLED', isVersion(2));
      expect((await open(made)).keyVersion).to.equal('2');
    }));

  it('of RSA may differ in their algorithm, which each encrypts and decrypts with', () =>
    withServer(async (server) => {
      const keyId = await createRsa(server, 'RSA_DECRYPT_OAEP_2048_SHA1');
      const keys = server.open();
      const sha1 = { keyId, algorithm: 'RSAES_OAEP_SHA_1' } as const;
      const sha256 = { keyId, algorithm: ALGORITHM } as const;
      const old = await keys.encrypt({ ...sha1, plaintext: PLAINTEXT });
      const early = keys.encrypt({ ...sha256, plaintext: PLAINTEXT });
      expect((await rejection(early)).code).to.equal('KEY_USAGE');
      const versionTemplate = { algorithm: 'RSA_DECRYPT_OAEP_2048_SHA256' } as const;
      const updateMask = { paths: ['version_template.algorithm'] };
      await server.admin.updateCryptoKey({
        cryptoKey: { name: keyId, versionTemplate },
        updateMask,
      });
      await server.rotate(keyId);
      const { algorithms } = await keys.describeKey({ keyId });
      expect(algorithms).to.deep.equal(['RSAES_OAEP_SHA_256', 'RSAES_OAEP_SHA_1']);
      const { ciphertext } = await keys.encrypt({ ...sha256, plaintext: PLAINTEXT });
      await keys.decryptAsymmetric({ ...sha256, ciphertext });
      await keys.decryptAsymmetric({ ...sha1, ciphertext: old.ciphertext });
      const crossed = keys.decryptAsymmetric({ ...sha1, ciphertext });
      expect((await rejection(crossed)).code).to.equal('INVALID_CIPHERTEXT');
    }));

  it('are none of a key that waits for an import (KEY_STATE)', () =>
    withServer(async ({ create, open }) => {
      const keyId = await create({ purpose: 'ENCRYPT_DECRYPT', importOnly: true }, true);
      const keys = open();
      const { keyState, origin } = await keys.describeKey({ keyId });
      expect({ keyState, origin }).to.deep.equal({ keyState: 'PendingImport', origin: 'EXTERNAL' });
      const error = await rejection(keys.encrypt({ keyId, plaintext: PLAINTEXT }));
      expect(error.code).to.equal('KEY_STATE');
    }));

  it('of a kind that has no name here are UNSUPPORTED', () =>
    withServer(async ({ create, open }) => {
      const versionTemplate = { algorithm: 'AES_256_GCM' } as const;
      const keyId = await create({ purpose: 'RAW_ENCRYPT_DECRYPT', versionTemplate });
      const keys = open();
      for (const call of [
        () => keys.describeKey({ keyId }),
        () => keys.encrypt({ keyId, plaintext: PLAINTEXT }),
      ]) {
        expect((await rejection(call())).code).to.equal('UNSUPPORTED');
      }
    }));
});
