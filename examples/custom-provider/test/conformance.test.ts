import { UnsupportedOperationError } from '@keywrap/core';
import { describeConformance } from '@keywrap/testkit';
import { AesKwpProvider } from '#dist/aes-kwp-provider.js';

await describeConformance({
  name: 'aes-kwp',
  async open() {
    const provider = new AesKwpProvider();
    return {
      provider,
      keys: {
        async create({ keySpec, origin }) {
          if (keySpec !== 'SYMMETRIC_DEFAULT' || origin !== undefined) {
            throw new UnsupportedOperationError('this provider has symmetric keys only');
          }
          return { keyId: provider.createKey() };
        },
        disable: async (keyId) => provider.setKeyState(keyId, 'Disabled'),
        enable: async (keyId) => provider.setKeyState(keyId, 'Enabled'),
      },
    };
  },
});
