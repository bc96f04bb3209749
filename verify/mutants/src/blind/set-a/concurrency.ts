import { setImmediate } from 'node:timers/promises';
import type {
  Call,
  DecryptOutput,
  DecryptRequest,
  EncryptionContext,
  EncryptOutput,
  EncryptRequest,
} from '@keywrap/core';
import { blindSet } from '../blind-mutant.js';
import { Client, doesNotOpen } from '../right/client.js';
import type { HsmKey } from '../right/hsm.js';
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

const mutant = blindSet('a');

class CurrentRequest extends Client {
  #context: EncryptionContext = {};
  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    this.#context = request.encryptionContext;
    return super.encrypt(request, call);
  }
  protected override seal(
    key: HsmKey,
    version: number,
    plaintext: Uint8Array,
    _context: EncryptionContext,
  ) {
    return super.seal(key, version, plaintext, this.#context);
  }
}

class SevenBitTags extends Client {
  readonly #pending = new Map<number, DecryptRequest>();
  #sent = 0;
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const tag = this.#sent++ % 128;
    this.#pending.set(tag, request);
    await setImmediate();
    return super.decrypt(this.#pending.get(tag) ?? request, call);
  }
}

class RemembersFailures extends Client {
  readonly #bad = new Set<string>();
  protected override open(
    key: HsmKey,
    version: number,
    ciphertext: Uint8Array,
    context: EncryptionContext,
  ) {
    const name = hex(ciphertext);
    if (this.#bad.has(name)) throw doesNotOpen();
    try {
      return super.open(key, version, ciphertext, context);
    } catch (error) {
      if (this.#bad.size < 1_000) this.#bad.add(name);
      throw error;
    }
  }
}

class WeakMemory extends Client {
  #made = 0;
  protected override seal(...args: Parameters<Client['seal']>) {
    const ciphertext = super.seal(...args);
    if (++this.#made % 600 === 0) ciphertext[40] = (ciphertext[40] as number) ^ 4;
    return ciphertext;
  }
}

export const CONCURRENCY = [
  mutant(
    {
      name: 'current-request',
      kind: 'concurrency',
      wrong:
        'The context of the current call is kept in the client, so calls at once bind to the last one.',
      source: 'state of a request in a singleton, CWE-488',
      profile: 'full',
    },
    { client: (hsm) => new CurrentRequest(hsm) },
    withKey(async (scene) => {
      const codes = await atOnce(4, async (i) => {
        const context = { tenant: `${i}` };
        const ciphertext = await encrypted(scene, bytes(32, i), context);
        return codeOf(decrypted(scene, ciphertext, context));
      });
      return codes.includes('INVALID_CIPHERTEXT');
    }),
  ),
  mutant(
    {
      name: 'seven-bit-tags',
      kind: 'concurrency',
      wrong:
        'Answers are matched to decrypts by a number of seven bits: with more than 128 in flight they mix.',
      source:
        'stream ids of pipelined protocols that run out, as the seven bits of early CQL (Cassandra)',
      profile: 'full',
    },
    { client: (hsm) => new SevenBitTags(hsm) },
    withKey(async (scene) => {
      const plaintexts = Array.from({ length: 200 }, (_, i) => bytes(8 + i, i));
      const made = await atOnce(200, (i) => encrypted(scene, plaintexts[i]));
      const back = await atOnce(200, (i) => decrypted(scene, made[i] as Uint8Array));
      return back.some((each, i) => !isSame(each, plaintexts[i] as Uint8Array));
    }),
  ),
  mutant(
    {
      name: 'remembers-failures',
      kind: 'concurrency',
      wrong:
        'A ciphertext that was tried under a wrong context is refused under the right one too.',
      source: 'negative caching by a part of the request: cache-poisoned denial of service, 2019',
      profile: 'full',
    },
    { client: (hsm) => new RemembersFailures(hsm) },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene);
      await codeOf(decrypted(scene, ciphertext, { a: 'b' }));
      return (await codeOf(decrypted(scene, ciphertext))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'weak-memory',
      kind: 'rare faults',
      wrong: 'One bit of every 600th ciphertext is wrong, and nobody decrypts it to see.',
      source:
        "Hochschild et al., Cores that don't count, 2021: a core that encrypted to what no other could decrypt",
      profile: 'soak',
    },
    { client: (hsm) => new WeakMemory(hsm) },
    withKey(async (scene) => {
      const codes = await inTurn(700, async () => codeOf(decrypted(scene, await encrypted(scene))));
      return codes.some((code) => code !== 'ok');
    }),
  ),
];
