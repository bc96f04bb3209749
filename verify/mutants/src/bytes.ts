import { constants, createHash, createPrivateKey, privateDecrypt } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import {
  type AsymmetricAlgorithm,
  type DecryptRequest,
  type EncryptionContext,
  type EncryptRequest,
  InvalidCiphertextError,
} from '@keywrap/core';
import { type Mutant, replaced, subclassed, wrapped } from './mutant.js';
import { ReferenceDriver, type ReferenceKey } from './reference-driver.js';
import type { Input } from './uses.js';

// What is bound, padded and compressed: contexts that are made equal, plaintexts that are looked at, RSA decryption
// that takes too much or tells why not.

const HEADER = 17;

/** Contexts that are changed before they are bound. */
const binding = (name: string, change: (context: EncryptionContext) => unknown): Mutant =>
  subclassed(
    `contexts: ${name}`,
    'context-families',
    () =>
      new (class extends ReferenceDriver {
        protected override authenticated(
          header: Uint8Array,
          request: { readonly encryptionContext: EncryptionContext },
        ) {
          const pairs = JSON.stringify(change(request.encryptionContext));
          return new Uint8Array(Buffer.concat([header, Buffer.from(pairs)]));
        }
      })(),
  );

const sorted = (context: EncryptionContext) =>
  Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1));

const values = (name: string, change: (value: string) => unknown) =>
  binding(name, (context) => sorted(context).map(([key, value]) => [key, change(value)]));

const contextMutants: readonly Mutant[] = [
  values('only the length of values', (value) => value.length),
  values('lengths in one byte', (value) => (/^x*$/.test(value) ? value.length % 256 : value)),
  values('without what does not show', (value) =>
    value.replace(/[\u00ad\u200b\u2060\u200f\ufeff\0]/g, ''),
  ),
  values('blanks are one blank', (value) => value.replace(/[\s+]+|%20/g, ' ')),
  values('normalised by NFKC', (value) => value.normalize('NFKC')),
  values('in lower case', (value) => value.normalize('NFKD').toLowerCase().replace('ß', 'ss')),
  values('in the basic plane', (value) => value.replace(/[\u{10000}-\u{10ffff}\ufffd]/gu, '?')),
  values('unescaped', (value) => value.replace(/\\u0022|&quot;|%22|\\"/g, '"')),
  values('numbers as numbers', (value) => (Number.isNaN(Number(value)) ? value : Number(value))),
  values('paths resolved', (value) => new URL(value.replace(/\\/g, '/'), 'file:///').pathname),
  values('as Latin-1', (value) =>
    Buffer.from(value, 'utf8').toString('latin1').normalize('NFC').slice(-4),
  ),
  binding('without empty ones', (context) =>
    sorted(context).filter(([key, value]) => key && value),
  ),
  binding('keys split at dots', (context) =>
    sorted(context)
      .join('.')
      .replace(/[{}"[\]:,]/g, '.'),
  ),
  binding('characters added up', (context) => [...sorted(context).flat().join('')].sort()),
  binding('keys as numbers', (context) =>
    Object.fromEntries(sorted(context).map(([key, value]) => [Number(key) || key, value])),
  ),
  binding('pairs that cancel out', (context) => {
    const all = sorted(context).map(([, value]) => value);
    return all.filter((value) => all.filter((each) => each === value).length % 2 === 1);
  }),
  binding('10 pairs and no more', (context) => sorted(context).slice(0, 10)),
  binding('256 pairs are none', (context) =>
    sorted(context).slice(0, sorted(context).length % 256),
  ),
  binding('lengths of a key and its value in one byte each', (context) =>
    sorted(context).map(([key, value]) => [key.length % 256, value.length % 256, key + value]),
  ),
  binding('256 bytes of a key', (context) =>
    sorted(context).map(([key, value]) => [key.slice(0, 256), value]),
  ),
  binding('texts after their lengths in one byte', (context) =>
    sorted(context)
      .flat()
      .map((text) => String.fromCharCode(Buffer.byteLength(text) & 255) + text)
      .join(''),
  ),
  binding('names and values in one list', (context) => sorted(context).flat().sort()),
  binding('joined as in a form', (context) =>
    sorted(context)
      .map((pair) => pair.join('='))
      .join('&'),
  ),
  values('plus for a blank', (value) => value.replaceAll(' ', '+')),
  // What is authenticated is the text of the context and the ciphertext, one after the other.
  wrapped('contexts: no length between them and the ciphertext', 'context-families', (inner) => {
    const made = new Map<
      string,
      { ciphertext: Uint8Array; encryptionContext: EncryptionContext }
    >();
    const authenticated = ({ ciphertext, encryptionContext = {} }: Input) => {
      const [header, body] = [ciphertext.subarray(0, HEADER), ciphertext.subarray(HEADER)];
      const text = sorted(encryptionContext)
        .map((pair) => pair.join('='))
        .join(',');
      return Buffer.concat([header, Buffer.from(text), body]).toString('hex');
    };
    return {
      encrypt: async (input, options) => {
        const result = await inner.encrypt(input, options);
        const { ciphertext } = result;
        const { encryptionContext = {} } = input;
        made.set(authenticated({ ciphertext, encryptionContext }), {
          ciphertext,
          encryptionContext,
        });
        return result;
      },
      decrypt: (input, options) =>
        inner.decrypt({ ...input, ...made.get(authenticated(input)) }, options),
    };
  }),
];

const contentMutants: readonly Mutant[] = [
  subclassed(
    'plaintexts are compressed',
    'content-independent',
    () =>
      new (class extends ReferenceDriver {
        override async encrypt(request: EncryptRequest) {
          if (request.algorithm !== 'SYMMETRIC_DEFAULT') return super.encrypt(request);
          const packed = deflateRawSync(request.plaintext);
          const isShorter = packed.length < request.plaintext.length;
          const flag = Buffer.of(isShorter ? 1 : 0);
          const plaintext = Buffer.concat([flag, isShorter ? packed : request.plaintext]);
          return super.encrypt({ ...request, plaintext: new Uint8Array(plaintext) });
        }
        override async decrypt(request: DecryptRequest) {
          const result = await super.decrypt(request);
          if (request.algorithm !== 'SYMMETRIC_DEFAULT') return result;
          const [flag, ...rest] = result.plaintext;
          const bytes = Uint8Array.from(rest);
          return {
            ...result,
            plaintext: flag === 1 ? new Uint8Array(inflateRawSync(bytes)) : bytes,
          };
        }
      })(),
  ),
  subclassed(
    'what is encrypted already stays as it is',
    'content-independent',
    () =>
      new (class extends ReferenceDriver {
        override async encrypt(request: EncryptRequest) {
          const key = this.find(request.key.text);
          const isOwn =
            Buffer.compare(request.plaintext.subarray(0, HEADER), this.headerOf(key)) === 0;
          if (!isOwn) return super.encrypt(request);
          return { ciphertext: request.plaintext.slice(), keyId: key.description.keyId };
        }
      })(),
  ),
  wrapped('a power of two loses its last byte', 'content-independent', (inner) => ({
    encrypt: (input, options) => {
      const { length } = input?.plaintext ?? [];
      const isPower = length >= 64 && (length & (length - 1)) === 0;
      const plaintext = isPower ? input.plaintext.slice(0, -1) : input?.plaintext;
      return inner.encrypt({ ...input, plaintext }, options);
    },
  })),
];

/** Puts something in front of each symmetric ciphertext, and takes it away before decrypting, if `accepts` does. */
const prefixed = (
  name: string,
  breaks: string,
  make: (request: EncryptRequest) => Uint8Array,
  accepts: (prefix: Uint8Array, request: DecryptRequest) => boolean,
  length: number,
): Mutant =>
  subclassed(
    name,
    breaks,
    () =>
      new (class extends ReferenceDriver {
        override async encrypt(request: EncryptRequest) {
          const output = await super.encrypt(request);
          if (request.algorithm !== 'SYMMETRIC_DEFAULT') return output;
          const ciphertext = Buffer.concat([make(request), output.ciphertext]);
          return { ...output, ciphertext: new Uint8Array(ciphertext) };
        }
        override async decrypt(request: DecryptRequest) {
          if (request.algorithm !== 'SYMMETRIC_DEFAULT') return super.decrypt(request);
          const prefix = request.ciphertext.subarray(0, length);
          if (!accepts(prefix, request)) throw new InvalidCiphertextError('it does not open');
          return super.decrypt({ ...request, ciphertext: request.ciphertext.slice(length) });
        }
      })(),
  );

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();

const prefixMutants: readonly Mutant[] = [
  prefixed(
    'a check value of each plaintext',
    'content-independent',
    ({ plaintext }) => hash(plaintext).subarray(0, 3),
    () => true,
    3,
  ),
  prefixed(
    'ciphertexts of another version are opened too',
    'ciphertext-integrity',
    () => Uint8Array.of(0x35),
    ([version = 0]) => (version & 0x0f) === 5 || version === 0xc8,
    1,
  ),
];

/** The calls that seal with a symmetric key, and what they return it in. */
const SEALING = {
  encrypt: 'ciphertext',
  generateDataKey: 'ciphertext',
  generateDataKeyWithoutPlaintext: 'ciphertext',
  generateDataKeyPair: 'privateKeyCiphertext',
  generateDataKeyPairWithoutPlaintext: 'privateKeyCiphertext',
} as const;

/** Eight bytes of each plaintext stand in its ciphertext. */
const inClear = wrapped('a part of a plaintext in the clear', 'content-independent', (inner) => {
  const made = new Map<string, Uint8Array>();
  const sealing = Object.entries(SEALING).map(([operation, field]) => [
    operation,
    async (input: Input, options: Input) => {
      const result = await inner[operation as keyof typeof SEALING](input, options);
      if (input?.algorithm?.startsWith('RSA')) return result;
      const sealed = result[field];
      const { encryptionContext } = input;
      const { plaintext } = await inner.decrypt({
        keyId: input.keyId,
        ciphertext: sealed,
        encryptionContext,
      });
      const shown = Buffer.from(sealed);
      shown.set(plaintext.subarray(plaintext.length > 32 ? 36 : 0).subarray(0, 8), HEADER);
      made.set(shown.toString('hex'), sealed);
      return replaced(result, { [field]: new Uint8Array(shown) });
    },
  ]);
  return {
    ...Object.fromEntries(sealing),
    decrypt: (input, options) => {
      const ciphertext = made.get(Buffer.from(input?.ciphertext ?? []).toString('hex'));
      return inner.decrypt(ciphertext === undefined ? input : { ...input, ciphertext }, options);
    },
  };
});

/** Keeps the context beside the ciphertext, not authenticated, and compares it. */
class ComparesContexts extends ReferenceDriver {
  static copy({ encryptionContext }: Pick<EncryptRequest, 'encryptionContext'>) {
    return hash(Buffer.from(JSON.stringify(sorted(encryptionContext)))).subarray(0, 16);
  }
  protected override authenticated(header: Uint8Array) {
    return new Uint8Array(header);
  }
  override async encrypt(request: EncryptRequest) {
    const output = await super.encrypt(request);
    if (request.algorithm !== 'SYMMETRIC_DEFAULT') return output;
    const ciphertext = Buffer.concat([output.ciphertext, ComparesContexts.copy(request)]);
    return { ...output, ciphertext: new Uint8Array(ciphertext) };
  }
  override async decrypt(request: DecryptRequest) {
    if (request.algorithm !== 'SYMMETRIC_DEFAULT') return super.decrypt(request);
    const copy = request.ciphertext.subarray(-16);
    if (Buffer.compare(copy, ComparesContexts.copy(request)) !== 0) {
      throw new InvalidCiphertextError('the ciphertext does not open');
    }
    return super.decrypt({ ...request, ciphertext: request.ciphertext.slice(0, -16) });
  }
}

/** What comes of an RSA ciphertext without any padding removed. */
function unpadded(key: ReferenceKey, ciphertext: Uint8Array): Buffer {
  const privateKey = createPrivateKey({
    key: Buffer.from(key.pair?.privateKey ?? []),
    format: 'der',
    type: 'pkcs8',
  });
  return privateDecrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, ciphertext);
}

const opening = (
  name: string,
  open: (
    opened: Promise<Uint8Array>,
    key: ReferenceKey,
    ciphertext: Uint8Array,
  ) => Promise<Uint8Array>,
): Mutant =>
  subclassed(
    name,
    'rsa-padding',
    () =>
      new (class extends ReferenceDriver {
        protected override open(
          key: ReferenceKey,
          ciphertext: Uint8Array,
          algorithm: AsymmetricAlgorithm,
        ) {
          return open(super.open(key, ciphertext, algorithm), key, ciphertext);
        }
      })(),
  );

const rsaMutants: readonly Mutant[] = [
  opening('opens PKCS #1 v1.5 too', (opened, key, ciphertext) =>
    opened.catch((error: unknown) => {
      const message = unpadded(key, ciphertext);
      if (message[0] !== 0 || message[1] !== 2) throw error;
      return new Uint8Array(message.subarray(message.indexOf(0, 2) + 1));
    }),
  ),
  opening('drops the zeros before a plaintext', async (opened) => {
    const plaintext = await opened;
    const first = plaintext.findIndex((byte) => byte !== 0);
    return first > 0 ? plaintext.slice(first) : plaintext;
  }),
  opening('tells whether the first byte is 0, as in 2001', (opened, key, ciphertext) =>
    opened.catch((error: unknown) => {
      if (unpadded(key, ciphertext)[0] === 0) throw error;
      throw new InvalidCiphertextError('the integer is too large');
    }),
  ),
  opening('has a cause where the second byte is 0', (opened, key, ciphertext) =>
    opened.catch((error: unknown) => {
      if (unpadded(key, ciphertext)[1] !== 0) throw error;
      throw Object.assign(error as Error, { cause: new Error('bad padding') });
    }),
  ),
];

export const byteMutants: readonly Mutant[] = [
  ...contextMutants,
  ...contentMutants,
  ...prefixMutants,
  inClear,
  subclassed(
    'RSA ciphertexts without the zeros before them',
    'content-independent',
    () =>
      new (class extends ReferenceDriver {
        protected override async seal(...input: Parameters<ReferenceDriver['seal']>) {
          const ciphertext = await super.seal(...input);
          return ciphertext.slice(ciphertext.findIndex((byte) => byte !== 0));
        }
      })(),
  ),
  subclassed(
    'contexts: compared, and not authenticated',
    'context-families',
    () => new ComparesContexts(),
  ),
  ...rsaMutants,
];
