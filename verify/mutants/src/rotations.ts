import {
  type AsymmetricAlgorithm,
  InternalError,
  type KeyRequest,
  type PublicKeyResult,
} from '@keywrap/core';
import { type Mutant, subclassed } from './mutant.js';
import { ReferenceDriver, type ReferenceKey } from './reference-driver.js';

// What goes wrong with the versions of a key: those of an RSA key, and the tenth.

const rotating = (name: string, make: () => ReferenceDriver): Mutant =>
  subclassed(name, 'rotation', make);

export const rotationMutants: readonly Mutant[] = [
  rotating(
    'RSA: opens what the newest version made, and nothing else',
    () =>
      new (class extends ReferenceDriver {
        protected override openByAny(
          key: ReferenceKey,
          ciphertext: Uint8Array,
          algorithm: AsymmetricAlgorithm,
        ) {
          return this.open(key, ciphertext, algorithm);
        }
      })(),
  ),
  rotating('RSA: the public key is read once', () => {
    const known = new Map<string, Promise<PublicKeyResult>>();
    return new (class extends ReferenceDriver {
      override getPublicKey(request: KeyRequest) {
        const result = known.get(request.key.text) ?? super.getPublicKey(request);
        known.set(request.key.text, result);
        return result.then((each) => ({ ...each, publicKey: each.publicKey.slice() }));
      }
    })();
  }),
  rotating(
    'RSA: encrypts with the first version',
    () =>
      new (class extends ReferenceDriver {
        // While it is there.
        readonly #first = new WeakMap<object, ReferenceKey['pair']>();
        protected override seal(
          key: ReferenceKey,
          plaintext: Uint8Array,
          algorithm: AsymmetricAlgorithm,
        ) {
          const pair = this.#first.get(key) ?? key.pair;
          this.#first.set(key, pair);
          return super.seal({ ...key, pair }, plaintext, algorithm);
        }
      })(),
  ),
  rotating(
    'RSA: a bad ciphertext of a rotated key is an internal error',
    () =>
      new (class extends ReferenceDriver {
        protected override async openByAny(
          key: ReferenceKey,
          ciphertext: Uint8Array,
          algorithm: AsymmetricAlgorithm,
        ) {
          try {
            return await super.openByAny(key, ciphertext, algorithm);
          } catch (error) {
            if (key.oldPairs.length === 0) throw error;
            throw new InternalError('no version opens it', { operation: 'decryptAsymmetric' });
          }
        }
      })(),
  ),
  rotating(
    'the newest version is the last in alphabetical order',
    () =>
      new (class extends ReferenceDriver {
        protected override headerOf(key: ReferenceKey) {
          const header = super.headerOf(key);
          header[16] = Number([...key.materials.keys()].map(String).sort().at(-1));
          return header;
        }
      })(),
  ),
];
