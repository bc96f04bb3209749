import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import {
  aroundEach,
  type Call,
  type DecryptOutput,
  type DecryptRequest,
  type EncryptionContext,
  type EncryptOutput,
  type EncryptRequest,
  type KeyWrapProvider,
  type Layer,
  withLayer,
} from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { blindSet } from '../blind-mutant.js';
import { isCollected } from '../collected.js';
import { Client, doesNotOpen, HEADER, NONCE, own, TAG } from '../right/client.js';
import type { HsmKey } from '../right/hsm.js';
import {
  bytes,
  codeOf,
  encrypted,
  errorOf,
  inTurn,
  isSame,
  SYMMETRIC,
  withKey,
} from '../witness.js';

const mutant = blindSet('a');

/** Does something with the error of an encrypt. */
abstract class OnFailure extends Client {
  protected abstract failed(error: unknown, request: EncryptRequest): void;
  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    try {
      return await super.encrypt(request, call);
    } catch (error) {
      this.failed(error, request);
      throw error;
    }
  }
}

class AttachesRequest extends OnFailure {
  protected override failed(error: unknown, { plaintext, key }: EncryptRequest) {
    const data = JSON.stringify({ plaintext: Buffer.from(plaintext).toString('base64') });
    const config = { method: 'post', url: `/v1/encrypt/${key.text}`, data };
    const cause = Object.assign(new Error('Request failed with status code 400'), { config });
    if (error instanceof Error && error.cause === undefined) {
      Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true });
    }
  }
}

class LogsPlaintext extends OnFailure {
  protected override failed(_error: unknown, { plaintext }: EncryptRequest) {
    console.debug(`encrypt failed for [${[...plaintext].join(', ')}]`);
  }
}

class RecyclesPlaintexts extends Client {
  readonly #rings = new Map<number, { readonly ring: Uint8Array[]; next: number }>();
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const output = await super.decrypt(request, call);
    const { length } = output.plaintext;
    const ring = Array.from({ length: 8 }, () => new Uint8Array(new ArrayBuffer(length)));
    const place = this.#rings.get(length) ?? { ring, next: 0 };
    this.#rings.set(length, place);
    const plaintext = place.ring[place.next++ % 8] as Uint8Array;
    plaintext.set(output.plaintext);
    return { ...output, plaintext };
  }
}

const PADDING = 32;

class StalePadding extends Client {
  readonly #scratch = randomBytes(PADDING);
  #padding: Uint8Array = new Uint8Array();
  protected override additionalData(header: Uint8Array, context: EncryptionContext) {
    return Buffer.concat([this.#padding, super.additionalData(header, context)]);
  }
  protected override seal(
    key: HsmKey,
    version: number,
    plaintext: Uint8Array,
    context: EncryptionContext,
  ) {
    this.#padding = own(this.#scratch);
    const ciphertext = super.seal(key, version, plaintext, context);
    this.#scratch.set(plaintext.subarray(0, PADDING));
    return own(Buffer.concat([ciphertext, this.#padding]));
  }
  protected override open(
    key: HsmKey,
    version: number,
    ciphertext: Uint8Array,
    context: EncryptionContext,
  ) {
    if (ciphertext.length <= HEADER + NONCE + TAG + PADDING) throw doesNotOpen();
    this.#padding = own(ciphertext.subarray(-PADDING));
    return super.open(key, version, ciphertext.subarray(0, -PADDING), context);
  }
}

class KeepsPlaintexts extends Client {
  readonly #recent: Uint8Array[] = [];
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const output = await super.decrypt(request, call);
    this.#recent.push(output.plaintext);
    if (this.#recent.length > 64) this.#recent.shift();
    return output;
  }
}

/** A provider of its own: one made from a driver gives the driver another signal than its caller's. */
const keepsListeners = (inner: KeyWrapProvider): Partial<KeyWrapProvider> => ({
  async encrypt(input, options) {
    const signal = options?.signal;
    let isCancelled = false;
    if (signal instanceof AbortSignal) {
      signal.addEventListener('abort', () => {
        isCancelled = true;
      });
    }
    const result = await inner.encrypt(input, options);
    if (isCancelled) throw signal?.reason;
    return result;
  },
});

const SESSIONS = 8;

class LosesSessions extends Client {
  #free = SESSIONS;
  readonly #waiting: (() => void)[] = [];
  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free--;
    try {
      return await super.encrypt(request, call);
    } finally {
      if (call.signal?.aborted !== true) this.#release();
    }
  }
  #release() {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}

/** Hides the grant tokens of a call from the cache; the backend still gets them. */
function cacheWithoutGrants(
  provider: KeyWrapProvider,
  ...args: [Parameters<typeof withDataKeyCache>[1], Parameters<typeof withDataKeyCache>[2]?]
): KeyWrapProvider {
  const tokens = new AsyncLocalStorage<Call['grantTokens']>();
  const below: Layer = (inner) => {
    const withTokens = (call: Call): Call => ({ ...call, grantTokens: tokens.getStore() });
    return {
      ...inner,
      decrypt: (request, call) => inner.decrypt(request, withTokens(call)),
      generateDataKey: (request, call) => inner.generateDataKey(request, withTokens(call)),
    };
  };
  const above: Layer = (inner) => {
    const without = <T>(call: Call, work: (call: Call) => T) =>
      tokens.run(call.grantTokens, () => work({ ...call, grantTokens: undefined }));
    return {
      ...inner,
      decrypt: (request, call) => without(call, (bare) => inner.decrypt(request, bare)),
      generateDataKey: (request, call) =>
        without(call, (bare) => inner.generateDataKey(request, bare)),
    };
  };
  return withLayer(withDataKeyCache(withLayer(provider, below), ...args), above);
}

const LIMITS_OF_CACHE = {
  maximumUses: 100,
  maximumBytes: 1_000_000,
  maximumAge: 100_000,
} as const;

export const EXPOSURE = [
  mutant(
    {
      name: 'attaches-request',
      kind: 'leaks',
      wrong: 'The cause of an error holds the request that failed, with the plaintext in base64.',
      source: 'config.data of the errors of axios',
      profile: 'full',
    },
    { client: (hsm) => new AttachesRequest(hsm) },
    withKey(async (scene) => {
      await scene.keys.disable(scene.keyId);
      const plaintext = bytes(32);
      const error = await errorOf(encrypted(scene, plaintext));
      return JSON.stringify(error?.cause ?? '').includes(Buffer.from(plaintext).toString('base64'));
    }),
  ),
  mutant(
    {
      name: 'logs-plaintext',
      kind: 'leaks',
      wrong: 'The plaintext of a failed encrypt is written to the console, in decimal.',
      source: 'passwords in the logs of GitHub and Twitter, 2018; CWE-532',
      profile: 'full',
    },
    { client: (hsm) => new LogsPlaintext(hsm) },
    withKey(async (scene) => {
      await scene.keys.disable(scene.keyId);
      const { debug } = console;
      const lines: string[] = [];
      console.debug = (line: string) => lines.push(line);
      try {
        await codeOf(encrypted(scene, Uint8Array.of(201, 202, 203, 204, 205, 206)));
      } finally {
        console.debug = debug;
      }
      return lines.join().includes('201, 202, 203');
    }),
  ),
  mutant(
    {
      name: 'recycles-plaintexts',
      kind: 'memory',
      wrong:
        'Plaintexts are returned in eight arrays for each length, which later calls overwrite.',
      source: 'buffer pools: Jetty, CVE-2015-2080 (JetLeak)',
      profile: 'full',
    },
    { client: (hsm) => new RecyclesPlaintexts(hsm) },
    withKey(async ({ provider, keyId }) => {
      const made = await inTurn(10, (i) => encrypted({ provider, keyId }, bytes(32, i)));
      const back = await inTurn(10, (i) =>
        provider.decrypt({ keyId, ciphertext: made[i] as Uint8Array }),
      );
      return back.some(({ plaintext }, i) => !isSame(plaintext, bytes(32, i)));
    }),
  ),
  mutant(
    {
      name: 'stale-padding',
      kind: 'memory',
      wrong:
        'Ciphertexts are padded with what is left in a buffer: the beginning of the last plaintext.',
      source: 'Cloudbleed, 2017; Heartbleed, CVE-2014-0160',
      profile: 'full',
    },
    { client: (hsm) => new StalePadding(hsm) },
    withKey(async (scene) => {
      const secret = bytes(32, 77);
      await encrypted(scene, secret);
      const next = await encrypted(scene);
      return Buffer.from(next).includes(Buffer.from(secret));
    }),
  ),
  mutant(
    {
      name: 'keeps-plaintexts',
      kind: 'memory',
      wrong: 'The client keeps its last 64 plaintexts, so that they stay in memory.',
      source: 'buffers of recent requests for debugging; CWE-401 and CWE-316',
      profile: 'soak',
    },
    { client: (hsm) => new KeepsPlaintexts(hsm) },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const ciphertext = await encrypted(scene);
      const decrypt = async () =>
        new WeakRef((await provider.decrypt({ keyId, ciphertext })).plaintext);
      return !(await isCollected(await decrypt()));
    }),
  ),
  mutant(
    {
      name: 'keeps-listeners',
      kind: 'resources',
      wrong: 'Each encrypt leaves a listener on the signal of its caller.',
      source: 'MaxListenersExceededWarning of AbortSignal in HTTP clients; CWE-772',
      profile: 'full',
    },
    { bare: keepsListeners },
    withKey(async ({ provider, keyId }) => {
      const { signal } = new AbortController();
      await inTurn(3, () => provider.encrypt({ keyId, plaintext: bytes(32) }, { signal }));
      return getEventListeners(signal, 'abort').length > 0;
    }),
  ),
  mutant(
    {
      name: 'loses-sessions',
      kind: 'resources',
      wrong:
        'An aborted encrypt never gives its session back; after eight of them all others wait for ever.',
      source: 'PKCS#11 sessions and connection pools, CWE-772',
      profile: 'full',
      hangs: true,
    },
    { client: (hsm) => new LosesSessions(hsm) },
    async (open) => {
      const { provider, keys } = open();
      const { keyId } = await keys.create(SYMMETRIC);
      const plaintext = bytes(32);
      await inTurn(SESSIONS, async () => {
        const controller = new AbortController();
        const call = provider.encrypt({ keyId, plaintext }, { signal: controller.signal });
        controller.abort();
        await codeOf(call);
        await setImmediate();
      });
      let isDone = false;
      provider.encrypt({ keyId, plaintext }).then(() => {
        isDone = true;
      });
      // The backend is in this process: it needs no more than a few turns of the event loop.
      for (let turn = 0; turn < 100 && !isDone; turn++) await setImmediate();
      return !isDone;
    },
  ),
  mutant(
    {
      name: 'cache-without-grants',
      kind: 'caches',
      wrong:
        'The data-key cache shares what a call with grant tokens got with calls that have none.',
      source: 'confused deputies: caches whose key leaves out who asks (web cache deception, 2017)',
      profile: 'full',
    },
    { cache: cacheWithoutGrants },
    withKey(async ({ provider, keyId, cache }) => {
      let calls = 0;
      const counted = withLayer(provider, (inner) =>
        aroundEach(inner, (_operation, _request, _call, next) => {
          calls++;
          return next();
        }),
      );
      const cached = cache?.(counted, LIMITS_OF_CACHE, { now: () => 1 });
      const input = { keyId, keySpec: 'AES_256' } as const;
      await cached?.generateDataKey(input, { bytesToEncrypt: 1, grantTokens: ['a'] });
      await cached?.generateDataKey(input, { bytesToEncrypt: 1 });
      return calls === 1;
    }),
  ),
];
