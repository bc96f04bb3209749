import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import {
  type AsymmetricAlgorithm,
  type Call,
  type DecryptOutput,
  type DecryptRequest,
  type EncryptionContext,
  type EncryptOutput,
  type EncryptRequest,
  InvalidCiphertextError,
  isAsymmetricAlgorithm,
  isUint8Array,
  KeyWrapError,
  type KeyWrapProvider,
} from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { type BlindMutant, blindSet } from '../blind-mutant.js';
import { rawDecrypt } from '../oaep.js';
import { Client, doesNotOpen, HEADER, NONCE, own, TAG } from '../right/client.js';
import { HsmError, type HsmKey } from '../right/hsm.js';
import {
  bytes,
  codeOf,
  encrypted,
  errorOf,
  hex,
  inTurn,
  isSame,
  withKey,
  withRsaKey,
} from '../witness.js';
import { ownValue } from './own-value.js';

const mutant = blindSet('e');

/** As HTTP clients do, its errors have the request. */
class ErrorsWithRequest extends Client {
  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    try {
      return await super.encrypt(request, call);
    } catch (error) {
      if (error instanceof KeyWrapError || !(error instanceof Error)) throw error;
      const plaintext = Buffer.from(request.plaintext).toString('base64');
      const config = { method: 'post', url: '/encrypt', data: JSON.stringify({ plaintext }) };
      throw Object.assign(error, { config });
    }
  }
}

/** Its fast path for long inputs omits the last block. */
class LastBlockInClear extends Client {
  protected override seal(
    key: HsmKey,
    version: number,
    plaintext: Uint8Array,
    context: EncryptionContext,
    nonce = this.nonce(key, context),
  ): Uint8Array {
    const blob = super.seal(key, version, plaintext, context, nonce);
    if (isFast(plaintext.length)) blob.set(plaintext.subarray(-16), blob.length - TAG - 16);
    return blob;
  }

  protected override open(
    key: HsmKey,
    version: number,
    ciphertext: Uint8Array,
    context: EncryptionContext,
  ): Uint8Array {
    const material = key.versions.get(version);
    const blob = own(ciphertext);
    const [start, end] = [HEADER + NONCE, blob.length - TAG];
    if (material === undefined || !isFast(end - start)) {
      return super.open(key, version, ciphertext, context);
    }
    // Makes the block as it is authenticated.
    const nonce = blob.subarray(HEADER, start);
    const decipher = createDecipheriv('aes-256-gcm', material, nonce, { authTagLength: TAG });
    const body = decipher.update(blob.subarray(start, end - 16));
    const cipher = createCipheriv('aes-256-gcm', material, nonce);
    const sealed = cipher.update(Buffer.concat([body, blob.subarray(end - 16, end)]));
    cipher.final();
    blob.set(sealed.subarray(-16), end - 16);
    return super.open(key, version, blob, context);
  }
}

function isFast(length: number): boolean {
  return length >= 128 && length % 64 === 0;
}

/** Says whether a decrypted block is too large (RFC 8017 section 7.1.2 step 3g: it must not). */
class TooLarge extends Client {
  protected override openRsa(
    key: HsmKey,
    ciphertext: Uint8Array,
    algorithm: AsymmetricAlgorithm,
  ): Uint8Array {
    if (this.#isTooLarge(key, ciphertext)) {
      const cause = new Error('integer too large');
      throw new InvalidCiphertextError('the ciphertext does not open', { cause });
    }
    return super.openRsa(key, ciphertext, algorithm);
  }

  #isTooLarge(key: HsmKey, ciphertext: Uint8Array): boolean {
    try {
      return rawDecrypt(key, ciphertext)[0] !== 0;
    } catch {
      return false;
    }
  }
}

/** Knows the errors of the HSM by their status, and takes the others for those of the cipher. */
class OnlyStatus extends Client {
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    try {
      return await super.decrypt(request, call);
    } catch (error) {
      const isKnown = error instanceof HsmError && error.status !== undefined;
      if (isKnown || error instanceof KeyWrapError) throw error;
      throw doesNotOpen();
    }
  }
}

/** Decrypts in the memory of the ciphertext. */
function opensInPlace(inner: KeyWrapProvider): Partial<KeyWrapProvider> {
  return {
    async decrypt(input, options) {
      const result = await inner.decrypt(input, options);
      const ciphertext = ownValue(input, 'ciphertext');
      if (isUint8Array(ciphertext) && ciphertext.length >= HEADER + NONCE + TAG) {
        ciphertext.set(result.plaintext, HEADER + NONCE);
      }
      return result;
    },
  };
}

/** Gives the answer for one request to all calls that make it at the same time. */
class SharesAnswer extends Client {
  readonly #underWay = new Map<string, Promise<DecryptOutput>>();

  override decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    if (isAsymmetricAlgorithm(request.algorithm)) return super.decrypt(request, call);
    const context = hex(this.serialized(request.encryptionContext));
    const id = `${request.key?.text} ${context} ${hex(request.ciphertext)}`;
    const known = this.#underWay.get(id);
    if (known !== undefined) return known;
    const answer = super.decrypt(request, call);
    this.#underWay.set(id, answer);
    const end = () => this.#underWay.delete(id);
    answer.then(end, end);
    return answer;
  }
}

/** Passes the age on as if it were in seconds, to a cache that has milliseconds. */
const agesInSeconds: typeof withDataKeyCache = (provider, limits, options) => {
  const age = ownValue(limits, 'maximumAge');
  const isOne = Number.isInteger(age) && (age as number) >= 1 && (age as number) < 2 ** 31;
  const maximumAge = isOne ? Math.min((age as number) * 1000, 2 ** 31 - 1) : limits.maximumAge;
  return withDataKeyCache(provider, { ...limits, maximumAge }, options);
};

export const EXPOSURE: readonly BlindMutant[] = [
  mutant(
    {
      name: 'the error of an outage has the request in its cause',
      kind: 'leaks',
      wrong:
        'the cause of a failed encrypt has the body of the request, the plaintext in base64, as a field of its own',
      source: 'axios and other clients, whose errors have config.data',
      rule: 'errors-hide-secrets',
      profile: 'full',
    },
    { client: (hsm) => new ErrorsWithRequest(hsm) },
    withKey(async (scene) => {
      const plaintext = randomBytes(33);
      await scene.fail('unavailable');
      const error = await errorOf(encrypted(scene, plaintext));
      return inspect(error, { depth: 9 }).includes(plaintext.toString('base64'));
    }),
  ),
  mutant(
    {
      name: 'the last block of a long plaintext is not encrypted',
      kind: 'content',
      wrong:
        'the last 16 bytes of a plaintext of 128, 192, 256, ... bytes are in the ciphertext as they are',
      source: 'CVE-2022-2097: AES-OCB of OpenSSL leaves the last block in the clear',
      rule: 'content-independent',
      profile: 'full',
    },
    { client: (hsm) => new LastBlockInClear(hsm) },
    withKey(async (scene) => {
      const plaintext = randomBytes(256);
      return Buffer.from(await encrypted(scene, plaintext)).includes(plaintext.subarray(-16));
    }),
  ),
  mutant(
    {
      name: 'the cause tells that a decrypted RSA block is too large',
      kind: 'rsa',
      wrong:
        'only if the first byte of the decrypted block is not zero, the error has a cause: some thousand questions decrypt any ciphertext',
      source: "Manger's attack; RFC 8017 section 7.1.2",
      rule: 'damage-indistinguishable',
      profile: 'full',
    },
    { client: (hsm) => new TooLarge(hsm) },
    withRsaKey(async ({ provider, keyId }) => {
      const algorithm = 'RSAES_OAEP_SHA_256';
      const causeOf = async (ciphertext: Uint8Array) => {
        const call = provider.decryptAsymmetric({ keyId, ciphertext, algorithm });
        return (await errorOf(call))?.cause !== undefined;
      };
      const sealed = { keyId, plaintext: bytes(32), algorithm: 'RSAES_OAEP_SHA_1' } as const;
      const isZero = await causeOf((await provider.encrypt(sealed)).ciphertext);
      const areOthers = await inTurn(4, async (i) => {
        const block = bytes(256, i + 1);
        block[0] = 1;
        return causeOf(block);
      });
      return areOthers.some((each) => each !== isZero);
    }),
  ),
  mutant(
    {
      name: 'a broken connection is a ciphertext that does not open',
      kind: 'outages',
      wrong:
        'decrypt takes every error without an HTTP status for damage, time-outs and resets too: callers give up data that is whole',
      source: 'a catch that is too wide',
      rule: 'outages',
      profile: 'full',
    },
    { client: (hsm) => new OnlyStatus(hsm) },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const ciphertext = await encrypted(scene);
      await scene.fail('unavailable');
      const codes = await inTurn(3, () => codeOf(provider.decrypt({ keyId, ciphertext })));
      return codes.includes('INVALID_CIPHERTEXT');
    }),
  ),
  mutant(
    {
      name: 'decrypt writes the plaintext over the ciphertext of its caller',
      kind: 'inputs',
      wrong:
        "the ciphertext is decrypted where it is: the caller's copy is destroyed, and has the plaintext in it",
      source: 'ciphers that open in place, such as open_in_place of ring',
      rule: 'input-copied',
      profile: 'quick',
    },
    { bare: opensInPlace },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const ciphertext = await encrypted(scene);
      const stored = ciphertext.slice();
      await provider.decrypt({ keyId, ciphertext: stored });
      return !isSame(stored, ciphertext);
    }),
  ),
  mutant(
    {
      name: 'equal decrypts at the same time get the same memory',
      kind: 'memory',
      wrong:
        'calls that ask for the same at the same time share one plaintext, so that the first who wipes it leaves zeros to the others',
      source: 'singleflight of Go, whose result is shared',
      rule: 'results-own-memory',
      profile: 'full',
    },
    { client: (hsm) => new SharesAnswer(hsm) },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const ciphertext = await encrypted(scene, bytes(32));
      const input = { keyId, ciphertext };
      const [first, second] = await Promise.all([provider.decrypt(input), provider.decrypt(input)]);
      first[Symbol.dispose]();
      return !isSame(second.plaintext, bytes(32));
    }),
  ),
  mutant(
    {
      name: 'the age of cached data keys is taken for seconds',
      kind: 'caches',
      wrong:
        'a data key is used, and stays in memory, a thousand times as long as the limit says: a key that was disabled works on',
      source: 'milliseconds that are taken for seconds',
      rule: 'data-key-cache-wiping',
      profile: 'full',
    },
    { cache: agesInSeconds },
    withKey(async ({ provider, cache, keyId }) => {
      let now = 1000;
      const limits = { maximumUses: 10, maximumBytes: 1000, maximumAge: 5000 };
      const cached = (cache ?? withDataKeyCache)(provider, limits, { now: () => now });
      const next = async () => {
        const request = { keyId, keySpec: 'AES_256' } as const;
        using key = await cached.generateDataKey(request, { bytesToEncrypt: 1 });
        return hex(key.plaintext);
      };
      const first = await next();
      now += 6000;
      return (await next()) === first;
    }),
  ),
];
