import { createProvider } from '@keywrap/core';
import type { ConformanceHarness } from '#dist/index.js';
import { ReferenceDriver } from '../reference.js';

/** Presses Ctrl+C when it makes its fifth key, and says at the end what became of the keys. */
export const harness: ConformanceHarness = {
  name: 'interrupted',
  async open() {
    const driver = new ReferenceDriver();
    const made: string[] = [];
    return {
      provider: createProvider(driver),
      keys: {
        async create(request) {
          const key = await driver.create(request);
          if (made.push(key.keyId) === 5) process.kill(process.pid, 'SIGINT');
          return key;
        },
        rotate: (keyId) => driver.rotate(keyId),
        scheduleDeletion: (keyId) => driver.scheduleDeletion(keyId),
      },
      async close() {
        const left = made.filter((keyId) => driver.find(keyId).state !== 'PendingDeletion');
        process.stderr.write(`${left.length} of ${made.length} keys are left\n`);
      },
    };
  },
};
