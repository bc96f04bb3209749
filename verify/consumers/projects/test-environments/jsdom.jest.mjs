/** @jest-environment jsdom */
// This simulated browser has no TextEncoder and no Web Crypto: a test of a page only imports keywrap there, or checks
// its errors.
import { InvalidInputError, isKeyWrapError, openKeyWrapProvider } from '@keywrap/core';
import { open } from '@keywrap/envelope';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';

test.each([
  ...['core/data-key-cache', 'envelope/node', 'resilience', 'provider-local/key-files'],
  ...['provider-kms', 'provider-vault', 'provider-azure', 'provider-gcp', 'provider-pkcs11'],
])('@keywrap/%s can be imported', async (entry) => {
  expect(Object.keys(await import(`@keywrap/${entry}`))).not.toHaveLength(0);
});

test('the packages can be imported', async () => {
  expect(typeof TextEncoder).toBe('undefined');
  expect(isKeyWrapError(new InvalidInputError('plaintext', 'is missing'))).toBe(true);
  const keys = new LocalKeyWrapProvider();
  expect(keys.id).toBe('local');
  const opening = { trustedKeys: ['alias/orders'], encryptionContext: {} };
  await expect(open(keys, new Uint8Array(1), opening)).rejects.toThrow(InvalidInputError);
});

test('a URL of the simulated browser is a URL', async () => {
  const scheme = { scheme: 'local', open: async () => new LocalKeyWrapProvider() };
  const keys = await openKeyWrapProvider(new URL('local:'), [scheme]);
  await keys.close();
});
