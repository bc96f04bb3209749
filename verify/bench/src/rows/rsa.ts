import { generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { sealWithPublicKey } from '@keywrap/core';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { ROUNDS, timeAlternately } from '../alternate.js';
import type { Benchmark } from '../benchmark.js';

const CONCURRENT = 16;
const KEY_ID = 'alias/rsa';
const ALGORITHM = 'RSAES_OAEP_SHA_256';
const HASH = { name: 'RSA-OAEP', hash: 'SHA-256' };
const SECONDS_PER_SIDE = 1;
/** The interval in milliseconds at which the event loop checks the clock. */
const RESOLUTION = 1;

async function setUp(modulusLength: 2048 | 4096) {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength });
  const keyMaterial = der(privateKey, 'pkcs8');
  const provider = new LocalKeyWrapProvider({
    engine: 'node',
    keys: [{ keyId: KEY_ID, keySpec: `RSA_${modulusLength}`, keyMaterial }],
  });
  const plaintext = crypto.getRandomValues(new Uint8Array(32));
  const spki = der(publicKey, 'spki');
  const ciphertext = await sealWithPublicKey(spki, plaintext, ALGORITHM);
  const input = { keyId: KEY_ID, algorithm: ALGORITHM, ciphertext } as const;
  const bareKey = await webcrypto.subtle.importKey('pkcs8', keyMaterial, HASH, false, ['decrypt']);
  return {
    ours: () => provider.decryptAsymmetric(input),
    reference: () => webcrypto.subtle.decrypt(HASH, bareKey, ciphertext),
  };
}

function der(key: KeyObject, type: 'pkcs8' | 'spki'): Buffer {
  return key.export({ format: 'der', type: type as 'spki' });
}

function concurrently(call: () => Promise<unknown>): () => Promise<unknown> {
  return () => Promise.all(Array.from({ length: CONCURRENT }, call));
}

/** The 99th percentile of how late the event loop is, in milliseconds, while `work` runs. */
async function delayDuring(work: () => Promise<unknown>): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  histogram.enable();
  const end = performance.now() + SECONDS_PER_SIDE * 1000;
  while (performance.now() < end) await work();
  histogram.disable();
  return histogram.percentile(99) / 1e6;
}

export const rsaBenchmarks: readonly Benchmark[] = [
  {
    name: 'rsa-decrypt-throughput',
    unit: 'ms',
    ours: `${CONCURRENT} \`decryptAsymmetric\` at once, RSA-2048`,
    reference: `${CONCURRENT} bare WebCrypto RSA-OAEP at once`,
    target: { ratio: 1.15 },
    async measure() {
      const { ours, reference } = await setUp(2048);
      return timeAlternately({
        ours: concurrently(ours),
        reference: concurrently(reference),
        batch: 1,
        time: 500,
        unit: 'ms',
      });
    },
  },
  {
    name: 'rsa-event-loop',
    unit: 'ms',
    ours: `p99 event-loop delay under ${CONCURRENT} \`decryptAsymmetric\` at once, RSA-4096`,
    reference: 'p99 when idle, and 5 ms',
    target: { ratio: 1 },
    async measure() {
      const load = concurrently((await setUp(4096)).ours);
      const idle = () => new Promise((resolve) => setTimeout(resolve, 50));
      await load();
      const rounds = { ours: [] as number[], reference: [] as number[] };
      for (let round = 0; round < ROUNDS; round++) {
        rounds.reference.push((await delayDuring(idle)) + 5);
        rounds.ours.push(await delayDuring(load));
      }
      return rounds;
    },
  },
];
