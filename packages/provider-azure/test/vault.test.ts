import { getEventListeners } from 'node:events';
import { Agent } from 'node:https';
import { inspect } from 'node:util';
import type { KeyClientOptions } from '@azure/keyvault-keys';
import { sealWithPublicKey } from '@keywrap/core';
import { AzureKeyWrapProvider } from '@keywrap/provider-azure';
import { expect } from 'chai';
import { CLIENT_OPTIONS, CREDENTIAL, type Fault, type KeyVault } from './key-vault.js';
import { SELF_SIGNED } from './self-signed.js';
import { rejection, withVault } from './support.js';

type PipelinePolicy = NonNullable<KeyClientOptions['additionalPolicies']>[number]['policy'];

const PLAINTEXT = Uint8Array.from({ length: 32 }, (_, i) => i);
const CONTEXT = { order: '7' };
const ALGORITHM = 'RSAES_OAEP_SHA_256';

describe('Keys of a vault', () => {
  it('open what older versions encrypted, which the ciphertext names', () =>
    withVault(async (vault, open) => {
      const keys = open();
      for (const [kty, algorithm] of [
        ['oct-HSM', 'SYMMETRIC_DEFAULT'],
        ['RSA-HSM', ALGORITHM],
      ] as const) {
        await vault.create(kty, kty);
        const old = await keys.encrypt({ keyId: kty, algorithm, plaintext: PLAINTEXT } as never);
        await vault.create(kty, kty);
        const made = await keys.encrypt({ keyId: kty, algorithm, plaintext: PLAINTEXT } as never);
        expect(old.keyVersion).not.to.equal(made.keyVersion);
        for (const { ciphertext, keyVersion } of [old, made]) {
          expect(Buffer.from(ciphertext.subarray(0, 32)).toString()).to.equal(keyVersion);
          const input = { keyId: kty, algorithm, ciphertext } as never;
          const opened = await (algorithm === ALGORITHM
            ? keys.decryptAsymmetric(input)
            : keys.decrypt(input));
          expect(opened.plaintext).to.deep.equal(PLAINTEXT);
          expect(opened.keyVersion).to.equal(keyVersion);
        }
      }
    }));

  it('open what was sealed outside with the public key of any version', () =>
    withVault(async (vault, open) => {
      const keys = open();
      const sealed: Uint8Array[] = [];
      for (let i = 0; i < 3; i++) {
        await vault.create('inbox', 'RSA');
        const { publicKey } = await keys.getPublicKey({ keyId: 'inbox' });
        sealed.push(await sealWithPublicKey(publicKey, PLAINTEXT, ALGORITHM));
      }
      for (const ciphertext of sealed) {
        const input = { keyId: 'inbox', algorithm: ALGORITHM, ciphertext } as const;
        expect((await keys.decryptAsymmetric(input)).plaintext).to.deep.equal(PLAINTEXT);
      }
    }));

  it('are tried with the 64 newest versions at most, each of which is a request', () =>
    withVault(async (vault, open) => {
      await vault.create('inbox', 'RSA');
      const versions = Array.from({ length: 100 }, (_, i) => ({
        kid: `${vault.url}/keys/inbox/${i.toString(16).padStart(32, '0')}`,
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
        keyId: 'inbox',
        algorithm: ALGORITHM,
        ciphertext: new Uint8Array(256),
      } as const;
      await rejection(open().decryptAsymmetric(input));
      const tried = vault.requests.filter((each) => each.endsWith('/decrypt'));
      expect(tried).to.have.length(64);
      expect(tried[0]).to.include((99).toString(16).padStart(32, '0'));
    }));

  it('are sent one request for a decryption, once the version is known', () =>
    withVault(async (vault, open) => {
      await vault.create('orders', 'oct-HSM');
      const keys = open();
      const { ciphertext } = await keys.encrypt({ keyId: 'orders', plaintext: PLAINTEXT });
      await keys.decrypt({ keyId: 'orders', ciphertext });
      vault.requests.length = 0;
      await keys.decrypt({ keyId: 'orders', ciphertext });
      expect(vault.requests).to.have.length(1);
    }));

  it('encrypt and decrypt with a credential that may not read them', () =>
    withVault(async (vault, open) => {
      for (const name of ['oct-HSM', 'RSA-HSM']) {
        await vault.create(name, name);
        vault.forbidReading(name);
      }
      const keys = open();
      const input = { keyId: 'oct-HSM', plaintext: PLAINTEXT, encryptionContext: CONTEXT };
      const { ciphertext, keyVersion } = await keys.encrypt(input);
      const named = { keyId: 'oct-HSM', ciphertext, encryptionContext: CONTEXT };
      const opened = await keys.decrypt(named);
      expect(opened.plaintext).to.deep.equal(PLAINTEXT);
      expect(opened.keyVersion).to.equal(keyVersion);
      const wrong = { ...named, encryptionContext: { order: '8' } };
      expect((await rejection(keys.decrypt(wrong))).code).to.equal('INVALID_CIPHERTEXT');
      expect((await rejection(keys.describeKey({ keyId: 'oct-HSM' }))).code).to.equal(
        'ACCESS_DENIED',
      );
      const rsa = { keyId: 'RSA-HSM', algorithm: ALGORITHM } as const;
      const sealed = await keys.encrypt({ ...rsa, plaintext: PLAINTEXT });
      const unsealed = await keys.decryptAsymmetric({ ...rsa, ciphertext: sealed.ciphertext });
      expect(unsealed.plaintext).to.deep.equal(PLAINTEXT);
    }));

  it('name their version by lower case only (INVALID_CIPHERTEXT)', () =>
    withVault(async (vault, open) => {
      await vault.create('orders', 'oct-HSM');
      const keys = open();
      const { ciphertext } = await keys.encrypt({ keyId: 'orders', plaintext: PLAINTEXT });
      const upper = Uint8Array.from(ciphertext);
      for (let i = 0; i < 32; i++) if ((upper[i] as number) >= 97) (upper[i] as number) -= 32;
      if (Buffer.compare(upper, ciphertext) === 0) return;
      const error = await rejection(keys.decrypt({ keyId: 'orders', ciphertext: upper }));
      expect(error.code).to.equal('INVALID_CIPHERTEXT');
    }));

  it('are described as they are: where they are kept, by the version that encrypts', () =>
    withVault(async (vault, open) => {
      const keys = open();
      for (const [kty, origin] of [
        ['oct-HSM', 'HSM'],
        ['RSA', 'SOFTWARE'],
      ] as const) {
        await vault.create(kty, kty);
        const key = await keys.describeKey({ keyId: kty });
        expect(key).to.include({ origin, creationDate: undefined });
        await vault.create(kty, kty);
        const rotated = await keys.describeKey({ keyId: kty });
        expect(rotated.keyVersion)
          .to.match(/^[0-9a-f]{32}$/)
          .and.not.equal(key.keyVersion);
      }
    }));

  it('that expired are KEY_STATE for what encrypts, and described as Unavailable', () =>
    withVault(async (vault, open) => {
      await vault.create('orders', 'oct-HSM');
      await vault.update('orders', { expiresOn: new Date(1_600_000_000_000) });
      const keys = open();
      expect((await keys.describeKey({ keyId: 'orders' })).keyState).to.equal('Unavailable');
      const error = await rejection(keys.encrypt({ keyId: 'orders', plaintext: PLAINTEXT }));
      expect(error.code).to.equal('KEY_STATE');
    }));

  it('that are deleted are KEY_NOT_FOUND, until they are recovered', () =>
    withVault(async (vault, open) => {
      await vault.create('orders', 'oct-HSM');
      const keys = open();
      const { ciphertext } = await keys.encrypt({ keyId: 'orders', plaintext: PLAINTEXT });
      await vault.remove('orders');
      for (const call of [
        () => keys.encrypt({ keyId: 'orders', plaintext: PLAINTEXT }),
        () => keys.decrypt({ keyId: 'orders', ciphertext }),
        () => keys.describeKey({ keyId: 'orders' }),
      ]) {
        expect((await rejection(call())).code).to.equal('KEY_NOT_FOUND');
      }
      await vault.recover('orders');
      const opened = await keys.decrypt({ keyId: 'orders', ciphertext });
      expect(opened.plaintext).to.deep.equal(PLAINTEXT);
    }));

  it('that are disabled are KEY_DISABLED for every call, and described as Disabled once seen', () =>
    withVault(async (vault, open) => {
      await vault.create('orders', 'oct-HSM');
      const keys = open();
      const { ciphertext } = await keys.encrypt({ keyId: 'orders', plaintext: PLAINTEXT });
      await vault.update('orders', { enabled: false });
      for (const call of [
        () => keys.encrypt({ keyId: 'orders', plaintext: PLAINTEXT }),
        () => keys.decrypt({ keyId: 'orders', ciphertext }),
        () => open().describeKey({ keyId: 'orders' }),
      ]) {
        expect((await rejection(call())).code).to.equal('KEY_DISABLED');
      }
      expect((await keys.describeKey({ keyId: 'orders' })).keyState).to.equal('Disabled');
      await vault.update('orders', { enabled: true });
      await keys.decrypt({ keyId: 'orders', ciphertext });
    }));
});

describe('The login to a vault', () => {
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
    withVault(async (vault) => {
      await vault.create('orders', 'RSA');
      vault.challenged.length = 0;
      const asked: unknown[] = [];
      await using keys = openByName(vault, asked);
      const key = { keyId: 'orders', algorithm: ALGORITHM } as const;
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
    withVault(async (vault) => {
      await vault.create('orders', 'RSA');
      vault.resource = 'https://vault.example.com';
      const asked: unknown[] = [];
      await using keys = openByName(vault, asked);
      const error = await rejection(keys.describeKey({ keyId: 'orders' }));
      expect(error).to.include({ code: 'ACCESS_DENIED', retryable: false });
      expect(asked).to.deep.equal([]);
    }));
});

describe('Failures of a vault', () => {
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
      withVault(async (vault, open) => {
        await vault.create('orders', 'oct-HSM');
        const keys = open();
        const { ciphertext } = await keys.encrypt({ keyId: 'orders', plaintext: PLAINTEXT });
        vault.fault = fault;
        const errors = [
          await rejection(keys.decrypt({ keyId: 'orders', ciphertext })),
          await rejection(keys.encrypt({ keyId: 'orders', plaintext: PLAINTEXT })),
        ];
        for (const error of errors) {
          expect(error.code).to.equal(code);
          // The client's errors hold the request.
          const shown = inspect(error, { depth: 10, showHidden: true });
          expect(shown).not.to.include(Buffer.from(ciphertext.subarray(0, 32)).toString());
        }
        vault.fault = undefined;
        await keys.decrypt({ keyId: 'orders', ciphertext });
      }));
  }

  it('an answer that does not come is not waited for when the caller aborts', () =>
    withVault(async (vault, open) => {
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

  it('too many requests are retried by the client, as long as the vault says', () =>
    withVault(async (vault, open) => {
      await vault.create('orders', 'oct-HSM');
      const keys = open({ clientOptions: { ...CLIENT_OPTIONS, retryOptions: { maxRetries: 1 } } });
      vault.requests.length = 0;
      vault.fault = (_request, response) => {
        vault.fault = undefined;
        response
          .writeHead(429, { 'Content-Type': 'application/json', 'Retry-After': '0' })
          .end('{"error":{"code":"Throttled"}}');
      };
      await keys.describeKey({ keyId: 'orders' });
      expect(vault.requests).to.have.length(2);
    }));

  it('a name that is being deleted is KEY_STATE', () =>
    withVault(async (vault, open) => {
      vault.fault = answerWith(409, '{"error":{"code":"Conflict"}}');
      const error = await rejection(open().describeKey({ keyId: 'orders' }));
      expect(error).to.include({ code: 'KEY_STATE', retryable: false });
    }));

  const CREDENTIALS: Readonly<Record<string, () => Promise<unknown>>> = {
    throws: async () => {
      throw new TypeError('no environment');
    },
    'gives a token of somebody else': async () => ({
      token: 'another',
      expiresOnTimestamp: Date.now() + 1_000_000,
    }),
  };
  for (const [title, getToken] of Object.entries(CREDENTIALS)) {
    it(`a credential that ${title} is ACCESS_DENIED`, () =>
      withVault(async (_vault, open) => {
        const keys = open({ credential: { getToken } });
        const error = await rejection(keys.describeKey({ keyId: 'orders' }));
        expect(error.code).to.equal('ACCESS_DENIED');
      }));
  }
});
