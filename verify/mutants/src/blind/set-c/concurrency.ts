import { setImmediate, setTimeout } from 'node:timers/promises';
import {
  AbortError,
  type Call,
  type DataKeyPairOutput,
  type DataKeyPairRequest,
  type DecryptOutput,
  type DecryptRequest,
  InvalidCiphertextError,
  isAsymmetricAlgorithm,
  type KeyDescription,
  type KeyRequest,
  type KeyWrapProvider,
  ProviderUnavailableError,
  ThrottledError,
} from '@keywrap/core';
import { blindSet } from '../blind-mutant.js';
import { publicHalf } from '../numbers.js';
import { Client } from '../right/client.js';
import {
  atOnce,
  bytes,
  codeOf,
  decrypted,
  encrypted,
  hex,
  inTurn,
  isSame,
  withKey,
} from '../witness.js';

const mutant = blindSet('c');

class DecryptsJoined extends Client {
  readonly #underWay = new Map<string, Promise<DecryptOutput>>();
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const about = `${request.key?.text} ${request.algorithm} ${hex(request.ciphertext)}`;
    let joined = this.#underWay.get(about);
    if (joined === undefined) {
      joined = super.decrypt(request, call).finally(() => this.#underWay.delete(about));
      this.#underWay.set(about, joined);
    }
    const output = await joined;
    return { ...output, plaintext: output.plaintext.slice() };
  }
}

class SharedHalf extends Client {
  #publicKey = new Uint8Array();
  override async generateDataKeyPair(
    request: DataKeyPairRequest,
    call: Call,
  ): Promise<DataKeyPairOutput> {
    const { key, algorithm, encryptionContext } = request;
    const { publicKey, privateKey } = await this.pair(request);
    this.#publicKey = publicKey;
    // The private key takes a moment to reach the HSM.
    await setTimeout(2);
    const wrapped = await this.encrypt(
      { key, algorithm, encryptionContext, plaintext: privateKey },
      call,
    );
    const { ciphertext: privateKeyCiphertext, keyId, keyVersion } = wrapped;
    return { publicKey: this.#publicKey, privateKey, privateKeyCiphertext, keyId, keyVersion };
  }
}

class JoinedDescriptions extends Client {
  readonly #underWay = new Map<string, Promise<KeyDescription>>();

  async #describe(request: KeyRequest, call?: Call): Promise<KeyDescription> {
    await setImmediate();
    if (call?.signal?.aborted) throw new AbortError('the call was aborted');
    return super.describeKey(request);
  }

  override describeKey(request: KeyRequest, call?: Call): Promise<KeyDescription> {
    const { text } = request.key;
    const joined =
      this.#underWay.get(text) ??
      this.#describe(request, call).finally(() => this.#underWay.delete(text));
    this.#underWay.set(text, joined);
    return joined;
  }
}

class AnswersLeftInLine extends Client {
  readonly #line: DecryptOutput[] = [];
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    if (isAsymmetricAlgorithm(request.algorithm)) return super.decrypt(request, call);
    this.#line.push(await super.decrypt(request, call));
    await setImmediate();
    if (call.signal?.aborted) throw new AbortError('the call was aborted');
    return this.#line.shift() as DecryptOutput;
  }
}

/** Takes the reason of `AbortSignal.timeout` for a time-out of the HSM. */
function timeoutAsOutage<Args extends unknown[], Result>(
  method: (...args: Args) => Promise<Result>,
) {
  return async (...args: Args): Promise<Result> => {
    try {
      return await method(...args);
    } catch (error) {
      const cause = error instanceof AbortError ? error.cause : undefined;
      const isTimeout = cause instanceof DOMException && cause.name === 'TimeoutError';
      if (!isTimeout) throw error;
      throw new ProviderUnavailableError('the HSM did not answer in time', { cause });
    }
  };
}

function timedOut(inner: KeyWrapProvider): Partial<KeyWrapProvider> {
  return {
    encrypt: timeoutAsOutage(inner.encrypt.bind(inner)),
    decrypt: timeoutAsOutage(inner.decrypt.bind(inner)),
    generateDataKey: timeoutAsOutage(inner.generateDataKey.bind(inner)),
  };
}

function closesOnce(inner: KeyWrapProvider): Partial<KeyWrapProvider> {
  let isClosed = false;
  return {
    async close() {
      if (isClosed) return;
      isClosed = true;
      await inner.close();
    },
  };
}

const SESSIONS = 256;

class SessionsLost extends Client {
  #free = SESSIONS;
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    if (this.#free === 0) throw new ThrottledError('the HSM has no free session; retry later');
    try {
      return await super.decrypt(request, call);
    } catch (error) {
      if (error instanceof InvalidCiphertextError) this.#free--;
      throw error;
    }
  }
}

export const CONCURRENCY = [
  mutant(
    {
      name: 'joins decrypts of one ciphertext',
      kind: 'concurrency',
      wrong:
        'A decrypt under another context gets the plaintext while one under the right context is under way.',
      rule: 'encryption context: any difference gives InvalidCiphertext',
      source:
        'a single flight whose key is too short, https://pkg.go.dev/golang.org/x/sync/singleflight',
      profile: 'full',
    },
    { client: (hsm) => new DecryptsJoined(hsm) },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene, bytes(32), { tenant: 'one' });
      const codes = await atOnce(2, (i) =>
        codeOf(decrypted(scene, ciphertext, { tenant: i === 0 ? 'one' : 'two' })),
      );
      return codes[1] === 'ok';
    }),
  ),
  mutant(
    {
      name: 'keeps the public half of the latest pair',
      kind: 'concurrency',
      wrong: 'A call that overlaps another returns the public key of the other’s pair.',
      rule: 'generateDataKeyPair returns the public key of the private key that it returns',
      source:
        'sessions of other users, https://github.blog/2021-03-18-how-we-found-and-fixed-a-rare-race-condition-in-our-session-handling/',
      profile: 'quick',
    },
    { client: (hsm) => new SharedHalf(hsm) },
    withKey(async ({ provider, keyId }) => {
      for (let round = 0; round < 30; round++) {
        const pairs = await atOnce(8, () =>
          provider.generateDataKeyPair({ keyId, keyPairSpec: 'ECC_NIST_P256' }),
        );
        const isMixed = pairs.some((each) => !isSame(publicHalf(each.privateKey), each.publicKey));
        if (isMixed) return true;
      }
      return false;
    }),
  ),
  mutant(
    {
      name: 'aborts those who joined a call',
      kind: 'aborts',
      wrong: 'A describeKey without a signal is ABORTED when the one that it overlaps is aborted.',
      rule: 'ABORTED: your signal aborted',
      source:
        'a single flight under the context of its first caller, https://pkg.go.dev/golang.org/x/sync/singleflight',
      profile: 'full',
    },
    { client: (hsm) => new JoinedDescriptions(hsm) },
    withKey(async ({ provider, keyId }) => {
      const controller = new AbortController();
      const first = codeOf(provider.describeKey({ keyId }, { signal: controller.signal }));
      const second = codeOf(provider.describeKey({ keyId }));
      controller.abort();
      await first;
      return (await second) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'leaves the answer of an aborted call in line',
      kind: 'aborts',
      wrong:
        'The decrypt after an aborted one gets the plaintext of that, and every later one that of the call before.',
      rule: 'decrypt returns the plaintext of its own ciphertext',
      source: 'replies of Redis to other users, https://openai.com/index/march-20-chatgpt-outage/',
      profile: 'quick',
    },
    { client: (hsm) => new AnswersLeftInLine(hsm) },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const ciphertext = await encrypted(scene, bytes(32, 0));
      const other = await encrypted(scene, bytes(32, 1));
      const controller = new AbortController();
      const { signal } = controller;
      const aborted = codeOf(provider.decrypt({ keyId, ciphertext }, { signal }));
      controller.abort();
      await aborted;
      await setImmediate();
      return !isSame(await decrypted(scene, other), bytes(32, 1));
    }),
  ),
  mutant(
    {
      name: 'takes the time-out of a caller for an outage',
      kind: 'aborts',
      wrong:
        'A call whose signal is of AbortSignal.timeout rejects with UNAVAILABLE, which is retried.',
      rule: 'an aborted signal rejects with AbortError',
      source:
        'reasons named TimeoutError, https://developer.mozilla.org/en-US/docs/Web/API/AbortSignal/timeout_static',
      profile: 'quick',
    },
    { bare: timedOut },
    withKey(async ({ provider, keyId }) => {
      const signal = AbortSignal.abort(new DOMException('too late', 'TimeoutError'));
      const call = provider.encrypt({ keyId, plaintext: bytes(32) }, { signal });
      return (await codeOf(call)) !== 'ABORTED';
    }),
  ),
  mutant(
    {
      name: 'does not wait in a second close',
      kind: 'close',
      wrong: 'close resolves at once if it was called before, while calls are still under way.',
      rule: 'close waits for the calls in progress and releases resources',
      source: 'shutdown hooks of a service and of its container that both close',
      profile: 'full',
    },
    { bare: closesOnce },
    withKey(async ({ provider, keyId }) => {
      let isDone = false;
      const call = provider.generateDataKeyPair({ keyId, keyPairSpec: 'ECC_NIST_P521' });
      const done = call.finally(() => {
        isDone = true;
      });
      const first = provider.close();
      await provider.close();
      for (let turn = 0; turn < 20; turn++) await undefined;
      const waited = isDone;
      await Promise.all([first, done]);
      return !waited;
    }),
  ),
  mutant(
    {
      name: 'loses a session with each refusal',
      kind: 'resources',
      wrong: 'After 256 ciphertexts that did not open, every decrypt is THROTTLED.',
      rule: 'THROTTLED is for too many requests, and a retry of it succeeds; releases what a call took',
      source:
        'CKR_SESSION_COUNT, https://docs.oasis-open.org/pkcs11/pkcs11-base/v3.0/pkcs11-base-v3.0.html',
      profile: 'full',
    },
    { client: (hsm) => new SessionsLost(hsm) },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene);
      const wrong = { tenant: 'one' };
      await inTurn(SESSIONS, () => codeOf(decrypted(scene, ciphertext, wrong)));
      return (await codeOf(decrypted(scene, ciphertext))) !== 'ok';
    }),
  ),
];
