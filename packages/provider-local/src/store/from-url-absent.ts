import { UnsupportedOperationError } from '@keywrap/core';
import type {
  locationOf as LocationOf,
  openWithPassphrase as OpenWithPassphrase,
} from './from-url.js';

/** In a bundle for browsers, where there are no key stores, this stands for opening one by URL. */
export const locationOf: typeof LocationOf = () => {
  throw new UnsupportedOperationError(
    'there are no key stores in a browser: open local: without a path, or pass a store of your own',
  );
};

export const openWithPassphrase: typeof OpenWithPassphrase = async () =>
  locationOf(new URL('local:'), []) as never;
