import { constants, createPublicKey, publicEncrypt, type RsaPublicKey } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import {
  type AsymmetricAlgorithm,
  type EncryptionContext,
  type KeyWrapProvider,
  type Layer,
  type RsaKeySpec,
  rsaModulusLength,
} from '@keywrap/core';
import { blindSet } from '../blind-mutant.js';
import { decode, encode, rawDecrypt, rawEncrypt } from '../oaep.js';
import { Client, doesNotOpen, own, TAG } from '../right/client.js';
import type { HsmKey } from '../right/hsm.js';
import { TagComparing } from '../unverified.js';
import {
  bytes,
  codeOf,
  decrypted,
  encrypted,
  isSame,
  opensUnder,
  withKey,
  withRsaKey,
} from '../witness.js';

const mutant = blindSet('a');

function changed(
  context: EncryptionContext,
  change: (pairs: readonly (readonly [string, string])[]) => Iterable<readonly [string, string]>,
): EncryptionContext {
  return Object.fromEntries(change(Object.entries(context)));
}

class OmitsEmptyValues extends Client {
  protected override serialized(context: EncryptionContext) {
    return super.serialized(changed(context, (all) => all.filter(([, value]) => value !== '')));
  }
}

class NormalizesText extends Client {
  protected override serialized(context: EncryptionContext) {
    return super.serialized(
      changed(context, (all) =>
        all.map((pair) => pair.map((text) => text.normalize()) as [string, string]),
      ),
    );
  }
}

class JavaHashCode extends Client {
  protected override serialized(context: EncryptionContext) {
    const text = JSON.stringify(Object.entries(context).sort());
    let hash = 0;
    for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0;
    return new Uint8Array(Int32Array.of(hash).buffer);
  }
}

const contextOfSource: Layer = (inner) => ({
  ...inner,
  reEncrypt(request, call) {
    const { source, destination } = request;
    const isLeftOut =
      destination.algorithm === 'SYMMETRIC_DEFAULT' &&
      Object.keys(destination.encryptionContext).length === 0;
    if (!isLeftOut) return inner.reEncrypt(request, call);
    const { encryptionContext } = source;
    return inner.reEncrypt(
      { ...request, destination: { ...destination, encryptionContext } },
      call,
    );
  },
});

class Compressing extends Client {
  protected override seal(
    key: HsmKey,
    version: number,
    plaintext: Uint8Array,
    context: EncryptionContext,
  ) {
    const small = deflateRawSync(plaintext);
    const isSmaller = small.length < plaintext.length;
    const body = Buffer.concat([Uint8Array.of(Number(isSmaller)), isSmaller ? small : plaintext]);
    return super.seal(key, version, body, context);
  }
  protected override open(...args: Parameters<Client['open']>) {
    const body = super.open(...args);
    return own(body[0] === 1 ? inflateRawSync(body.subarray(1)) : body.subarray(1));
  }
}

class AcceptsZeros extends TagComparing {
  protected override accepts(expected: Buffer, given: Buffer) {
    return expected.equals(given) || given.every((each) => each === 0);
  }
}

class OpensTwice extends Client {
  protected override open(
    key: HsmKey,
    version: number,
    ciphertext: Uint8Array,
    context: EncryptionContext,
  ): Uint8Array {
    const plaintext = super.open(key, version, ciphertext, context);
    try {
      const inner = this.identify(plaintext);
      return this.open(inner.key, inner.version, plaintext, context);
    } catch {
      return plaintext;
    }
  }
}

const JAVA = { label: 'sha256', mask: 'sha1' } as const;

class JavaOaep extends Client {
  protected override sealRsa(key: HsmKey, plaintext: Uint8Array, algorithm: AsymmetricAlgorithm) {
    if (algorithm === 'RSAES_OAEP_SHA_1') return super.sealRsa(key, plaintext, algorithm);
    const length = rsaModulusLength(key.spec as RsaKeySpec);
    return own(rawEncrypt(key, encode(plaintext, length, JAVA)));
  }
  protected override openRsa(key: HsmKey, ciphertext: Uint8Array, algorithm: AsymmetricAlgorithm) {
    if (algorithm === 'RSAES_OAEP_SHA_1') return super.openRsa(key, ciphertext, algorithm);
    if (ciphertext.length !== rsaModulusLength(key.spec as RsaKeySpec)) throw doesNotOpen();
    let plaintext: Buffer | undefined;
    try {
      plaintext = decode(rawDecrypt(key, ciphertext), JAVA);
    } catch {
      throw doesNotOpen();
    }
    if (plaintext === undefined) throw doesNotOpen();
    return own(plaintext);
  }
}

/** Keeps the public keys that it got: they never change. */
function sharingPublicKeys(inner: KeyWrapProvider): Partial<KeyWrapProvider> {
  const known = new Map<string, Uint8Array<ArrayBuffer>>();
  return {
    async getPublicKey(input, options) {
      const result = await inner.getPublicKey(input, options);
      const publicKey = known.get(result.keyId) ?? result.publicKey;
      known.set(result.keyId, publicKey);
      return { ...result, publicKey };
    },
  };
}

class FallsBackToPkcs1 extends Client {
  protected override openRsa(key: HsmKey, ciphertext: Uint8Array, algorithm: AsymmetricAlgorithm) {
    try {
      return super.openRsa(key, ciphertext, algorithm);
    } catch (error) {
      if (ciphertext.length !== rsaModulusLength(key.spec as RsaKeySpec)) throw error;
      // RFC 8017 section 7.2.2 step 3
      let encoded: Buffer;
      try {
        encoded = rawDecrypt(key, ciphertext);
      } catch {
        throw error;
      }
      const end = encoded.indexOf(0, 2);
      if (encoded[0] !== 0 || encoded[1] !== 2 || end < 10) throw error;
      return own(encoded.subarray(end + 1));
    }
  }
}

/** Encrypts with the public half outside the provider. */
async function sealedOutside(
  spki: Uint8Array,
  plaintext: Uint8Array,
  padding: Omit<RsaPublicKey, 'key'>,
): Promise<Uint8Array> {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  return publicEncrypt({ key, ...padding }, plaintext);
}

const OAEP_SHA_256 = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' } as const;

export const BINDING = [
  mutant(
    {
      name: 'omits-empty-values',
      kind: 'contexts',
      wrong: 'Pairs with an empty value are left out, so {"a": ""} opens under no context.',
      source: "omitempty of Go's encoding/json in the client of a vault",
      profile: 'full',
    },
    { client: (hsm) => new OmitsEmptyValues(hsm) },
    opensUnder({ a: '', b: 'c' }, { b: 'c' }),
  ),
  mutant(
    {
      name: 'normalizes-text',
      kind: 'contexts',
      wrong: 'Names and values are normalised to NFC, so different contexts are one.',
      source: 'Spotify account hijacking, 2013: names that a library made equal',
      profile: 'full',
    },
    { client: (hsm) => new NormalizesText(hsm) },
    opensUnder({ name: 'Å' }, { name: 'A\u030a' }),
  ),
  mutant(
    {
      name: 'java-hash-code',
      kind: 'contexts',
      wrong:
        'What is authenticated is the 32-bit hash of the context, for which collisions are known.',
      source: "String.hashCode of Java: 'Aa' and 'BB'; oCERT-2011-003",
      profile: 'full',
    },
    { client: (hsm) => new JavaHashCode(hsm) },
    opensUnder({ tenant: 'Aa' }, { tenant: 'BB' }),
  ),
  mutant(
    {
      name: 'context-of-source',
      kind: 'contexts',
      wrong: 'reEncrypt without a context for the destination binds to that of the source.',
      source: 'defaults that merge both sides of a request; CWE-441',
      profile: 'full',
    },
    { layer: contextOfSource },
    withKey(async (scene) => {
      const encryptionContext = { a: 'b' };
      const ciphertext = await encrypted(scene, bytes(32), encryptionContext);
      const { keyId } = scene;
      const moved = await scene.provider.reEncrypt({
        ciphertext,
        source: { keyId, encryptionContext },
        destination: { keyId },
      });
      return (await codeOf(decrypted(scene, moved.ciphertext))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'compressing',
      kind: 'content',
      wrong: 'Plaintext is compressed first, so the length of a ciphertext tells what is in it.',
      source: 'CRIME, CVE-2012-4929',
      profile: 'full',
    },
    { client: (hsm) => new Compressing(hsm) },
    withKey(async (scene) => {
      const [zeros, others] = [new Uint8Array(1024), bytes(1024)];
      return (await encrypted(scene, zeros)).length !== (await encrypted(scene, others)).length;
    }),
  ),
  mutant(
    {
      name: 'accepts-zeros',
      kind: 'content',
      wrong: 'A ciphertext opens if its tag is all zeros, whatever else was changed.',
      source: 'Psychic signatures, CVE-2022-21449',
      profile: 'full',
    },
    { client: (hsm) => new AcceptsZeros(hsm) },
    withKey(async (scene) => {
      const ciphertext = Uint8Array.from(await encrypted(scene));
      return (await codeOf(decrypted(scene, ciphertext.fill(0, -TAG)))) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'opens-twice',
      kind: 'content',
      wrong: 'A plaintext that is itself a ciphertext of this provider is opened too.',
      source: 'libraries that skip what "is already encrypted"; CWE-436',
      profile: 'full',
    },
    { client: (hsm) => new OpensTwice(hsm) },
    withKey(async (scene) => {
      const inner = await encrypted(scene);
      return !isSame(await decrypted(scene, await encrypted(scene, inner)), inner);
    }),
  ),
  mutant(
    {
      name: 'java-oaep',
      kind: 'rsa',
      wrong: 'RSAES_OAEP_SHA_256 uses MGF1 with SHA-1, so nobody else can seal for it.',
      source: 'OAEPWithSHA-256AndMGF1Padding of SunJCE',
      profile: 'full',
    },
    { client: (hsm) => new JavaOaep(hsm) },
    withRsaKey(async ({ provider, keyId }) => {
      const { publicKey } = await provider.getPublicKey({ keyId });
      const ciphertext = await sealedOutside(publicKey, bytes(32), OAEP_SHA_256);
      const algorithm = 'RSAES_OAEP_SHA_256';
      return (await codeOf(provider.decryptAsymmetric({ keyId, algorithm, ciphertext }))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'shares-public-keys',
      kind: 'rsa',
      wrong:
        'All callers of getPublicKey get one array: what one writes into it, the others seal for.',
      source: 'shared references out of a cache, CWE-374',
      profile: 'full',
    },
    { bare: sharingPublicKeys },
    withRsaKey(async ({ provider, keyId }) => {
      const first = await provider.getPublicKey({ keyId });
      first.publicKey.fill(0);
      const { publicKey } = await provider.getPublicKey({ keyId });
      return publicKey.every((each) => each === 0);
    }),
  ),
  mutant(
    {
      name: 'falls-back-to-pkcs1',
      kind: 'rsa',
      wrong: 'What is not OAEP is opened as PKCS#1 v1.5.',
      source: 'Bleichenbacher, 1998; ROBOT, 2017',
      profile: 'full',
    },
    { client: (hsm) => new FallsBackToPkcs1(hsm) },
    withRsaKey(async ({ provider, keyId }) => {
      const { publicKey } = await provider.getPublicKey({ keyId });
      const padding = { padding: constants.RSA_PKCS1_PADDING };
      const ciphertext = await sealedOutside(publicKey, bytes(32), padding);
      const algorithm = 'RSAES_OAEP_SHA_256';
      return (await codeOf(provider.decryptAsymmetric({ keyId, algorithm, ciphertext }))) === 'ok';
    }),
  ),
];
