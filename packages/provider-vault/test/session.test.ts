import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { rootCertificates } from 'node:tls';
import { createProvider } from '@keywrap/core';
import { expect } from 'chai';
import { vaultDriver } from '#dist/driver.js';
import { readOptions } from '#dist/options.js';
import { describeWithVault, startVault, type Vault } from './openbao.js';
import { type Engine, rejection, withEngine } from './support.js';

const PLAINTEXT = new Uint8Array(32);
const INPUT = { keyId: 'orders', plaintext: PLAINTEXT };

describeWithVault('Tokens', () => {
  let vault: Vault;
  // The server may be shared, and have a policy and a login of these names.
  const policyName = `orders-${randomUUID()}`;
  const approle = `approle-${randomUUID()}`;
  before(async () => {
    vault = await startVault();
    const policy = 'path "+/encrypt/orders" { capabilities = ["update"] }';
    await vault.request('POST', `sys/policies/acl/${policyName}`, { policy });
    vault.deleteLater(`policies/acl/${policyName}`);
    await vault.request('POST', `sys/auth/${approle}`, { type: 'approle' });
    vault.deleteLater(`auth/${approle}`);
    await vault.request('POST', `auth/${approle}/role/orders`, {
      token_policies: [policyName],
      token_ttl: '1h',
    });
  });
  after(() => vault.close());

  const engine = (test: (engine: Engine) => Promise<void>) => () =>
    withEngine(vault, async (given) => {
      await given.post('keys/orders');
      await test(given);
    });

  async function appRole(name = 'orders') {
    const role = `auth/${approle}/role/${name}`;
    const { data: id } = await vault.request('GET', `${role}/role-id`);
    const { data: secret } = await vault.request('POST', `${role}/secret-id`, {});
    return {
      roleId: String(id.role_id),
      secretId: String(secret.secret_id),
      mount: approle,
    };
  }

  async function revokeTokensOfAppRole() {
    const { data } = await vault.request('GET', 'auth/token/accessors?list=true');
    for (const accessor of data.keys as string[]) {
      const path = 'auth/token/lookup-accessor';
      const { data: token } = await vault.request('POST', path, { accessor });
      if (String(token.path) !== `auth/${approle}/login`) continue;
      await vault.request('POST', 'auth/token/revoke-accessor', { accessor });
    }
  }

  const openAt = ({ proxy, mount }: Engine, options: object, now: () => number) =>
    createProvider(
      vaultDriver(readOptions({ address: proxy.address, mount, ...options }, {}), now),
    );

  const pathsOf = ({ proxy }: Engine) =>
    proxy.requests.filter((each) => /auth\//.test(each)).map((each) => each.split(' ')[1]);

  it(
    'renews a given token although the server failed when its lease was looked up',
    engine(async (given) => {
      const token = await vault.createToken({ policies: [policyName, 'default'], ttl: '1h' });
      let time = 0;
      const provider = openAt(given, { token }, () => time);
      given.proxy.answer = (_, response) => void response.writeHead(500).end('{"errors":["no"]}');
      await rejection(provider.encrypt(INPUT));
      given.proxy.answer = undefined;
      await provider.encrypt(INPUT);
      time = 31 * 60_000;
      await provider.encrypt(INPUT);
      expect(pathsOf(given).at(-1)).to.equal('auth/token/renew-self');
    }),
  );

  it(
    'logs in with an AppRole once, for calls at once too',
    engine(async (given) => {
      const provider = given.open({ token: undefined, appRole: await appRole() });
      await Promise.all(Array.from({ length: 10 }, () => provider.encrypt(INPUT)));
      await provider.encrypt(INPUT);
      expect(pathsOf(given)).to.deep.equal([`auth/${approle}/login`]);
    }),
  );

  it(
    'logs in again when its token was revoked',
    engine(async (given) => {
      const provider = given.open({ token: undefined, appRole: await appRole() });
      await provider.encrypt(INPUT);
      await revokeTokensOfAppRole();
      await provider.encrypt(INPUT);
      expect(pathsOf(given)).to.deep.equal([
        `auth/${approle}/login`,
        'auth/token/lookup-self',
        `auth/${approle}/login`,
      ]);
    }),
  );

  it(
    'does not log in again when the policy denies a call (ACCESS_DENIED)',
    engine(async (given) => {
      const provider = given.open({ token: undefined, appRole: await appRole() });
      for (let i = 0; i < 2; i++) {
        const error = await rejection(provider.describeKey({ keyId: 'orders' }));
        expect(error.code).to.equal('ACCESS_DENIED');
      }
      expect(pathsOf(given)).to.deep.equal([
        `auth/${approle}/login`,
        'auth/token/lookup-self',
        'auth/token/lookup-self',
      ]);
    }),
  );

  it(
    'logs in once a minute at most when the policies deny a call, and forbid to look the token up',
    engine(async (given) => {
      await vault.request('POST', `auth/${approle}/role/bare`, {
        token_policies: [policyName],
        token_no_default_policy: true,
        token_ttl: '1h',
      });
      let now = 0;
      const provider = openAt(given, { appRole: await appRole('bare') }, () => now);
      const denied = async () => {
        const error = await rejection(provider.describeKey({ keyId: 'orders' }));
        expect(error).to.include({ code: 'ACCESS_DENIED', retryable: false });
      };
      const logins = () => pathsOf(given).filter((each) => each === `auth/${approle}/login`).length;
      await provider.encrypt(INPUT);
      expect(logins()).to.equal(1);
      for (let i = 0; i < 5; i++) await denied();
      await Promise.all(Array.from({ length: 5 }, denied));
      expect(logins()).to.equal(2);
      await provider.encrypt(INPUT);

      // A token that the server forgets meanwhile is replaced when the minute is over.
      await revokeTokensOfAppRole();
      expect((await rejection(provider.encrypt(INPUT))).code).to.equal('ACCESS_DENIED');
      now += 60_000;
      await provider.encrypt(INPUT);
      expect(logins()).to.equal(3);
    }),
  );

  it(
    'renews its token when half of the lease is over, and logs in when that is refused',
    engine(async (given) => {
      let now = 0;
      const provider = openAt(given, { appRole: await appRole() }, () => now);
      await provider.encrypt(INPUT);
      now += 29 * 60_000;
      await provider.encrypt(INPUT);
      expect(pathsOf(given)).to.deep.equal([`auth/${approle}/login`]);
      now += 2 * 60_000;
      await provider.encrypt(INPUT);
      expect(pathsOf(given).at(-1)).to.equal('auth/token/renew-self');
      await provider.encrypt(INPUT);
      expect(pathsOf(given)).to.have.length(2);

      now += 31 * 60_000;
      given.proxy.answer = (request, response) => {
        given.proxy.answer = undefined;
        response.writeHead(request.url?.endsWith('renew-self') ? 400 : 500).end('{"errors":[]}');
      };
      await provider.encrypt(INPUT);
      expect(pathsOf(given).slice(-2)).to.deep.equal([
        'auth/token/renew-self',
        `auth/${approle}/login`,
      ]);
    }),
  );

  it(
    'uses what its lease has left while the server can not renew it',
    engine(async (given) => {
      let now = 0;
      const provider = openAt(given, { appRole: await appRole() }, () => now);
      await provider.encrypt(INPUT);
      const fails = () => {
        given.proxy.answer = (_, response) => {
          given.proxy.answer = undefined;
          response.writeHead(500).end('{"errors":["internal error"]}');
        };
      };
      now += 45 * 60_000;
      fails();
      await provider.encrypt(INPUT);
      now += 30 * 60_000;
      fails();
      expect((await rejection(provider.encrypt(INPUT))).code).to.equal('UNAVAILABLE');
      await provider.encrypt(INPUT);
    }),
  );

  it(
    'renews a token that it was given',
    engine(async (given) => {
      const token = await vault.createToken({ policies: [policyName], ttl: '1h' });
      let now = 0;
      const provider = openAt(given, { token }, () => now);
      await provider.encrypt(INPUT);
      now += 31 * 60_000;
      await provider.encrypt(INPUT);
      expect(pathsOf(given)).to.deep.equal(['auth/token/lookup-self', 'auth/token/renew-self']);
    }),
  );

  it(
    'asks a function for another token when the first is not valid any more',
    engine(async (given) => {
      const tokens = ['hvs.gone', vault.token];
      const provider = given.open({ token: () => tokens.shift() ?? vault.token });
      await provider.encrypt(INPUT);
      expect(tokens).to.deep.equal([]);
    }),
  );

  const FUNCTIONS: Readonly<Record<string, () => unknown>> = {
    throws: () => {
      throw new Error('no file');
    },
    rejects: () => Promise.reject(new Error('no file')),
    'returns nothing': () => undefined,
    'returns an empty token': () => '',
    'returns two headers': () => 'a\r\nX-Other: b',
  };
  for (const [title, token] of Object.entries(FUNCTIONS)) {
    it(
      `a token function that ${title} is a mistake of credentials (ACCESS_DENIED)`,
      engine(async (given) => {
        const error = await rejection(given.open({ token: token as () => string }).encrypt(INPUT));
        expect(error.code).to.equal('ACCESS_DENIED');
      }),
    );
  }

  it(
    'a refused login is ACCESS_DENIED, and not repeated for five minutes: the server would lock the role',
    engine(async (given) => {
      const right = await appRole();
      const { roleId } = right;
      let now = 0;
      const wrong = openAt(
        given,
        { appRole: { roleId, secretId: 'wrong', mount: approle } },
        () => now,
      );
      // OpenBao locks a role after five.
      for (let i = 0; i < 10; i++) {
        const error = await rejection(wrong.encrypt(INPUT));
        expect(error).to.include({ code: 'ACCESS_DENIED', operation: 'encrypt' });
        expect(error.message).to.include(`auth/${approle}`);
      }
      expect(pathsOf(given)).to.deep.equal([`auth/${approle}/login`]);
      await given.open({ token: undefined, appRole: right }).encrypt(INPUT);
      now += 5 * 60_000;
      await rejection(wrong.encrypt(INPUT));
      expect(pathsOf(given)).to.have.length(3);
    }),
  );

  it(
    'repeats a login that failed for another reason with the next call',
    engine(async (given) => {
      const provider = given.open({ token: undefined, appRole: await appRole() });
      given.proxy.answer = (_, response) => void response.writeHead(503).end('{"errors":["no"]}');
      expect((await rejection(provider.encrypt(INPUT))).code).to.equal('UNAVAILABLE');
      given.proxy.answer = undefined;
      await provider.encrypt(INPUT);
    }),
  );

  it('logs in with the token of a Kubernetes service account, read at each login', async function () {
    // The server asks the API that is started here.
    if (!isLoopback(vault.address)) return this.skip();
    await engine(async (given) => {
      const mount = `kubernetes-${randomUUID()}`;
      const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-k8s-'));
      const tokenFile = path.join(folder, 'token');
      // Kubernetes' TokenReview API, which OpenBao asks about the token.
      const reviewed: string[] = [];
      const kubernetes = createServer((request, response) => {
        let body = '';
        request.on('data', (chunk) => {
          body += chunk;
        });
        request.on('end', () => {
          reviewed.push(JSON.parse(body).spec.token);
          const user = { username: 'system:serviceaccount:shop:orders', uid: '1' };
          const status = { authenticated: true, user };
          const kind = 'TokenReview';
          response
            .writeHead(201, { 'Content-Type': 'application/json' })
            .end(JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind, status }));
        });
      });
      await new Promise<void>((resolve) => kubernetes.listen(0, '127.0.0.1', resolve));
      const { port } = kubernetes.address() as AddressInfo;
      try {
        await vault.request('POST', `sys/auth/${mount}`, { type: 'kubernetes' });
        vault.deleteLater(`auth/${mount}`);
        await vault.request('POST', `auth/${mount}/config`, {
          kubernetes_host: `http://127.0.0.1:${port}`,
          token_reviewer_jwt: serviceAccountToken('reviewer'),
          // Any: the API is reached over HTTP.
          kubernetes_ca_cert: rootCertificates[0],
          disable_local_ca_jwt: true,
          disable_iss_validation: true,
        });
        await vault.request('POST', `auth/${mount}/role/orders`, {
          bound_service_account_names: ['orders'],
          bound_service_account_namespaces: ['shop'],
          token_policies: [policyName],
        });
        const provider = given.open({
          token: undefined,
          kubernetes: { role: 'orders', tokenFile, mount },
        });
        const missing = await rejection(provider.encrypt(INPUT));
        expect(missing).to.include({
          code: 'INVALID_INPUT',
          field: 'options.kubernetes.tokenFile',
        });
        const jwt = serviceAccountToken('orders');
        await writeFile(tokenFile, `${jwt}\n`);
        await provider.encrypt(INPUT);
        expect(reviewed).to.deep.equal([jwt]);
        const other = given.open({
          token: undefined,
          kubernetes: { role: 'orders', tokenFile, mount },
        });
        await writeFile(tokenFile, serviceAccountToken('invoices'));
        for (let i = 0; i < 3; i++) {
          expect((await rejection(other.encrypt(INPUT))).code).to.equal('ACCESS_DENIED');
        }
        const logins = () => pathsOf(given).filter((each) => each === `auth/${mount}/login`);
        expect(logins()).to.have.length(2);
        // Kubernetes replaces it, and only the token that was refused is not tried again.
        await writeFile(tokenFile, jwt);
        await other.encrypt(INPUT);
        expect(logins()).to.have.length(3);
      } finally {
        await new Promise((resolve) => kubernetes.close(resolve));
        await rm(folder, { recursive: true });
      }
    })();
  });
});

function isLoopback(address: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(address).hostname);
}

/** A token of the form of Kubernetes'. Its signature is the TokenReview API's to check. */
function serviceAccountToken(name: string): string {
  const claims = {
    iss: 'kubernetes/serviceaccount',
    sub: `system:serviceaccount:shop:${name}`,
    'kubernetes.io/serviceaccount/namespace': 'shop',
    'kubernetes.io/serviceaccount/secret.name': 'token',
    'kubernetes.io/serviceaccount/service-account.name': name,
    'kubernetes.io/serviceaccount/service-account.uid': '1',
  };
  return [{ alg: 'RS256', typ: 'JWT' }, claims, 'signature']
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
}
