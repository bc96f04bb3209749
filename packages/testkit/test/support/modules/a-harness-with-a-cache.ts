import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { keysOf } from '#dist/index.js';
import { Managed } from '../managed.js';

/** A subject with methods that need their `this`. */
class Subject {
  readonly provider = new Managed();
  readonly keys = keysOf(this.provider);
  readonly #cache = withDataKeyCache;

  cache(...args: Parameters<typeof withDataKeyCache>) {
    return this.#cache(...args);
  }
}

export default { name: 'with a cache', open: async () => new Subject() };
