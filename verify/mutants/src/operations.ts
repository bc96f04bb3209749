import { createPrivateKey } from 'node:crypto';
import { type AsymmetricAlgorithm, DataKey, DataKeyPair } from '@keywrap/core';
import { type Mutant, plain, replaced, subclassed, wrapped } from './mutant.js';
import { ReferenceDriver, type ReferenceKey } from './reference-driver.js';

type PairFields = ConstructorParameters<typeof DataKeyPair>[0];
type KeyFields = ConstructorParameters<typeof DataKey>[0];

const isBytes = (length: number) => (input: { keySpec?: string; numberOfBytes?: number }) =>
  input?.numberOfBytes === length || (input?.keySpec === 'AES_256' && length === 32);

function dataKey(
  name: string,
  change: (fields: KeyFields, input: { keySpec?: string }) => Partial<KeyFields>,
): Mutant {
  return wrapped(name, 'data-key', (inner) => ({
    generateDataKey: async (input, options) => {
      const fields = plain(await inner.generateDataKey(input, options)) as unknown as KeyFields;
      return new DataKey({ ...fields, ...change(fields, input) });
    },
  }));
}

/** Without the large RSA pairs, which take long. */
const quick = () =>
  new ReferenceDriver({ dataKeyPairSpecs: ['RSA_2048', 'ECC_NIST_P256', 'ECC_NIST_P521'] });

function pair(
  name: string,
  change: (fields: PairFields, generate: () => Promise<PairFields>) => Promise<Partial<PairFields>>,
): Mutant {
  return wrapped(
    name,
    'data-key-pair',
    (inner) => ({
      generateDataKeyPair: async (input, options) => {
        const generate = async () =>
          plain(await inner.generateDataKeyPair(input, options)) as unknown as PairFields;
        const fields = await generate();
        return new DataKeyPair({ ...fields, ...(await change(fields, generate)) });
      },
    }),
    quick,
  );
}

const pkcs1 = (der: Uint8Array) => {
  const key = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
  const type = key.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1';
  return new Uint8Array(key.export({ format: 'der', type: type as 'pkcs1' }));
};

const other = (algorithm: AsymmetricAlgorithm): AsymmetricAlgorithm =>
  algorithm === 'RSAES_OAEP_SHA_1' ? 'RSAES_OAEP_SHA_256' : 'RSAES_OAEP_SHA_1';

export const operationMutants: readonly Mutant[] = [
  wrapped('reEncrypt mixes the ARNs up', 're-encrypt', (inner) => ({
    reEncrypt: async (input, options) => {
      const result = await inner.reEncrypt(input, options);
      const { sourceKeyId, destinationKeyId } = result;
      return { ...result, sourceKeyId: destinationKeyId, destinationKeyId: sourceKeyId };
    },
  })),
  wrapped('reEncrypt names the source algorithm twice', 're-encrypt', (inner) => ({
    reEncrypt: async (input, options) => {
      const result = await inner.reEncrypt(input, options);
      return { ...result, destinationAlgorithm: result.sourceAlgorithm };
    },
  })),
  wrapped('reEncrypt gives the old ciphertext back', 're-encrypt', (inner) => ({
    reEncrypt: async (input, options) => ({
      ...(await inner.reEncrypt(input, options)),
      ciphertext: input.ciphertext.slice(),
    }),
  })),
  wrapped('reEncrypt does nothing under the same key', 're-encrypt', (inner) => ({
    reEncrypt: async (input, options) => {
      const result = await inner.reEncrypt(input, options);
      const isSame = result.sourceKeyId === result.destinationKeyId;
      return isSame ? { ...result, ciphertext: input.ciphertext.slice() } : result;
    },
  })),
  wrapped('reEncrypt to the source key', 're-encrypt', (inner) => ({
    reEncrypt: async (input, options) => {
      const result = await inner.reEncrypt(input, options);
      if (input.source?.algorithm?.startsWith('RSA')) return result;
      if (input.destination.algorithm?.startsWith('RSA')) return result;
      const { keyId } = input.source;
      const wrong = { ...input, destination: { ...input.destination, keyId } };
      return { ...result, ciphertext: (await inner.reEncrypt(wrong, options)).ciphertext };
    },
  })),
  wrapped('reEncrypt swaps the RSA hash of the destination', 're-encrypt', (inner) => ({
    reEncrypt: async (input, options) => {
      const { destination } = input;
      if (!destination.algorithm?.startsWith('RSA')) return inner.reEncrypt(input, options);
      const wrong = { ...destination, algorithm: other(destination.algorithm) };
      const result = await inner.reEncrypt({ ...input, destination: wrong }, options);
      return { ...result, destinationAlgorithm: destination.algorithm };
    },
  })),
  wrapped('reEncrypt shows the plaintext', 're-encrypt-hides-plaintext', (inner) => ({
    reEncrypt: async (input, options) => {
      const { source, ciphertext } = input;
      const result = await inner.reEncrypt(input, options);
      const open = source?.algorithm?.startsWith('RSA') ? 'decryptAsymmetric' : 'decrypt';
      const { plaintext } = await inner[open]({ ...source, ciphertext });
      return { ...result, debug: Buffer.from(plaintext).toString('base64') };
    },
  })),

  dataKey('a data key of half the length', ({ plaintext }) => ({
    plaintext: plaintext.slice(0, Math.ceil(plaintext.length / 2)),
  })),
  dataKey('a data key of zeros', ({ plaintext }) => ({ plaintext: plaintext.slice().fill(0) })),
  dataKey('a data key that is not the wrapped one', ({ plaintext }) => ({
    plaintext: crypto.getRandomValues(plaintext.slice()),
  })),
  dataKey('AES_128 of 32 bytes', ({ plaintext }, { keySpec }) =>
    keySpec === 'AES_128' ? { plaintext: new Uint8Array([...plaintext, ...plaintext]) } : {},
  ),
  wrapped('a data key padded with zeros, wrapped like that', 'data-key', (inner) => ({
    generateDataKey: async (input, options) => {
      if (!isBytes(32)(input)) return inner.generateDataKey(input, options);
      const { keyId, encryptionContext } = input;
      const plaintext = crypto.getRandomValues(new Uint8Array(32)).fill(0, 24);
      const sealed = await inner.encrypt({ keyId, encryptionContext, plaintext }, options);
      return new DataKey({ plaintext, ciphertext: sealed.ciphertext, keyId: sealed.keyId });
    },
  })),
  ...(['generateDataKey', 'generateDataKeyWithoutPlaintext'] as const).map((operation) =>
    wrapped(
      `${operation} repeats itself`,
      operation === 'generateDataKey' ? 'data-key' : 'data-key-without-plaintext',
      (inner) => {
        const fixed = crypto.getRandomValues(new Uint8Array(32));
        return {
          [operation]: async (input, options) => {
            if (!isBytes(32)(input)) return inner[operation](input, options);
            const { keyId, encryptionContext } = input;
            const plaintext = fixed.slice();
            const sealed = await inner.encrypt({ keyId, encryptionContext, plaintext }, options);
            const { ciphertext, keyId: arn } = sealed;
            return operation === 'generateDataKey'
              ? new DataKey({ plaintext, ciphertext, keyId: arn })
              : { ciphertext, keyId: arn };
          },
        };
      },
    ),
  ),
  ...[1, 1024].flatMap((length) =>
    (['generateDataKey', 'generateDataKeyWithoutPlaintext'] as const).map((operation) =>
      wrapped(
        `${operation} rejects ${length} bytes`,
        operation === 'generateDataKey' ? 'data-key' : 'data-key-without-plaintext',
        (inner) => ({
          [operation]: (input, options) =>
            inner[operation](
              input?.numberOfBytes === length ? { ...input, numberOfBytes: 1025 } : input,
              options,
            ),
        }),
      ),
    ),
  ),
  ...(
    [
      ['1025', 1024],
      ['0', 1],
      ['1.5', 1],
      ['-1', 1],
      ['NaN', 1],
    ] as const
  ).map(([given, taken]) =>
    wrapped(`${given} bytes of data key accepted`, 'data-key', (inner) => ({
      generateDataKey: (input, options) =>
        inner.generateDataKey(
          Object.is(input?.numberOfBytes, Number(given))
            ? { ...input, numberOfBytes: taken }
            : input,
          options,
        ),
    })),
  ),
  wrapped('the data key without plaintext has one', 'data-key-without-plaintext', (inner) => ({
    generateDataKeyWithoutPlaintext: async (input, options) =>
      plain(await inner.generateDataKey(input, options)),
  })),
  wrapped('AES_128 wraps 32 bytes without plaintext', 'data-key-without-plaintext', (inner) => ({
    generateDataKeyWithoutPlaintext: (input, options) =>
      inner.generateDataKeyWithoutPlaintext(
        input?.keySpec === 'AES_128' ? { ...input, keySpec: 'AES_256' } : input,
        options,
      ),
  })),

  pair('the public key of another pair', async (_, generate) => ({
    publicKey: (await generate()).publicKey,
  })),
  pair('the wrapped private key of another pair', async (_, generate) => ({
    privateKeyCiphertext: (await generate()).privateKeyCiphertext,
  })),
  pair('the private key in PKCS#1 or SEC 1', async ({ privateKey }) => ({
    privateKey: pkcs1(privateKey),
  })),
  pair('a byte behind the private key', async ({ privateKey }) => ({
    privateKey: new Uint8Array([...privateKey, 0]),
  })),
  pair('the public key in PEM', async ({ publicKey }) => ({
    publicKey: new TextEncoder().encode(Buffer.from(publicKey).toString('base64')),
  })),
  pair('no keyPairSpec', async () => ({ keyPairSpec: 'AES' as never })),
  wrapped(
    'the pair without plaintext has its private key',
    'data-key-pair-without-plaintext',
    (inner) => ({
      generateDataKeyPairWithoutPlaintext: async (input, options) =>
        plain(await inner.generateDataKeyPair(input, options)),
    }),
  ),
  wrapped(
    'the pair without plaintext does not match',
    'data-key-pair-without-plaintext',
    (inner) => ({
      generateDataKeyPairWithoutPlaintext: async (input, options) => {
        const one = await inner.generateDataKeyPairWithoutPlaintext(input, options);
        const two = await inner.generateDataKeyPairWithoutPlaintext(input, options);
        return { ...one, publicKey: two.publicKey };
      },
    }),
  ),

  subclassed(
    'the RSA hash swapped',
    'asymmetric',
    () =>
      new (class extends ReferenceDriver {
        protected override seal(
          key: ReferenceKey,
          text: Uint8Array,
          algorithm: AsymmetricAlgorithm,
        ) {
          return super.seal(key, text, text.length > 190 ? algorithm : other(algorithm));
        }
        protected override open(
          key: ReferenceKey,
          text: Uint8Array,
          algorithm: AsymmetricAlgorithm,
        ) {
          return super.open(key, text, other(algorithm));
        }
      })(),
  ),
  subclassed(
    'either RSA hash opened',
    'asymmetric',
    () =>
      new (class extends ReferenceDriver {
        protected override open(
          key: ReferenceKey,
          text: Uint8Array,
          algorithm: AsymmetricAlgorithm,
        ) {
          return super
            .open(key, text, algorithm)
            .catch(() => super.open(key, text, other(algorithm)));
        }
      })(),
  ),
  wrapped('RSA ciphertexts made outside rejected', 'asymmetric', (inner) => {
    const own = new Set<string>();
    return {
      encrypt: async (input, options) => {
        const result = await inner.encrypt(input, options);
        own.add(Buffer.from(result.ciphertext).toString('base64'));
        return result;
      },
      decryptAsymmetric: (input, options) => {
        const isOwn = own.has(Buffer.from(input.ciphertext ?? []).toString('base64'));
        const ciphertext = isOwn ? input.ciphertext : new Uint8Array(256);
        return inner.decryptAsymmetric({ ...input, ciphertext }, options);
      },
    };
  }),
  wrapped('the default algorithm named for RSA', 'asymmetric', (inner) => ({
    decryptAsymmetric: async (input, options) =>
      replaced(await inner.decryptAsymmetric(input, options), { algorithm: 'SYMMETRIC_DEFAULT' }),
  })),
];
