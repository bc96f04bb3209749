import { UnsupportedOperationError } from '@keywrap/core';
import type {
  locationOf as LocationOf,
  openWithPassphrase as OpenWithPassphrase,
} from './from-url.js';

/** Replaces opening a key store by URL in bundles for browsers, which have no key stores. */
export const locationOf: typeof LocationOf = () => {
  throw new UnsupportedOperationError(
    'there are no key stores in a browser: open local: without a path, or pass your own store',
  );
};

export const openWithPassphrase: typeof OpenWithPassphrase = async () =>
  locationOf(new URL('local:'), []) as never;
