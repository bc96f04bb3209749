import { randomBytes } from 'node:crypto';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { CompactEncrypt } from 'jose';
import { timeAlternately } from '../alternate.js';
import { bareOpen, bareSeal } from '../bare-xaes.js';
import type { Benchmark } from '../benchmark.js';

const ID = '1234abcd-12ab-34cd-56ef-1234567890ab';
const NAME = 'order';
const VALUE = '2026-000123';

const plaintext = randomBytes(32);
const encryptionContext = { [NAME]: VALUE };
const BATCH = 200;

function setUp() {
  const keyMaterial = randomBytes(32);
  const provider = new LocalKeyWrapProvider({ engine: 'node', keys: [{ keyId: ID, keyMaterial }] });
  const blob = bareSeal(keyMaterial, ID, plaintext, NAME, VALUE);
  return {
    provider,
    keyMaterial,
    blob,
    encrypt: () => provider.encrypt({ keyId: ID, plaintext, encryptionContext }),
  };
}

export const localBenchmarks: readonly Benchmark[] = [
  {
    name: 'local-encrypt',
    unit: 'µs',
    ours: 'provider-local `encrypt`: 32 bytes, one context pair',
    reference: 'a bare node:crypto function that makes the same blob',
    target: { ratio: 1.2 },
    measure() {
      const { keyMaterial, encrypt } = setUp();
      const reference = () => bareSeal(keyMaterial, ID, plaintext, NAME, VALUE);
      return timeAlternately({ ours: encrypt, reference, batch: BATCH, unit: 'µs' });
    },
  },
  {
    name: 'local-decrypt',
    unit: 'µs',
    ours: '`decrypt` of the same',
    reference: 'the bare function that opens it',
    target: { ratio: 1.2 },
    measure() {
      const { provider, keyMaterial, blob } = setUp();
      const ours = () => provider.decrypt({ keyId: ID, ciphertext: blob, encryptionContext });
      const reference = () => bareOpen(keyMaterial, blob, NAME, VALUE);
      return timeAlternately({ ours, reference, batch: BATCH, unit: 'µs' });
    },
  },
  {
    name: 'local-reencrypt',
    unit: 'µs',
    ours: '`reEncrypt` of the same',
    reference: 'the bare functions: open and seal',
    target: { ratio: 1.2 },
    measure() {
      const { provider, keyMaterial, blob } = setUp();
      const side = { keyId: ID, encryptionContext };
      const ours = () => provider.reEncrypt({ ciphertext: blob, source: side, destination: side });
      const reference = () =>
        bareSeal(keyMaterial, ID, bareOpen(keyMaterial, blob, NAME, VALUE), NAME, VALUE);
      return timeAlternately({ ours, reference, batch: BATCH, unit: 'µs' });
    },
  },
  {
    name: 'local-encrypt-vs-jose',
    unit: 'µs',
    ours: '`encrypt`',
    reference: 'jose `CompactEncrypt`, A256GCMKW and A256GCM',
    target: { ratio: 0.1 },
    measure() {
      const { encrypt } = setUp();
      const key = randomBytes(32);
      const header = { alg: 'A256GCMKW', enc: 'A256GCM' };
      const reference = () => new CompactEncrypt(plaintext).setProtectedHeader(header).encrypt(key);
      return timeAlternately({ ours: encrypt, reference, batch: BATCH, unit: 'µs' });
    },
  },
  {
    name: 'local-encrypt-vs-esdk',
    unit: 'µs',
    ours: '`encrypt`',
    reference: 'AWS Encryption SDK for JavaScript, raw AES keyring',
    target: { ratio: 0.02 },
    async measure() {
      const { encrypt } = setUp();
      // Loaded with its row: how much a process has loaded changes how it collects garbage.
      const { buildClient, CommitmentPolicy, RawAesKeyringNode, RawAesWrappingSuiteIdentifier } =
        await import('@aws-crypto/client-node');
      const sdk = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
      const keyring = new RawAesKeyringNode({
        keyName: ID,
        keyNamespace: 'bench',
        unencryptedMasterKey: new Uint8Array(randomBytes(32)),
        wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
      });
      const reference = () => sdk.encrypt(keyring, plaintext, { encryptionContext });
      return timeAlternately({ ours: encrypt, reference, batch: 20, unit: 'µs' });
    },
  },
];
