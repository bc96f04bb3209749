import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createProvider, parseKeyId, UnsupportedOperationError } from '@keywrap/core';

// The columns of the matrix. One whose package is not in the workspace is left out.

/** Keys in memory. */
const local = (engine) => async () => {
  const { harnessOf } = await import('../../packages/provider-local/dist-test/harness.js');
  return { ...harnessOf(engine), name: `local/${engine}` };
};

/** Keys in a database, each opening with one of its own. */
async function stored(name, newLocation, end, more = {}) {
  const [{ SqlKeyStore }, { localSubject }, { CHEAP, PASSPHRASE }] = await Promise.all([
    import('@keywrap/provider-local/store'),
    import('../../packages/provider-local/dist-test/harness.js'),
    import('../../packages/provider-local/dist-test/store/support.js'),
  ]);
  const protectedBy = { passphrase: PASSPHRASE };
  const options = { protectedBy, create: true, scrypt: CHEAP, ...more };
  return {
    name,
    async open() {
      const location = await newLocation();
      return localSubject({ store: () => SqlKeyStore.open({ location, ...options }) });
    },
    end,
  };
}

async function sqlite() {
  const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-matrix-'));
  let files = 0;
  return stored(
    'local on SQLite',
    () => path.join(folder, `${files++}.db`),
    () => rm(folder, { recursive: true, force: true }),
  );
}

/** Where PostgreSQL is installed. */
async function postgres() {
  const { missingPostgres, PostgresServer } = await import(
    '../../packages/provider-local/dist-test/store/postgres-server.js'
  );
  if (missingPostgres() !== undefined) return undefined;
  const server = await PostgresServer.start();
  return stored(
    'local on PostgreSQL',
    () => server.newUrl(),
    () => server.stop(),
    // By default an instance hears of the changes of others within milliseconds, not in the next call.
    { freshness: 'always' },
  );
}

/** The provider of the examples: RFC 5649, symmetric keys alone. */
async function custom() {
  const { AesKwpDriver } = await import('../../examples/custom-provider/dist/aes-kwp-driver.js');
  return {
    name: 'custom',
    async open() {
      const driver = new AesKwpDriver();
      const keys = {
        async create({ keySpec, origin }) {
          if (keySpec !== 'SYMMETRIC_DEFAULT' || origin !== undefined) {
            throw new UnsupportedOperationError('symmetric keys only');
          }
          return { keyId: driver.createKey() };
        },
        disable: async (keyId) => driver.setKeyState(parseKeyId(keyId), 'Disabled'),
        enable: async (keyId) => driver.setKeyState(parseKeyId(keyId), 'Enabled'),
      };
      return { provider: createProvider(driver), keys };
    },
  };
}

/** The AWS KMS provider, talking HTTP to a server on this machine. */
async function kms() {
  const [{ startKmsServer }, { KmsKeyWrapProvider }] = await Promise.all([
    import('@keywrap/kms-server'),
    import('@keywrap/provider-kms'),
  ]);
  return {
    name: 'aws-kms over kms-server',
    async open() {
      const server = await startKmsServer({ port: 0 });
      const credentials = { accessKeyId: 'matrix', secretAccessKey: 'matrix' };
      const provider = new KmsKeyWrapProvider({
        region: 'us-east-1',
        endpoint: server.url,
        credentials,
      });
      return { provider, keys: administrator(server.url), close: () => server.close() };
    },
  };
}

/** The keys of a server, by the protocol of AWS KMS. */
function administrator(url) {
  const call = async (operation, input) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `TrentService.${operation}`,
      },
      body: JSON.stringify(input),
    });
    const text = await response.text();
    if (text.includes('UnsupportedOperationException')) throw new UnsupportedOperationError(text);
    if (!response.ok) throw new Error(`${operation}: ${text}`);
    return text === '' ? {} : JSON.parse(text);
  };
  return {
    async create({ keySpec, keyUsage, origin }) {
      const input = { KeySpec: keySpec, KeyUsage: keyUsage, Origin: origin };
      return { keyId: (await call('CreateKey', input)).KeyMetadata.Arn };
    },
    alias: (alias, keyId) => call('CreateAlias', { AliasName: alias, TargetKeyId: keyId }),
    disable: (keyId) => call('DisableKey', { KeyId: keyId }),
    enable: (keyId) => call('EnableKey', { KeyId: keyId }),
    scheduleDeletion: (keyId) => call('ScheduleKeyDeletion', { KeyId: keyId }),
    rotate: (keyId) => call('RotateKeyOnDemand', { KeyId: keyId }),
  };
}

/** The transit engine of OpenBao, where that is installed. */
async function vault() {
  const { MISSING, startVault } = await import(
    '../../packages/provider-vault/dist-test/openbao.js'
  );
  if (MISSING !== undefined) return undefined;
  const { vaultHarness } = await import('../../packages/provider-vault/dist-test/harness.js');
  return vaultHarness('vault on OpenBao', await startVault());
}

let tokens = 0;

/** A PKCS#11 token, where SoftHSM is installed. */
async function pkcs11() {
  const { MISSING, newToken } = await import(
    '../../packages/provider-pkcs11/dist-test/test-token.js'
  );
  if (MISSING !== undefined) return undefined;
  const { pkcs11Harness } = await import('../../packages/provider-pkcs11/dist-test/harness.js');
  // SoftHSM looks through all keys, which are files, for each call.
  const harness = pkcs11Harness('pkcs11 on SoftHSM', await newToken(`matrix ${++tokens}`));
  return { ...harness, checkedBy: 'quick' };
}

/** Azure's client in front of a double. */
async function azure() {
  const { azureHarness } = await import('../../packages/provider-azure/dist-test/harness.js');
  return azureHarness('azure on a double', 'managed HSM');
}

/** Google's client in front of a double. */
async function gcp() {
  const { gcpHarness } = await import('../../packages/provider-gcp/dist-test/harness.js');
  return gcpHarness('gcp on a double', 'SOFTWARE');
}

/** Keys of two Regions behind one name. */
async function twoRegions() {
  const { severalKeysHarness, twoRegions } = await import(
    '../../packages/resilience/dist-test/harness.js'
  );
  return severalKeysHarness('two Regions', twoRegions);
}

/** Keys of two clouds and an HSM behind one name, where OpenBao and SoftHSM are installed. */
async function twoCloudsAndAnHsm() {
  const { severalKeysHarness } = await import('../../packages/resilience/dist-test/harness.js');
  const backends = await Promise.all([kms(), vault(), pkcs11()]);
  if (backends.includes(undefined)) return undefined;
  return { ...severalKeysHarness('KMS, OpenBao and SoftHSM', backends), checkedBy: 'quick' };
}

/** All harnesses that there are packages for. */
export async function loadHarnesses() {
  const optional = await Promise.all(
    [
      local('node'),
      local('forge'),
      sqlite,
      postgres,
      kms,
      custom,
      vault,
      pkcs11,
      azure,
      gcp,
      twoRegions,
      twoCloudsAndAnHsm,
    ].map((load) =>
      load().catch((error) => {
        if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
        return undefined;
      }),
    ),
  );
  return optional.filter((each) => each !== undefined);
}
