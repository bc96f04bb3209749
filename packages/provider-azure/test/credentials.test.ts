import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import {
  ChainedTokenCredential,
  ClientSecretCredential,
  ManagedIdentityCredential,
} from '@azure/identity';
import { ThrottledError } from '@keywrap/core';
import { expect } from 'chai';
import { SELF_SIGNED } from './self-signed.js';
import { KINDS, type VaultKind } from './server.js';
import { rejection, withVault } from './support.js';

type Credential = { readonly getToken: (...args: never[]) => Promise<unknown> };

/** Calls a vault with a credential, which gives it no token that it takes. */
const failureWith = async (credential: Credential, requestTimeout = 60_000) => {
  let failure: Awaited<ReturnType<typeof rejection>> | undefined;
  await withVault(KINDS[0] as VaultKind, async ({ open }) => {
    const options = { credential: credential as never, requestTimeout };
    failure = await rejection(open(options).describeKey({ keyId: 'orders' }));
  });
  return failure;
};

describe('A credential for a vault', () => {
  const fails = (error: unknown) => async () => {
    throw error;
  };
  const named = (name: string, fields: object = {}) =>
    Object.assign(new Error('no token'), { name, ...fields });
  const FAILURES: readonly (readonly [
    what: string,
    getToken: Credential['getToken'],
    code: string,
  ])[] = [
    ['is refused', fails(named('AuthenticationError', { statusCode: 401 })), 'ACCESS_DENIED'],
    ['is not configured', fails(named('CredentialUnavailableError')), 'ACCESS_DENIED'],
    [
      'is of somebody else',
      async () => ({ token: 'another', expiresOnTimestamp: Date.now() + 1_000_000 }),
      'ACCESS_DENIED',
    ],
    ['is none', async () => null, 'ACCESS_DENIED'],
    [
      'meets a refused connection',
      fails(named('RestError', { code: 'ECONNREFUSED' })),
      'UNAVAILABLE',
    ],
    ['meets no name server', fails(named('RestError', { code: 'ENOTFOUND' })), 'UNAVAILABLE'],
    ['meets a time-out', fails(named('TimeoutError')), 'UNAVAILABLE'],
    ['meets a failed server', fails(named('RestError', { statusCode: 503 })), 'UNAVAILABLE'],
    ['meets too many requests', fails(named('RestError', { statusCode: 429 })), 'THROTTLED'],
    ['meets an outage of another provider', fails(new ThrottledError('later')), 'THROTTLED'],
    ['has a bug', fails(new TypeError('token is undefined')), 'INTERNAL'],
  ];
  for (const [what, getToken, code] of FAILURES) {
    it(`that ${what} is ${code}`, async () => {
      const retryable = code === 'UNAVAILABLE' || code === 'THROTTLED';
      expect(await failureWith({ getToken })).to.include({ code, retryable });
    });
  }

  it('is asked for again when it has expired', async () => {
    await withVault(KINDS[0] as VaultKind, async ({ create, open, credential }) => {
      const keyId = await create('RSA');
      let asked = 0;
      const getToken = async () => {
        const token = await credential.getToken();
        return asked++ === 0 ? { ...token, expiresOnTimestamp: Date.now() - 1 } : token;
      };
      const keys = open({ credential: { getToken } });
      for (let i = 0; i < 3; i++) await keys.describeKey({ keyId });
      expect(asked).to.equal(2);
    });
  });

  it('that the vault no longer takes before it expires is ACCESS_DENIED', async function () {
    await withVault(KINDS[0] as VaultKind, async ({ create, open, double }) => {
      if (double === undefined) return this.skip();
      const keyId = await create('RSA');
      const keys = open();
      await keys.describeKey({ keyId });
      double.token = 'another';
      const error = await rejection(keys.describeKey({ keyId }));
      expect(error).to.include({ code: 'ACCESS_DENIED', retryable: false });
    });
  });

  it('that does not come is waited for until requestTimeout (UNAVAILABLE)', async () => {
    const credential = { getToken: () => new Promise(() => {}) };
    expect(await failureWith(credential, 100)).to.include({ code: 'UNAVAILABLE' });
  });
});

describe("A credential of Microsoft's, whose server", () => {
  type Answer = (request: IncomingMessage, response: ServerResponse) => void;
  const answer =
    (status: number, error: string): Answer =>
    (_request, response) =>
      void response
        .writeHead(status, { 'Content-Type': 'application/json' })
        .end(JSON.stringify({ error, error_description: 'AADSTS1: a text of the server' }));

  /** How the server answers a request for a token, which follows one for its configuration. */
  const ANSWERS: readonly (readonly [what: string, token: Answer, code: string])[] = [
    ['refuses the secret', answer(401, 'invalid_client'), 'ACCESS_DENIED'],
    ['does not know the tenant', answer(400, 'invalid_request'), 'ACCESS_DENIED'],
    ['fails', answer(500, 'server_error'), 'UNAVAILABLE'],
    ['is overloaded', answer(503, 'temporarily_unavailable'), 'UNAVAILABLE'],
    ['resets the connection', ({ socket }) => void socket.destroy(), 'UNAVAILABLE'],
    [
      'is behind a proxy that fails',
      (_request, response) => void response.writeHead(502).end('<html>bad gateway</html>'),
      'UNAVAILABLE',
    ],
  ];
  const credentialAt = (authorityHost: string) =>
    new ClientSecretCredential('11111111-1111-1111-1111-111111111111', 'app', 's3cret', {
      authorityHost,
      disableInstanceDiscovery: true,
      // The vault's challenge names its own.
      additionallyAllowedTenants: ['*'],
      retryOptions: { maxRetries: 0 },
      tlsOptions: { ca: SELF_SIGNED.cert },
    } as object);

  for (const [what, token, code] of ANSWERS) {
    it(`${what} is ${code}`, async () => {
      const server = createServer(SELF_SIGNED, (request, response) => {
        request.resume();
        if (request.method === 'POST') return token(request, response);
        const url = `https://${request.headers.host}`;
        response.writeHead(200, { 'Content-Type': 'application/json' }).end(
          JSON.stringify({
            token_endpoint: `${url}/token`,
            authorization_endpoint: `${url}/authorize`,
            issuer: `${url}/`,
            jwks_uri: `${url}/keys`,
          }),
        );
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      try {
        const failure = await failureWith(credentialAt(`https://127.0.0.1:${port}`));
        expect(failure).to.include({ code });
        expect(String(failure)).not.to.include('s3cret');
      } finally {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    });
  }

  it('is not there is UNAVAILABLE', async () => {
    expect(await failureWith(credentialAt('https://127.0.0.1:1'))).to.include({
      code: 'UNAVAILABLE',
    });
  });

  it('is not there is ACCESS_DENIED in a chain that tries a managed identity on every machine', async () => {
    const { AZURE_POD_IDENTITY_AUTHORITY_HOST: before } = process.env;
    process.env.AZURE_POD_IDENTITY_AUTHORITY_HOST = 'http://127.0.0.1:1';
    try {
      const identity = new ManagedIdentityCredential({ retryOptions: { maxRetries: 0 } });
      expect(await failureWith(identity)).to.include({ code: 'UNAVAILABLE' });
      const chain = new ChainedTokenCredential(identity);
      expect(await failureWith(chain)).to.include({ code: 'ACCESS_DENIED' });
    } finally {
      if (before === undefined) delete process.env.AZURE_POD_IDENTITY_AUTHORITY_HOST;
      else process.env.AZURE_POD_IDENTITY_AUTHORITY_HOST = before;
    }
  });
});
