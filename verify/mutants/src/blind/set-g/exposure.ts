import { constants, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import {
  AccessDeniedError,
  type AsymmetricAlgorithm,
  aroundEach,
  type Call,
  DataKey,
  type EncryptionContext,
  type EncryptOutput,
  type EncryptRequest,
  InvalidCiphertextError,
  KeyWrapError,
  type KeyWrapProvider,
  type Layer,
  ProviderUnavailableError,
  type RsaKeySpec,
  rsaModulusLength,
} from '@keywrap/core';
import { type BlindMutant, blindSet } from '../blind-mutant.js';
import { rawDecrypt } from '../oaep.js';
import { Client } from '../right/client.js';
import type { HsmKey } from '../right/hsm.js';
import {
  bytes,
  codeOf,
  decrypted,
  encrypted,
  errorOf,
  hex,
  inTurn,
  isSame,
  withKey,
  withRsaKey,
} from '../witness.js';

const mutant = blindSet('g');

class FirstByteTells extends Client {
  protected override openRsa(
    key: HsmKey,
    ciphertext: Uint8Array,
    algorithm: AsymmetricAlgorithm,
  ): Uint8Array {
    try {
      return super.openRsa(key, ciphertext, algorithm);
    } catch (error) {
      if (startsWithZero(key, ciphertext)) {
        throw new InvalidCiphertextError('the ciphertext does not decode');
      }
      throw error;
    }
  }
}

function startsWithZero(key: HsmKey, ciphertext: Uint8Array): boolean {
  if (ciphertext.length !== rsaModulusLength(key.spec as RsaKeySpec)) return false;
  try {
    return rawDecrypt(key, ciphertext)[0] === 0;
  } catch {
    return false;
  }
}

/** Helps those who pass a context to decrypt what was made without one. */
class HelpsWithContext extends Client {
  protected override open(
    key: HsmKey,
    version: number,
    ciphertext: Uint8Array,
    context: EncryptionContext,
  ): Uint8Array {
    try {
      return super.open(key, version, ciphertext, context);
    } catch (error) {
      if (Object.keys(context).length === 0) throw error;
      super.open(key, version, ciphertext, {}).fill(0);
      const cause = new Error('it has no encryption context');
      throw new InvalidCiphertextError('the ciphertext does not open', { cause });
    }
  }
}

/** Its HTTP client attaches the request to an error. */
class AttachesRequest extends Client {
  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    const plaintext = Buffer.from(request.plaintext).toString('base64');
    try {
      return await super.encrypt(request, call);
    } catch (error) {
      if (error instanceof KeyWrapError) throw error;
      const data = JSON.stringify({ plaintext });
      throw Object.assign(error as Error, { config: { method: 'post', url: '/encrypt', data } });
    }
  }
}

const quotesTokens: Layer = (inner) =>
  aroundEach(inner, async (_operation, _request, { grantTokens }, next) => {
    try {
      return await next();
    } catch (error) {
      if (!(error instanceof AccessDeniedError) || grantTokens === undefined) throw error;
      throw new AccessDeniedError(`${error.message} (grants: ${grantTokens.join()})`, {
        cause: error.cause,
      });
    }
  });

/** Writes a ciphertext over the one that it returned 32 calls ago, to spare the garbage collector. */
class RecycledBuffers extends Client {
  readonly #buffers: Uint8Array[] = [];
  #calls = 0;

  protected override seal(...args: Parameters<Client['seal']>): Uint8Array {
    const sealed = super.seal(...args);
    const place = this.#calls++ % 32;
    const buffer = this.#buffers[place];
    if (buffer?.length !== sealed.length) {
      this.#buffers[place] = sealed;
      return sealed;
    }
    buffer.set(sealed);
    return buffer;
  }
}

/** Fetches a new token before every fiftieth encrypt, and reads the input when it has come. */
function fetchesTokens(inner: KeyWrapProvider): Partial<KeyWrapProvider> {
  let uses = 0;
  const token = async () => 'token';
  return {
    async encrypt(input, options) {
      if (uses++ % 50 === 0) await token();
      return inner.encrypt(input, options);
    },
  };
}

/** Makes a data key of its own, which is zeros once it is disposed of. */
function zerosOnDispose(inner: KeyWrapProvider): Partial<KeyWrapProvider> {
  return {
    async generateDataKey(input, options) {
      using made = await inner.generateDataKey(input, options);
      const { keyId, keyVersion, ciphertext } = made;
      const plaintext = made.plaintext.slice();
      return Object.assign(
        Object.create(DataKey.prototype, {
          plaintext: { value: plaintext },
          [Symbol.dispose]: { value: () => plaintext.fill(0) },
        }) as DataKey,
        { keyId, keyVersion, ciphertext },
      );
    },
  };
}

/** A circuit breaker to which an answer 400 is a failure of the HSM. */
const breaksOnDamage: Layer = (inner) => {
  let failures = 0;
  let refusals = 0;
  return aroundEach(inner, async (_operation, _request, _call, next) => {
    if (refusals > 0) {
      refusals--;
      throw new ProviderUnavailableError('the HSM failed too often; retry later');
    }
    try {
      const output = await next();
      failures = 0;
      return output;
    } catch (error) {
      if (error instanceof InvalidCiphertextError && ++failures === 10) {
        failures = 0;
        refusals = 10;
      }
      throw error;
    }
  });
};

export const EXPOSURE: readonly BlindMutant[] = [
  mutant(
    {
      name: 'RSA tells whether the first byte is zero',
      kind: 'rsa',
      wrong: 'the message differs where the first byte of the decrypted block is zero, 1 in 256',
      source: 'the oracle of Manger, CRYPTO 2001; CVE-2022-4304 and others since',
      rule: 'damage-indistinguishable',
      profile: 'soak',
    },
    { client: (hsm) => new FirstByteTells(hsm) },
    withRsaKey(async ({ provider, keyId }) => {
      const { publicKey } = await provider.getPublicKey({ keyId });
      const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
      const messages = await inTurn(2, async (first) => {
        const block = Buffer.concat([Uint8Array.of(first), randomBytes(255)]);
        const sealed = publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, block);
        const algorithm = 'RSAES_OAEP_SHA_256';
        const ciphertext = new Uint8Array(sealed);
        const error = await errorOf(provider.decryptAsymmetric({ keyId, ciphertext, algorithm }));
        return error?.message;
      });
      return messages[0] !== messages[1];
    }),
  ),
  mutant(
    {
      name: 'errors tell that a ciphertext has no context',
      kind: 'leaks',
      wrong: 'the cause tells a needless context from damage and from a wrong context',
      source: 'a hint for a mistake that is often made',
      rule: 'damage-indistinguishable',
      profile: 'quick',
    },
    { client: (hsm) => new HelpsWithContext(hsm) },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene);
      const damaged = ciphertext.map((each, i) => (i === ciphertext.length - 1 ? each ^ 1 : each));
      const errors = await Promise.all(
        [ciphertext, damaged].map((each) => errorOf(decrypted(scene, each, { tenant: 'a' }))),
      );
      return (errors[0]?.cause === undefined) !== (errors[1]?.cause === undefined);
    }),
  ),
  mutant(
    {
      name: 'errors of an outage carry the request',
      kind: 'leaks',
      wrong: 'the cause of an UNAVAILABLE or THROTTLED encrypt has the plaintext in base64',
      source: 'the HTTP client attaches its request to an error, as axios does in config.data',
      rule: 'errors-hide-secrets',
      profile: 'full',
    },
    { client: (hsm) => new AttachesRequest(hsm) },
    withKey(async (scene) => {
      await scene.fail('unavailable');
      const error = await errorOf(encrypted(scene, bytes(33)));
      await scene.fail(undefined);
      const { config } = Object(error?.cause) as { config?: unknown };
      const secret = Buffer.from(bytes(33)).toString('base64');
      return `${JSON.stringify(config)}`.includes(secret);
    }),
  ),
  mutant(
    {
      name: 'a refusal quotes the grant tokens',
      kind: 'leaks',
      wrong: 'the message of an ACCESS_DENIED contains the grant tokens of the call',
      source: 'a message for those who forgot a token',
      rule: 'errors-hide-secrets',
      profile: 'full',
    },
    { layer: quotesTokens },
    withKey(async ({ provider, keys, keyId }) => {
      await keys.deny(keyId, 'use');
      const grantTokens = ['AQpAM2RhZTk1MGMyNTk2ZmZmMzEyYWVhOWViN2I1MWM4'];
      const error = await errorOf(
        provider.encrypt({ keyId, plaintext: bytes(32) }, { grantTokens }),
      );
      return error?.message.includes(`${grantTokens[0]}`) === true;
    }),
  ),
  mutant(
    {
      name: 'ciphertexts are overwritten 32 calls later',
      kind: 'memory',
      wrong: 'a result changes into the ciphertext of another call of the same length',
      source: 'a ring of output buffers',
      rule: 'results-own-memory',
      profile: 'full',
    },
    { client: (hsm) => new RecycledBuffers(hsm) },
    withKey(async (scene) => {
      const first = await encrypted(scene);
      const before = hex(first);
      await inTurn(40, () => encrypted(scene));
      return hex(first) !== before;
    }),
  ),
  mutant(
    {
      name: 'one encrypt in fifty reads its input late',
      kind: 'memory',
      wrong: 'a caller that wipes the plaintext after the call has encrypted zeros',
      source: 'an access token that is fetched before the input is copied',
      rule: 'input-copied',
      profile: 'full',
    },
    { bare: fetchesTokens },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const plaintext = bytes(32);
      const call = provider.encrypt({ keyId, plaintext });
      plaintext.fill(0);
      return isSame(await decrypted(scene, (await call).ciphertext), plaintext);
    }),
  ),
  mutant(
    {
      name: 'a data key that was disposed of reads as zeros',
      kind: 'results',
      wrong: 'the plaintext of a data key that was disposed of is a key of zeros, and no error',
      source: 'a result of the provider’s own that only wipes',
      rule: 'results-disposable',
      profile: 'quick',
    },
    { bare: zerosOnDispose },
    withKey(async ({ provider, keyId }) => {
      const dataKey = await provider.generateDataKey({ keyId, keySpec: 'AES_256' });
      dataKey[Symbol.dispose]();
      return (await codeOf((async () => dataKey.plaintext)())) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'ten bad ciphertexts open the circuit breaker',
      kind: 'calls in a row',
      wrong: 'after ten in a row the next ten calls of anybody are UNAVAILABLE',
      source: 'a circuit breaker that counts the status 400 as a failure',
      rule: 'any-sequence',
      profile: 'quick',
    },
    { layer: breaksOnDamage },
    withKey(async (scene) => {
      await inTurn(10, () => codeOf(decrypted(scene, bytes(100))));
      return (await codeOf(encrypted(scene))) !== 'ok';
    }),
  ),
];
