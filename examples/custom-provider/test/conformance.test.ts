import { createProvider, parseKeyId, UnsupportedOperationError } from '@keywrap/core';
import { type ConformanceHarness, describeConformance } from '@keywrap/testkit';
import { AesKwpDriver } from '#dist/aes-kwp-driver.js';

const harness: ConformanceHarness = {
  name: 'aes-kwp',
  async open() {
    const driver = new AesKwpDriver();
    return {
      provider: createProvider(driver),
      keys: {
        async create({ keySpec, origin }) {
          if (keySpec !== 'SYMMETRIC_DEFAULT' || origin !== undefined) {
            throw new UnsupportedOperationError('this provider has symmetric keys only');
          }
          return { keyId: driver.createKey() };
        },
        disable: async (keyId) => driver.setKeyState(parseKeyId(keyId), 'Disabled'),
        enable: async (keyId) => driver.setKeyState(parseKeyId(keyId), 'Enabled'),
      },
    };
  },
};

await describeConformance(harness, undefined, { profile: 'quick' });
