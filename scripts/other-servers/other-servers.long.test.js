import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { SELF_SIGNED } from '../../packages/provider-azure/dist-test/self-signed.js';
import { MISSING } from '../../packages/provider-vault/dist-test/openbao.js';

// With a variable set, the tests of a provider run on the server that it names. Here that is a server of another process,
// which they can't reach into, as a real one.

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Starts a server, and runs a test with what it prints. Returns what it prints at the end. */
async function withServer(name, test) {
  const script = path.join(ROOT, 'scripts/other-servers/serve.js');
  const server = spawn(process.execPath, [script, name], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exit = once(server, 'exit');
  try {
    const [line] = await Promise.race([once(server.stdout, 'data'), exit]);
    await test(JSON.parse(line));
  } finally {
    server.stdin.end();
  }
  const [line] = await Promise.race([once(server.stdout, 'data'), exit]);
  await exit;
  return JSON.parse(line);
}

/** Runs the tests of a provider. */
async function runTests(name, variables) {
  const args = ['--no-config', '--reporter', 'json', '--timeout', '300000'];
  for (const each of ['test-environment', 'unhandled-rejections']) {
    args.push('--require', `./scripts/${each}.js`);
  }
  const files = `packages/provider-${name}/dist-test/*.test.js`;
  const run = promisify(execFile)(
    process.execPath,
    ['node_modules/mocha/bin/mocha.js', ...args, files, '--ignore', '**/*.long.test.js'],
    { cwd: ROOT, env: { ...process.env, ...variables }, maxBuffer: 2 ** 28 },
  );
  const { stdout } = await run.catch((error) => error);
  const { stats, failures } = JSON.parse(stdout.slice(stdout.indexOf('{\n  "stats"')));
  expect(failures.map(({ fullTitle, err }) => `${fullTitle}: ${err.message}`)).to.deep.equal([]);
  expect(stats.passes).to.be.greaterThan(200);
}

describe('The tests of a provider, on a server that they did not start', () => {
  it('pass on OpenBao, and leave nothing there', async function () {
    if (MISSING !== undefined) return this.skip();
    await withServer('vault', async ({ url, token }) => {
      const headers = { 'X-Vault-Token': token };
      const list = async (where) => {
        const response = await fetch(`${url}/v1/${where}`, { headers });
        const { data } = await response.json();
        return data?.keys ?? Object.keys(data ?? {});
      };
      const places = ['sys/mounts', 'sys/auth', 'sys/policies/acl?list=true'];
      places.push('sys/namespaces?list=true', 'auth/token/accessors?list=true');
      const state = async () => Promise.all(places.map(list));
      const before = await state();
      await runTests('vault', {
        KEYWRAP_TEST_VAULT_ADDR: url,
        KEYWRAP_TEST_VAULT_TOKEN: token,
        // They can't start one.
        KEYWRAP_TEST_BAO: '/nonexistent',
      });
      expect(await state()).to.deep.equal(before);
    });
  });

  for (const kind of ['key vault', 'managed HSM']) {
    it(`pass on the double of an Azure ${kind}, and leave no key there`, async () => {
      const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-other-server-'));
      const certificate = path.join(folder, 'certificate.pem');
      await writeFile(certificate, SELF_SIGNED.cert);
      try {
        const { requests } = await withServer('azure', async ({ url, token }) => {
          await runTests('azure', {
            KEYWRAP_TEST_AZURE_URL: url,
            KEYWRAP_TEST_AZURE_TOKEN: token,
            KEYWRAP_TEST_AZURE_KIND: kind,
            NODE_EXTRA_CA_CERTS: certificate,
          });
          expect(await keysOfVault(url, token, certificate)).to.equal('[] []');
        });
        expect(requests).to.be.greaterThan(0);
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  }

  it('pass on the double of Google Cloud KMS, and schedule the destruction of every version', async () => {
    await withServer('gcp', async ({ url }) => {
      await runTests('gcp', { KEYWRAP_TEST_GCP_ENDPOINT: url });
      expect(await statesAt(url)).to.match(/^(DESTROYED|DESTROY_SCHEDULED) ?(DESTROY_SCHEDULED)?$/);
    });
  });
});

/** The names of keys, and of deleted ones. In a process of its own, which knows the vault's certificate. */
async function keysOfVault(url, token, certificate) {
  const program = `
    import { KeyClient } from '@azure/keyvault-keys';
    const credential = { getToken: async () => ({ token: process.argv[2], expiresOnTimestamp: Infinity }) };
    const options = { disableChallengeResourceVerification: true };
    const client = new KeyClient(process.argv[1], credential, options);
    const all = async (list) => {
      const names = [];
      for await (const { name } of list) names.push(name);
      return JSON.stringify(names);
    };
    console.log(await all(client.listPropertiesOfKeys()), await all(client.listDeletedKeys()));`;
  return runIn('provider-azure', program, [url, token], { NODE_EXTRA_CA_CERTS: certificate });
}

/** The states that key versions have. */
async function statesAt(url) {
  const program = `
    import { clientOptionsOf } from '#dist/client.js';
    import { KeyManagementServiceClient } from '@google-cloud/kms';
    const client = new KeyManagementServiceClient(await clientOptionsOf(new URL(process.argv[1])));
    const parent = 'projects/my-project/locations/europe-west1/keyRings/tests';
    const states = new Set();
    const [keys] = await client.listCryptoKeys({ parent });
    for (const { name } of keys) {
      const [versions] = await client.listCryptoKeyVersions({ parent: name });
      for (const { state } of versions) states.add(state);
    }
    console.log([...states].sort().join(' '));
    await client.close();`;
  return runIn('provider-gcp', program, [url]);
}

async function runIn(name, program, args, variables = {}) {
  const options = {
    cwd: path.join(ROOT, 'packages', name),
    env: { ...process.env, ...variables },
  };
  const flags = ['--input-type=module', '-e', program];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, ...args], options);
  return stdout.trim();
}
