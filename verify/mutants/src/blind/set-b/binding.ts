import { constants, createHash, createPublicKey, publicEncrypt } from 'node:crypto';
import {
  AccessDeniedError,
  type AsymmetricAlgorithm,
  type Call,
  type EncryptInput,
  type EncryptionContext,
  type EncryptRequest,
  InvalidCiphertextError,
  InvalidInputError,
  type KeyWrapProvider,
  type RsaKeySpec,
  rsaModulusLength,
} from '@keywrap/core';
import { blindSet } from '../blind-mutant.js';
import { toBytes, toNumber } from '../numbers.js';
import { decode, rawDecrypt } from '../oaep.js';
import { Client, doesNotOpen, own, publicKeyOf } from '../right/client.js';
import type { HsmKey } from '../right/hsm.js';
import { TagComparing } from '../unverified.js';
import {
  bytes,
  codeOf,
  decrypted,
  encrypted,
  errorOf,
  losesPlaintext,
  opensUnder,
  withKey,
  withRsaKey,
} from '../witness.js';

const mutant = blindSet('b');

type Pair = readonly [string, string];

function changed(context: EncryptionContext, change: (pair: Pair) => Pair): EncryptionContext {
  return Object.fromEntries(Object.entries(context).map(change));
}

const REVOKED = 'revoked tenant 7f3a51';

/** Looks at the values before it hands the input on, which reads them again. */
function checkingContexts(inner: KeyWrapProvider): Partial<KeyWrapProvider> {
  return {
    async encrypt(input, options) {
      if (valuesIn(input).includes(REVOKED)) throw new AccessDeniedError('the tenant is revoked');
      return inner.encrypt(input, options);
    },
  };
}

function valuesIn(input: EncryptInput): readonly string[] {
  try {
    return Object.values(input.encryptionContext ?? {});
  } catch {
    return []; // The provider says what is wrong.
  }
}

class CutValues extends Client {
  protected override serialized(context: EncryptionContext) {
    const cut = (text: string) => Buffer.from(text).subarray(0, 255).toString('latin1');
    return super.serialized(changed(context, ([name, value]) => [name, cut(value)]));
  }
}

class DropsInvisible extends Client {
  protected override serialized(context: EncryptionContext) {
    const visible = (text: string) => text.replace(/[\u00ad\u200b-\u200d\ufeff]/g, '');
    return super.serialized(changed(context, ([name, value]) => [visible(name), visible(value)]));
  }
}

class ComparesWhatIsGiven extends Client {
  #digest(context: EncryptionContext) {
    return createHash('sha256').update(this.serialized(context)).digest();
  }
  protected override seal(
    key: HsmKey,
    version: number,
    plaintext: Uint8Array,
    context: EncryptionContext,
  ) {
    return super.seal(key, version, Buffer.concat([this.#digest(context), plaintext]), {});
  }
  protected override open(
    key: HsmKey,
    version: number,
    ciphertext: Uint8Array,
    context: EncryptionContext,
  ) {
    const body = super.open(key, version, ciphertext, {});
    const isGiven = Object.keys(context).length > 0;
    if (isGiven && !this.#digest(context).equals(body.subarray(0, 32))) throw doesNotOpen();
    return own(body.subarray(32));
  }
}

class Unpads extends Client {
  protected override open(...args: Parameters<Client['open']>) {
    const plaintext = super.open(...args);
    const count = plaintext.at(-1) ?? 0;
    const isPadding =
      count >= 1 &&
      count <= 16 &&
      plaintext.length > count &&
      plaintext.subarray(-count).every((each) => each === count);
    return isPadding ? own(plaintext.subarray(0, -count)) : plaintext;
  }
}

class ComparesAsText extends TagComparing {
  protected override accepts(expected: Buffer, given: Buffer) {
    const text = (tag: Buffer) => (tag.includes(0) ? tag.subarray(0, tag.indexOf(0)) : tag);
    return text(expected).equals(text(given));
  }
}

class RefusesWeakKeys extends Client {
  override async encrypt(request: EncryptRequest, call: Call) {
    const { plaintext } = request;
    const isWeak = plaintext.length >= 16 && plaintext.every((each) => each === plaintext[0]);
    if (isWeak) throw new InvalidInputError('plaintext', 'is a weak key');
    return super.encrypt(request, call);
  }
}

function hashesOf(algorithm: AsymmetricAlgorithm) {
  const hash = algorithm === 'RSAES_OAEP_SHA_1' ? 'sha1' : 'sha256';
  return { label: hash, mask: hash } as const;
}

class IgnoresLabel extends Client {
  protected override openRsa(key: HsmKey, ciphertext: Uint8Array, algorithm: AsymmetricAlgorithm) {
    if (ciphertext.length !== rsaModulusLength(key.spec as RsaKeySpec)) throw doesNotOpen();
    let encoded: Buffer;
    try {
      encoded = rawDecrypt(key, ciphertext);
    } catch {
      throw doesNotOpen();
    }
    const plaintext = decode(encoded, hashesOf(algorithm), false);
    if (plaintext === undefined) throw doesNotOpen();
    return own(plaintext);
  }
}

function modulusOf(key: Parameters<typeof createPublicKey>[0]): bigint {
  const { n = '' } = createPublicKey(key).export({ format: 'jwk' });
  return toNumber(Buffer.from(n, 'base64url'));
}

class ReducesCiphertext extends Client {
  protected override openRsa(key: HsmKey, ciphertext: Uint8Array, algorithm: AsymmetricAlgorithm) {
    const modulus = modulusOf(publicKeyOf(key).export({ format: 'pem', type: 'spki' }) as string);
    const reduced = toBytes(toNumber(ciphertext) % modulus, ciphertext.length);
    return super.openRsa(key, reduced, algorithm);
  }
}

class TellsTooLarge extends Client {
  protected override openRsa(key: HsmKey, ciphertext: Uint8Array, algorithm: AsymmetricAlgorithm) {
    try {
      return super.openRsa(key, ciphertext, algorithm);
    } catch (error) {
      if (ciphertext.length !== rsaModulusLength(key.spec as RsaKeySpec)) throw error;
      let first: number | undefined;
      try {
        first = rawDecrypt(key, ciphertext)[0];
      } catch {
        throw error;
      }
      throw first === 0 ? error : new InvalidCiphertextError('the integer is too large');
    }
  }
}

const ALGORITHM = 'RSAES_OAEP_SHA_256';
const LABELLED = {
  padding: constants.RSA_PKCS1_OAEP_PADDING,
  oaepHash: 'sha256',
  oaepLabel: Buffer.from('another protocol'),
} as const;

function spkiOf(publicKey: Uint8Array) {
  return { key: Buffer.from(publicKey), format: 'der', type: 'spki' } as const;
}

export const BINDING = [
  mutant(
    {
      name: 'reads-context-twice',
      kind: 'contexts',
      wrong:
        'encrypt looks at the values of a context, and then binds to what a second read returns.',
      source: 'time of check to time of use, CWE-367; double fetches in kernels, Bochspwn 2013',
      profile: 'full',
    },
    { bare: checkingContexts },
    withKey(async (scene) => {
      let reads = 0;
      const context = {
        get tenant() {
          return reads++ === 0 ? 'first' : 'second';
        },
      };
      const ciphertext = await encrypted(scene, bytes(32), context);
      return (await codeOf(decrypted(scene, ciphertext, { tenant: 'first' }))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'cut-values',
      kind: 'contexts',
      wrong: 'Of a value, only the first 255 bytes are authenticated.',
      source: 'a column VARCHAR(255) that cuts; CVE-2008-4106',
      profile: 'full',
    },
    { client: (hsm) => new CutValues(hsm) },
    opensUnder({ path: `${'x'.repeat(255)}a` }, { path: `${'x'.repeat(255)}b` }),
  ),
  mutant(
    {
      name: 'drops-invisible',
      kind: 'contexts',
      wrong: 'Soft hyphens, zero-width characters and byte order marks are dropped from contexts.',
      source: 'IDNA and PRECIS map these to nothing; TextDecoder drops a byte order mark',
      profile: 'full',
    },
    { client: (hsm) => new DropsInvisible(hsm) },
    opensUnder({ user: 'admin' }, { user: 'ad\u00admin' }),
  ),
  mutant(
    {
      name: 'compares-what-is-given',
      kind: 'contexts',
      wrong: 'A decrypt without a context opens what was bound to one.',
      source: 'JWT libraries that skip the audience if the caller names none; CWE-1288',
      profile: 'quick',
    },
    { client: (hsm) => new ComparesWhatIsGiven(hsm) },
    opensUnder({ tenant: 'a' }, {}),
  ),
  mutant(
    {
      name: 'unpads',
      kind: 'content',
      wrong: 'A plaintext loses an end that looks like PKCS#7 padding.',
      source: 'a CBC wrapper that stayed around a GCM cipher; RFC 5652 section 6.3',
      profile: 'full',
    },
    { client: (hsm) => new Unpads(hsm) },
    losesPlaintext(Uint8Array.of(9, 9, 9, 2, 2)),
  ),
  mutant(
    {
      name: 'compares-as-text',
      kind: 'content',
      wrong: 'Tags are compared as C strings: what follows a zero byte does not count.',
      source: 'the trucha bug of the Nintendo Wii, 2008: strncmp over a hash',
      profile: 'full',
    },
    { client: (hsm) => new ComparesAsText(hsm) },
    withKey(async (scene) => {
      for (let i = 0; i < 2_000; i++) {
        const ciphertext = Uint8Array.from(await encrypted(scene));
        if (!ciphertext.subarray(-16, -1).includes(0)) continue;
        ciphertext[ciphertext.length - 1] = (ciphertext.at(-1) as number) ^ 1;
        return (await codeOf(decrypted(scene, ciphertext))) === 'ok';
      }
      throw new Error('no tag had a zero byte');
    }),
  ),
  mutant(
    {
      name: 'refuses-weak-keys',
      kind: 'content',
      wrong: 'Plaintexts of 16 bytes and more that repeat one byte are refused.',
      source: 'HSMs that refuse weak keys, as they must for DES (NIST SP 800-67)',
      profile: 'full',
    },
    { client: (hsm) => new RefusesWeakKeys(hsm) },
    losesPlaintext(new Uint8Array(32)),
  ),
  mutant(
    {
      name: 'ignores-label',
      kind: 'rsa',
      wrong: 'OAEP ciphertexts of any label open.',
      source: 'RFC 8017 section 7.1.2 step 3g; decoders that do not compare the hash of the label',
      profile: 'full',
    },
    { client: (hsm) => new IgnoresLabel(hsm) },
    withRsaKey(async ({ provider, keyId }) => {
      const { publicKey } = await provider.getPublicKey({ keyId });
      const key = createPublicKey(spkiOf(publicKey));
      const ciphertext = publicEncrypt({ key, ...LABELLED }, bytes(32));
      const call = provider.decryptAsymmetric({ keyId, algorithm: ALGORITHM, ciphertext });
      return (await codeOf(call)) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'reduces-ciphertext',
      kind: 'rsa',
      wrong: 'A ciphertext that is not below the modulus is reduced and opened: each has a twin.',
      source:
        'RFC 8017 section 5.1.2 step 1; hardware multipliers that take any number of the right length',
      profile: 'full',
    },
    { client: (hsm) => new ReducesCiphertext(hsm) },
    withRsaKey(async ({ provider, keyId }) => {
      const { publicKey } = await provider.getPublicKey({ keyId });
      const modulus = modulusOf(spkiOf(publicKey));
      for (;;) {
        const plaintext = bytes(32);
        const sealed = await provider.encrypt({ keyId, algorithm: ALGORITHM, plaintext });
        const ciphertext = toBytes(toNumber(sealed.ciphertext) + modulus);
        if (ciphertext.length > 256) continue;
        const call = provider.decryptAsymmetric({ keyId, algorithm: ALGORITHM, ciphertext });
        return (await codeOf(call)) === 'ok';
      }
    }),
  ),
  mutant(
    {
      name: 'tells-too-large',
      kind: 'rsa',
      wrong: 'The message tells whether the first byte under OAEP was zero.',
      source: 'Manger, 2001',
      profile: 'full',
    },
    { client: (hsm) => new TellsTooLarge(hsm) },
    withRsaKey(async ({ provider, keyId }) => {
      const { publicKey } = await provider.getPublicKey({ keyId });
      const key = createPublicKey(spkiOf(publicKey));
      const raw = { key, padding: constants.RSA_NO_PADDING };
      const messages = [0, 1].map(async (first) => {
        const ciphertext = publicEncrypt(raw, Buffer.alloc(256, 5).fill(first, 0, 1));
        const call = provider.decryptAsymmetric({ keyId, algorithm: ALGORITHM, ciphertext });
        return (await errorOf(call))?.message;
      });
      return (await messages[0]) !== (await messages[1]);
    }),
  ),
];
