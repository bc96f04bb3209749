import { getEventListeners } from 'node:events';
import { Agent } from 'node:https';
import { PassThrough } from 'node:stream';
import { inspect } from 'node:util';
import { createGzip } from 'node:zlib';
import type { KeyClientOptions } from '@azure/keyvault-keys';
import { AzureKeyWrapProvider } from '@keywrap/provider-azure';
import { expect } from 'chai';
import { CLIENT_OPTIONS, CREDENTIAL, type Fault, type KeyVault } from './key-vault.js';
import { SELF_SIGNED } from './self-signed.js';
import { ALGORITHM, CONTEXT, describeDouble, PLAINTEXT, rejection, withDouble } from './support.js';

type PipelinePolicy = NonNullable<KeyClientOptions['additionalPolicies']>[number]['policy'];

describeDouble('Requests to a vault', () => {
  it('try the 64 newest versions of an RSA key at most, each of which is a request', () =>
    withDouble(async ({ create, open }, vault) => {
      const keyId = await create('RSA');
      const versions = Array.from({ length: 100 }, (_, i) => ({
        kid: `${vault.url}/keys/${keyId}/${i.toString(16).padStart(32, '0')}`,
        attributes: { enabled: true, created: i },
      }));
      vault.fault = ({ method, url }, response) => {
        const isList = url?.includes('/versions') === true;
        const error = { code: 'BadParameter', message: 'The parameter is incorrect.' };
        response
          // The client reads a version first, and goes on without.
          .writeHead(isList ? 200 : method === 'GET' ? 403 : 400, {
            'Content-Type': 'application/json',
          })
          .end(JSON.stringify(isList ? { value: versions } : { error }));
      };
      const input = {
        keyId,
        algorithm: ALGORITHM,
        ciphertext: new Uint8Array(256),
      } as const;
      await rejection(open().decryptAsymmetric(input));
      const tried = vault.requests.filter((each) => each.endsWith('/decrypt'));
      expect(tried).to.have.length(64);
      expect(tried[0]).to.include((99).toString(16).padStart(32, '0'));
    }));

  it('are one for a decryption, once the version is known', () =>
    withDouble(async ({ create, open }, vault) => {
      const keyId = await create('AES');
      const keys = open();
      const { ciphertext } = await keys.encrypt({ keyId, plaintext: PLAINTEXT });
      await keys.decrypt({ keyId, ciphertext });
      vault.requests.length = 0;
      await keys.decrypt({ keyId, ciphertext });
      expect(vault.requests).to.have.length(1);
    }));

  it('encrypt and decrypt with a credential that may not read the key', () =>
    withDouble(async ({ create, open }, vault) => {
      const [keyId, rsaId] = [await create('AES'), await create('RSA')];
      for (const name of [keyId, rsaId]) vault.forbidReading(name);
      const keys = open();
      const input = { keyId, plaintext: PLAINTEXT, encryptionContext: CONTEXT };
      const { ciphertext, keyVersion } = await keys.encrypt(input);
      const named = { keyId, ciphertext, encryptionContext: CONTEXT };
      const opened = await keys.decrypt(named);
      expect(opened.plaintext).to.deep.equal(PLAINTEXT);
      expect(opened.keyVersion).to.equal(keyVersion);
      const wrong = { ...named, encryptionContext: { order: '8' } };
      expect((await rejection(keys.decrypt(wrong))).code).to.equal('INVALID_CIPHERTEXT');
      expect((await rejection(keys.describeKey({ keyId }))).code).to.equal('ACCESS_DENIED');
      const rsa = { keyId: rsaId, algorithm: ALGORITHM } as const;
      const sealed = await keys.encrypt({ ...rsa, plaintext: PLAINTEXT });
      const unsealed = await keys.decryptAsymmetric({ ...rsa, ciphertext: sealed.ciphertext });
      expect(unsealed.plaintext).to.deep.equal(PLAINTEXT);
    }));
});

describeDouble('The login to a vault', () => {
  const HOST = 'my-vault.vault.azure.net';

  /** A client that reaches the double by the name of a real vault, and verifies what its challenge names. */
  const openByName = (vault: KeyVault, asked: unknown[]) => {
    const { port } = new URL(vault.url);
    const agent = new Agent({
      ca: SELF_SIGNED.cert,
      lookup: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
    });
    const policy: PipelinePolicy = {
      name: 'reachDouble',
      sendRequest(request, next) {
        request.agent = agent;
        return next(request);
      },
    };
    return new AzureKeyWrapProvider({
      vaultUrl: `https://${HOST}:${port}`,
      managedHsm: true,
      credential: {
        async getToken(scopes, options) {
          asked.push({ scopes, tenantId: options?.tenantId });
          return CREDENTIAL.getToken();
        },
      },
      clientOptions: {
        retryOptions: { maxRetries: 0 },
        additionalPolicies: [{ policy, position: 'perRetry' }],
      },
    });
  };

  it('follows its challenge: the tenant and the resource, before which nothing is sent', () =>
    withDouble(async ({ create }, vault) => {
      const keyId = await create('RSA');
      vault.challenged.length = 0;
      const asked: unknown[] = [];
      await using keys = openByName(vault, asked);
      const key = { keyId, algorithm: ALGORITHM } as const;
      const { ciphertext } = await keys.encrypt({ ...key, plaintext: PLAINTEXT });
      const { plaintext } = await keys.decryptAsymmetric({ ...key, ciphertext });
      expect(plaintext).to.deep.equal(PLAINTEXT);
      const token = { scopes: ['https://vault.azure.net/.default'], tenantId: 'tenant' };
      for (const each of asked) expect(each).to.deep.equal(token);
      expect(asked).not.to.have.length(0);
      expect(vault.challenged).not.to.have.length(0);
      expect(vault.challenged.every((length) => length === 0)).to.equal(true);
    }));

  it('asks for no token for the resource of somebody else (ACCESS_DENIED)', () =>
    withDouble(async (_, vault) => {
      vault.resource = 'https://vault.example.com';
      const asked: unknown[] = [];
      await using keys = openByName(vault, asked);
      const error = await rejection(keys.describeKey({ keyId: 'orders' }));
      expect(error).to.include({ code: 'ACCESS_DENIED', retryable: false });
      expect(asked).to.deep.equal([]);
    }));
});

describeDouble('Failures of a vault', () => {
  const answerWith =
    (status: number, body: string): Fault =>
    (_request, response) =>
      void response.writeHead(status, { 'Content-Type': 'text/html' }).end(body);

  const FAULTS: Readonly<Record<string, readonly [fault: Fault, code: string]>> = {
    'an error without a body': [answerWith(502, ''), 'UNAVAILABLE'],
    'a page of a proxy': [answerWith(503, '<html>try later</html>'), 'UNAVAILABLE'],
    'a page of a proxy that denies': [answerWith(403, '<html>no</html>'), 'ACCESS_DENIED'],
    'too many requests': [answerWith(429, '{"error":{"code":"Throttled"}}'), 'THROTTLED'],
    'a connection that is reset': [(request) => void request.socket.destroy(), 'UNAVAILABLE'],
  };
  for (const [title, [fault, code]] of Object.entries(FAULTS)) {
    it(`${title} is ${code}, and never a bad ciphertext`, () =>
      withDouble(async ({ create, open }, vault) => {
        const keyId = await create('AES');
        const keys = open();
        const { ciphertext } = await keys.encrypt({ keyId, plaintext: PLAINTEXT });
        vault.fault = fault;
        const errors = [
          await rejection(keys.decrypt({ keyId, ciphertext })),
          await rejection(keys.encrypt({ keyId, plaintext: PLAINTEXT })),
        ];
        for (const error of errors) {
          expect(error.code).to.equal(code);
          // The client's errors hold the request.
          const shown = inspect(error, { depth: 10, showHidden: true });
          expect(shown).not.to.include(Buffer.from(ciphertext.subarray(0, 32)).toString());
        }
        vault.fault = undefined;
        await keys.decrypt({ keyId, ciphertext });
      }));
  }

  it('an answer that does not come is not waited for when the caller aborts', () =>
    withDouble(async ({ open }, vault) => {
      const controller = new AbortController();
      const closed = new Promise<void>((resolve) => {
        vault.fault = (request) => {
          request.socket.once('close', resolve);
          controller.abort();
        };
      });
      await using keys = open();
      const call = keys.describeKey({ keyId: 'orders' }, { signal: controller.signal });
      expect((await rejection(call)).code).to.equal('ABORTED');
      await closed; // the client gave the request up
      expect(getEventListeners(controller.signal, 'abort')).to.have.length(0);
    }));

  it('an answer that does not come is waited for until requestTimeout (UNAVAILABLE)', () =>
    withDouble(async ({ create, open }, vault) => {
      const keyId = await create('AES');
      const { ciphertext } = await open().encrypt({ keyId, plaintext: PLAINTEXT });
      const closed: Promise<unknown>[] = [];
      vault.fault = ({ socket }) =>
        void closed.push(new Promise((resolve) => socket.once('close', resolve)));
      await using keys = open({ requestTimeout: 100 });
      for (const call of [
        () => keys.decrypt({ keyId, ciphertext }),
        () => keys.encrypt({ keyId, plaintext: PLAINTEXT }),
        () => keys.describeKey({ keyId }),
      ]) {
        expect(await rejection(call())).to.include({ code: 'UNAVAILABLE', retryable: true });
      }
      await Promise.all(closed); // the client gave the requests up
      expect(closed).not.to.have.length(0);
    }));

  it('too many requests are retried by the client, as long as the vault says', () =>
    withDouble(async ({ create, open }, vault) => {
      const keyId = await create('AES');
      const keys = open({ clientOptions: { ...CLIENT_OPTIONS, retryOptions: { maxRetries: 1 } } });
      vault.requests.length = 0;
      vault.fault = (_request, response) => {
        vault.fault = undefined;
        response
          .writeHead(429, { 'Content-Type': 'application/json', 'Retry-After': '0' })
          .end('{"error":{"code":"Throttled"}}');
      };
      await keys.describeKey({ keyId });
      expect(vault.requests).to.have.length(2);
    }));

  it('a name that is being deleted is KEY_STATE', () =>
    withDouble(async ({ open }, vault) => {
      vault.fault = answerWith(409, '{"error":{"code":"Conflict"}}');
      const error = await rejection(open().describeKey({ keyId: 'orders' }));
      expect(error).to.include({ code: 'KEY_STATE', retryable: false });
    }));
});

describeDouble('Answers that are not what was asked for', () => {
  const json =
    (body: unknown): Fault =>
    (_request, response) =>
      void response
        .setHeader('Content-Type', 'application/json')
        .end(typeof body === 'string' ? body : JSON.stringify(body));
  const base64Url = (length: number) => Buffer.alloc(length, 1).toString('base64url');
  const VERSION = '0'.repeat(32);
  const rsa = (kid: string, more: object = {}) => ({
    key: {
      kid,
      kty: 'RSA',
      key_ops: ['encrypt', 'decrypt'],
      n: base64Url(256),
      e: 'AQAB',
      ...more,
    },
    attributes: { enabled: true },
  });
  const aes = (kid: string) => ({
    key: { kid, kty: 'oct-HSM', key_ops: ['encrypt', 'decrypt'] },
    attributes: { enabled: true },
  });

  it('of another key, or another version, are a fault, and not used (INTERNAL)', () =>
    withDouble(async ({ create, open }, vault) => {
      const [keyId, rsaId] = [await create('AES'), await create('RSA')];
      const keys = open();
      const { ciphertext } = await keys.encrypt({ keyId, plaintext: PLAINTEXT });
      const other = `${vault.url}/keys/other/${VERSION}`;
      const older = `${vault.url}/keys/${keyId}/${VERSION}`;
      const key = { keyId: rsaId, algorithm: ALGORITHM } as const;
      vault.fault = json(rsa(other));
      const errors = [
        await rejection(keys.encrypt({ ...key, plaintext: PLAINTEXT })),
        await rejection(keys.getPublicKey({ keyId: rsaId })),
        await rejection(keys.describeKey({ keyId: rsaId })),
      ];
      for (const kid of [other, older]) {
        vault.fault = json({ kid, value: base64Url(32) });
        errors.push(await rejection(keys.decrypt({ keyId, ciphertext })));
      }
      const sealed = { kid: other, value: base64Url(32), iv: base64Url(12), tag: base64Url(16) };
      vault.fault = (request, response) =>
        json(request.method === 'GET' ? aes(older) : sealed)(request, response);
      errors.push(await rejection(keys.encrypt({ keyId, plaintext: PLAINTEXT })));
      for (const error of errors) {
        expect(error).to.include({ code: 'INTERNAL', retryable: false });
        expect(error.message).to.include('for another key');
      }
    }));

  it('that describe no key are a fault (INTERNAL)', () =>
    withDouble(async ({ create, open }, vault) => {
      const keyId = await create('AES');
      const keys = open();
      for (const answer of [{}, { key: null }, { key: 'x' }, { key: {} }, { key: { kid: 5 } }]) {
        vault.fault = json(answer);
        for (const call of [keys.describeKey({ keyId }), keys.getPublicKey({ keyId })]) {
          const error = await rejection(call);
          expect(error).to.include({ code: 'INTERNAL' });
          expect(error.cause).not.to.be.instanceOf(TypeError);
        }
      }
    }));

  it("are not repeated where an error's code should be", () =>
    withDouble(async ({ create, open }, vault) => {
      const keyId = await create('AES');
      const keys = open();
      for (const code of ['a\r\nb\u001b[2J', 'x'.repeat(100_000), { toString: 5 }, ['a']]) {
        vault.fault = (_request, response) =>
          response
            .writeHead(400, { 'Content-Type': 'application/json' })
            .end(JSON.stringify({ error: { code, message: 'no' } }));
        const error = await rejection(keys.describeKey({ keyId }));
        expect(error).to.include({
          code: 'INVALID_INPUT',
          message: 'input was rejected by the vault: HTTP 400',
        });
        expect(inspect(error.cause).length).to.be.lessThan(5000);
      }
    }));

  it('with no bytes, others than base64url, or too few are a fault, and not used (INTERNAL)', () =>
    withDouble(async ({ create, open }, vault) => {
      const keyId = await create('AES');
      const keys = open();
      const { ciphertext, keyVersion } = await keys.encrypt({ keyId, plaintext: PLAINTEXT });
      const kid = `${vault.url}/keys/${keyId}/${keyVersion}`;
      for (const value of [undefined, null, 5, '', '****', base64Url(31), base64Url(33), 'AAAAA']) {
        vault.fault = json({ kid, value });
        const error = await rejection(keys.decrypt({ keyId, ciphertext }));
        expect(error, String(value)).to.include({ code: 'INTERNAL', retryable: false });
        const sealed = { kid, value, iv: base64Url(12), tag: base64Url(16) };
        vault.fault = (request, response) =>
          json(request.method === 'GET' ? aes(kid) : sealed)(request, response);
        const other = await rejection(keys.encrypt({ keyId, plaintext: PLAINTEXT }));
        expect(other, String(value)).to.include({ code: 'INTERNAL', retryable: false });
      }
    }));

  it('with numbers that are no RSA key are a fault, and encrypt nothing (INTERNAL)', () =>
    withDouble(async ({ create, open }, vault) => {
      const keyId = await create('RSA');
      const keys = open();
      const kid = `${vault.url}/keys/${keyId}/${VERSION}`;
      const noModulus = Buffer.alloc(256).toString('base64url');
      for (const numbers of [
        { e: 'AQ' },
        { e: 'Ag' },
        { e: '' },
        { e: undefined },
        { n: noModulus },
      ]) {
        vault.fault = json(rsa(kid, numbers));
        const errors = [
          await rejection(keys.encrypt({ keyId, algorithm: ALGORITHM, plaintext: PLAINTEXT })),
          await rejection(keys.getPublicKey({ keyId })),
        ];
        for (const { code } of errors) expect(code, JSON.stringify(numbers)).to.equal('INTERNAL');
      }
    }));

  it('that are no JSON are UNAVAILABLE, and a redirect is a mistake that takes nothing elsewhere', () =>
    withDouble(async ({ create, open }, vault) => {
      const keyId = await create('AES');
      const keys = open();
      const { ciphertext } = await keys.encrypt({ keyId, plaintext: PLAINTEXT });
      for (const text of ['', 'null', '"text"', '<html>log in</html>', '{"kid":"https']) {
        vault.fault = json(text);
        const errors = [
          await rejection(keys.decrypt({ keyId, ciphertext })),
          await rejection(keys.describeKey({ keyId })),
        ];
        for (const error of errors) {
          expect(error, text).to.include({ code: 'UNAVAILABLE', retryable: true });
        }
      }
      for (const status of [301, 302, 303, 307, 308]) {
        vault.requests.length = 0;
        vault.fault = (_request, response) =>
          void response.writeHead(status, { Location: `${vault.url}/elsewhere` }).end();
        const errors = [
          await rejection(keys.decrypt({ keyId, ciphertext })),
          await rejection(keys.describeKey({ keyId })),
        ];
        for (const error of errors) {
          expect(error).to.include({ code: 'INVALID_INPUT', field: 'options.vaultUrl' });
        }
        expect(vault.requests.filter((each) => each.includes('elsewhere'))).to.deep.equal([]);
      }
    }));

  it('that do not end are not kept in memory (UNAVAILABLE), and lists that do not end are a fault (INTERNAL)', () =>
    withDouble(async ({ create, open }, vault) => {
      const keyId = await create('RSA');
      const keys = open();
      const block = Buffer.alloc(65_536, 'a');
      for (const headers of [{}, { 'Content-Encoding': 'gzip' }]) {
        let closed: Promise<unknown> = Promise.resolve();
        vault.fault = (request, response) => {
          closed = new Promise((resolve) => request.socket.once('close', resolve));
          response.writeHead(200, headers);
          const body = 'Content-Encoding' in headers ? createGzip() : new PassThrough();
          body.pipe(response);
          const more = () => {
            while (!response.destroyed && body.write(block));
          };
          body.on('drain', more);
          more();
        };
        const error = await rejection(keys.describeKey({ keyId }));
        expect(error).to.include({ code: 'UNAVAILABLE', retryable: true });
        await closed; // the client gave the request up
      }
      vault.fault = json({ value: [], nextLink: `${vault.url}/keys/${keyId}/versions` });
      const ciphertext = new Uint8Array(256);
      const call = keys.decryptAsymmetric({ keyId, algorithm: ALGORITHM, ciphertext });
      expect((await rejection(call)).code).to.equal('INTERNAL');
    }));
});
