import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { timeAlternately } from '../alternate.js';
import type { Benchmark } from '../benchmark.js';

const MANY = 100_000;
const plaintext = crypto.getRandomValues(new Uint8Array(32));
const encryptionContext = { order: '2026-000123' };

/** Makes a provider with this number of keys, and the call that encrypts under the middle one. */
async function setUp(count: number): Promise<() => Promise<unknown>> {
  const provider = new LocalKeyWrapProvider({ engine: 'node' });
  const ids: string[] = [];
  for (let i = 0; i < count; i++) ids.push((await provider.createKey()).keyId);
  const keyId = ids[Math.floor(count / 2)] as string;
  return () => provider.encrypt({ keyId, plaintext, encryptionContext });
}

export const scaleBenchmarks: readonly Benchmark[] = [
  {
    name: 'scale-keys',
    unit: 'µs',
    ours: `local \`encrypt\` with ${MANY.toLocaleString('en')} keys in the store`,
    reference: 'with 1 key',
    target: { ratio: 1.1 },
    async measure() {
      const [ours, reference] = [await setUp(MANY), await setUp(1)];
      return timeAlternately({ ours, reference, batch: 200, unit: 'µs' });
    },
  },
];
