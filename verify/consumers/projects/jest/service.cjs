// What a service that uses every package does, whichever way jest has loaded them.
const { generateKeyPairSync } = require('node:crypto');

const plaintext = Uint8Array.of(1, 2, 3);
const credential = { getToken: async () => ({ token: 'x', expiresOnTimestamp: Date.now() + 3e6 }) };
const NO_RETRIES = { retryOptions: { maxRetries: 0 } };

module.exports = ({
  core,
  envelope,
  resilience,
  local,
  kms,
  server,
  vault,
  azure,
  gcp,
  pkcs11,
}) => {
  test('local keys, layers, messages and errors', async () => {
    const inner = new local.LocalKeyWrapProvider({ keys: ['alias/a'] });
    const keys = resilience.withRetry(await core.withTrustedKeys(inner, ['alias/a']));
    for (const signed of [false, true]) {
      const message = await envelope.seal(keys, { keyId: 'alias/a', signed }, plaintext);
      const opening = { trustedKeys: ['alias/a'], encryptionContext: {} };
      expect([...(await envelope.open(keys, message, opening)).plaintext]).toEqual([1, 2, 3]);
    }
    await expect(inner.describeKey({ keyId: 'alias/none' })).rejects.toThrow(core.KeyNotFoundError);
    await keys.close();
  });

  test.each(['node', 'forge'])('a key file, with the %s engine', async (engine) => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const keyMaterial = privateKey.export({ type: 'pkcs8', format: 'pem' });
    const inbox = { keyId: 'alias/inbox', keySpec: 'RSA_2048', keyMaterial };
    const keys = new local.LocalKeyWrapProvider({ engine, keys: [inbox] });
    const request = { keyId: 'alias/inbox', algorithm: 'RSAES_OAEP_SHA_256' };
    const { ciphertext } = await keys.encrypt({ ...request, plaintext });
    const opened = await keys.decryptAsymmetric({ ...request, ciphertext });
    expect([...opened.plaintext]).toEqual([1, 2, 3]);
    await keys.close();
  });

  test('AWS KMS on this machine', async () => {
    const seed = { region: 'eu-west-1', keys: [{ alias: 'alias/orders' }] };
    const running = await server.startKmsServer(seed);
    const credentials = { accessKeyId: 'x', secretAccessKey: 'x' };
    const options = { region: 'eu-west-1', endpoint: running.url, credentials };
    const keys = new kms.KmsKeyWrapProvider(options);
    const { ciphertext } = await keys.encrypt({ keyId: 'alias/orders', plaintext });
    expect([...(await keys.decrypt({ ciphertext })).plaintext]).toEqual([1, 2, 3]);
    await keys.close();
    await running.close();
    const silent = new vault.VaultKeyWrapProvider({ address: running.url, token: 'x' });
    await expect(silent.describeKey({ keyId: 'a' })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('clients that are loaded when needed', async () => {
    const options = { vaultUrl: 'https://localhost:1', credential, clientOptions: NO_RETRIES };
    const keys = new azure.AzureKeyWrapProvider(options);
    await expect(keys.describeKey({ keyId: 'a' })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(typeof gcp.GcpKeyWrapProvider).toBe('function');
    // Its install script has not compiled it here.
    const token = { module: '/none.so', token: { label: 'none' }, pin: '1234' };
    await expect(pkcs11.Pkcs11KeyWrapProvider.open(token)).rejects.toThrow('pkcs11js');
  });
};
