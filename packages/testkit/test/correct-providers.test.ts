import { createProvider, type KeyWrapProvider, type ProviderCapabilities } from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { type ConformanceHarness, describeConformance } from '#dist/index.js';
import { ReferenceDriver } from './support/reference.js';

/** Only what the interface has: no class to lean on, and nothing that can be replaced. */
function bare(provider: KeyWrapProvider): KeyWrapProvider {
  return Object.freeze<KeyWrapProvider>({
    id: 'bare',
    capabilities: provider.capabilities,
    encrypt: (input, options) => provider.encrypt(input, options),
    decrypt: (input, options) => provider.decrypt(input, options),
    decryptAsymmetric: (input, options) => provider.decryptAsymmetric(input, options),
    reEncrypt: (input, options) => provider.reEncrypt(input, options),
    generateDataKey: (input, options) => provider.generateDataKey(input, options),
    generateDataKeyWithoutPlaintext: (input, options) =>
      provider.generateDataKeyWithoutPlaintext(input, options),
    generateDataKeyPair: (input, options) => provider.generateDataKeyPair(input, options),
    generateDataKeyPairWithoutPlaintext: (input, options) =>
      provider.generateDataKeyPairWithoutPlaintext(input, options),
    getPublicKey: (input, options) => provider.getPublicKey(input, options),
    describeKey: (input, options) => provider.describeKey(input, options),
    close: () => provider.close(),
    [Symbol.asyncDispose]: () => provider.close(),
  });
}

const NOTHING = {
  encryptionContext: false,
  keyIdFromCiphertext: false,
  dataKeys: false,
  dataKeyPairSpecs: [],
} as const;

/** A provider whose harness can only create keys. */
function modest(name: string, capabilities: ProviderCapabilities): ConformanceHarness {
  return {
    name,
    async open() {
      const driver = new ReferenceDriver(capabilities);
      const keys = { create: driver.create.bind(driver) };
      return { provider: createProvider(driver), keys };
    },
  };
}

// The mutants' tests run a right provider through the profile `full`.
const judge = (harness: ConformanceHarness) =>
  describeConformance(harness, globalThis, { profile: 'quick' });

await judge({
  name: 'a bare provider that can do everything',
  async open() {
    const driver = new ReferenceDriver();
    return { provider: bare(createProvider(driver)), keys: driver, cache: withDataKeyCache };
  },
});

await judge(
  modest('a provider with symmetric keys and nothing else', {
    ...NOTHING,
    algorithms: ['SYMMETRIC_DEFAULT'],
  }),
);

await judge(
  modest('a provider with RSA keys and nothing else', {
    ...NOTHING,
    algorithms: ['RSAES_OAEP_SHA_256'],
  }),
);

await judge(
  modest('a provider with data keys, but no encryption context', {
    ...NOTHING,
    algorithms: ['SYMMETRIC_DEFAULT'],
    dataKeys: true,
    dataKeyPairSpecs: ['ECC_NIST_P256'],
  }),
);
