// Started by the benchmark memory-soak with --expose-gc; prints its rounds as JSON.
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { readHeap } from '../heap.js';

const FEW = 10_000;
const MANY = 1_000_000;

const keys = new LocalKeyWrapProvider({ keys: ['alias/soak'] });
const keyId = 'alias/soak';

async function encryptAndDecrypt(times: number): Promise<void> {
  const plaintext = crypto.getRandomValues(new Uint8Array(32));
  for (let i = 0; i < times; i++) {
    const encryptionContext = { record: `${i}` };
    const { ciphertext } = await keys.encrypt({ keyId, plaintext, encryptionContext });
    using _opened = await keys.decrypt({ keyId, ciphertext, encryptionContext });
  }
}

await encryptAndDecrypt(FEW);
const reference = await readHeap();
await encryptAndDecrypt(MANY - FEW);
const ours = await readHeap();
await keys.close();
console.log(JSON.stringify({ ours, reference }));
