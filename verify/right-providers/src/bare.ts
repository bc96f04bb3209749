import type { KeyWrapProvider } from '@keywrap/core';

/** Only what the interface has: no class to lean on, and nothing that can be replaced. */
export function bare(provider: KeyWrapProvider): KeyWrapProvider {
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
