import { createDecipheriv } from 'node:crypto';
import {
  type AsymmetricAlgorithm,
  type Call,
  type DecryptOutput,
  type DecryptRequest,
  type EncryptionContext,
  type EncryptRequest,
  InvalidInputError,
  isAsymmetricAlgorithm,
  type ReEncryptRequest,
  withLayer,
} from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { blindSet } from '../blind-mutant.js';
import { toBytes, toNumber } from '../numbers.js';
import { Client, HEADER, NONCE, own, publicKeyOf, TAG } from '../right/client.js';
import type { HsmKey } from '../right/hsm.js';
import {
  bytes,
  codeOf,
  decrypted,
  encrypted,
  inTurn,
  isSame,
  losesPlaintext,
  SYMMETRIC,
  withKey,
  withRsaKey,
} from '../witness.js';
import { type Opened, ReEncrypting } from './re-encrypting.js';

const mutant = blindSet('f');

/** Sorts the pairs of a context by their names in lower case; equal ones stay in the caller's order. */
class SortsInLowerCase extends Client {
  protected override serialized(context: EncryptionContext): Uint8Array {
    const pairs = Object.entries(context).map(([name, value]) => ({
      folded: name.toLowerCase(),
      texts: [name, value].map((text) => Buffer.from(text)),
    }));
    pairs.sort((a, b) => Number(a.folded > b.folded) - Number(a.folded < b.folded));
    const parts = pairs.flatMap(({ texts }) =>
      texts.flatMap((text) => [uint16(text.length), text]),
    );
    return Buffer.concat(pairs.length === 0 ? [] : [uint16(pairs.length), ...parts]);
  }
}

function uint16(number: number): Buffer {
  return Buffer.of(number >> 8, number & 0xff);
}

/** A data-key cache below a layer that passes on one grant token, as the backend's old protocol did. */
const firstGrantOnly: typeof withDataKeyCache = (provider, limits, options) =>
  withLayer(withDataKeyCache(provider, limits, options), (inner) => ({
    ...inner,
    generateDataKey: (request, call) =>
      inner.generateDataKey(request, { ...call, grantTokens: call.grantTokens?.slice(0, 1) }),
  }));

/** Takes an alias for a hint: the key that made the ciphertext is not compared with it. */
class AliasIsHint extends Client {
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const { key, algorithm } = request;
    if (key === undefined || !('alias' in key) || isAsymmetricAlgorithm(algorithm)) {
      return super.decrypt(request, call);
    }
    await this.use(key, algorithm);
    return super.decrypt({ ...request, key: undefined }, call);
  }
}

/** Reads ciphertexts from before there were tags, whose column was filled with zeros by a migration. */
class NoTagYet extends Client {
  protected override open(
    key: HsmKey,
    version: number,
    ciphertext: Uint8Array,
    context: EncryptionContext,
  ): Uint8Array {
    const material = key.versions.get(version);
    const hasTag = ciphertext.subarray(-TAG).some((each) => each !== 0);
    if (hasTag || material === undefined) return super.open(key, version, ciphertext, context);
    const nonce = ciphertext.subarray(HEADER, HEADER + NONCE);
    const decipher = createDecipheriv('aes-256-gcm', material, nonce);
    return own(decipher.update(ciphertext.subarray(HEADER + NONCE, -TAG)));
  }
}

/** Opens with SHA-1 what does not open with SHA-256: clients of both kinds share the keys. */
class FallsBack extends Client {
  protected override openRsa(
    key: HsmKey,
    ciphertext: Uint8Array,
    algorithm: AsymmetricAlgorithm,
  ): Uint8Array {
    try {
      return super.openRsa(key, ciphertext, algorithm);
    } catch (error) {
      if (algorithm === 'RSAES_OAEP_SHA_1') throw error;
      return super.openRsa(key, ciphertext, 'RSAES_OAEP_SHA_1');
    }
  }
}

function modulusOf(publicKey: ReturnType<typeof publicKeyOf>): bigint {
  return toNumber(Buffer.from(publicKey.export({ format: 'jwk' }).n ?? '', 'base64url'));
}

/** Computes in the ring modulo n, without the check of the range. */
class Reduces extends Client {
  protected override openRsa(
    key: HsmKey,
    ciphertext: Uint8Array,
    algorithm: AsymmetricAlgorithm,
  ): Uint8Array {
    const reduced = toNumber(ciphertext) % modulusOf(publicKeyOf(key));
    return super.openRsa(key, own(toBytes(reduced, ciphertext.length)), algorithm);
  }
}

/** Takes the context of the source where the destination has none. */
class InheritsContext extends ReEncrypting {
  protected sealAgain(
    { source, destination }: ReEncryptRequest,
    { plaintext }: Opened,
    call: Call,
  ) {
    const { algorithm } = destination;
    const isEmpty = Object.keys(destination.encryptionContext).length === 0;
    const inherits = isEmpty && !isAsymmetricAlgorithm(algorithm);
    const { encryptionContext } = inherits ? source : destination;
    return this.encrypt({ key: destination.key, algorithm, encryptionContext, plaintext }, call);
  }
}

/** Refuses what would be a weak key of two-key triple DES. */
class WeakKeyCheck extends Client {
  override async encrypt(request: EncryptRequest, call: Call) {
    const { plaintext, algorithm } = request;
    const isDes = plaintext.length === 16 && !isAsymmetricAlgorithm(algorithm);
    if (isDes && isSame(plaintext.subarray(0, 8), plaintext.subarray(8))) {
      throw new InvalidInputError('plaintext', 'is a weak key');
    }
    return super.encrypt(request, call);
  }
}

export const BINDING = [
  mutant(
    {
      name: 'the order of two names that differ in case matters',
      kind: 'contexts',
      wrong: 'pairs are sorted by lower-case names, so { ID, id } and { id, ID } are two contexts',
      source: 'sorting with a case-insensitive comparison, such as that of a SQL collation',
      rule: 'context-families',
      profile: 'full',
    },
    { client: (hsm) => new SortsInLowerCase(hsm) },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene, bytes(32), { Tenant: 'a', tenant: 'b' });
      const inOrder = await codeOf(decrypted(scene, ciphertext, { Tenant: 'a', tenant: 'b' }));
      const other = await codeOf(decrypted(scene, ciphertext, { tenant: 'b', Tenant: 'a' }));
      return inOrder === 'ok' && other === 'INVALID_CIPHERTEXT';
    }),
  ),
  mutant(
    {
      name: 'the data-key cache looks at the first grant token only',
      kind: 'caches',
      wrong: 'calls with the grants [a, b] and [a, c] share a data key',
      source: 'a field that was one token and became a list',
      rule: 'data-key-cache-sharing',
      profile: 'full',
    },
    { cache: firstGrantOnly },
    withKey(async ({ provider, keyId, cache }) => {
      const limits = { maximumUses: 100, maximumBytes: 1e6, maximumAge: 60_000 };
      const cached = cache?.(provider, limits, { now: () => 0 });
      if (cached === undefined) return false;
      const keys = await inTurn(2, async (i) => {
        using key = await cached.generateDataKey(
          { keyId, keySpec: 'AES_256' },
          { bytesToEncrypt: 1, grantTokens: ['first', `second-${i}`] },
        );
        return key.plaintext.slice();
      });
      return isSame(keys[0] as Uint8Array, keys[1] as Uint8Array);
    }),
  ),
  mutant(
    {
      name: 'decrypt by an alias opens the ciphertexts of any key',
      kind: 'contexts',
      wrong:
        'the key that made the ciphertext is compared with a key id or ARN, and not with an alias',
      source: 'confused deputies: the comparison of names before they are resolved',
      profile: 'full',
    },
    { client: (hsm) => new AliasIsHint(hsm) },
    withKey(async (scene) => {
      const other = await scene.keys.create(SYMMETRIC);
      await scene.keys.alias('alias/other', other.keyId);
      const ciphertext = await encrypted(scene);
      const named = { provider: scene.provider, keyId: 'alias/other' };
      return (await codeOf(decrypted(named, ciphertext))) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'a tag of zeros is not checked',
      kind: 'content',
      wrong: 'a ciphertext whose tag is 16 zero bytes opens, whatever its content and context',
      source: 'migrations that fill a new column; zeros as a valid signature (CVE-2022-21449)',
      rule: 'damage-indistinguishable',
      profile: 'full',
    },
    { client: (hsm) => new NoTagYet(hsm) },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene);
      ciphertext.fill(0, -TAG);
      return (await codeOf(decrypted(scene, ciphertext))) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'decryptAsymmetric with SHA-256 opens what SHA-1 made',
      kind: 'rsa',
      wrong: 'after a failure with SHA-256 the HSM tries SHA-1',
      source: 'downgrades for old clients',
      rule: 'rsa-padding',
      profile: 'full',
    },
    { client: (hsm) => new FallsBack(hsm) },
    withRsaKey(async ({ provider, keyId }) => {
      const algorithm = 'RSAES_OAEP_SHA_1';
      const { ciphertext } = await provider.encrypt({ keyId, plaintext: bytes(32), algorithm });
      const asked = { keyId, ciphertext, algorithm: 'RSAES_OAEP_SHA_256' } as const;
      return (await codeOf(provider.decryptAsymmetric(asked))) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'an RSA ciphertext plus the modulus opens too',
      kind: 'rsa',
      wrong: 'a ciphertext that is not less than the modulus is reduced instead of rejected',
      source: 'RSADP without the check of RFC 8017 section 5.1.2 step 1',
      rule: 'damage-indistinguishable',
      profile: 'full',
    },
    { client: (hsm) => new Reduces(hsm) },
    withRsaKey(async ({ provider, keyId }) => {
      const algorithm = 'RSAES_OAEP_SHA_256';
      const { publicKey } = await provider.getPublicKey({ keyId });
      const n = modulusOf(publicKeyOf({ pair: { publicKey, privateKey: publicKey } } as HsmKey));
      // For a modulus near 2^2048, few ciphertexts have room for it.
      for (let i = 0; i < 500; i++) {
        const made = await provider.encrypt({ keyId, plaintext: bytes(32), algorithm });
        const ciphertext = toBytes(toNumber(made.ciphertext) + n, made.ciphertext.length);
        if (ciphertext.length > made.ciphertext.length) continue;
        return (
          (await codeOf(provider.decryptAsymmetric({ keyId, ciphertext, algorithm }))) === 'ok'
        );
      }
      return false;
    }),
  ),
  mutant(
    {
      name: 'a destination without a context inherits that of the source',
      kind: 'contexts',
      wrong: 'reEncrypt with an empty destination context binds to the context of the source',
      source: 'defaults by emptiness: `length || fallback`',
      rule: 'any-other-context',
      profile: 'full',
    },
    { client: (hsm) => new InheritsContext(hsm) },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const moved = await provider.reEncrypt({
        ciphertext: await encrypted(scene, bytes(32), { tenant: 'a' }),
        source: { keyId, encryptionContext: { tenant: 'a' } },
        destination: { keyId },
      });
      return (await codeOf(decrypted(scene, moved.ciphertext))) === 'INVALID_CIPHERTEXT';
    }),
  ),
  mutant(
    {
      name: 'a plaintext of 16 bytes with equal halves is refused',
      kind: 'content',
      wrong: 'a check for weak keys of triple DES looks at every plaintext of 16 bytes',
      source: 'weak-key checks of HSMs (NIST SP 800-67 section 3.3.2)',
      rule: 'content-independent',
      profile: 'full',
    },
    { client: (hsm) => new WeakKeyCheck(hsm) },
    losesPlaintext(new Uint8Array(16).fill(7)),
  ),
];
