/** @jest-environment jsdom */
// This simulated browser has no TextEncoder and no Web Crypto: a test of a page only imports keywrap there, or checks
// its errors.
import { InvalidInputError, isKeyWrapError, openKeyWrapProvider } from '@keywrap/core';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';

test('the packages can be imported', () => {
  expect(typeof TextEncoder).toBe('undefined');
  expect(isKeyWrapError(new InvalidInputError('plaintext', 'is missing'))).toBe(true);
  expect(new LocalKeyWrapProvider().id).toBe('local');
});

test('a URL of the simulated browser is a URL', async () => {
  const scheme = { scheme: 'local', open: async () => new LocalKeyWrapProvider() };
  const keys = await openKeyWrapProvider(new URL('local:'), [scheme]);
  await keys.close();
});
