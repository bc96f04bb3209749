import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  AbortError,
  type Call,
  type DecryptOutput,
  type DecryptRequest,
  type EncryptionAlgorithm,
  type EncryptOutput,
  type EncryptRequest,
  IN_PROCESS,
  type InProcess,
  type KeyName,
  LIMITS,
  type ReEncryptRequest,
  serializeEncryptionContext,
  ThrottledError,
  wipe,
} from '@keywrap/core';
import { type BlindMutant, blindSet, type Open } from '../blind-mutant.js';
import { isCollected } from '../collected.js';
import { Client, own } from '../right/client.js';
import { HsmError, type HsmKey } from '../right/hsm.js';
import {
  atOnce,
  bytes,
  codeOf,
  decrypted,
  encrypted,
  hex,
  inTurn,
  isSame,
  type Scene,
  SYMMETRIC,
  withKey,
} from '../witness.js';

const mutant = blindSet('d');

function reset(): HsmError {
  return new HsmError('connection reset', { code: 'ECONNRESET' });
}

function isReset(error: unknown): boolean {
  return error instanceof HsmError && error.code === 'ECONNRESET';
}

class ConnectionClient extends Client {
  readonly #arrived: DecryptOutput[] = [];

  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    this.#arrived.push(await super.decrypt(request, call));
    if (call.signal?.aborted) throw new AbortError('the caller gave up');
    return this.#arrived.shift() as DecryptOutput;
  }
}

const SESSIONS = 64;

class LeakingPoolClient extends Client {
  #lost = 0;

  protected override async use(name: KeyName, algorithm: EncryptionAlgorithm): Promise<HsmKey> {
    this.#assertSession();
    return super.use(name, algorithm);
  }

  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    this.#assertSession();
    try {
      return await super.decrypt(request, call);
    } catch (error) {
      this.#lost++;
      throw error;
    }
  }

  #assertSession(): void {
    if (this.#lost >= SESSIONS) throw new ThrottledError('no session is free');
  }
}

class WipingClient extends Client {
  #sent = 0;

  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    const plaintext = own(request.plaintext);
    const attempt = async () => {
      try {
        if (++this.#sent % 50 === 0) throw reset();
        return await super.encrypt({ ...request, plaintext }, call);
      } finally {
        wipe(plaintext);
      }
    };
    try {
      return await attempt();
    } catch (error) {
      if (!isReset(error)) throw error;
      return attempt();
    }
  }
}

class StreamingClient extends Client {
  #sent = 0;

  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const body = [request.ciphertext];
    const attempt = async () => {
      const ciphertext = body.shift() ?? new Uint8Array();
      if (++this.#sent % 60 === 0) throw reset();
      return super.decrypt({ ...request, ciphertext }, call);
    };
    try {
      return await attempt();
    } catch (error) {
      if (!isReset(error)) throw error;
      return attempt();
    }
  }
}

class OneBufferClient extends Client {
  readonly #received = new Uint8Array(LIMITS.plaintext + 1);

  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const { plaintext, ...output } = await super.decrypt(request, call);
    this.#received.set(plaintext);
    // The end of the stream.
    await undefined;
    return { ...output, plaintext: this.#received.subarray(0, plaintext.length) };
  }
}

class JoiningClient extends Client {
  readonly #asked = new Map<string, Promise<DecryptOutput>>();

  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const { key, algorithm, encryptionContext, ciphertext } = request;
    const context = hex(serializeEncryptionContext(encryptionContext));
    const name = [key?.text, algorithm, context, hex(ciphertext)].join(' ');
    const asked = this.#asked.get(name) ?? this.#ask(name, request, call);
    this.#asked.set(name, asked);
    const { plaintext, ...output } = await asked;
    return { ...output, plaintext: plaintext.slice() };
  }

  async #ask(name: string, request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    try {
      const output = await super.decrypt(request, call);
      if (call.signal?.aborted) throw new AbortError('the caller gave up');
      return output;
    } finally {
      this.#asked.delete(name);
    }
  }
}

class TimingClient extends Client {
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const timeOut = setTimeout(() => {}, 3000);
    const output = await super.decrypt(request, call);
    clearTimeout(timeOut);
    return output;
  }
}

class CorrelatingClient extends Client {
  readonly #pending = new Map<number, { readonly request: EncryptRequest; readonly call: Call }>();
  #last = 0;

  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    const id = ++this.#last;
    this.#pending.set(id, { request, call });
    try {
      return await super.encrypt(request, call);
    } finally {
      if (!call.signal?.aborted) this.#pending.delete(id);
    }
  }
}

class TwoSlotClient extends Client {
  #free = 8;
  readonly #waiting: (() => void)[] = [];

  async reEncrypt(_request: ReEncryptRequest, _call: Call): Promise<InProcess> {
    return this.#withSlot(() => this.#withSlot(async () => IN_PROCESS));
  }

  async #withSlot<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      await this.hsm.request();
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

function runningTimers(): number {
  return process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
}

/** Aborts a call, and returns a reference to the reason that it was given. */
async function abortOne({ provider, keyId }: Scene): Promise<WeakRef<object>> {
  const reason = { text: 'enough' };
  const controller = new AbortController();
  const { signal } = controller;
  const call = codeOf(provider.encrypt({ keyId, plaintext: bytes(32) }, { signal }));
  controller.abort(reason);
  await call;
  return new WeakRef(reason);
}

/** True if so many calls at once never end. The provider is not closed: that would wait for them. */
function hangsAtOnce(count: number, work: (scene: Scene) => Promise<unknown>) {
  return async (open: Open): Promise<boolean> => {
    const subject = open();
    const { keyId } = await subject.keys.create(SYMMETRIC);
    let isOver = false;
    atOnce(count, () => work({ ...subject, keyId })).then(() => {
      isOver = true;
    });
    for (let turn = 0; turn < 200 && !isOver; turn++) await nextTurn();
    return !isOver;
  };
}

export const CONCURRENCY: readonly BlindMutant[] = [
  mutant(
    {
      name: 'the-answer-of-an-aborted-decrypt-goes-to-the-next',
      kind: 'aborts',
      wrong:
        'An aborted decrypt leaves its answer unread on the connection, and the next call takes it for its own',
      source: 'redis-py gave one user the answer of another after a cancelled call: CVE-2023-28858',
      rule: 'abort',
      profile: 'full',
    },
    { client: (hsm) => new ConnectionClient(hsm) },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const [first, second] = await inTurn(2, (i) => encrypted(scene, bytes(32, i)));
      const controller = new AbortController();
      const { signal } = controller;
      const call = codeOf(provider.decrypt({ keyId, ciphertext: first as Uint8Array }, { signal }));
      controller.abort();
      await call;
      await nextTurn();
      return isSame(await decrypted(scene, second as Uint8Array), bytes(32, 0));
    }),
  ),
  mutant(
    {
      name: 'each-failed-decrypt-loses-a-session',
      kind: 'resources',
      wrong:
        'A decrypt that fails does not return its session: after 64 damaged ciphertexts every call is throttled for good',
      source: 'pools whose release is not in a `finally`; CKR_SESSION_COUNT of PKCS #11',
      rule: 'resources',
      profile: 'soak',
    },
    { client: (hsm) => new LeakingPoolClient(hsm) },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene);
      await inTurn(64, () => codeOf(decrypted(scene, ciphertext.subarray(1))));
      return (await codeOf(decrypted(scene, ciphertext))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'a-repeated-encrypt-sends-the-wiped-plaintext',
      kind: 'rare faults',
      wrong:
        'Each attempt wipes its plaintext, so when a connection breaks, 1 in 50, the second attempt encrypts zeros and succeeds',
      source: 'retries around a function that cleans up after itself',
      rule: 'no-rare-faults',
      profile: 'soak',
    },
    { client: (hsm) => new WipingClient(hsm) },
    withKey(async (scene) => {
      const ciphertexts = await inTurn(60, () => encrypted(scene));
      const plaintexts = await inTurn(60, (i) => decrypted(scene, ciphertexts[i] as Uint8Array));
      return !plaintexts.every((each) => isSame(each, bytes(32)));
    }),
  ),
  mutant(
    {
      name: 'a-repeated-decrypt-sends-an-empty-body',
      kind: 'outages',
      wrong:
        'When a connection breaks, 1 in 60, the second attempt sends a body that was read to its end, and an intact ciphertext is reported as damaged',
      source: 'HTTP clients that repeat a request whose body is a stream',
      rule: 'outages',
      profile: 'soak',
    },
    { client: (hsm) => new StreamingClient(hsm) },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene);
      const codes = await inTurn(70, () => codeOf(decrypted(scene, ciphertext)));
      return codes.includes('INVALID_CIPHERTEXT');
    }),
  ),
  mutant(
    {
      name: 'plaintexts-are-views-of-one-receive-buffer',
      kind: 'concurrency',
      wrong:
        'decrypt returns a subarray of the receive buffer, which the answer of another call overwrites before it is copied',
      source: 'the slip `subarray` for `slice` in clients that reuse a buffer',
      rule: 'concurrency',
      profile: 'full',
    },
    { client: (hsm) => new OneBufferClient(hsm) },
    withKey(async (scene) => {
      const ciphertexts = await inTurn(8, (i) => encrypted(scene, bytes(32, i)));
      const plaintexts = await atOnce(8, (i) => decrypted(scene, ciphertexts[i] as Uint8Array));
      return !plaintexts.every((each, i) => isSame(each, bytes(32, i)));
    }),
  ),
  mutant(
    {
      name: 'an-abort-also-ends-the-calls-that-joined',
      kind: 'concurrency',
      wrong:
        'Equal decrypts at once share one request with the signal of the first: its abort rejects those that nobody aborted',
      source: 'request collapsing in proxies and clients (single flight)',
      rule: 'concurrency',
      profile: 'full',
    },
    { client: (hsm) => new JoiningClient(hsm) },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const ciphertext = await encrypted(scene);
      const controller = new AbortController();
      const first = codeOf(provider.decrypt({ keyId, ciphertext }, { signal: controller.signal }));
      const second = codeOf(provider.decrypt({ keyId, ciphertext }));
      controller.abort();
      await first;
      return (await second) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'a-failed-decrypt-leaves-its-time-out-running',
      kind: 'resources',
      wrong: 'The timer of a call is cleared when it succeeds, but not when it fails',
      source: '`clearTimeout` after an `await` instead of in a `finally`',
      rule: 'resources',
      profile: 'full',
    },
    { client: (hsm) => new TimingClient(hsm) },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene);
      const before = runningTimers();
      await inTurn(8, () => codeOf(decrypted(scene, ciphertext.subarray(1))));
      return runningTimers() >= before + 4;
    }),
  ),
  mutant(
    {
      name: 'aborted-calls-stay-in-the-table-of-pending-ones',
      kind: 'resources',
      wrong:
        'The table that correlates answers with calls keeps the request of each aborted encrypt for good',
      source:
        'multiplexing clients, such as those of KMIP and gRPC, that forget a call at its answer',
      rule: 'no-retention',
      profile: 'soak',
    },
    { client: (hsm) => new CorrelatingClient(hsm) },
    withKey(async (scene) => !(await isCollected(await abortOne(scene)))),
  ),
  mutant(
    {
      name: 'eight-re-encrypts-at-once-wait-for-each-other',
      kind: 'concurrency',
      wrong:
        'reEncrypt holds a connection of the pool while it waits for a second one: eight at once never end',
      source: 'pools that deadlock when a call needs two of their connections',
      rule: 'concurrency-at-scale',
      profile: 'full',
      hangs: true,
    },
    { client: (hsm) => new TwoSlotClient(hsm) },
    hangsAtOnce(8, async (scene) => {
      const { provider, keyId } = scene;
      const ciphertext = await encrypted(scene);
      await provider.reEncrypt({ ciphertext, source: { keyId }, destination: { keyId } });
    }),
  ),
];
