import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import {
  AbortError,
  type AsymmetricAlgorithm,
  type Call,
  copyBytes,
  type DecryptOutput,
  type DecryptRequest,
  type DecryptResult,
  type EncryptOutput,
  type EncryptRequest,
  InvalidCiphertextError,
  isAsymmetricAlgorithm,
  type KeyWrapError,
  type KeyWrapProvider,
  ProviderClosedError,
  type RsaKeySpec,
  rsaModulusLength,
  ThrottledError,
} from '@keywrap/core';
import { type BlindMutant, blindSet } from '../blind-mutant.js';
import { decode, rawDecrypt, rawEncrypt } from '../oaep.js';
import { Client, doesNotOpen, own } from '../right/client.js';
import { HsmError, type HsmKey } from '../right/hsm.js';
import {
  atOnce,
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

const mutant = blindSet('d');

class BodyKeepingClient extends Client {
  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    try {
      return await super.encrypt(request, call);
    } catch (error) {
      if (!(error instanceof HsmError)) throw error;
      const data = JSON.stringify({ plaintext: Buffer.from(request.plaintext).toString('base64') });
      throw Object.assign(error, { config: { method: 'post', url: '/v1/encrypt', data } });
    }
  }
}

class UrlNamingClient extends Client {
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    try {
      return await super.decrypt(request, call);
    } catch (error) {
      if (!(error instanceof HsmError) || error.status !== 429) throw error;
      const query = (call.grantTokens ?? []).map((each) => `grant=${each}`).join('&');
      throw new ThrottledError(`POST /v1/decrypt?${query} was throttled; retry later`);
    }
  }
}

class RangeTellingClient extends Client {
  protected override openRsa(key: HsmKey, ciphertext: Uint8Array, algorithm: AsymmetricAlgorithm) {
    if (ciphertext.length !== rsaModulusLength(key.spec as RsaKeySpec)) throw doesNotOpen();
    const encoded = this.#raw(key, ciphertext);
    if (encoded[0] !== 0) throw new InvalidCiphertextError('the ciphertext is out of range');
    const hash = algorithm === 'RSAES_OAEP_SHA_1' ? 'sha1' : 'sha256';
    const message = decode(encoded, { label: hash, mask: hash });
    if (message === undefined) throw doesNotOpen();
    return own(message);
  }

  #raw(key: HsmKey, ciphertext: Uint8Array): Buffer {
    try {
      return rawDecrypt(key, ciphertext);
    } catch {
      throw doesNotOpen();
    }
  }
}

class LateCheckClient extends Client {
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const { key: name, algorithm, ciphertext, encryptionContext } = request;
    if (name !== undefined && !isAsymmetricAlgorithm(algorithm)) {
      await this.hsm.request();
      const named = this.find(name);
      this.hsm.allow('use', named);
      const { key, version } = this.identify(ciphertext, named);
      if (key === named) this.open(key, version, ciphertext, encryptionContext);
    }
    return super.decrypt(request, call);
  }
}

class TimeOutClient extends Client {
  override mapError(error: unknown, step: string): KeyWrapError | undefined {
    const isTimeOut = error instanceof Error && error.name === 'TimeoutError';
    if (isTimeOut) return new AbortError('the request was aborted', { cause: error });
    return super.mapError(error, step);
  }
}

/** The answer in one buffer: the data key and then its ciphertext. */
function inOneBuffer(inner: KeyWrapProvider): Partial<KeyWrapProvider> {
  return {
    async generateDataKey(input, options) {
      const dataKey = await inner.generateDataKey(input, options);
      const { plaintext, ciphertext } = dataKey;
      const answer = new Uint8Array(plaintext.length + ciphertext.length);
      answer.set(plaintext);
      answer.set(ciphertext, plaintext.length);
      const value = answer.subarray(plaintext.length);
      return Object.defineProperty(dataKey, 'ciphertext', { value, enumerable: true });
    },
  };
}

/** More calls than connections: the rest is sent one turn later. */
function queued(inner: KeyWrapProvider): Partial<KeyWrapProvider> {
  let inFlight = 0;
  return {
    async encrypt(input, options) {
      if (++inFlight > 8) await undefined;
      try {
        return await inner.encrypt(input, options);
      } finally {
        inFlight--;
      }
    },
  };
}

function wipingACopy(inner: KeyWrapProvider): Partial<KeyWrapProvider> {
  return {
    async decrypt(input, options) {
      return withWrongDispose(await inner.decrypt(input, options));
    },
  };
}

function withWrongDispose(result: DecryptResult): DecryptResult {
  const { plaintext } = result;
  let isDisposed = false;
  return Object.defineProperties(result, {
    plaintext: {
      get() {
        if (isDisposed) throw new ProviderClosedError('this secret was disposed');
        return plaintext;
      },
    },
    [Symbol.dispose]: {
      value() {
        isDisposed = true;
        Buffer.from(plaintext).fill(0);
      },
    },
  });
}

export const EXPOSURE: readonly BlindMutant[] = [
  mutant(
    {
      name: 'the-cause-of-an-outage-contains-the-request-body',
      kind: 'leaks',
      wrong:
        'When encrypt fails, the cause holds the body that was sent, with the plaintext in Base64',
      source: 'axios keeps the request, with its body, in the `config` of its errors',
      rule: 'errors-hide-secrets',
      profile: 'full',
    },
    { client: (hsm) => new BodyKeepingClient(hsm) },
    withKey(async (scene) => {
      await scene.fail('throttled');
      const error = await errorOf(encrypted(scene, bytes(32)));
      return inspect(error, { depth: null }).includes(Buffer.from(bytes(32)).toString('base64'));
    }),
  ),
  mutant(
    {
      name: 'the-message-of-a-throttled-decrypt-shows-the-grant-tokens',
      kind: 'leaks',
      wrong: 'The error of a throttled decrypt repeats the URL, whose query holds the grant tokens',
      source: 'HTTP clients that put the URL into messages, and credentials in queries (CWE-598)',
      rule: 'errors-hide-secrets',
      profile: 'full',
    },
    { client: (hsm) => new UrlNamingClient(hsm) },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const ciphertext = await encrypted(scene);
      await scene.fail('throttled');
      const options = { grantTokens: ['AQpAM2RhZTk1MGMyNTk2ZmZmMzEyYWVhOWVi'] };
      const error = await errorOf(provider.decrypt({ keyId, ciphertext }, options));
      return error?.message.includes('AQpAM2RhZTk1') === true;
    }),
  ),
  mutant(
    {
      name: 'rsa-errors-tell-whether-the-first-byte-is-zero',
      kind: 'rsa',
      wrong:
        'An RSA ciphertext whose number is too large for OAEP has another message than one with wrong padding',
      source: "Manger's attack on OAEP, CRYPTO 2001; RFC 8017 section 7.1.2",
      rule: 'damage-indistinguishable',
      profile: 'full',
    },
    { client: (hsm) => new RangeTellingClient(hsm) },
    withRsaKey(async ({ provider, keyId }) => {
      const { publicKey } = await provider.getPublicKey({ keyId });
      const pair = { publicKey, privateKey: publicKey };
      const messages = await inTurn(2, async (first) => {
        const block = Buffer.concat([Uint8Array.of(first), randomBytes(255)]);
        const ciphertext = rawEncrypt({ pair } as unknown as HsmKey, block);
        const algorithm = 'RSAES_OAEP_SHA_256';
        return (await errorOf(provider.decryptAsymmetric({ keyId, ciphertext, algorithm })))
          ?.message;
      });
      return messages[0] !== messages[1];
    }),
  ),
  mutant(
    {
      name: 'a-disabled-key-still-tells-whether-a-ciphertext-is-intact',
      kind: 'leaks',
      wrong:
        'decrypt opens the ciphertext before it looks at the state: under a disabled key, damage is INVALID_CIPHERTEXT and the rest KEY_DISABLED',
      source: 'checks in the wrong order make an oracle of a key that was taken out of use',
      rule: 'current-state',
      profile: 'quick',
    },
    { client: (hsm) => new LateCheckClient(hsm) },
    withKey(async (scene) => {
      const damaged = await encrypted(scene);
      damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1;
      await scene.keys.disable(scene.keyId);
      return (await codeOf(decrypted(scene, damaged))) !== 'KEY_DISABLED';
    }),
  ),
  mutant(
    {
      name: 'a-time-out-is-reported-as-an-abort-of-the-caller',
      kind: 'outages',
      wrong: 'A request that timed out rejects with ABORTED, which nobody retries',
      source: 'clients whose time-out is an AbortController: fetch cannot tell one from the other',
      rule: 'outages',
      profile: 'quick',
    },
    { client: (hsm) => new TimeOutClient(hsm) },
    withKey(async (scene) => {
      await scene.fail('unavailable');
      const codes = await inTurn(3, () => codeOf(encrypted(scene)));
      return codes.includes('ABORTED');
    }),
  ),
  mutant(
    {
      name: 'the-buffer-of-a-wrapped-data-key-also-contains-its-plaintext',
      kind: 'memory',
      wrong:
        'The ciphertext of a data key is a view of the whole answer: whoever stores or transfers its buffer passes on the key',
      source: '`subarray` of a response, and readers that take `.buffer`',
      rule: 'results-own-memory',
      profile: 'quick',
    },
    { bare: inOneBuffer },
    withKey(async ({ provider, keyId }) => {
      using dataKey = await provider.generateDataKey({ keyId, keySpec: 'AES_256' });
      return hex(new Uint8Array(dataKey.ciphertext.buffer)).includes(hex(dataKey.plaintext));
    }),
  ),
  mutant(
    {
      name: 'an-encrypt-that-waits-reads-its-input-later',
      kind: 'inputs',
      wrong:
        'With more than eight calls in flight the next one copies its plaintext a turn later: a caller who has wiped it gets zeros encrypted',
      source: 'queues in front of pools that keep the input of the caller',
      rule: 'input-copied',
      profile: 'full',
    },
    { bare: queued },
    withKey(async (scene) => {
      const ciphertexts = await atOnce(12, async () => {
        const plaintext = copyBytes(bytes(32));
        const call = encrypted(scene, plaintext);
        plaintext.fill(0);
        return call;
      });
      const plaintexts = await inTurn(12, (i) => decrypted(scene, ciphertexts[i] as Uint8Array));
      return !plaintexts.every((each) => isSame(each, bytes(32)));
    }),
  ),
  mutant(
    {
      name: 'dispose-wipes-a-copy-of-the-plaintext',
      kind: 'memory',
      wrong:
        'The disposal of a decrypted plaintext overwrites a copy, and the plaintext stays in memory',
      source: 'the slip Buffer.from(bytes), which copies, for Buffer.from(bytes.buffer)',
      rule: 'results-disposable',
      profile: 'quick',
    },
    { bare: wipingACopy },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const result = await provider.decrypt({ keyId, ciphertext: await encrypted(scene) });
      const { plaintext } = result;
      result[Symbol.dispose]();
      return plaintext.some((byte) => byte !== 0);
    }),
  ),
];
