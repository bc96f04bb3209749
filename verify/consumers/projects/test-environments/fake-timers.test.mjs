// A test that fakes the timers, for its own code, waits for keywrap all the same.
import { readFileSync } from 'node:fs';
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { startKmsServer } from '@keywrap/kms-server';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
import { readKeyMaterial } from '@keywrap/provider-local/key-files';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

beforeEach(() => {
  vi.useFakeTimers({ toFake: EVERYTHING });
});
afterEach(() => {
  vi.useRealTimers();
});
const EVERYTHING = [
  ...['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
  ...['setImmediate', 'clearImmediate', 'Date', 'performance'],
];

test('a key file of Java is read', async () => {
  const file = readFileSync('java.p12');
  const key = await readKeyMaterial(file, { passphrase: 'correct-horse' });
  expect(key.keySpec).toBe('ECC_NIST_P256');
});

test('a server, an SDK and a provider work', async () => {
  const server = await startKmsServer({ region: 'eu-west-1', keys: [{ alias: 'alias/orders' }] });
  const credentials = { accessKeyId: 'x', secretAccessKey: 'x' };
  const client = new KMSClient({ region: 'eu-west-1', endpoint: server.url, credentials });
  const described = await client.send(new DescribeKeyCommand({ KeyId: 'alias/orders' }));
  expect(described.KeyMetadata.Enabled).toBe(true);
  const keys = new KmsKeyWrapProvider({ client });
  const { keyId } = await keys.generateDataKey({ keyId: 'alias/orders', keySpec: 'AES_256' });
  expect(keyId).toBe(described.KeyMetadata.Arn);
  await keys.close();
  client.destroy();
  await server.close();
});
