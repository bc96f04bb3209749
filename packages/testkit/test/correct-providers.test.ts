import { createProvider, type ProviderCapabilities } from '@keywrap/core';
import { type ConformanceHarness, describeConformance } from '#dist/index.js';
import { ReferenceDriver } from './support/reference.js';

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

// `verify/right-providers` has more, and other shapes.
const judge = (harness: ConformanceHarness) =>
  describeConformance(harness, globalThis, { profile: 'quick' });

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
