import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { arnOf, newKey, putKey, removeKey, useStoreFile } from './support.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

describe('The memory of a key store', () => {
  const file = useStoreFile();

  it('does not grow when many keys are created, read and removed', async function () {
    this.timeout(300_000);
    const store = await file.open();
    const turn = async (keys: number) => {
      for (let i = 0; i < keys; i++) {
        await putKey(store, newKey(`k${i}`, { policy: 'x'.repeat(10_000) }));
        await store.loadKey(arnOf(`k${i}`));
        await removeKey(store, arnOf(`k${i}`));
      }
      for (let i = 0; i < 3; i++) {
        collectGarbage();
        await new Promise((resolve) => setImmediate(resolve)); // finalizers run in between
      }
      const { heapUsed, arrayBuffers, external } = process.memoryUsage();
      return heapUsed + arrayBuffers + external;
    };
    await turn(300);
    const before = await turn(50);
    // 10 KB for each key that stayed would be 5 MB.
    expect((await turn(500)) - before).to.be.lessThan(1_000_000);
  });
});
