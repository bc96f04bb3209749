import { inspect } from 'node:util';
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
    'a token that is not valid is ACCESS_DENIED',
    engine(async (given) => {
      const provider = given.open({ token: 'hvs.nobody' });
      const error = await rejection(provider.encrypt({ keyId: 'orders', plaintext: PLAINTEXT }));
      expect(error.code).to.equal('ACCESS_DENIED');
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
