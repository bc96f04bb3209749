import {
  type AsymmetricAlgorithm,
  type Call,
  type CompleteDriver,
  type DecryptOutput,
  type DecryptRequest,
  type EncryptionContext,
  isAsymmetricAlgorithm,
  type ReEncryptRequest,
  serializeEncryptionContext,
} from '@keywrap/core';
import { type BlindMutant, blindSet } from '../blind-mutant.js';
import { Client, doesNotOpen, HEADER, NONCE, own, TAG } from '../right/client.js';
import type { HsmKey } from '../right/hsm.js';
import { TagComparing } from '../unverified.js';
import {
  bytes,
  codeOf,
  decrypted,
  encrypted,
  inTurn,
  isSame,
  opensUnder,
  SYMMETRIC,
  withKey,
  withRsaKey,
} from '../witness.js';

const mutant = blindSet('e');

/** Passes the length of the additional data as a byte. */
class ByteOfLength extends Client {
  protected override serialized(context: EncryptionContext): Uint8Array {
    const all = super.serialized(context);
    return all.subarray(0, all.length & 0xff);
  }
}

class WithoutEmptyValues extends Client {
  protected override serialized(context: EncryptionContext): Uint8Array {
    const pairs = Object.entries(context).filter(([, value]) => value !== '');
    return serializeEncryptionContext(Object.fromEntries(pairs));
  }
}

/** Keeps contexts in a column whose character set has three bytes for a character. */
class ThreeByteColumn extends Client {
  protected override serialized(context: EncryptionContext): Uint8Array {
    const stored = ([name, value]: [string, string]) => [
      name,
      value.replace(/[\u{10000}-\u{10FFFF}].*$/su, ''),
    ];
    return serializeEncryptionContext(Object.fromEntries(Object.entries(context).map(stored)));
  }
}

/** Compares where each byte first is. */
class ComparesPlaces extends TagComparing {
  protected override accepts(expected: Buffer, given: Buffer): boolean {
    let isEqual = expected.length === given.length;
    for (let i = 0; i < expected.length; i++) {
      isEqual = expected.indexOf(i) === given.indexOf(i) && isEqual;
    }
    return isEqual;
  }
}

/** Sets the length of the nonce after the nonce. */
class ShortNonce extends Client {
  protected override seal(
    key: HsmKey,
    version: number,
    plaintext: Uint8Array,
    context: EncryptionContext,
    nonce = this.nonce(key, context),
  ): Uint8Array {
    const blob = super.seal(key, version, plaintext, context, shortened(nonce));
    blob.set(nonce, HEADER);
    return blob;
  }

  protected override open(
    key: HsmKey,
    version: number,
    ciphertext: Uint8Array,
    context: EncryptionContext,
  ): Uint8Array {
    const blob = own(ciphertext);
    blob.set(shortened(blob.subarray(HEADER, HEADER + NONCE)), HEADER);
    return super.open(key, version, blob, context);
  }
}

/** What the cipher reads: eight bytes, then zeros. */
function shortened(nonce: Uint8Array): Uint8Array {
  const read = new Uint8Array(NONCE);
  read.set(nonce.subarray(0, 8));
  return read;
}

/** Resolves an alias only to see that it may be used, and lets the ciphertext name the key. */
class TrustsCiphertext extends Client {
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const { key: name, algorithm } = request;
    if (name === undefined || !('alias' in name) || isAsymmetricAlgorithm(algorithm)) {
      return super.decrypt(request, call);
    }
    await this.use(name, algorithm);
    return super.decrypt({ ...request, key: undefined }, call);
  }
}

function keepsContext<Keys extends object>(inner: CompleteDriver<Keys>): CompleteDriver<Keys> {
  return {
    ...inner,
    reEncrypt(request: ReEncryptRequest, call: Call) {
      const { source, destination } = request;
      const hasNone = Object.keys(destination.encryptionContext).length === 0;
      if (!hasNone || isAsymmetricAlgorithm(destination.algorithm)) {
        return inner.reEncrypt(request, call);
      }
      const { encryptionContext } = source;
      return inner.reEncrypt(
        { ...request, destination: { ...destination, encryptionContext } },
        call,
      );
    },
  };
}

/** Opens what was made before the hash was changed. */
class TriesOldHash extends Client {
  protected override openRsa(
    key: HsmKey,
    ciphertext: Uint8Array,
    algorithm: AsymmetricAlgorithm,
  ): Uint8Array {
    try {
      return super.openRsa(key, ciphertext, algorithm);
    } catch {
      if (algorithm !== 'RSAES_OAEP_SHA_256') throw doesNotOpen();
      return super.openRsa(key, ciphertext, 'RSAES_OAEP_SHA_1');
    }
  }
}

/** Removes the padding of a cipher that has none (RFC 5652 section 6.3). */
class Unpads extends Client {
  protected override open(
    key: HsmKey,
    version: number,
    ciphertext: Uint8Array,
    context: EncryptionContext,
  ): Uint8Array {
    const opened = super.open(key, version, ciphertext, context);
    const count = opened.at(-1) as number;
    const isPadded =
      count > 0 &&
      count <= 16 &&
      count < opened.length &&
      opened.subarray(-count).every((each) => each === count);
    return isPadded ? own(opened.subarray(0, -count)) : opened;
  }
}

export const BINDING: readonly BlindMutant[] = [
  mutant(
    {
      name: 'the length of the additional data is a byte',
      kind: 'contexts',
      wrong:
        'a context is bound by its length modulo 256: of one with 300 bytes only the first 44 are authenticated, of one with 256 none',
      source: 'an integer that is truncated in a native binding',
      rule: 'any-other-context',
      profile: 'full',
    },
    { client: (hsm) => new ByteOfLength(hsm) },
    opensUnder({ order: '1', note: `${'x'.repeat(300)}a` }, { order: '1', note: 'x'.repeat(301) }),
  ),
  mutant(
    {
      name: 'a pair without a value is not bound',
      kind: 'contexts',
      wrong: 'pairs whose value is empty are left out of the additional data',
      source: 'CVE-2023-2975: AES-SIV of OpenSSL ignores empty associated data',
      rule: 'context-families',
      profile: 'full',
    },
    { client: (hsm) => new WithoutEmptyValues(hsm) },
    opensUnder({ tenant: 'a', admin: '' }, { tenant: 'a' }),
  ),
  mutant(
    {
      name: 'a value ends at the first character above U+FFFF',
      kind: 'contexts',
      wrong: 'values are cut off before the first character that needs four bytes in UTF-8',
      source: 'CVE-2015-3438: columns of the character set utf8 of MySQL',
      rule: 'context-families',
      profile: 'full',
    },
    { client: (hsm) => new ThreeByteColumn(hsm) },
    opensUnder({ user: 'ann\u{1F600}1' }, { user: 'ann\u{1F600}2' }),
  ),
  mutant(
    {
      name: 'tags are compared by places and not by bytes',
      kind: 'content',
      wrong:
        'tags are the same if each byte from 0 to 15 is first found at the same place in both, which is true of most damaged tags and of one in eight of others',
      source: 'CVE-2020-28052: OpenBSDBCrypt of Bouncy Castle',
      rule: 'damage-indistinguishable',
      profile: 'quick',
    },
    { client: (hsm) => new ComparesPlaces(hsm) },
    withKey(async (scene) => {
      const codes = await inTurn(20, async () => {
        const blob = own(await encrypted(scene));
        blob[blob.length - 1] = (blob.at(-1) as number) ^ 1;
        return codeOf(decrypted(scene, blob));
      });
      return codes.includes('ok');
    }),
  ),
  mutant(
    {
      name: 'the cipher reads eight bytes of the nonce',
      kind: 'content',
      wrong:
        'the last four bytes of the nonce are drawn and stored, but not used: they can be changed, and nonces have 64 bits',
      source: 'CVE-2023-5363: OpenSSL takes the length of a nonce too late',
      rule: 'damage-indistinguishable',
      profile: 'quick',
    },
    { client: (hsm) => new ShortNonce(hsm) },
    withKey(async (scene) => {
      const blob = await encrypted(scene);
      const codes = await inTurn(blob.length, (i) => {
        const damaged = own(blob);
        damaged[i] = (damaged[i] as number) ^ 0x10;
        return codeOf(decrypted(scene, damaged));
      });
      return codes.includes('ok') && blob.length > HEADER + NONCE + TAG;
    }),
  ),
  mutant(
    {
      name: 'decrypt under an alias takes the key of the ciphertext',
      kind: 'names and state',
      wrong: "an alias in decrypt is checked to be usable, and then any key's ciphertext opens",
      source: 'a confused deputy: clients of AWS KMS for which KeyId was only a hint',
      rule: 'exact-key-ids',
      profile: 'quick',
    },
    { client: (hsm) => new TrustsCiphertext(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      await keys.alias('alias/mine', keyId);
      const theirs = await keys.create(SYMMETRIC);
      const ciphertext = await encrypted({ provider, keyId: theirs.keyId });
      return (await codeOf(provider.decrypt({ keyId: 'alias/mine', ciphertext }))) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'reEncrypt without a new context keeps the old one',
      kind: 'contexts',
      wrong:
        'a destination without a context gets that of the source, so that the new ciphertext does not open as the caller asked for it',
      source: 'a default that a wrapper fills in',
      rule: 'any-other-context',
      profile: 'full',
    },
    { layer: keepsContext },
    withKey(async (scene) => {
      const encryptionContext = { order: '1' };
      const old = await encrypted(scene, bytes(32), encryptionContext);
      const { ciphertext } = await scene.provider.reEncrypt({
        ciphertext: old,
        source: { keyId: scene.keyId, encryptionContext },
        destination: { keyId: scene.keyId },
      });
      return (await codeOf(decrypted(scene, ciphertext))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'RSAES_OAEP_SHA_256 opens what SHA-1 made',
      kind: 'rsa',
      wrong: 'what does not open with SHA-256 is tried with SHA-1, whatever the caller named',
      source: 'a fallback for old ciphertexts; algorithm confusion',
      rule: 'rsa-padding',
      profile: 'full',
    },
    { client: (hsm) => new TriesOldHash(hsm) },
    withRsaKey(async ({ provider, keyId }) => {
      const [made, named] = ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] as const;
      const sealed = await provider.encrypt({ keyId, plaintext: bytes(32), algorithm: made });
      const { ciphertext } = sealed;
      const call = provider.decryptAsymmetric({ keyId, ciphertext, algorithm: named });
      return (await codeOf(call)) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'a plaintext that ends like a padding is cut',
      kind: 'rare faults',
      wrong:
        'decrypt removes what looks like a padding: 01, or 02 02, at the end, which is one data key in 256',
      source: 'CKM_AES_CBC_PAD and a binding that removes the padding again',
      rule: 'no-rare-faults',
      profile: 'full',
    },
    { client: (hsm) => new Unpads(hsm) },
    withKey(async (scene) => {
      const plaintext = Uint8Array.of(...bytes(30), 2, 2);
      return !isSame(await decrypted(scene, await encrypted(scene, plaintext)), plaintext);
    }),
  ),
];
