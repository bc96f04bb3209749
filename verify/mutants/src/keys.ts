import {
  type EncryptionAlgorithm,
  formatKeyArn,
  InvalidCiphertextError,
  InvalidInputError,
  KeyDisabledError,
  KeyNotFoundError,
  KeyStateError,
  parseKeyId,
} from '@keywrap/core';
import { type Mutant, plain, replaced, subclassed, wrapped } from './mutant.js';
import { ReferenceDriver, type ReferenceKey } from './reference-driver.js';

/** Looks keys up after `rewrite` had its way with the name. */
function finding(name: string, breaks: string, rewrite: (keyId: string) => string): Mutant {
  return subclassed(
    name,
    breaks,
    () =>
      new (class extends ReferenceDriver {
        override find(keyId: string) {
          return super.find(rewrite(keyId));
        }
      })(),
  );
}

/** Decides on its own whether a key may be used. */
function judging(
  name: string,
  breaks: string,
  judge: (key: ReferenceKey, algorithm: EncryptionAlgorithm, otherwise: () => void) => void,
): Mutant {
  return subclassed(
    name,
    breaks,
    () =>
      new (class extends ReferenceDriver {
        protected override usable(key: ReferenceKey, algorithm: EncryptionAlgorithm) {
          judge(key, algorithm, () => super.usable(key, algorithm));
        }
      })(),
  );
}

const nowhere = 'alias/nowhere';

export const keyMutants: readonly Mutant[] = [
  finding('no bare key ids', 'key-id-forms', (keyId) =>
    parseKeyId(keyId).kind === 'key-id' ? nowhere : keyId,
  ),
  finding('no alias names', 'key-id-forms', (keyId) =>
    parseKeyId(keyId).kind === 'alias-name' ? nowhere : keyId,
  ),
  finding('no alias ARNs', 'key-id-forms', (keyId) =>
    parseKeyId(keyId).kind === 'alias-arn' ? nowhere : keyId,
  ),
  finding('region and account of an ARN ignored', 'key-not-found', (keyId) => {
    const parsed = parseKeyId(keyId);
    return parsed.kind === 'key-arn' ? parsed.id : keyId;
  }),
  finding('region and account of an alias ARN ignored', 'key-not-found', (keyId) => {
    const parsed = parseKeyId(keyId);
    return parsed.kind === 'alias-arn' ? parsed.alias : keyId;
  }),
  finding('alias in any case', 'key-not-found', (keyId) =>
    keyId.startsWith('alias/') ? keyId.toLowerCase() : keyId,
  ),
  wrapped('encrypt echoes the keyId', 'key-id-forms', (inner) => ({
    encrypt: async (input, options) => ({
      ...(await inner.encrypt(input, options)),
      keyId: input.keyId,
    }),
  })),
  wrapped('decrypt echoes the keyId', 'key-id-forms', (inner) => ({
    decrypt: async (input, options) => {
      const result = await inner.decrypt(input, options);
      return input.keyId === undefined ? result : replaced(result, { keyId: input.keyId });
    },
  })),
  wrapped('reEncrypt echoes the destination', 'key-id-forms', (inner) => ({
    reEncrypt: async (input, options) => ({
      ...(await inner.reEncrypt(input, options)),
      destinationKeyId: input.destination.keyId,
    }),
  })),
  wrapped('results name the alias of an alias', 'key-id-forms', (inner) => ({
    generateDataKey: async (input, options) => {
      const result = await inner.generateDataKey(input, options);
      return replaced(result, { keyId: input.keyId });
    },
  })),
  subclassed(
    'the wrong key accepted',
    'incorrect-key',
    () =>
      new (class extends ReferenceDriver {
        protected override checkKey() {}
      })(),
  ),
  subclassed(
    'INVALID_CIPHERTEXT for the wrong key',
    'incorrect-key',
    () =>
      new (class extends ReferenceDriver {
        protected override checkKey(named: ReferenceKey | undefined, made: ReferenceKey) {
          if (named !== undefined && named !== made) throw new InvalidCiphertextError('no');
        }
      })(),
  ),
  wrapped('the wrong key accepted as a source', 'incorrect-key', (inner) => ({
    reEncrypt: (input, options) =>
      inner.reEncrypt(input, options).catch((error: { code: string }) => {
        if (error.code !== 'INCORRECT_KEY') throw error;
        const { keyId: _, ...source } = input.source;
        return inner.reEncrypt({ ...input, source }, options);
      }),
  })),
  wrapped('INVALID_INPUT for a missing key', 'key-not-found', (inner) => ({
    encrypt: (input, options) =>
      inner.encrypt(input, options).catch((error: Error) => {
        if (!(error instanceof KeyNotFoundError)) throw error;
        throw new InvalidInputError('keyId', 'is not known', { operation: 'encrypt' });
      }),
  })),
  wrapped('describeKey makes up a missing key', 'key-not-found', (inner) => ({
    describeKey: (input, options) =>
      inner.describeKey(input, options).catch((error: Error) => {
        if (!(error instanceof KeyNotFoundError)) throw error;
        return { keyId: input.keyId, keyState: 'Enabled' };
      }),
  })),
  wrapped('decrypt without a keyId names no key', 'key-from-ciphertext', (inner) => ({
    decrypt: async (input, options) => {
      const result = await inner.decrypt(input, options);
      return input.keyId === undefined ? replaced(result, { keyId: 'default' }) : result;
    },
  })),
  wrapped('decrypt without a keyId rejected', 'key-from-ciphertext', (inner) => ({
    decrypt: (input, options) => inner.decrypt({ keyId: nowhere, ...input }, options),
  })),

  judging('a disabled key still works everywhere', 'key-disabled', (key, _, otherwise) => {
    if (key.state !== 'Disabled') otherwise();
  }),
  judging('a disabled key gives KEY_STATE', 'key-disabled', (key, _, otherwise) => {
    if (key.state === 'Disabled') throw new KeyStateError('the key is disabled');
    otherwise();
  }),
  subclassed(
    'enabling does nothing',
    'key-disabled',
    () => new ReferenceDriver(),
    (driver) => ({ ...keysOf(driver), enable: async () => {} }),
  ),
  judging('pending deletion mistaken for disabled', 'key-pending-deletion', (key, _, otherwise) => {
    if (key.state === 'PendingDeletion') throw new KeyDisabledError('the key is to be deleted');
    otherwise();
  }),
  judging(
    'a key that waits for deletion still works',
    'key-pending-deletion',
    (key, _, otherwise) => {
      if (key.state !== 'PendingDeletion') otherwise();
    },
  ),
  judging('pending import mistaken for disabled', 'key-pending-import', (key, _, otherwise) => {
    if (key.state === 'PendingImport') throw new KeyDisabledError('the key has no material');
    otherwise();
  }),
  judging('a key for signing decrypts', 'key-usage', (key, algorithm, otherwise) => {
    const signs = key.description.keyUsage === 'SIGN_VERIFY' && key.pair !== undefined;
    if (!signs || algorithm === 'SYMMETRIC_DEFAULT') otherwise();
  }),
  judging('a key for MACs encrypts', 'key-usage', (key, _, otherwise) => {
    if (key.description.keyUsage !== 'GENERATE_VERIFY_MAC') otherwise();
  }),
  judging('an RSA key wraps data keys', 'key-usage', (key, algorithm, otherwise) => {
    const isRsa = key.description.keyUsage === 'ENCRYPT_DECRYPT' && key.pair !== undefined;
    if (!isRsa || algorithm !== 'SYMMETRIC_DEFAULT') otherwise();
  }),
  judging('INVALID_INPUT for the wrong use', 'key-usage', (key, _, otherwise) => {
    if (key.description.keyUsage === 'ENCRYPT_DECRYPT') return otherwise();
    throw new InvalidInputError('keyId', 'is a key for something else');
  }),

  wrapped('describeKey says every key is enabled', 'describe-key', (inner) => ({
    describeKey: async (input, options) => ({
      ...(await inner.describeKey(input, options)),
      keyState: 'Enabled',
    }),
  })),
  wrapped('describeKey rejects a disabled key', 'describe-key', (inner) => ({
    describeKey: async (input, options) => {
      const key = await inner.describeKey(input, options);
      if (key.keyState === 'Disabled') throw new KeyDisabledError('the key is disabled');
      return key;
    },
  })),
  wrapped('describeKey says that keys for MACs encrypt', 'describe-key', (inner) => ({
    describeKey: async (input, options) => ({
      ...(await inner.describeKey(input, options)),
      algorithms: ['SYMMETRIC_DEFAULT'],
    }),
  })),
  wrapped('getPublicKey gives PEM', 'public-key', (inner) => ({
    getPublicKey: async (input, options) => {
      const result = await inner.getPublicKey(input, options);
      const pem = `-----BEGIN PUBLIC KEY-----\n${Buffer.from(result.publicKey).toString('base64')}`;
      return { ...result, publicKey: new TextEncoder().encode(pem) };
    },
  })),
  wrapped('getPublicKey gives every key the same', 'public-key', (inner) => {
    const first = new Map<string, unknown>();
    return {
      getPublicKey: async (input, options) => {
        const result = plain(await inner.getPublicKey(input, options)) as {
          publicKey: Uint8Array;
        };
        const full = await inner.getPublicKey(input, options);
        if (!first.has(full.keySpec)) first.set(full.keySpec, result.publicKey.slice());
        return { ...full, publicKey: (first.get(full.keySpec) as Uint8Array).slice() };
      },
    };
  }),
  wrapped('getPublicKey gives a symmetric key an empty one', 'public-key', (inner) => ({
    getPublicKey: (input, options) =>
      inner.getPublicKey(input, options).catch((error: { code: string }) => {
        if (error.code !== 'UNSUPPORTED') throw error;
        return { keyId: input.keyId, publicKey: new Uint8Array() };
      }),
  })),

  subclassed(
    'rotation loses the old key material',
    'rotation',
    () => new ReferenceDriver(),
    (driver) => ({
      ...keysOf(driver),
      rotate: async (keyId) => {
        await driver.rotate(keyId);
        const { materials } = driver.find(keyId);
        materials.fill(materials.at(-1) as (typeof materials)[number]);
      },
    }),
  ),
  subclassed(
    'rotation does nothing',
    'rotation',
    () => new ReferenceDriver(),
    (driver) => ({ ...keysOf(driver), rotate: async () => {} }),
  ),
  wrapped('rotation changes the ARN', 'rotation', (inner) => {
    const arns = new Map<string, string>();
    return {
      encrypt: async (input, options) => {
        const result = await inner.encrypt(input, options);
        const version = `${input.keyId} ${result.ciphertext[16]}`;
        const parsed = parseKeyId(result.keyId);
        if (result.ciphertext[16] === 0 || parsed.kind !== 'key-arn') return result;
        if (!arns.has(version)) arns.set(version, formatKeyArn(crypto.randomUUID(), parsed));
        return { ...result, keyId: arns.get(version) };
      },
    };
  }),
];

function keysOf(driver: ReferenceDriver) {
  return {
    create: (request: Parameters<ReferenceDriver['create']>[0]) => driver.create(request),
    alias: (alias: string, keyId: string) => driver.alias(alias, keyId),
    disable: (keyId: string) => driver.disable(keyId),
    enable: (keyId: string) => driver.enable(keyId),
    scheduleDeletion: (keyId: string) => driver.scheduleDeletion(keyId),
    rotate: (keyId: string) => driver.rotate(keyId),
  };
}
