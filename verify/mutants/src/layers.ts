import {
  aroundEach,
  assertKeyEnabled,
  type CompleteDriver,
  completeDriver,
  createProvider,
  type DecryptRequest,
  type ReEncryptRequest,
} from '@keywrap/core';
import { type Mutant, OPERATIONS, type Operation } from './mutant.js';
import { ReferenceDriver, type ReferenceKey } from './reference-driver.js';

// A layer that guards keys in `decrypt` alone is bypassed by `reEncrypt`, which does not call the layer
// to decrypt; and so for every other operation that it forgets.

/** A driver that leaves it to a layer to reject keys that are not enabled. */
class Unguarded extends ReferenceDriver {
  protected override enabled() {}
  protected override usable() {}

  /** Every key that a request uses. */
  usedBy(request: object): readonly ReferenceKey[] {
    if (isReEncrypt(request)) {
      const { ciphertext, source, destination } = request;
      return [...this.usedBy({ ciphertext, ...source }), ...this.usedBy(destination)];
    }
    const { key, ciphertext } = request as DecryptRequest;
    const used = key === undefined ? this.madeBy(ciphertext) : this.find(key.text);
    return used === undefined ? [] : [used];
  }
}

/** A layer that rejects keys that are not enabled, in every operation but one. */
function guard(inner: CompleteDriver, driver: Unguarded, forgotten: Operation | undefined) {
  return aroundEach(inner, async (operation, request, _call, next) => {
    if (operation !== 'describeKey' && operation !== forgotten) {
      for (const { description, state } of driver.usedBy(request)) {
        assertKeyEnabled({ ...description, keyState: state });
      }
    }
    return next();
  });
}

/** @param forgotten Undefined for a layer that forgets nothing, and is right. */
export function guarded(forgotten?: Operation): Mutant {
  return {
    name: `a layer that guards keys in every operation but ${forgotten}`,
    breaks: 'key-disabled',
    open() {
      const driver = new Unguarded();
      return {
        provider: createProvider(guard(completeDriver(driver), driver, forgotten)),
        keys: driver,
      };
    },
  };
}

/** Layers that each forget one of the operations that use a key. */
export const layerMutants: readonly Mutant[] = OPERATIONS.filter(
  (operation) => operation !== 'describeKey',
).map(guarded);

function isReEncrypt(request: object): request is ReEncryptRequest {
  return Object.hasOwn(request, 'destination');
}
