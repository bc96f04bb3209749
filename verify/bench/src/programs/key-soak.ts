// Started by the benchmark memory-key-soak with --expose-gc; prints its rounds as JSON.
import { KeyNotFoundError } from '@keywrap/core';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { SqlKeyStore } from '@keywrap/provider-local/store';
import { readHeap } from '../heap.js';
import { population, removePopulations } from '../population.js';

/** So large that a key that stays in memory shows. */
const description = 'x'.repeat(8_000);
const DAY = 24 * 60 * 60 * 1000;
const [few = 0, many = 0] = process.argv.slice(2).map(Number);

let now = Date.now();
const { options } = await population('sqlite', 100);
const store = await SqlKeyStore.open(options);
const keys = new LocalKeyWrapProvider({ store, now: () => new Date(now) });

/** The whole life of this number of keys, one after the other. */
async function live(times: number): Promise<void> {
  const plaintext = crypto.getRandomValues(new Uint8Array(32));
  for (let i = 0; i < times; i++) {
    const { keyId } = await keys.createKey({ alias: 'alias/soak', description });
    const { ciphertext } = await keys.encrypt({ keyId, plaintext });
    await keys.rotateKey({ keyId });
    using _opened = await keys.decrypt({ ciphertext });
    await keys.scheduleKeyDeletion({ keyId, pendingWindowInDays: 7 });
    now += 8 * DAY;
    await keys.describeKey({ keyId }).then(
      () => {
        throw new Error('the key was not deleted');
      },
      (error) => {
        if (!(error instanceof KeyNotFoundError)) throw error;
      },
    );
  }
}

await live(few);
const reference = await readHeap();
await live(many - few);
const ours = await readHeap();
await keys.close();
await store.close();
await removePopulations();
console.log(JSON.stringify({ ours, reference }));
