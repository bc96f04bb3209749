import type { AsymmetricAlgorithm, DecryptRequest, EncryptRequest } from '@keywrap/core';
import { InvalidCiphertextError, InvalidInputError, ProviderUnavailableError } from '@keywrap/core';
import { type Mutant, type Operation, subclassed, wrapped } from './mutant.js';
import { ReferenceDriver, type ReferenceKey } from './reference-driver.js';

/** Opens what is not a ciphertext of its own, but near enough to one. */
function forgiving(name: string, isNear: (given: Buffer, made: Buffer) => boolean): Mutant {
  return wrapped(name, 'ciphertext-integrity', (inner) => {
    const made: Buffer[] = [];
    const restore = (ciphertext: Uint8Array) =>
      new Uint8Array(made.find((each) => isNear(Buffer.from(ciphertext), each)) ?? ciphertext);
    return {
      encrypt: async (input, options) => {
        const result = await inner.encrypt(input, options);
        made.push(Buffer.from(result.ciphertext));
        return result;
      },
      decrypt: (input, options) => {
        const isBlob = input?.ciphertext instanceof Uint8Array && input.ciphertext.length > 20;
        return inner.decrypt(
          isBlob ? { ...input, ciphertext: restore(input.ciphertext) } : input,
          options,
        );
      },
    };
  });
}

/** Accepts or rejects other lengths of a field in `encrypt`, `decrypt` and the rest. */
function ofLength(
  name: string,
  breaks: string,
  operation: Operation,
  field: string,
  length: number,
  instead: (input: Record<string, Uint8Array>, call: (input: object) => unknown) => unknown,
): Mutant {
  return wrapped(name, breaks, (inner) => ({
    [operation]: async (input, options) => {
      const call = (other: object) => inner[operation](other, options);
      return input?.[field]?.length === length ? instead(input, call) : call(input);
    },
  }));
}

const reject = (field: string, operation: Operation) => () => {
  throw new InvalidInputError(field, 'is too long', { operation });
};

const doesNotOpen = (operation: Operation) => () => {
  throw new InvalidCiphertextError('the ciphertext does not open', { operation });
};

const cut =
  (field: string) => (input: Record<string, Uint8Array>, call: (input: object) => unknown) =>
    call({ ...input, [field]: input[field]?.subarray(0, -1) });

export const ciphertextMutants: readonly Mutant[] = [
  ofLength(
    '4097 bytes accepted',
    'plaintext-length',
    'encrypt',
    'plaintext',
    4097,
    cut('plaintext'),
  ),
  ofLength(
    '4096 bytes rejected',
    'plaintext-length',
    'encrypt',
    'plaintext',
    4096,
    reject('plaintext', 'encrypt'),
  ),
  ofLength('empty accepted', 'plaintext-length', 'encrypt', 'plaintext', 0, (input, call) =>
    call({ ...input, plaintext: new Uint8Array(1) }),
  ),
  ofLength(
    'one byte rejected',
    'plaintext-length',
    'encrypt',
    'plaintext',
    1,
    reject('plaintext', 'encrypt'),
  ),
  ofLength(
    '6145 bytes of ciphertext tried',
    'ciphertext-length',
    'decrypt',
    'ciphertext',
    6145,
    doesNotOpen('decrypt'),
  ),
  ofLength(
    '6144 bytes of ciphertext rejected',
    'ciphertext-length',
    'decrypt',
    'ciphertext',
    6144,
    reject('ciphertext', 'decrypt'),
  ),
  ofLength(
    'an empty ciphertext tried',
    'ciphertext-length',
    'decrypt',
    'ciphertext',
    0,
    doesNotOpen('decrypt'),
  ),
  ofLength(
    'reEncrypt tries 6145 bytes',
    'ciphertext-length',
    'reEncrypt',
    'ciphertext',
    6145,
    doesNotOpen('reEncrypt'),
  ),
  ...(
    [
      ['RSA_2048', 214],
      ['RSA_2048', 190],
      ['RSA_3072', 342],
      ['RSA_3072', 318],
      ['RSA_4096', 470],
      ['RSA_4096', 446],
    ] as const
  ).flatMap(([spec, maximum]) => {
    const rule = 'asymmetric-plaintext-length';
    const isRsa = (input: { algorithm?: string }) => input.algorithm?.startsWith('RSA');
    return [
      wrapped(`${maximum} bytes rejected with ${spec}`, rule, (inner) => ({
        encrypt: async (input, options) => {
          if (isRsa(input) && input.plaintext?.length === maximum) reject('plaintext', 'encrypt')();
          return inner.encrypt(input, options);
        },
      })),
      wrapped(`${maximum + 1} bytes cut with ${spec}`, rule, (inner) => ({
        encrypt: async (input, options) =>
          isRsa(input) && input.plaintext?.length === maximum + 1
            ? inner.encrypt({ ...input, plaintext: input.plaintext.subarray(0, maximum) }, options)
            : inner.encrypt(input, options),
      })),
    ];
  }),
  wrapped(
    'too long for RSA found out by the crypto alone',
    'asymmetric-plaintext-length',
    (inner) => ({
      encrypt: (input, options) =>
        inner.encrypt(input, options).catch((error: { code: string; field?: string }) => {
          const isLength = error.code === 'INVALID_INPUT' && error.field === 'plaintext';
          if (!isLength || !input.algorithm?.startsWith('RSA')) throw error;
          throw new ProviderUnavailableError('the provider failed', { operation: 'encrypt' });
        }),
    }),
  ),

  forgiving('extra bytes at the end ignored', (given, made) =>
    given.subarray(0, made.length).equals(made),
  ),
  forgiving(
    'a truncated tag accepted',
    (given, made) =>
      given.length >= made.length - 4 && made.subarray(0, given.length).equals(given),
  ),
  forgiving(
    'the last bit of the tag not compared',
    (given, made) =>
      given.length === made.length && given.subarray(0, -1).equals(made.subarray(0, -1)),
  ),
  forgiving('the tag compared up to a zero byte in it', (given, made) => {
    const end = made.indexOf(0, -16) + 1;
    return (
      end > 0 &&
      given.length === made.length &&
      given.subarray(0, end).equals(made.subarray(0, end))
    );
  }),
  forgiving('the first byte not authenticated', (given, made) =>
    given.subarray(1).equals(made.subarray(1)),
  ),
  forgiving(
    'a byte before it skipped',
    (given, made) => given.length === made.length + 1 && given.subarray(1).equals(made),
  ),
  forgiving(
    'the material version not authenticated',
    (given, made) =>
      given.length === made.length &&
      given.subarray(0, 16).equals(made.subarray(0, 16)) &&
      given.subarray(17).equals(made.subarray(17)),
  ),
  forgiving(
    'the order of parts not authenticated',
    (given, made) =>
      given.length > 1000 &&
      given.length === made.length &&
      Buffer.compare(Buffer.from(given).sort(), Buffer.from(made).sort()) === 0,
  ),
  subclassed(
    'base64 that is decoded as it comes',
    'ciphertext-integrity',
    () =>
      new (class extends ReferenceDriver {
        override async encrypt(request: EncryptRequest) {
          const output = await super.encrypt(request);
          if (request.algorithm !== 'SYMMETRIC_DEFAULT') return output;
          const text = Buffer.from(output.ciphertext).toString('base64');
          return { ...output, ciphertext: new Uint8Array(Buffer.from(text)) };
        }
        override async decrypt(request: DecryptRequest) {
          if (request.algorithm !== 'SYMMETRIC_DEFAULT') return super.decrypt(request);
          const text = Buffer.from(request.ciphertext).toString('latin1');
          return super.decrypt({
            ...request,
            ciphertext: new Uint8Array(Buffer.from(text, 'base64')),
          });
        }
      })(),
  ),
  wrapped('no room for a long context beside a long plaintext', 'plaintext-length', (inner) => ({
    encrypt: (input, options) => {
      const { plaintext, encryptionContext } = input;
      const size = JSON.stringify(encryptionContext ?? {}).length + (plaintext?.length ?? 0);
      if (size > 10_000)
        throw new InvalidInputError('plaintext', 'is too long', { operation: 'encrypt' });
      return inner.encrypt(input, options);
    },
  })),
  subclassed(
    'RSA ciphertexts of any length',
    'ciphertext-integrity',
    () =>
      new (class extends ReferenceDriver {
        protected override async open(
          key: ReferenceKey,
          ciphertext: Uint8Array,
          algorithm: AsymmetricAlgorithm,
        ) {
          const length = this.lengthOf(key);
          const whole = new Uint8Array(length);
          if (ciphertext.length <= length) whole.set(ciphertext, length - ciphertext.length);
          return super.open(key, whole, algorithm);
        }
      })(),
  ),
  wrapped('damage named in the message', 'damage-indistinguishable', (inner) => ({
    decrypt: (input, options) =>
      inner.decrypt(input, options).catch((error: Error) => {
        if (!(error instanceof InvalidCiphertextError) || input.ciphertext.length > 40) throw error;
        throw new InvalidCiphertextError('the ciphertext is too short', { operation: 'decrypt' });
      }),
  })),
  wrapped('another context named in the message', 'damage-indistinguishable', (inner) => ({
    decrypt: (input, options) =>
      inner.decrypt(input, options).catch((error: Error) => {
        if (!(error instanceof InvalidCiphertextError)) throw error;
        if (input.encryptionContext?.tenant !== 'b') throw error;
        throw new InvalidCiphertextError('the context differs', { operation: 'decrypt' });
      }),
  })),
  wrapped('RSA padding told apart from length', 'damage-indistinguishable', (inner) => ({
    decryptAsymmetric: (input, options) =>
      inner.decryptAsymmetric(input, options).catch((error: Error) => {
        if (!(error instanceof InvalidCiphertextError) || input.ciphertext.length !== 256)
          throw error;
        throw new InvalidCiphertextError('bad padding', { operation: 'decryptAsymmetric' });
      }),
  })),
  wrapped('INVALID_INPUT for a short ciphertext', 'ciphertext-integrity', (inner) => ({
    decrypt: (input, options) =>
      inner.decrypt(input, options).catch((error: Error) => {
        if (!(error instanceof InvalidCiphertextError) || input.ciphertext.length > 20) throw error;
        throw new InvalidInputError('ciphertext', 'is too short', { operation: 'decrypt' });
      }),
  })),
  subclassed(
    'the same nonce each time',
    'fresh-ciphertext',
    () =>
      new (class extends ReferenceDriver {
        protected override nonce() {
          return new Uint8Array(12).fill(7);
        }
      })(),
  ),
  subclassed(
    'a nonce of eight values',
    'fresh-ciphertext',
    () =>
      new (class extends ReferenceDriver {
        protected override nonce() {
          return super
            .nonce()
            .fill(0, 1)
            .map((byte) => byte & 7);
        }
      })(),
  ),
  wrapped('trailing zeros of the plaintext lost', 'encrypt-decrypt', (inner) => ({
    encrypt: (input, options) => {
      const { plaintext } = input;
      if (!(plaintext instanceof Uint8Array) || plaintext.length < 2) {
        return inner.encrypt(input, options);
      }
      const end = plaintext.findLastIndex((byte) => byte !== 0) + 1;
      return inner.encrypt({ ...input, plaintext: plaintext.subarray(0, end || 1) }, options);
    },
  })),
];
