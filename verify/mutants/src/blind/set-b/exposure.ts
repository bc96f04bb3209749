import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type Call,
  type DecryptOutput,
  type DecryptRequest,
  type EncryptOutput,
  type EncryptRequest,
  InvalidCiphertextError,
  type KeyWrapProvider,
  type Layer,
  wipe,
  withLayer,
} from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { blindSet } from '../blind-mutant.js';
import { collectGarbage } from '../collected.js';
import { Client, own } from '../right/client.js';
import { Hsm, HsmError } from '../right/hsm.js';
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
} from '../witness.js';

const mutant = blindSet('b');

class QuotesCiphertext extends Client {
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    try {
      return await super.decrypt(request, call);
    } catch (error) {
      if (!(error instanceof InvalidCiphertextError)) throw error;
      const quoted = hex(request.ciphertext.subarray(-24)).match(/../g)?.join(':');
      throw new InvalidCiphertextError(error.message, { cause: new Error(`bad block ${quoted}`) });
    }
  }
}

class QuotesGrantTokens extends Client {
  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    try {
      return await super.encrypt(request, call);
    } catch (error) {
      const headers = { 'x-grant-tokens': call.grantTokens?.join() };
      const cause = Object.assign(new Error('status 400'), { request: { headers } });
      if (error instanceof Error && error.cause === undefined) {
        Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true });
      }
      throw error;
    }
  }
}

class WipesTooLate extends Client {
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const output = await super.decrypt(request, call);
    setImmediate(() => wipe(output.plaintext));
    return output;
  }
}

class KeepsRequests extends Client {
  readonly #requests = new Map<number, { readonly frame: Uint8Array; readonly keyId: string }>();
  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    const output = await super.encrypt(request, call);
    // For an answer that never comes: this one came.
    const frame = Buffer.alloc(4096);
    frame.set(output.ciphertext.subarray(0, 4096));
    this.#requests.set(this.#requests.size, { frame, keyId: output.keyId });
    return output;
  }
}

class RecyclesCiphertexts extends Client {
  readonly #rings = new Map<number, { readonly ring: Uint8Array[]; next: number }>();
  protected override seal(...args: Parameters<Client['seal']>) {
    const ciphertext = super.seal(...args);
    const ring = Array.from({ length: 16 }, () => own(ciphertext));
    const place = this.#rings.get(ciphertext.length) ?? { ring, next: 0 };
    this.#rings.set(ciphertext.length, place);
    const recycled = place.ring[place.next++ % 16] as Uint8Array;
    recycled.set(ciphertext);
    return recycled;
  }
}

class SharedConnection extends Hsm {
  isOpen = true;
  override async request(): Promise<void> {
    if (!this.isOpen) throw new HsmError('the socket was closed', { code: 'ENOTCONN' });
    return super.request();
  }
}

class ClosesForAll extends Client {
  override close() {
    (this.hsm as SharedConnection).isOpen = false;
  }
}

class KeepsTimer extends Client {
  #timer: NodeJS.Timeout | undefined;
  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    this.#timer ??= this.#keepAlive(5);
    return super.encrypt(request, call);
  }
  /** Not for ever, so that a process that does not wait for it ends. */
  #keepAlive(rounds: number): NodeJS.Timeout | undefined {
    if (rounds === 0) return undefined;
    return setTimeout(() => {
      this.#timer = this.#keepAlive(rounds - 1);
    }, 1_000);
  }
}

/** Gives every caller the array that it gave the first. */
const sharing: Layer = (inner) => {
  const given = new Map<string, Uint8Array>();
  return {
    ...inner,
    async generateDataKey(request, call) {
      const output = await inner.generateDataKey(request, call);
      if (call.bytesToEncrypt === undefined) return output;
      const name = hex(output.ciphertext);
      const plaintext = given.get(name) ?? output.plaintext;
      given.set(name, plaintext);
      return { ...output, plaintext };
    },
  };
};

function sharingCache(
  provider: KeyWrapProvider,
  ...args: [Parameters<typeof withDataKeyCache>[1], Parameters<typeof withDataKeyCache>[2]?]
): KeyWrapProvider {
  return withLayer(withDataKeyCache(provider, ...args), sharing);
}

export const EXPOSURE = [
  mutant(
    {
      name: 'quotes-ciphertext',
      kind: 'leaks',
      wrong: 'The cause of a failed decrypt quotes the end of the ciphertext, in hex with colons.',
      source: 'dumps in the errors of protocol libraries, CWE-209',
      profile: 'full',
    },
    { client: (hsm) => new QuotesCiphertext(hsm) },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene);
      const error = await errorOf(decrypted(scene, ciphertext, { a: 'b' }));
      const quoted = hex(ciphertext.subarray(-6)).match(/../g)?.join(':') as string;
      return `${(error?.cause as Error | undefined)?.message}`.includes(quoted);
    }),
  ),
  mutant(
    {
      name: 'quotes-grant-tokens',
      kind: 'leaks',
      wrong:
        'The cause of a failed encrypt holds the headers of the request, with the grant tokens.',
      source: 'Authorization headers in the error reports of HTTP clients; CWE-532',
      profile: 'full',
    },
    { client: (hsm) => new QuotesGrantTokens(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      await keys.disable(keyId);
      const call = provider.encrypt(
        { keyId, plaintext: bytes(32) },
        { grantTokens: ['a-secret-grant'] },
      );
      return JSON.stringify((await errorOf(call))?.cause ?? '').includes('a-secret-grant');
    }),
  ),
  mutant(
    {
      name: 'wipes-too-late',
      kind: 'memory',
      wrong:
        'The client wipes a plaintext that it has already given away, on the next turn of the event loop.',
      source: 'use after release of a buffer to its pool, CWE-672',
      profile: 'full',
    },
    { client: (hsm) => new WipesTooLate(hsm) },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const ciphertext = await encrypted(scene);
      const { plaintext } = await provider.decrypt({ keyId, ciphertext });
      await nextTurn();
      await nextTurn();
      return plaintext.every((each) => each === 0);
    }),
  ),
  mutant(
    {
      name: 'keeps-requests',
      kind: 'memory',
      wrong: 'The table of open requests is never emptied: each encrypt keeps 4 KiB.',
      source: 'maps of pending requests in RPC clients, CWE-401',
      profile: 'soak',
    },
    { client: (hsm) => new KeepsRequests(hsm) },
    withKey(async (scene) => {
      const inUse = () => {
        collectGarbage();
        const { heapUsed, arrayBuffers } = process.memoryUsage();
        return heapUsed + arrayBuffers;
      };
      await encrypted(scene);
      const before = inUse();
      await inTurn(5_000, () => encrypted(scene));
      return inUse() - before > 12_000_000;
    }),
  ),
  mutant(
    {
      name: 'recycles-ciphertexts',
      kind: 'memory',
      wrong:
        'Ciphertexts are returned in sixteen arrays for each length, which later calls overwrite.',
      source: 'output buffers that a native binding reuses, CWE-416',
      profile: 'full',
    },
    { client: (hsm) => new RecyclesCiphertexts(hsm) },
    withKey(async (scene) => {
      const first = await encrypted(scene);
      const copy = first.slice();
      await inTurn(20, () => encrypted(scene));
      return !isSame(first, copy);
    }),
  ),
  mutant(
    {
      name: 'closes-for-all',
      kind: 'resources',
      wrong: 'Closing one provider closes the connection that another over the same keys uses.',
      source: 'C_Finalize of PKCS#11, which ends the library for the whole process',
      profile: 'full',
    },
    { hsm: (pairs) => new SharedConnection(pairs), client: (hsm) => new ClosesForAll(hsm) },
    withKey(async (scene) => {
      const other = await scene.reopen();
      await other.close();
      return (await codeOf(encrypted(scene))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'keeps-timer',
      kind: 'resources',
      wrong: 'The timer that keeps the connection alive still runs after close.',
      source: 'processes that do not end: keep-alive timers of database clients, CWE-772',
      profile: 'full',
    },
    { client: (hsm) => new KeepsTimer(hsm) },
    async (open) => {
      const timers = () =>
        process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
      const before = timers();
      await withKey(async (scene) => (await encrypted(scene)).length > 0)(open);
      return timers() > before;
    },
  ),
  mutant(
    {
      name: 'sharing-cache',
      kind: 'caches',
      wrong:
        'The data-key cache gives all callers one array: the first that wipes it leaves zeros to the others.',
      source:
        'shared references out of a cache, CWE-374; an all-zero key, as in GnuTLS, CVE-2020-13777',
      profile: 'full',
    },
    { cache: sharingCache },
    withKey(async ({ provider, keyId, cache }) => {
      const limits = { maximumUses: 100, maximumBytes: 1_000_000, maximumAge: 100_000 };
      const cached = cache?.(provider, limits, { now: () => 1 }) as KeyWrapProvider;
      const input = { keyId, keySpec: 'AES_256' } as const;
      const first = await cached.generateDataKey(input, { bytesToEncrypt: 1 });
      const second = await cached.generateDataKey(input, { bytesToEncrypt: 1 });
      first[Symbol.dispose]();
      return second.plaintext.every((each) => each === 0);
    }),
  ),
];
