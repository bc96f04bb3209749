import { randomUUID } from 'node:crypto';
import { sealWithPublicKey, serializeEncryptionContext } from '@keywrap/core';
import { VaultKeyWrapProvider } from '@keywrap/provider-vault';
import { expect } from 'chai';
import { describeWithVault, startVault, type Vault } from './openbao.js';
import { base64, type Engine, rejection, withEngine } from './support.js';

const PLAINTEXT = Uint8Array.from({ length: 32 }, (_, i) => i);
const CONTEXT = { order: '7' };

describeWithVault('Keys of transit', () => {
  let vault: Vault;
  before(async () => {
    vault = await startVault();
  });
  after(() => vault.close());

  const engine = (test: (engine: Engine) => Promise<void>) => () => withEngine(vault, test);

  it(
    'encrypt does not create a key (KEY_NOT_FOUND)',
    engine(async ({ provider, mount }) => {
      const error = await rejection(provider.encrypt({ keyId: 'typo', plaintext: PLAINTEXT }));
      expect(error.code).to.equal('KEY_NOT_FOUND');
      const listed = await rejectionText(vault.request('GET', `${mount}/keys?list=true`));
      expect(listed).to.match(/404/);
    }),
  );

  it(
    'opens what other clients encrypt, with and without associated data',
    engine(async ({ provider, post }) => {
      await post('keys/orders');
      const plaintext = base64(PLAINTEXT);
      const plain = await post('encrypt/orders', { plaintext });
      const bound = await post('encrypt/orders', {
        plaintext,
        associated_data: base64(serializeEncryptionContext(CONTEXT)),
      });
      for (const [made, encryptionContext] of [
        [plain, {}],
        [bound, CONTEXT],
      ] as const) {
        const ciphertext = Buffer.from(String(made.ciphertext));
        const opened = await provider.decrypt({ keyId: 'orders', ciphertext, encryptionContext });
        expect(opened.plaintext).to.deep.equal(PLAINTEXT);
        expect(opened.keyVersion).to.equal('1');
      }
    }),
  );

  it(
    'makes ciphertexts that other clients open',
    engine(async ({ provider, post }) => {
      for (const derived of [false, true]) {
        const keyId = `derived-${derived}`;
        await post(`keys/${keyId}`, { derived });
        const bytes = base64(serializeEncryptionContext(CONTEXT));
        const { ciphertext } = await provider.encrypt({
          keyId,
          plaintext: PLAINTEXT,
          encryptionContext: CONTEXT,
        });
        const opened = await post(`decrypt/${keyId}`, {
          ciphertext: Buffer.from(ciphertext).toString(),
          associated_data: bytes,
          ...(derived && { context: bytes }),
        });
        expect(opened.plaintext).to.equal(base64(PLAINTEXT));
      }
    }),
  );

  it(
    'binds to the context under a key that is not derived, which ignores its own (INVALID_CIPHERTEXT)',
    engine(async ({ provider, post }) => {
      await post('keys/orders');
      const made = await provider.encrypt({
        keyId: 'orders',
        plaintext: PLAINTEXT,
        encryptionContext: CONTEXT,
      });
      for (const encryptionContext of [undefined, {}, { order: '8' }]) {
        const error = await rejection(
          provider.decrypt({ keyId: 'orders', ciphertext: made.ciphertext, encryptionContext }),
        );
        expect(error.code).to.equal('INVALID_CIPHERTEXT');
      }
    }),
  );

  it(
    'decrypts the one canonical text of a ciphertext only',
    engine(async ({ provider, post }) => {
      await post('keys/orders');
      // 31 bytes: their base64 is padded, so that every form differs from the canonical one.
      const plaintext = PLAINTEXT.subarray(1);
      const { ciphertext } = await provider.encrypt({ keyId: 'orders', plaintext });
      const text = Buffer.from(ciphertext).toString();
      const forms = {
        'version 01': text.replace('v1', 'v01'),
        'version +1': text.replace('v1', 'v+1'),
        'version 0': text.replace('v1', 'v0'),
        'a line break': `${text}\n`,
        'a line break inside': `${text.slice(0, 30)}\n${text.slice(30)}`,
        'URL-safe base64': text.replaceAll('+', '-').replaceAll('/', '_').replace(/=*$/, ''),
        'no prefix': text.replace('vault:', ''),
        'a version that is not there yet': text.replace('v1', 'v9'),
        'less than a nonce': 'vault:v1:AAAAAAAAAAA=',
      };
      for (const [form, changed] of Object.entries(forms)) {
        const error = await rejection(
          provider.decrypt({ keyId: 'orders', ciphertext: Buffer.from(changed) }),
        );
        expect(error.code, form).to.equal('INVALID_CIPHERTEXT');
      }
    }),
  );

  it(
    'names keys with dots, by alias and by ARN',
    engine(async ({ provider, post, open }) => {
      await post('keys/orders.v2');
      const { keyId } = await provider.describeKey({ keyId: 'orders.v2' });
      const byMap = open({ aliases: { 'alias/orders': 'orders.v2' } });
      const names = [
        [provider, keyId],
        [byMap, 'alias/orders'],
        [byMap, keyId.replace(/key\/.*/, 'alias/orders')],
      ] as const;
      for (const [each, name] of names) {
        expect((await each.describeKey({ keyId: name })).keyId).to.equal(keyId);
      }
    }),
  );

  it(
    'rejects names that no key can have without a request (KEY_NOT_FOUND)',
    engine(async ({ provider, proxy, arnOf }) => {
      const wrong = [
        '..',
        '../../sys/seal',
        'a/b',
        'a%2fb',
        arnOf('x').replace('root', 'elsewhere'),
        arnOf('x').replace('transit', 'other'),
        arnOf('x').replace('arn:vault', 'arn:aws'),
      ];
      for (const keyId of wrong) {
        const error = await rejection(provider.encrypt({ keyId, plaintext: PLAINTEXT }));
        expect(error.code, keyId).to.equal('KEY_NOT_FOUND');
      }
      expect(proxy.requests).to.deep.equal([]);
    }),
  );

  it(
    'sends one request for each call, which does not read the key',
    engine(async ({ provider, proxy, post }) => {
      await post('keys/orders');
      await provider.encrypt({ keyId: 'orders', plaintext: PLAINTEXT });
      proxy.requests.length = 0;
      const made = await provider.generateDataKey({ keyId: 'orders', keySpec: 'AES_256' });
      await provider.encrypt({ keyId: 'orders', plaintext: PLAINTEXT });
      await provider.decrypt({ keyId: 'orders', ciphertext: made.ciphertext });
      expect(proxy.requests.map((each) => each.replace(/transit-[^/]*\//, ''))).to.deep.equal([
        'POST datakey/plaintext/orders',
        'POST encrypt/orders',
        'POST decrypt/orders',
      ]);
    }),
  );

  it(
    'works with a token that may encrypt and decrypt alone',
    engine(async ({ mount, post, open }) => {
      await post('keys/orders');
      const rules = ['encrypt', 'decrypt'].map(
        (use) => `path "${mount}/${use}/orders" { capabilities = ["update"] }`,
      );
      await vault.request('POST', `sys/policies/acl/${mount}`, { policy: rules.join('\n') });
      vault.deleteLater(`policies/acl/${mount}`);
      const token = await vault.createToken({ policies: [mount], no_default_policy: true });
      const provider = open({ token });
      const { ciphertext } = await provider.encrypt({ keyId: 'orders', plaintext: PLAINTEXT });
      const opened = await provider.decrypt({ keyId: 'orders', ciphertext });
      expect(opened.plaintext).to.deep.equal(PLAINTEXT);
      const damaged = Uint8Array.from(ciphertext).fill(65, -6, -2);
      const calls = [
        provider.decrypt({ keyId: 'orders', ciphertext: damaged }),
        provider.describeKey({ keyId: 'orders' }),
        provider.encrypt({ keyId: 'others', plaintext: PLAINTEXT }),
      ];
      const codes = await Promise.all(calls.map(async (call) => (await rejection(call)).code));
      expect(codes).to.deep.equal(['INVALID_CIPHERTEXT', 'ACCESS_DENIED', 'ACCESS_DENIED']);
    }),
  );

  it(
    'rewraps inside the server what is bound to no context',
    engine(async ({ provider, proxy, post }) => {
      for (const derived of [false, true]) {
        const keyId = `derived-${derived}`;
        await post(`keys/${keyId}`, { derived });
        const { ciphertext } = await provider.encrypt({ keyId, plaintext: PLAINTEXT });
        await post(`keys/${keyId}/rotate`);
        proxy.requests.length = 0;
        const moved = await provider.reEncrypt({
          ciphertext,
          source: { keyId },
          destination: { keyId },
        });
        expect(proxy.requests).to.have.length(1);
        expect(proxy.requests[0]).to.match(/\/rewrap\//);
        expect([moved.sourceKeyVersion, moved.destinationKeyVersion]).to.deep.equal(['1', '2']);
        const opened = await provider.decrypt({ keyId, ciphertext: moved.ciphertext });
        expect(opened.plaintext).to.deep.equal(PLAINTEXT);
      }
    }),
  );

  it(
    'opens what was sealed outside with the public key of any version, of which there are many',
    engine(async ({ provider, post }) => {
      await post('keys/rsa', { type: 'rsa-2048' });
      const { publicKey } = await provider.getPublicKey({ keyId: 'rsa' });
      const algorithm = 'RSAES_OAEP_SHA_256';
      const sealed = await sealWithPublicKey(publicKey, PLAINTEXT, algorithm);
      for (let version = 2; version <= 18; version++) await post('keys/rsa/rotate');
      const latest = await provider.getPublicKey({ keyId: 'rsa' });
      const last = await sealWithPublicKey(latest.publicKey, PLAINTEXT, algorithm);
      for (const [ciphertext, version] of [
        [sealed, '1'],
        [last, '18'],
      ] as const) {
        const opened = await provider.decryptAsymmetric({ keyId: 'rsa', algorithm, ciphertext });
        expect(opened.plaintext).to.deep.equal(PLAINTEXT);
        expect(opened.keyVersion).to.equal(version);
      }
      const error = await rejection(
        provider.decryptAsymmetric({ keyId: 'rsa', algorithm, ciphertext: new Uint8Array(256) }),
      );
      expect(error.code).to.equal('INVALID_CIPHERTEXT');
    }),
  );

  it(
    'tries so many versions of a key and no more, whatever the server says (INVALID_CIPHERTEXT)',
    engine(async ({ proxy, provider }) => {
      proxy.answer = (_, response) => {
        const batch_results = Array(16).fill({ error: 'invalid ciphertext: no version' });
        response.writeHead(400).end(JSON.stringify({ data: { batch_results } }));
      };
      const error = await rejection(
        provider.decryptAsymmetric({
          keyId: 'rsa',
          ciphertext: new Uint8Array(256),
          algorithm: 'RSAES_OAEP_SHA_256',
        }),
      );
      expect(error.code).to.equal('INVALID_CIPHERTEXT');
      expect(proxy.requests.filter((each) => /decrypt/.test(each))).to.have.length(1024 / 16);
    }),
  );

  it(
    'rejects keys of other kinds (KEY_USAGE), whatever they would do',
    engine(async ({ provider, post }) => {
      await post('keys/aes');
      await post('keys/rsa', { type: 'rsa-2048' });
      await post('keys/ed', { type: 'ed25519' });
      await post('keys/mac', { type: 'hmac', key_size: 32 });
      const algorithm = 'RSAES_OAEP_SHA_256';
      const underRsa = await provider.encrypt({ keyId: 'rsa', algorithm, plaintext: PLAINTEXT });
      const calls = [
        provider.encrypt({ keyId: 'rsa', plaintext: PLAINTEXT }),
        provider.encrypt({ keyId: 'rsa', plaintext: PLAINTEXT, encryptionContext: CONTEXT }),
        provider.generateDataKey({ keyId: 'rsa', keySpec: 'AES_256' }),
        provider.decrypt({ keyId: 'rsa', ciphertext: underRsa.ciphertext }),
        provider.encrypt({ keyId: 'aes', algorithm, plaintext: PLAINTEXT }),
        provider.decryptAsymmetric({
          keyId: 'aes',
          algorithm,
          ciphertext: underRsa.ciphertext,
        }),
        ...['ed', 'mac'].flatMap((keyId) => [
          provider.encrypt({ keyId, plaintext: PLAINTEXT }),
          provider.encrypt({ keyId, algorithm, plaintext: PLAINTEXT }),
          provider.generateDataKey({ keyId, keySpec: 'AES_128' }),
        ]),
      ];
      const codes = await Promise.all(calls.map(async (call) => (await rejection(call)).code));
      expect(new Set(codes)).to.deep.equal(new Set(['KEY_USAGE']));
      for (const keyId of ['ed', 'mac']) {
        expect((await rejection(provider.describeKey({ keyId }))).code).to.equal('UNSUPPORTED');
      }
    }),
  );

  it(
    'describes keys as they are: who made the material, and when, as far as transit knows',
    engine(async ({ provider, post }) => {
      await post('keys/orders');
      const { origin, creationDate, keyVersion } = await provider.describeKey({ keyId: 'orders' });
      expect({ origin, keyVersion }).to.deep.equal({ origin: 'SOFTWARE', keyVersion: '1' });
      expect(Math.abs(Number(creationDate) - Date.now())).to.be.below(3_600_000);
      await post('keys/orders/rotate');
      const rotated = await provider.describeKey({ keyId: 'orders' });
      expect(rotated).to.deep.include({ creationDate, keyVersion: '2' });
      // Transit does not list what may not decrypt, so that nobody knows when the key was made.
      await post('keys/orders/config', { min_decryption_version: 2 });
      expect((await provider.describeKey({ keyId: 'orders' })).creationDate).to.equal(undefined);
    }),
  );

  it(
    'rejects a plaintext that is too long for an RSA key (INVALID_INPUT)',
    engine(async ({ provider, post }) => {
      await post('keys/rsa', { type: 'rsa-2048' });
      const algorithm = 'RSAES_OAEP_SHA_256';
      const input = { keyId: 'rsa', algorithm } as const;
      await provider.encrypt({ ...input, plaintext: new Uint8Array(190) });
      const call = provider.encrypt({ ...input, plaintext: new Uint8Array(191) });
      expect(await rejection(call)).to.include({ code: 'INVALID_INPUT', field: 'plaintext' });
    }),
  );

  it(
    'rejects a deleted key (KEY_STATE until it is gone, then KEY_NOT_FOUND), and describes it',
    engine(async ({ provider, post, mount }) => {
      await post('keys/orders');
      const { ciphertext } = await provider.encrypt({ keyId: 'orders', plaintext: PLAINTEXT });
      await vault.request('DELETE', `${mount}/keys/orders/soft-delete`);
      expect((await provider.describeKey({ keyId: 'orders' })).keyState).to.equal(
        'PendingDeletion',
      );
      expect(await codesOf(ciphertext)).to.deep.equal(['KEY_STATE', 'KEY_STATE', 'KEY_STATE']);
      await post('keys/orders/config', { deletion_allowed: true });
      await vault.request('DELETE', `${mount}/keys/orders`);
      const gone = ['KEY_NOT_FOUND', 'KEY_NOT_FOUND', 'KEY_NOT_FOUND'];
      expect(await codesOf(ciphertext)).to.deep.equal(gone);

      function codesOf(ciphertext: Uint8Array): Promise<string[]> {
        const keyId = 'orders';
        const calls = [
          provider.encrypt({ keyId, plaintext: PLAINTEXT }),
          provider.decrypt({ keyId, ciphertext }),
          provider.generateDataKey({ keyId, keySpec: 'AES_256' }),
        ];
        return Promise.all(calls.map(async (call) => (await rejection(call)).code));
      }
    }),
  );

  it(
    'goes on when old versions were removed',
    engine(async ({ provider, post }) => {
      await post('keys/orders');
      const old = await provider.encrypt({ keyId: 'orders', plaintext: PLAINTEXT });
      await post('keys/orders/rotate');
      const config = { min_decryption_version: 2, min_encryption_version: 2 };
      await post('keys/orders/config', config);
      await post('keys/orders/trim', { min_available_version: 2 });
      const made = await provider.encrypt({ keyId: 'orders', plaintext: PLAINTEXT });
      await provider.decrypt({ keyId: 'orders', ciphertext: made.ciphertext });
      expect((await provider.describeKey({ keyId: 'orders' })).keyState).to.equal('Enabled');
      const error = await rejection(
        provider.decrypt({ keyId: 'orders', ciphertext: old.ciphertext }),
      );
      expect(error.code).to.equal('INVALID_CIPHERTEXT');
    }),
  );

  it(
    'uses a namespace',
    engine(async ({ proxy }) => {
      const namespace = `team-${randomUUID()}`;
      await vault.request('POST', `sys/namespaces/${namespace}`, {});
      vault.deleteLater(`namespaces/${namespace}`);
      await vault.request('POST', 'sys/mounts/transit', { type: 'transit' }, namespace);
      await vault.request('POST', 'transit/keys/orders', {}, namespace);
      const provider = new VaultKeyWrapProvider({
        address: proxy.address,
        token: vault.token,
        namespace: `${namespace}/`,
      });
      const { keyId } = await provider.encrypt({ keyId: 'orders', plaintext: PLAINTEXT });
      expect(keyId).to.equal(`arn:vault:kms:${namespace}:transit:key/orders`);
      await vault.request('DELETE', 'sys/mounts/transit', undefined, namespace);
    }),
  );
});

async function rejectionText(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error) => String(error),
  );
}
