import { inspect } from 'node:util';
import { VaultKeyWrapProvider } from '@keywrap/provider-vault';
import { expect } from 'chai';
import { describeWithVault, startVault, type Vault } from './openbao.js';
import { type Engine, rejection, withEngine } from './support.js';

const PLAINTEXT = new TextEncoder().encode('a plaintext to look for');

describeWithVault('Failures of the server', () => {
  let vault: Vault;
  before(async () => {
    vault = await startVault();
  });
  after(() => vault.close());

  const engine = (test: (engine: Engine) => Promise<void>) => () => withEngine(vault, test);

  /** Both kinds of call, with a good ciphertext. */
  async function callsOf({ provider, post }: Engine) {
    await post('keys/orders');
    const { ciphertext } = await provider.encrypt({ keyId: 'orders', plaintext: PLAINTEXT });
    return async () =>
      Promise.all([
        rejection(provider.encrypt({ keyId: 'orders', plaintext: PLAINTEXT })),
        rejection(provider.decrypt({ keyId: 'orders', ciphertext })),
        rejection(provider.generateDataKey({ keyId: 'orders', keySpec: 'AES_256' })),
      ]);
  }

  const ANSWERS: Readonly<
    Record<string, readonly [code: string, status: number, body: string, retryable: boolean]>
  > = {
    'an error of the server': ['UNAVAILABLE', 500, '{"errors":["internal error"]}', true],
    'a sealed server': ['UNAVAILABLE', 503, '{"errors":["Vault is sealed"]}', true],
    'a standby server': ['UNAVAILABLE', 473, '{"errors":[]}', true],
    'a rate quota': ['THROTTLED', 429, '{"errors":["rate limit quota exceeded"]}', true],
    'a page of a proxy': ['UNAVAILABLE', 200, '<html>log in</html>', true],
    'a page of a proxy with an error': ['UNAVAILABLE', 502, '<html>bad gateway</html>', true],
    'a page of a proxy that knows no such path': [
      'UNAVAILABLE',
      404,
      '<html>not here</html>',
      true,
    ],
    'a page of a proxy that refuses the request': ['UNAVAILABLE', 400, '<html>no</html>', true],
    'a truncated response': ['UNAVAILABLE', 200, '{"data":{"plaintext":"AAAA', true],
    'a response without members': ['INTERNAL', 200, '{"data":{}}', false],
    'a body that is too long': [
      'INVALID_INPUT',
      413,
      '{"errors":["request body too large"]}',
      false,
    ],
    'a redirect': ['INVALID_INPUT', 307, '', false],
  };

  for (const [title, [code, status, body, retryable]] of Object.entries(ANSWERS)) {
    it(
      `${title} is ${code}, and never a bad ciphertext`,
      engine(async (given) => {
        const calls = await callsOf(given);
        given.proxy.answer = (_, response) => {
          response.writeHead(status, { Location: 'http://127.0.0.1:1/' }).end(body);
        };
        for (const error of await calls()) {
          expect(error.code, error.message).to.equal(code);
          expect(error.retryable).to.equal(retryable);
        }
      }),
    );
  }

  it('a server that was sealed is UNAVAILABLE', async function () {
    // Not one that others use.
    if (!vault.isOwn) return this.skip();
    const own = await startVault();
    try {
      const { address, token } = own;
      const mount = await own.mount();
      await own.request('POST', `${mount}/keys/orders`, {});
      const provider = new VaultKeyWrapProvider({ address, token, mount });
      const { ciphertext } = await provider.encrypt({ keyId: 'orders', plaintext: PLAINTEXT });
      await own.request('POST', 'sys/seal');
      const error = await rejection(provider.decrypt({ keyId: 'orders', ciphertext }));
      expect(error).to.include({ code: 'UNAVAILABLE', retryable: true });
      expect(error.message).to.include('unseal it');
    } finally {
      await own.close();
    }
  });

  const TOKENS: Readonly<Record<string, (create: object) => Promise<string>>> = {
    'is not one': async () => 'hvs.none',
    'was revoked': async (create) => {
      const token = await newToken(create);
      await vault.request('POST', 'auth/token/revoke', { token });
      return token;
    },
    'was used up': async (create) => {
      const token = await newToken({ ...create, num_uses: 1 });
      const headers = { 'X-Vault-Token': token };
      await fetch(`${vault.address}/v1/auth/token/lookup-self`, { headers });
      return token;
    },
    'has no policy for the key': (create) => newToken({ ...create, policies: ['default'] }),
  };
  const newToken = (create: object) => vault.createToken(create);
  for (const [title, tokenOf] of Object.entries(TOKENS)) {
    it(
      `a token that ${title} is ACCESS_DENIED`,
      engine(async (given) => {
        await given.post('keys/orders');
        const provider = given.open({ token: await tokenOf({ policies: ['root'] }) });
        const error = await rejection(provider.encrypt({ keyId: 'orders', plaintext: PLAINTEXT }));
        expect(error).to.include({ code: 'ACCESS_DENIED', retryable: false });
      }),
    );
  }

  it(
    'a response that does not end is not kept in memory (UNAVAILABLE)',
    engine(async (given) => {
      const calls = await callsOf(given);
      given.proxy.answer = (_, response) => {
        const more = () => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536, 'a')));
        };
        response.on('drain', more);
        more();
      };
      for (const error of await calls()) expect(error.code).to.equal('UNAVAILABLE');
    }),
  );

  it(
    'a response without the results that were asked for ends the call (INTERNAL)',
    engine(async (given) => {
      for (const results of ['[]', 'null', `[${'null,'.repeat(15)}null]`]) {
        given.proxy.answer = (_, response) => {
          response.end(`{"data":{"batch_results":${results}}}`);
        };
        const before = given.proxy.requests.length;
        const request = { keyId: 'rsa', ciphertext: new Uint8Array(256) };
        const error = await rejection(
          given.provider.decryptAsymmetric({ ...request, algorithm: 'RSAES_OAEP_SHA_256' }),
        );
        expect(error.code, error.message).to.equal('INTERNAL');
        expect(given.proxy.requests.length - before).to.be.below(4);
      }
    }),
  );

  it(
    'a connection that is reset is UNAVAILABLE, and works again afterwards',
    engine(async (given) => {
      const calls = await callsOf(given);
      given.proxy.isDown = true;
      for (const error of await calls()) expect(error.code).to.equal('UNAVAILABLE');
      given.proxy.isDown = false;
      await given.provider.encrypt({ keyId: 'orders', plaintext: PLAINTEXT });
    }),
  );

  it(
    'a server that does not respond is UNAVAILABLE after requestTimeout',
    engine(async (given) => {
      given.proxy.answer = () => {};
      const provider = given.open({ requestTimeout: 50 });
      const error = await rejection(provider.describeKey({ keyId: 'orders' }));
      expect(error.code).to.equal('UNAVAILABLE');
    }),
  );

  it(
    'a request ends when its caller aborts (ABORTED)',
    engine(async (given) => {
      await given.post('keys/orders');
      const input = { keyId: 'orders', plaintext: PLAINTEXT };
      // The look-up of its token is for all calls, and does not end with one.
      await given.provider.encrypt(input);
      const abort = new AbortController();
      const closed = new Promise<void>((resolve) => {
        given.proxy.answer = ({ socket }) => {
          socket.once('close', resolve);
          abort.abort();
        };
      });
      const call = given.provider.encrypt(input, { signal: abort.signal });
      expect((await rejection(call)).code).to.equal('ABORTED');
      await closed;
    }),
  );

  it(
    'a mount or namespace that is not there is a mistake, not an outage (INVALID_INPUT)',
    engine(async ({ open }) => {
      for (const [options, field] of [
        [{ mount: 'nowhere' }, 'options.mount'],
        [{ namespace: 'nowhere' }, 'options.namespace'],
      ] as const) {
        const error = await rejection(
          open(options).encrypt({ keyId: 'orders', plaintext: PLAINTEXT }),
        );
        expect(error).to.include({ code: 'INVALID_INPUT', field });
      }
    }),
  );

  it(
    'errors show no token, plaintext or ciphertext',
    engine(async (given) => {
      await given.post('keys/orders');
      const token = 'hvs.a-token-to-look-for';
      const provider = given.open({ token });
      const secrets = [token, 'a plaintext to look', Buffer.from(PLAINTEXT).toString('base64')];
      const errors = [
        await rejection(provider.encrypt({ keyId: 'orders', plaintext: PLAINTEXT })),
        await rejection(
          given.provider.decrypt({
            keyId: 'orders',
            ciphertext: Buffer.from(secrets[2] as string),
          }),
        ),
      ];
      for (const error of [...errors, provider]) {
        const shown = inspect(error, { depth: 10, showHidden: true });
        for (const secret of secrets) expect(shown).not.to.include(secret);
      }
    }),
  );
});
