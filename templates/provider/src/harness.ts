import { createProvider, UnsupportedOperationError } from '@keywrap/core';
import type { ConformanceHarness } from '@keywrap/testkit';
import { MyDriver } from './my-driver.js';

export const harness: ConformanceHarness = {
  name: 'my provider',
  async open() {
    const driver = new MyDriver();
    return {
      provider: createProvider(driver),
      keys: {
        async create({ keySpec, origin }) {
          if (keySpec === 'SYMMETRIC_DEFAULT' && origin === undefined) return driver.createKey();
          throw new UnsupportedOperationError(`no ${keySpec} keys of that origin here`);
        },
        disable: async (keyId) => driver.setKeyState(keyId, 'Disabled'),
        enable: async (keyId) => driver.setKeyState(keyId, 'Enabled'),
      },
    };
  },
};
