import { setImmediate } from 'node:timers/promises';
import {
  aroundEach,
  type Call,
  type DecryptOutput,
  type EncryptOutput,
  type EncryptRequest,
  isAsymmetricAlgorithm,
  KeyWrapError,
  type KeyWrapProvider,
  type Layer,
  ProviderUnavailableError,
  ThrottledError,
} from '@keywrap/core';
import { type BlindMutant, blindSet, type Open } from '../blind-mutant.js';
import { Client, own } from '../right/client.js';
import type { HsmKey } from '../right/hsm.js';
import {
  atOnce,
  bytes,
  codeOf,
  decrypted,
  encrypted,
  inTurn,
  isSame,
  SYMMETRIC,
  withKey,
} from '../witness.js';

const mutant = blindSet('g');

/** Ciphertexts of more than a frame come in two, and are put together in the connection's buffer. */
class TwoFrames extends Client {
  static readonly #FRAME = 1024;
  readonly #received = Buffer.alloc(8192);

  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    const { ciphertext, ...output } = await super.encrypt(request, call);
    if (ciphertext.length <= TwoFrames.#FRAME) return { ...output, ciphertext };
    this.#received.set(ciphertext.subarray(0, TwoFrames.#FRAME));
    await this.hsm.request();
    this.#received.set(ciphertext.subarray(TwoFrames.#FRAME), TwoFrames.#FRAME);
    return { ...output, ciphertext: own(this.#received.subarray(0, ciphertext.length)) };
  }
}

/** The sessions of an HSM, of which only so many may be open. */
class Sessions {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  async take(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}

/** An aborted call leaves its session to the reader of the answer, which has gone. */
const losesSessions: Layer = (inner) => {
  const sessions = new Sessions(8);
  return aroundEach(inner, async (_operation, _request, { signal }, next) => {
    await sessions.take();
    try {
      return await next();
    } finally {
      if (!signal?.aborted) sessions.give();
    }
  });
};

const keepsBrokenConnections: Layer = (inner) => {
  let broken = 0;
  return aroundEach(inner, async (_operation, _request, _call, next) => {
    if (broken >= 8) throw new ThrottledError('no connection is free; retry later');
    try {
      return await next();
    } catch (error) {
      if (error instanceof ProviderUnavailableError) broken++;
      throw error;
    }
  });
};

/** Counts the calls under way for `close`, and forgets those that fail. */
function countsCalls(inner: KeyWrapProvider): Partial<KeyWrapProvider> {
  let underWay = 0;
  let idle = () => {};
  const counted = async <T>(call: Promise<T>): Promise<T> => {
    underWay++;
    const result = await call;
    underWay--;
    if (underWay === 0) idle();
    return result;
  };
  let closing: Promise<void> | undefined;
  const shutDown = async () => {
    const closed = inner.close();
    if (underWay > 0) {
      await new Promise<void>((resolve) => {
        idle = resolve;
      });
    }
    await closed;
  };
  const close = () => {
    closing ??= shutDown();
    return closing;
  };
  return {
    encrypt: (input, options) => counted(inner.encrypt(input, options)),
    decrypt: (input, options) => counted(inner.decrypt(input, options)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

const leavesTimers: Layer = (inner) =>
  aroundEach(inner, async (_operation, _request, _call, next) => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const error = new ProviderUnavailableError('the HSM did not answer');
      timer = setTimeout(() => reject(error), 10_000);
    });
    const output = await Promise.race([next(), late]);
    clearTimeout(timer);
    return output;
  });

/** Joins decrypts of one ciphertext that are under way. */
const joinsDecrypts: Layer = (inner) => {
  const underWay = new Map<string, Promise<DecryptOutput>>();
  return {
    ...inner,
    async decrypt(request, call) {
      const { key, algorithm, ciphertext } = request;
      const name = [key?.text, algorithm, Buffer.from(ciphertext).toString('base64')].join();
      const ask = async () => inner.decrypt(request, { ...call, signal: undefined });
      const asked = underWay.get(name) ?? ask().finally(() => underWay.delete(name));
      underWay.set(name, asked);
      const output = await asked;
      return { ...output, plaintext: own(output.plaintext) };
    },
  };
};

interface Job {
  readonly request: EncryptRequest;
  readonly call: Call;
  readonly resolve: (output: EncryptOutput) => void;
  readonly reject: (error: unknown) => void;
}

/** Sends the encrypts of one turn as a batch, whose answer lists the ciphertexts and the errors. */
const batchesEncrypts: Layer = (inner) => {
  const waiting: Job[] = [];
  const flush = async () => {
    const jobs = waiting.splice(0);
    const settled = await Promise.allSettled(
      jobs.map(async ({ request, call }) => inner.encrypt(request, call)),
    );
    const outputs = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const errors = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    for (const [i, { resolve, reject }] of jobs.entries()) {
      const output = outputs[i];
      if (output === undefined) reject(errors[i - outputs.length]);
      else resolve(output);
    }
  };
  return {
    ...inner,
    encrypt: (request, call) =>
      new Promise((resolve, reject) => {
        waiting.push({ request, call, resolve, reject });
        if (waiting.length === 1) queueMicrotask(flush);
      }),
  };
};

/** Selects the key in a session, and encrypts in it with the key that is selected. */
class SharedSessions extends Client {
  readonly #sessions: { selected?: HsmKey }[] = [{}, {}, {}, {}];
  #calls = 0;

  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    const { key: name, algorithm, plaintext, encryptionContext } = request;
    if (isAsymmetricAlgorithm(algorithm)) return super.encrypt(request, call);
    const session = this.#sessions[this.#calls++ % this.#sessions.length] as {
      selected?: HsmKey;
    };
    const key = await this.use(name, algorithm);
    session.selected = key;
    await this.hsm.request();
    const version = this.latest(session.selected);
    const ciphertext = this.seal(session.selected, version, plaintext, encryptionContext);
    return { ciphertext, keyId: key.arn, keyVersion: `${version}` };
  }
}

/** True if work settles without anything outside: the HSM answers in microtasks. */
async function settles(work: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  work.then(settle, settle);
  for (let turn = 0; turn < 20; turn++) await setImmediate();
  return isSettled;
}

/** As `withKey`, for work after which `close` may hang. */
function withoutClosing(
  work: (scene: { provider: KeyWrapProvider; keyId: string }) => Promise<boolean>,
) {
  return async (open: Open): Promise<boolean> => {
    const { provider, keys } = open();
    const { keyId } = await keys.create(SYMMETRIC);
    return work({ provider, keyId });
  };
}

function countTimers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}

export const CONCURRENCY: readonly BlindMutant[] = [
  mutant(
    {
      name: 'long ciphertexts of calls at once are mixed',
      kind: 'concurrency',
      wrong:
        'two ciphertexts of more than 1024 bytes that come at once share a frame, and one is lost',
      source: 'one buffer for all answers of a connection',
      rule: 'concurrency-at-scale',
      profile: 'full',
    },
    { client: (hsm) => new TwoFrames(hsm) },
    withKey(async (scene) => {
      const made = await atOnce(2, (i) => encrypted(scene, bytes(2000, i)));
      const codes = await Promise.all(made.map((each) => codeOf(decrypted(scene, each))));
      return codes.some((code) => code !== 'ok');
    }),
  ),
  mutant(
    {
      name: 'aborted calls keep their session',
      kind: 'aborts',
      wrong: 'after eight calls that were aborted under way every call hangs',
      source: 'a session that is given back by the code that reads the answer',
      rule: 'resources',
      profile: 'full',
      hangs: true,
    },
    { layer: losesSessions },
    withoutClosing(async ({ provider, keyId }) => {
      await inTurn(8, () => {
        const controller = new AbortController();
        const call = provider.describeKey({ keyId }, { signal: controller.signal });
        controller.abort();
        return codeOf(call);
      });
      return !(await settles(provider.describeKey({ keyId })));
    }),
  ),
  mutant(
    {
      name: 'an outage uses up the connections',
      kind: 'outages',
      wrong: 'after eight calls in outages every call is THROTTLED, although the HSM is back',
      source: 'connections that broke stay in the pool, which counts them as busy',
      rule: 'outages',
      profile: 'full',
    },
    { layer: keepsBrokenConnections },
    withKey(async (scene) => {
      await scene.fail('unavailable');
      await inTurn(10, () => codeOf(encrypted(scene)));
      await scene.fail(undefined);
      return (await codeOf(encrypted(scene))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'close hangs after a call that failed',
      kind: 'close',
      wrong: 'a failed encrypt or decrypt counts as under way for ever',
      source: 'a counter that is lowered after the await, not in a finally block',
      rule: 'close',
      profile: 'quick',
      hangs: true,
    },
    { bare: countsCalls },
    withoutClosing(async ({ provider, keyId }) => {
      await codeOf(provider.decrypt({ keyId, ciphertext: bytes(100) }));
      return !(await settles(provider.close()));
    }),
  ),
  mutant(
    {
      name: 'calls that fail leave a timer',
      kind: 'resources',
      wrong: 'the timer of the time limit is cleared on success only, and holds the process',
      source: 'Promise.race with a timer, and no finally block',
      rule: 'resources',
      profile: 'quick',
    },
    { layer: leavesTimers },
    withKey(async ({ provider, keyId }) => {
      const before = countTimers();
      await inTurn(20, () => codeOf(provider.decrypt({ keyId, ciphertext: bytes(100) })));
      return countTimers() >= before + 20;
    }),
  ),
  mutant(
    {
      name: 'decrypts at once are joined whatever their contexts',
      kind: 'concurrency',
      wrong:
        'a decrypt with the wrong context gets the plaintext of the right one that is under way',
      source: 'a single flight whose key lacks the context',
      rule: 'concurrency-at-scale',
      profile: 'full',
    },
    { layer: joinsDecrypts },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene, bytes(32), { tenant: 'a' });
      const codes = await Promise.all(
        ['a', 'b'].map((tenant) => codeOf(decrypted(scene, ciphertext, { tenant }))),
      );
      return codes[1] === 'ok';
    }),
  ),
  mutant(
    {
      name: 'a failure in a batch moves the answers',
      kind: 'concurrency',
      wrong:
        'callers behind a call that failed in the same turn get the ciphertext of the next one',
      source: 'a batch whose errors are a list of their own (SQS, DynamoDB, Elasticsearch)',
      rule: 'concurrency-at-scale',
      profile: 'full',
    },
    { layer: batchesEncrypts },
    withKey(async (scene) => {
      const { provider } = scene;
      const [, second] = await Promise.all([
        codeOf(encrypted({ provider, keyId: 'alias/nowhere' })),
        encrypted(scene, bytes(32, 2)).catch(onlyErrors),
        encrypted(scene, bytes(32, 3)).catch(onlyErrors),
      ]);
      return second === undefined || !isSame(await decrypted(scene, second), bytes(32, 2));
    }),
  ),
  mutant(
    {
      name: 'more than four encrypts at once use the key of another',
      kind: 'concurrency',
      wrong: 'the fifth call selects its key in the session of the first, which encrypts with it',
      source: 'C_EncryptInit and C_Encrypt of PKCS #11 on sessions that are taken in turn',
      rule: 'concurrency-at-scale',
      profile: 'full',
    },
    { client: (hsm) => new SharedSessions(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      const other = await keys.create(SYMMETRIC);
      const made = await atOnce(8, (i) =>
        encrypted({ provider, keyId: i < 4 ? keyId : other.keyId }),
      );
      const codes = await Promise.all(
        made.slice(0, 4).map((each) => codeOf(decrypted({ provider, keyId }, each))),
      );
      return codes.includes('INCORRECT_KEY');
    }),
  ),
];

function onlyErrors(error: unknown): undefined {
  if (!(error instanceof KeyWrapError)) throw error;
}
