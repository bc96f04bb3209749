import { randomUUID } from 'node:crypto';
import type { KeyWrapErrorCode } from '@keywrap/core';
import { expect } from 'chai';
import { toKeyWrapError } from '#dist/errors.js';
import { type BatchResult, VaultError, VaultHttp } from '#dist/http.js';
import { readOptions } from '#dist/options.js';
import { describeWithVault, startVault, type Vault } from './openbao.js';
import { base64, type Engine, withEngine } from './support.js';

// What a real server says, asked without the provider, and what the provider takes it for. The texts are the server's: when a new version
// says something else, a test fails here.

const PLAINTEXT = base64('a data key');
const AAD = base64('context');
const INVALID = 'INVALID_CIPHERTEXT';

/** A request and its answer. */
interface Case {
  readonly method?: 'GET';
  readonly path: string;
  readonly body?: object;
  /** By default that of an administrator. */
  readonly token?: string;
  readonly namespace?: string;
  readonly status: number;
  readonly text: RegExp | undefined;
  readonly code: KeyWrapErrorCode;
}

describeWithVault('Answers of the server', () => {
  let vault: Vault;
  before(async () => {
    vault = await startVault();
  });
  after(() => vault.close());

  /** Sends a request by the provider's own HTTP, and returns the error that it answers. */
  async function errorOf(
    { mount }: Engine,
    { path, body, token = vault.token, namespace, ...given }: Omit<Case, 'code'>,
  ): Promise<VaultError> {
    const options = { address: vault.address, namespace, token: 'none' };
    const http = new VaultHttp(readOptions(options, {}));
    const { method = 'POST' } = given;
    const request = { method, path: path.replace('MOUNT', mount), token, body } as const;
    const error = await http.send(request).catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(VaultError);
    return error as VaultError;
  }

  const itAnswers = (title: string, cases: (engine: Engine) => Promise<readonly Case[]>) =>
    it(title, () =>
      withEngine(vault, async (engine) => {
        for (const each of await cases(engine)) {
          const error = await errorOf(engine, each);
          const asked = `${each.path}: ${error.message}`;
          expect(error.status, asked).to.equal(each.status);
          if (each.text === undefined) expect(error.errors, asked).to.deep.equal([]);
          else expect(error.errors.join(), asked).to.match(each.text);
          expect(toKeyWrapError(error)?.code, asked).to.equal(each.code);
        }
      }),
    );

  /** Makes two keys of a type, and a ciphertext of the first. */
  async function sealed({ post }: Engine, settings: object = {}, aad: object = {}) {
    await post('keys/orders', settings);
    await post('keys/others', settings);
    const { ciphertext } = await post('encrypt/orders', { plaintext: PLAINTEXT, ...aad });
    return String(ciphertext);
  }
  const damage = (text: string) => text.replace(/.(.{4})$/, (_, end) => `-${end}`);
  const flip = (text: string) => {
    const bytes = Buffer.from(text.replace(/^vault:v1:/, ''), 'base64');
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    return `vault:v1:${base64(bytes)}`;
  };

  itAnswers('to a ciphertext that does not decrypt', async (engine) => {
    const ciphertext = await sealed(engine, {}, { associated_data: AAD });
    const decrypt = (key: string, body: object) => ({ path: `MOUNT/decrypt/${key}`, body });
    const failed = { status: 400, text: /message authentication failed/, code: INVALID } as const;
    const malformed = { status: 400, text: /invalid ciphertext/, code: INVALID } as const;
    const bound = { associated_data: AAD };
    return [
      { ...decrypt('others', { ciphertext, ...bound }), ...failed },
      { ...decrypt('orders', { ciphertext: flip(ciphertext), ...bound }), ...failed },
      { ...decrypt('orders', { ciphertext, associated_data: base64('other') }), ...failed },
      { ...decrypt('orders', { ciphertext }), ...failed },
      {
        ...decrypt('orders', { ciphertext: 'vault:v1:AAAAAAAAAAA=' }),
        status: 400,
        text: /invalid ciphertext length/,
        code: INVALID,
      },
      ...['none', 'vault:v1', 'vault:vx:AAAA', damage(ciphertext)].map((each) => ({
        ...decrypt('orders', { ciphertext: each }),
        ...malformed,
      })),
      {
        ...decrypt('orders', { ciphertext: ciphertext.replace('v1', 'v9') }),
        status: 400,
        text: /version is too new/,
        code: INVALID,
      },
    ];
  });

  itAnswers('to versions that a policy forbids, or that are gone', async (engine) => {
    const { post } = engine;
    const ciphertext = await sealed(engine);
    await post('keys/orders/rotate');
    await post('keys/orders/config', { min_decryption_version: 2, min_encryption_version: 2 });
    await sealed({
      ...engine,
      post: (path, body) => post(path.replace('orders', 'trimmed'), body),
    });
    await post('keys/trimmed/rotate');
    const minimum = { min_decryption_version: 2, min_encryption_version: 2 };
    await post('keys/trimmed/config', minimum);
    await post('keys/trimmed/trim', { min_available_version: 2 });
    const tooOld = {
      status: 400,
      text: /disallowed by policy \(too old\)/,
      code: INVALID,
    } as const;
    return [
      { path: 'MOUNT/decrypt/orders', body: { ciphertext }, ...tooOld },
      { path: 'MOUNT/rewrap/orders', body: { ciphertext }, ...tooOld },
      { path: 'MOUNT/decrypt/trimmed', body: { ciphertext }, ...tooOld },
      {
        path: 'MOUNT/encrypt/orders',
        body: { plaintext: PLAINTEXT, key_version: 1 },
        status: 400,
        text: /less than the minimum encryption key version/,
        code: 'KEY_STATE',
      },
    ];
  });

  itAnswers('to keys that are not there, or are deleted', async (engine) => {
    const ciphertext = await sealed(engine);
    await vault.request('DELETE', `${engine.mount}/keys/others/soft-delete`);
    const missing = {
      status: 400,
      text: /encryption key not found/,
      code: 'KEY_NOT_FOUND',
    } as const;
    const deleted = { status: 400, text: /soft-deleted key/, code: 'KEY_STATE' } as const;
    return [
      { path: 'MOUNT/decrypt/none', body: { ciphertext }, ...missing },
      { path: 'MOUNT/rewrap/none', body: { ciphertext }, ...missing },
      { path: 'MOUNT/datakey/plaintext/none', body: {}, ...missing },
      {
        method: 'GET',
        path: 'MOUNT/keys/none',
        status: 404,
        text: undefined,
        code: 'KEY_NOT_FOUND',
      },
      // Without the type it would make the key, with the status 200.
      {
        path: 'MOUNT/encrypt/none',
        body: { plaintext: PLAINTEXT, type: 'none' },
        status: 400,
        text: /unknown key type/,
        code: 'KEY_NOT_FOUND',
      },
      { path: 'MOUNT/encrypt/others', body: { plaintext: PLAINTEXT }, ...deleted },
      { path: 'MOUNT/decrypt/others', body: { ciphertext }, ...deleted },
      { path: 'MOUNT/datakey/plaintext/others', body: {}, ...deleted },
    ];
  });

  itAnswers('to RSA, with the status 500', async (engine) => {
    const ciphertext = await sealed(engine, { type: 'rsa-2048' });
    const failed = { status: 500, text: /crypto\/rsa: decryption error/, code: INVALID } as const;
    const decrypt = (key: string, text: string) => ({
      path: `MOUNT/decrypt/${key}`,
      body: { ciphertext: text },
    });
    return [
      { ...decrypt('others', ciphertext), ...failed },
      { ...decrypt('orders', flip(ciphertext)), ...failed },
      { ...decrypt('orders', `vault:v1:${base64(new Uint8Array(16))}`), ...failed },
      {
        path: 'MOUNT/encrypt/orders',
        body: { plaintext: base64(new Uint8Array(191)) },
        status: 500,
        text: /message too long for RSA key size/,
        code: 'INVALID_INPUT',
      },
      {
        path: 'MOUNT/encrypt/orders',
        body: { plaintext: PLAINTEXT, associated_data: AAD },
        status: 400,
        text: /provided for non-AEAD cipher suite rsa-2048/,
        code: 'KEY_USAGE',
      },
    ];
  });

  itAnswers('to keys of another kind', async ({ post }) => {
    await post('keys/signing', { type: 'ed25519' });
    await post('keys/derived', { derived: true });
    return [
      {
        path: 'MOUNT/encrypt/signing',
        body: { plaintext: PLAINTEXT },
        status: 400,
        text: /message encryption not supported for key type ed25519/,
        code: 'KEY_USAGE',
      },
      {
        path: 'MOUNT/encrypt/derived',
        body: { plaintext: PLAINTEXT },
        status: 400,
        text: /missing 'context' for key derivation/,
        code: 'KEY_USAGE',
      },
    ];
  });

  itAnswers('to whoever may not do it', async (engine) => {
    const ciphertext = await sealed(engine);
    const approle = `approle-${randomUUID()}`;
    await vault.request('POST', `sys/auth/${approle}`, { type: 'approle' });
    vault.deleteLater(`auth/${approle}`);
    await vault.request('POST', `auth/${approle}/role/orders`, {});
    const { data } = await vault.request('GET', `auth/${approle}/role/orders/role-id`);
    const expired = await vault.createToken({ ttl: '1s', policies: ['root'] });
    const isExpired = () =>
      fetch(`${vault.address}/v1/auth/token/lookup-self`, {
        headers: { 'X-Vault-Token': expired },
      }).then(({ status }) => status === 403);
    while (!(await isExpired()));
    const denied = { status: 403, text: /permission denied/, code: 'ACCESS_DENIED' } as const;
    const use = { path: 'MOUNT/decrypt/orders', body: { ciphertext } };
    return [
      { ...use, token: await vault.createToken({ policies: ['default'] }), ...denied },
      { ...use, token: 'hvs.none', ...denied },
      { ...use, token: expired, ...denied },
      ...[randomUUID(), String(data.role_id)].map((role_id) => ({
        path: `auth/${approle}/login`,
        body: { role_id, secret_id: 'wrong' },
        status: 400,
        text: /invalid role or secret ID/,
        // Of a login, the provider makes ACCESS_DENIED.
        code: 'INVALID_INPUT' as const,
      })),
    ];
  });

  itAnswers('to wrong places, and to what is too large', async (engine) => {
    const ciphertext = await sealed(engine);
    const body = { ciphertext };
    return [
      {
        path: 'nowhere/decrypt/orders',
        body,
        status: 404,
        text: /no handler for route/,
        code: 'INVALID_INPUT',
      },
      {
        path: 'MOUNT/decrypt/orders',
        body,
        namespace: 'nowhere',
        status: 404,
        text: /namespace not found/,
        code: 'INVALID_INPUT',
      },
      {
        path: 'MOUNT/encrypt/orders',
        body: { plaintext: base64(new Uint8Array(26 * 2 ** 20)) },
        status: 413,
        text: /request body too large/,
        code: 'INVALID_INPUT',
      },
    ];
  });

  it('to more requests than a quota allows', () =>
    withEngine(vault, async (engine) => {
      const quota = `quotas/rate-limit/${engine.mount}`;
      const path = `${engine.mount}/`;
      await vault.request('POST', `sys/${quota}`, { path, rate: 0.001, interval: '1h' });
      vault.deleteLater(quota);
      const request = { method: 'GET', path: 'MOUNT/keys/none', status: 429, text: /./ } as const;
      let error = await errorOf(engine, request);
      // The quota lets the first requests pass.
      while (error.status !== 429) error = await errorOf(engine, request);
      expect(error.errors.join()).to.match(/rate limit quota exceeded/);
      expect(toKeyWrapError(error)?.code).to.equal('THROTTLED');
    }));

  it('to a batch with one bad item, which fails it all', () =>
    withEngine(vault, async (engine) => {
      const ciphertext = await sealed(engine);
      const body = { batch_input: [{ ciphertext }, { ciphertext: flip(ciphertext) }] };
      const request = { path: 'MOUNT/decrypt/orders', body, status: 400, text: undefined };
      const { status, batch } = await errorOf(engine, request);
      expect(status).to.equal(400);
      const [, second] = batch as readonly BatchResult[];
      expect(second?.error).to.match(/message authentication failed/);
    }));

  it('that the provider has to know: no context, rewrap, lenient texts, names that exist', () =>
    withEngine(vault, async (engine) => {
      const { post } = engine;
      const ciphertext = await sealed(engine, {}, { associated_data: AAD });
      // A key that is not derived ignores the context.
      const open = { ciphertext, associated_data: AAD, context: base64('any') };
      expect((await post('decrypt/orders', open)).plaintext).to.equal(PLAINTEXT);
      // Rewrap ignores associated data, and fails.
      const rewrap = { path: 'MOUNT/rewrap/orders', body: open, status: 400, text: undefined };
      expect((await errorOf(engine, rewrap)).message).to.match(/message authentication failed/);
      // Other texts of the same ciphertext open.
      for (const version of ['v0', 'v+1', 'v01']) {
        const lenient = { ...open, ciphertext: ciphertext.replace('v1', version) };
        expect((await post('decrypt/orders', lenient)).plaintext).to.equal(PLAINTEXT);
      }
      // A name that exists keeps its key, of whatever type.
      await post('keys/orders', { type: 'rsa-2048' });
      expect((await post('decrypt/orders', open)).plaintext).to.equal(PLAINTEXT);
      // Data keys are bound to associated data.
      const made = await post('datakey/plaintext/orders', { associated_data: AAD });
      const opened = await post('decrypt/orders', {
        ciphertext: made.ciphertext,
        associated_data: AAD,
      });
      expect(opened.plaintext).to.equal(made.plaintext);
    }));
});
