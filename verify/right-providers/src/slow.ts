import { setTimeout as delay } from 'node:timers/promises';
import { aroundEach, type KeyWrapProvider, withLayer } from '@keywrap/core';

/** A provider whose backend takes this long for each call. */
export function slow(provider: KeyWrapProvider, milliseconds: number): KeyWrapProvider {
  return withLayer(provider, (inner) =>
    aroundEach(inner, async (_operation, _request, _call, next) => {
      await delay(milliseconds);
      return next();
    }),
  );
}
