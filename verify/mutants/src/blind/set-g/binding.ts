import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHash,
  createPublicKey,
  publicEncrypt,
} from 'node:crypto';
import {
  type AsymmetricAlgorithm,
  type Call,
  type DecryptOutput,
  type DecryptRequest,
  type EncryptionContext,
  isAsymmetricAlgorithm,
  type Layer,
} from '@keywrap/core';
import { type BlindMutant, blindSet } from '../blind-mutant.js';
import { rawDecrypt } from '../oaep.js';
import { Client, doesNotOpen, HEADER, NONCE, own, TAG } from '../right/client.js';
import type { HsmKey } from '../right/hsm.js';
import {
  bytes,
  codeOf,
  decrypted,
  encrypted,
  losesPlaintext,
  opensUnder,
  SYMMETRIC,
  withKey,
  withRsaKey,
} from '../witness.js';

const mutant = blindSet('g');

class OneByteCharacters extends Client {
  protected override serialized(context: EncryptionContext): Uint8Array {
    const sent = (text: string) => Buffer.from(text, 'latin1').toString('latin1');
    const pairs = Object.entries(context).map(([name, value]) => [sent(name), sent(value)]);
    return super.serialized(Object.fromEntries(pairs));
  }
}

class XorOfDigests extends Client {
  protected override serialized(context: EncryptionContext): Uint8Array {
    const texts = Object.entries(context).flat();
    if (texts.length === 0) return super.serialized(context);
    const sum = Buffer.alloc(32);
    for (const text of texts) {
      for (const [i, each] of createHash('sha256').update(text).digest().entries()) {
        sum[i] = (sum[i] as number) ^ each;
      }
    }
    return sum;
  }
}

/** Plaintexts that are text come as a JSON string, others in base64. */
class TextPlaintexts extends Client {
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const output = await super.decrypt(request, call);
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(output.plaintext);
      return { ...output, plaintext: new TextEncoder().encode(text) };
    } catch {
      return output;
    }
  }
}

class EitherHash extends Client {
  protected override openRsa(
    key: HsmKey,
    ciphertext: Uint8Array,
    algorithm: AsymmetricAlgorithm,
  ): Uint8Array {
    try {
      return super.openRsa(key, ciphertext, algorithm);
    } catch {
      const other = algorithm === 'RSAES_OAEP_SHA_1' ? 'RSAES_OAEP_SHA_256' : 'RSAES_OAEP_SHA_1';
      return super.openRsa(key, ciphertext, other);
    }
  }
}

class OldPadding extends Client {
  protected override openRsa(
    key: HsmKey,
    ciphertext: Uint8Array,
    algorithm: AsymmetricAlgorithm,
  ): Uint8Array {
    try {
      return super.openRsa(key, ciphertext, algorithm);
    } catch (error) {
      const dataKey = openOldPadding(key, ciphertext);
      if (dataKey === undefined) throw error;
      return dataKey;
    }
  }
}

/** A data key of AES in EME-PKCS1-v1_5 (RFC 8017 section 7.2.2 step 3). */
function openOldPadding(key: HsmKey, ciphertext: Uint8Array): Uint8Array | undefined {
  try {
    const block = rawDecrypt(key, ciphertext);
    const end = block.indexOf(0, 2);
    const message = block.subarray(end + 1);
    const isPadded = block[0] === 0 && block[1] === 2 && end >= 10;
    return isPadded && [16, 32].includes(message.length) ? own(message) : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the plaintext's length before it, and takes what follows the plaintext for the tag. */
class TagOfAnyLength extends Client {
  protected override seal(
    key: HsmKey,
    version: number,
    plaintext: Uint8Array,
    context: EncryptionContext,
    nonce = this.nonce(key, context),
  ): Uint8Array {
    const header = this.header(key, version);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(plaintext.length);
    const cipher = createCipheriv('aes-256-gcm', key.versions.get(version) as Uint8Array, nonce);
    cipher.setAAD(this.additionalData(Buffer.concat([header, length]), context));
    const sealed = [cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
    return own(Buffer.concat([header, nonce, length, ...sealed]));
  }

  protected override open(
    key: HsmKey,
    version: number,
    ciphertext: Uint8Array,
    context: EncryptionContext,
  ): Uint8Array {
    const blob = Buffer.from(ciphertext);
    const material = key.versions.get(version);
    if (material === undefined) throw doesNotOpen();
    const nonce = blob.subarray(HEADER, HEADER + NONCE);
    const length = blob.subarray(HEADER + NONCE, HEADER + NONCE + 2);
    const rest = blob.subarray(HEADER + NONCE + 2);
    const tag = rest.subarray(length.readUInt16BE());
    try {
      const authTagLength = tag.length;
      const decipher = createDecipheriv('aes-256-gcm', material, nonce, { authTagLength });
      const header = Buffer.concat([blob.subarray(0, HEADER), length]);
      decipher.setAAD(this.additionalData(header, context));
      decipher.setAuthTag(tag);
      const opened = decipher.update(rest.subarray(0, length.readUInt16BE()));
      decipher.final();
      return own(opened);
    } catch {
      throw doesNotOpen();
    }
  }
}

const keepsContext: Layer = (inner) => ({
  ...inner,
  reEncrypt(request, call) {
    const { source, destination } = request;
    const isNamed = Object.keys(destination.encryptionContext).length > 0;
    if (isNamed || isAsymmetricAlgorithm(destination.algorithm)) {
      return inner.reEncrypt(request, call);
    }
    const { encryptionContext } = source;
    return inner.reEncrypt(
      { ...request, destination: { ...destination, encryptionContext } },
      call,
    );
  },
});

/** Resolves aliases of destinations only: the HSM reads the source's key from the ciphertext. */
const anySourceForAlias: Layer = (inner) => ({
  ...inner,
  reEncrypt(request, call) {
    const { source } = request;
    const isAlias = source.key !== undefined && 'alias' in source.key;
    if (!isAlias || isAsymmetricAlgorithm(source.algorithm)) return inner.reEncrypt(request, call);
    return inner.reEncrypt({ ...request, source: { ...source, key: undefined } }, call);
  },
});

export const BINDING: readonly BlindMutant[] = [
  mutant(
    {
      name: 'contexts are sent with one byte per character',
      kind: 'contexts',
      wrong: 'characters above U+00FF lose their upper byte, so that ı (U+0131) equals 1',
      source: 'a context in an HTTP header or a Latin-1 column',
      rule: 'context-families',
      profile: 'quick',
    },
    { client: (hsm) => new OneByteCharacters(hsm) },
    opensUnder({ tenant: '\u0131' }, { tenant: '1' }),
  ),
  mutant(
    {
      name: 'contexts are bound by the XOR of digests',
      kind: 'contexts',
      wrong: 'names and values are hashed apart and added, so that values may change places',
      source: 'a digest that was to be independent of the order of pairs',
      rule: 'context-families',
      profile: 'quick',
    },
    { client: (hsm) => new XorOfDigests(hsm) },
    opensUnder({ from: 'alice', to: 'bob' }, { from: 'bob', to: 'alice' }),
  ),
  mutant(
    {
      name: 'text loses its byte order mark',
      kind: 'content',
      wrong: 'a plaintext that is UTF-8 text comes back without the byte order mark at its start',
      source: 'TextDecoder, which removes the mark unless it is told to keep it',
      rule: 'content-independent',
      profile: 'full',
    },
    { client: (hsm) => new TextPlaintexts(hsm) },
    losesPlaintext(new TextEncoder().encode('\uFEFFa secret in a file')),
  ),
  mutant(
    {
      name: 'RSA decrypts under either hash',
      kind: 'rsa',
      wrong: 'what was encrypted for OAEP with SHA-256 opens as OAEP with SHA-1, and the other way',
      source: 'a fall-back for clients that name the wrong algorithm',
      rule: 'rsa-padding',
      profile: 'quick',
    },
    { client: (hsm) => new EitherHash(hsm) },
    withRsaKey(async ({ provider, keyId }) => {
      const { ciphertext } = await provider.encrypt({
        keyId,
        plaintext: bytes(32),
        algorithm: 'RSAES_OAEP_SHA_256',
      });
      const algorithm = 'RSAES_OAEP_SHA_1';
      return (await codeOf(provider.decryptAsymmetric({ keyId, ciphertext, algorithm }))) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'RSA decrypts data keys in PKCS #1 v1.5',
      kind: 'rsa',
      wrong: 'where OAEP fails, a message of 16 or 32 bytes in the old padding opens',
      source: 'old peers that transport keys so, and the oracle of Bleichenbacher (CRYPTO 1998)',
      rule: 'rsa-padding',
      profile: 'full',
    },
    { client: (hsm) => new OldPadding(hsm) },
    withRsaKey(async ({ provider, keyId }) => {
      const { publicKey } = await provider.getPublicKey({ keyId });
      const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
      const padded = publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, bytes(32));
      const code = await codeOf(
        provider.decryptAsymmetric({
          keyId,
          ciphertext: new Uint8Array(padded),
          algorithm: 'RSAES_OAEP_SHA_256',
        }),
      );
      return code === 'ok';
    }),
  ),
  mutant(
    {
      name: 'tags may be shorter',
      kind: 'content',
      wrong: 'a ciphertext whose tag was cut to 15, 12 or 4 bytes still opens',
      source: 'what follows the plaintext is the tag, whatever its length, as OpenSSL lets it be',
      rule: 'damage-indistinguishable',
      profile: 'quick',
    },
    { client: (hsm) => new TagOfAnyLength(hsm) },
    withKey(async (scene) => {
      const cut = (await encrypted(scene)).slice(0, 4 - TAG);
      return (await codeOf(decrypted(scene, cut))) === 'ok';
    }),
  ),
  mutant(
    {
      name: 're-encryption without a context keeps the old one',
      kind: 'contexts',
      wrong: 'reEncrypt to no context binds the new ciphertext to the context of the source',
      source: 'a default for a field that was left out',
      rule: 'any-other-context',
      profile: 'quick',
    },
    { layer: keepsContext },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const encryptionContext = { tenant: 'a' };
      const moved = await provider.reEncrypt({
        ciphertext: await encrypted(scene, bytes(32), encryptionContext),
        source: { keyId, encryptionContext },
        destination: { keyId },
      });
      return (await codeOf(decrypted(scene, moved.ciphertext))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 're-encryption ignores a source named by an alias',
      kind: 'content',
      wrong: 'reEncrypt with an alias as the source moves the ciphertext of any key of the HSM',
      source: 'a confused deputy: the HSM reads the key from the ciphertext alone',
      profile: 'quick',
    },
    { layer: anySourceForAlias },
    withKey(async (scene) => {
      const { provider, keys, keyId } = scene;
      const other = await keys.create(SYMMETRIC);
      await keys.alias('alias/mine', keyId);
      const call = provider.reEncrypt({
        ciphertext: await encrypted({ provider, keyId: other.keyId }),
        source: { keyId: 'alias/mine' },
        destination: { keyId },
      });
      return (await codeOf(call)) !== 'INCORRECT_KEY';
    }),
  ),
];
