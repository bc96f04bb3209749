import {
  type AsymmetricAlgorithm,
  type DataKeyRequest,
  type DecryptRequest,
  type EncryptionAlgorithm,
  type EncryptRequest,
  InvalidCiphertextError,
  type KeyPurpose,
  type ProviderCapabilities,
} from '@keywrap/core';
import type { ConformanceKeys } from '@keywrap/testkit';
import { type Mutant, subclassed, wrapped } from './mutant.js';
import { ReferenceDriver, type ReferenceKey } from './reference-driver.js';

// Wrong about what backends of other shapes declare: data keys under RSA, one hash for each key, keys that only
// decrypt, ciphertexts whose key is gone.

const UNDER_RSA: Partial<ProviderCapabilities> = {
  algorithms: ['RSAES_OAEP_SHA_256'],
  dataKeyAlgorithm: 'RSAES_OAEP_SHA_256',
  encryptionContext: false,
  keyIdFromCiphertext: false,
  dataKeyPairSpecs: [],
};

/** A driver that wraps data keys under RSA. */
const underRsa = () => new ReferenceDriver(UNDER_RSA);

/** Passes on to the keys of a driver, and forgets keys. */
function forgetting(driver: ReferenceDriver, destroy: (keyId: string) => void): ConformanceKeys {
  return {
    create: (request) => driver.create(request),
    destroy: async (keyId) => destroy(keyId),
  };
}

/** Keys that no name finds any more, although their ciphertexts are known. */
class Forgetful extends ReferenceDriver {
  readonly forgotten = new Set<string>();

  override find(keyId: string): ReferenceKey {
    const key = super.find(keyId);
    return super.find(this.forgotten.has(key.description.keyId) ? 'alias/nowhere' : keyId);
  }
}

/** Decides on its own what a key may do. */
class Lenient extends ReferenceDriver {
  readonly purpose: KeyPurpose;

  constructor(purpose: KeyPurpose, capabilities?: Partial<ProviderCapabilities>) {
    super(capabilities);
    this.purpose = purpose;
  }

  protected override usable(key: ReferenceKey, algorithm: EncryptionAlgorithm) {
    super.usable(key, algorithm, this.purpose);
  }
}

/** A driver whose keys have one algorithm each, and that takes every other too. */
class ManyPerKey extends ReferenceDriver {
  constructor() {
    super({ oneAlgorithmPerKey: true });
  }

  protected override usable(key: ReferenceKey, algorithm: EncryptionAlgorithm) {
    super.usable({ ...key, description: { ...key.description, algorithms: ALL } }, algorithm);
  }
}
const ALL: readonly AsymmetricAlgorithm[] = [
  'RSAES_OAEP_SHA_1',
  'RSAES_OAEP_SHA_256',
  'RSAES_OAEP_SHA_384',
  'RSAES_OAEP_SHA_512',
];

export const shapeMutants: readonly Mutant[] = [
  subclassed(
    'wraps another data key under RSA than it returns',
    'data-key-under-rsa',
    () =>
      new (class extends ReferenceDriver {
        async generateDataKey({ numberOfBytes, ...target }: DataKeyRequest) {
          const plaintext = crypto.getRandomValues(new Uint8Array(numberOfBytes));
          const sealed = await this.encrypt({ ...target, plaintext: plaintext.map((b) => b ^ 1) });
          return { ...sealed, plaintext };
        }
      })(UNDER_RSA),
  ),
  subclassed(
    'has one data key under RSA for all',
    'data-key-under-rsa',
    () =>
      new (class extends ReferenceDriver {
        async generateDataKey({ numberOfBytes, ...target }: DataKeyRequest) {
          const plaintext = new Uint8Array(numberOfBytes).fill(7);
          return {
            ...(await this.encrypt({ ...target, plaintext })),
            plaintext: plaintext.slice(),
          };
        }
      })(UNDER_RSA),
  ),
  subclassed(
    'lets RSA report a data key that is too long',
    'data-key-under-rsa',
    () =>
      new (class extends ReferenceDriver {
        override async encrypt(request: EncryptRequest) {
          if (request.plaintext.length > 190) throw new Error('data too large for key size');
          return super.encrypt(request);
        }
      })(UNDER_RSA),
  ),
  wrapped(
    'drops the context of a data key under RSA',
    'data-key-under-rsa',
    (inner) => ({
      generateDataKey: ({ encryptionContext: _, ...input }, options) =>
        inner.generateDataKey(input, options),
    }),
    underRsa,
  ),
  subclassed(
    'wraps data keys under an RSA key in any state',
    'data-key-under-rsa',
    () =>
      new (class extends ReferenceDriver {
        protected override usable() {}
      })(UNDER_RSA),
  ),

  subclassed('one algorithm for each key, and all accepted', 'asymmetric', () => new ManyPerKey()),

  subclassed('encrypts with a key that only decrypts', 'key-decrypt-only', () => {
    return new Lenient('decrypt');
  }),
  subclassed('does not decrypt with a key that only decrypts', 'key-decrypt-only', () => {
    return new Lenient('encrypt');
  }),

  {
    name: 'decrypts under a key that is gone',
    breaks: 'unknown-key',
    open() {
      const driver = new Forgetful();
      const { open } = subclassed(
        '',
        '',
        () => driver,
        () => forgetting(driver, (keyId) => driver.forgotten.add(keyId)),
      );
      return open();
    },
  },
  {
    name: 'calls the ciphertext of a key that is gone damaged',
    breaks: 'unknown-key',
    open() {
      const gone = new Set<ReferenceKey>();
      const driver = new (class extends Forgetful {
        override async decrypt(request: DecryptRequest) {
          const made = this.madeBy(request.ciphertext);
          if (made !== undefined && gone.has(made)) {
            throw new InvalidCiphertextError('the ciphertext does not open');
          }
          return super.decrypt(request);
        }
      })();
      const { open } = subclassed(
        '',
        '',
        () => driver,
        () =>
          forgetting(driver, (keyId) => {
            gone.add(driver.find(keyId));
            driver.forgotten.add(keyId);
          }),
      );
      return open();
    },
  },

  wrapped('an algorithm for data keys that it does not have', 'capabilities', (inner) => ({
    capabilities: {
      ...inner.capabilities,
      algorithms: ['SYMMETRIC_DEFAULT'],
      dataKeyAlgorithm: 'RSAES_OAEP_SHA_256',
    },
  })),
  wrapped('limits that leave no room for a data key', 'capabilities', (inner) => ({
    capabilities: { ...inner.capabilities, limits: { plaintext: 16 } },
  })),
];
