import { randomBytes } from 'node:crypto';
import type { KeyringNode } from '@aws-crypto/client-node';
import type { KeyWrapProvider } from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { open, seal } from '@keywrap/envelope';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { timeAlternately } from '../alternate.js';
import type { Benchmark } from '../benchmark.js';
import { NEVER_FULL } from '../cache-limits.js';
import { startServer } from '../server-process.js';

// With its row: how much a process has loaded changes how it collects garbage.
const loadAws = () => import('@aws-crypto/client-node');

const RECORD = randomBytes(1024);
const encryptionContext = { tenant: 'a' };

/** One place of the key: a provider over it, and the keyring with which AWS's SDK uses its like. */
interface Custody {
  readonly keyId: string;
  readonly provider: KeyWrapProvider;
  readonly keyring: KeyringNode;
  stop(): void;
}

/** A key on this machine. */
async function localKey(): Promise<Custody> {
  const { RawAesKeyringNode, RawAesWrappingSuiteIdentifier } = await loadAws();
  const keyId = 'alias/records';
  const keyring = new RawAesKeyringNode({
    keyName: 'records',
    keyNamespace: 'bench',
    unencryptedMasterKey: new Uint8Array(randomBytes(32)),
    wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
  });
  return { keyId, provider: new LocalKeyWrapProvider({ keys: [keyId] }), keyring, stop() {} };
}

/** A key of kms-server, which runs in a process of its own. */
async function kmsKey(): Promise<Custody> {
  const { KmsKeyringNode, KMS } = await loadAws();
  const { url: endpoint, stop } = await startServer('kms-server');
  const connection = {
    region: 'us-east-1',
    endpoint,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'bench' },
  };
  const client = new KMS(connection);
  const { KeyMetadata } = await client.createKey({});
  const keyId = KeyMetadata?.Arn as string;
  // Its type of a client leaves out `undefined`, which exactOptionalPropertyTypes tells apart.
  const clientProvider = () => client as never;
  const keyring = new KmsKeyringNode({ generatorKeyId: keyId, clientProvider });
  return { keyId, provider: new KmsKeyWrapProvider(connection), keyring, stop };
}

/** Both seal a record, or open it, with the suite that has a key commitment and no signature. */
async function measure(mode: 'seal' | 'open', custodyOf: () => Promise<Custody>) {
  const { buildClient, CommitmentPolicy, AlgorithmSuiteIdentifier } = await loadAws();
  const { encrypt, decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
  const suiteId = AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY;
  const { keyId, provider, keyring, stop } = await custodyOf();
  const keys = withDataKeyCache(provider, NEVER_FULL);
  try {
    const sealOurs = () => seal(keys, { keyId, encryptionContext }, RECORD);
    const sealTheirs = () => encrypt(keyring, RECORD, { suiteId, encryptionContext });
    const ours = await sealOurs();
    const theirs = (await sealTheirs()).result;
    const openOurs = () => open(keys, ours, { trustedKeys: [keyId], encryptionContext });
    const sides =
      mode === 'seal'
        ? { ours: sealOurs, reference: sealTheirs }
        : { ours: openOurs, reference: () => decrypt(keyring, theirs) };
    return await timeAlternately({ ...sides, batch: 20, unit: 'µs' });
  } finally {
    await keys.close();
    stop();
  }
}

const row = (mode: 'seal' | 'open', name: string, where: string, custody: () => Promise<Custody>) =>
  ({
    name: `envelope-${mode}-vs-aws${name}`,
    unit: 'µs',
    ours: `\`${mode}\` of 1 KiB, its data key in the cache, under ${where}`,
    reference: `@aws-crypto/client-node \`${mode === 'seal' ? 'encrypt' : 'decrypt'}\` of the same, the same suite`,
    target: { ratio: 0.05 },
    measure: () => measure(mode, custody),
  }) satisfies Benchmark;

export const envelopeVsAwsBenchmarks: readonly Benchmark[] = [
  row('seal', '-kms', 'a key of kms-server', kmsKey),
  row('open', '-kms', 'a key of kms-server', kmsKey),
  row('seal', '', 'a key on this machine', localKey),
  row('open', '', 'a key on this machine', localKey),
];
