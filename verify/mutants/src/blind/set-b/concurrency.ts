import { setImmediate } from 'node:timers/promises';
import type {
  Call,
  DecryptOutput,
  DecryptRequest,
  EncryptOutput,
  EncryptRequest,
  Layer,
} from '@keywrap/core';
import { blindSet } from '../blind-mutant.js';
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

const mutant = blindSet('b');

class JoinsEqualCalls extends Client {
  readonly #inFlight = new Map<string, Promise<EncryptOutput>>();
  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    const { key, algorithm, encryptionContext, plaintext } = request;
    const about = [key.text, algorithm, hex(this.serialized(encryptionContext)), hex(plaintext)];
    const name = about.join();
    const answer = this.#inFlight.get(name) ?? super.encrypt(request, call);
    this.#inFlight.set(name, answer);
    try {
      const output = await answer;
      return { ...output, ciphertext: output.ciphertext.slice() };
    } finally {
      this.#inFlight.delete(name);
    }
  }
}

class SmallRing extends Client {
  readonly #ring: DecryptOutput[] = [];
  #next = 0;
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const slot = this.#next++ % 32;
    this.#ring[slot] = await super.decrypt(request, call);
    await setImmediate();
    const output = this.#ring[slot] as DecryptOutput;
    return { ...output, plaintext: output.plaintext.slice() };
  }
}

class UnreadAnswers extends Client {
  readonly #answers: DecryptOutput[] = [];
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    this.#answers.push(await super.decrypt(request, call));
    if (call.signal?.aborted) throw call.signal.reason;
    return this.#answers.shift() as DecryptOutput;
  }
}

const retrying: Layer = (inner) => {
  let made = 0;
  return {
    ...inner,
    async generateDataKey(request, call) {
      const first = await inner.generateDataKey(request, call);
      if (++made % 400 !== 0) return first;
      const second = await inner.generateDataKey(request, call);
      return { ...second, plaintext: first.plaintext };
    },
  };
};

export const CONCURRENCY = [
  mutant(
    {
      name: 'joins-equal-calls',
      kind: 'concurrency',
      wrong: 'Equal encrypts at once are one call to the backend, and share its ciphertext.',
      source: 'singleflight of Go, used for calls that must differ',
      profile: 'full',
    },
    { client: (hsm) => new JoinsEqualCalls(hsm) },
    withKey(async (scene) => {
      const [a, b] = await atOnce(2, () => encrypted(scene));
      return a !== undefined && b !== undefined && isSame(a, b);
    }),
  ),
  mutant(
    {
      name: 'small-ring',
      kind: 'concurrency',
      wrong:
        'Answers wait in a ring of 32 places: with more decrypts in flight, callers get those of others.',
      source:
        'Steam, December 2015: a cache that served the pages of others; ring buffers without back-pressure',
      profile: 'full',
    },
    { client: (hsm) => new SmallRing(hsm) },
    withKey(async (scene) => {
      const plaintexts = Array.from({ length: 100 }, (_, i) => bytes(8 + i, i));
      const made = await atOnce(100, (i) => encrypted(scene, plaintexts[i]));
      const back = await atOnce(100, (i) => decrypted(scene, made[i] as Uint8Array));
      return back.some((each, i) => !isSame(each, plaintexts[i] as Uint8Array));
    }),
  ),
  mutant(
    {
      name: 'unread-answers',
      kind: 'concurrency',
      wrong:
        'The answer to an aborted decrypt stays on the connection, and the next caller gets it.',
      source: 'redis-py, CVE-2023-28858: ChatGPT showed the data of others, March 2023',
      profile: 'full',
    },
    { client: (hsm) => new UnreadAnswers(hsm) },
    withKey(async (scene) => {
      const [a, b] = [bytes(16, 1), bytes(16, 2)];
      const [first, second] = await inTurn(2, (i) => encrypted(scene, i === 0 ? a : b));
      const { provider, keyId } = scene;
      const controller = new AbortController();
      const call = provider.decrypt(
        { keyId, ciphertext: first as Uint8Array },
        { signal: controller.signal },
      );
      controller.abort();
      await codeOf(call);
      await setImmediate();
      return !isSame(await decrypted(scene, second as Uint8Array), b);
    }),
  ),
  mutant(
    {
      name: 'retrying',
      kind: 'rare faults',
      wrong:
        'A retry of every 400th generateDataKey returns the plaintext of one answer and the ciphertext of the other.',
      source: "retries that are not idempotent, CWE-837; Cores that don't count, 2021",
      profile: 'soak',
    },
    { layer: retrying },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const same = await inTurn(450, async () => {
        using dataKey = await provider.generateDataKey({ keyId, keySpec: 'AES_256' });
        return isSame(await decrypted(scene, dataKey.ciphertext), dataKey.plaintext);
      });
      return same.includes(false);
    }),
  ),
];
