import { createCipheriv } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  AbortError,
  aroundEach,
  type Call,
  type CompleteDriver,
  type DataKeyOutput,
  type DataKeyRequest,
  type DecryptOutput,
  type DecryptRequest,
  type EncryptOutput,
  type EncryptRequest,
  isAsymmetricAlgorithm,
  type KeyName,
  type KeyWrapProvider,
} from '@keywrap/core';
import { type BlindMutant, blindSet, type Open } from '../blind-mutant.js';
import { Client, own } from '../right/client.js';
import {
  atOnce,
  bytes,
  codeOf,
  decrypted,
  encrypted,
  hex,
  inTurn,
  isSame,
  SYMMETRIC,
  withKey,
} from '../witness.js';
import { ownValue, turn } from './own-value.js';

const mutant = blindSet('e');

/** Reads answers in the order of the requests, from one connection. */
class OneConnection extends Client {
  readonly #answers: DecryptOutput[] = [];

  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    this.#answers.push(await super.decrypt(request, call));
    await turn();
    // The answer stays on the connection.
    if (call.signal?.aborted) throw new AbortError('the caller has given up');
    return this.#answers.shift() as DecryptOutput;
  }
}

/** Writes the header before the round trip in which the HSM encrypts. */
class TornByRotation extends Client {
  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    const { key: name, algorithm, plaintext, encryptionContext } = request;
    if (isAsymmetricAlgorithm(algorithm)) return super.encrypt(request, call);
    const known = this.#versionOf(name);
    const key = await this.use(name, algorithm);
    const version = known ?? this.latest(key);
    await turn();
    const header = this.header(key, version);
    const nonce = this.nonce(key, encryptionContext);
    const material = key.versions.get(this.latest(key)) as Uint8Array;
    const cipher = createCipheriv('aes-256-gcm', material, nonce);
    cipher.setAAD(this.additionalData(header, encryptionContext));
    const sealed = [cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
    const ciphertext = own(Buffer.concat([header, nonce, ...sealed]));
    return { ciphertext, keyId: key.arn, keyVersion: `${version}` };
  }

  #versionOf(name: KeyName): number | undefined {
    try {
      return this.latest(this.find(name));
    } catch {
      return undefined;
    }
  }
}

/** Asks once for a ciphertext that several calls decrypt at the same time. */
class JoinsByCiphertext extends Client {
  readonly #underWay = new Map<string, Promise<DecryptOutput>>();

  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    if (isAsymmetricAlgorithm(request.algorithm)) return super.decrypt(request, call);
    const id = `${request.key?.text} ${hex(request.ciphertext)}`;
    let answer = this.#underWay.get(id);
    if (answer === undefined) {
      answer = super.decrypt(request, call);
      this.#underWay.set(id, answer);
      const end = () => this.#underWay.delete(id);
      answer.then(end, end);
    }
    const output = await answer;
    return { ...output, plaintext: own(output.plaintext) };
  }
}

/** One request for the calls of one turn, and one signal for the request. */
class AbortsTogether extends Client {
  #request: AbortController | undefined;

  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    const together = this.#join();
    const abort = () => together.abort();
    call.signal?.addEventListener('abort', abort, { once: true });
    try {
      await turn();
      together.signal.throwIfAborted();
      return await super.encrypt(request, call);
    } finally {
      call.signal?.removeEventListener('abort', abort);
    }
  }

  #join(): AbortController {
    if (this.#request !== undefined) return this.#request;
    this.#request = new AbortController();
    setImmediate(() => {
      this.#request = undefined;
    });
    return this.#request;
  }
}

/** Sends a slow request twice, and takes the parts of the answer as they come. */
class MixesAnswers extends Client {
  #underWay = 0;
  #hedged = 0;

  override async generateDataKey(request: DataKeyRequest, call: Call): Promise<DataKeyOutput> {
    this.#underWay++;
    try {
      const isHedged = this.#underWay > 8 && this.#hedged++ % 20 === 19;
      const first = await super.generateDataKey(request, call);
      if (!isHedged) return first;
      const second = await super.generateDataKey(request, call);
      return { ...second, plaintext: first.plaintext };
    } finally {
      this.#underWay--;
    }
  }
}

/** Eight sessions, given to the calls in the order in which they came. */
class Sessions {
  #free = 8;
  readonly #waiting: (() => void)[] = [];

  async take(signal: AbortSignal | undefined): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    // The session that it was given is not given back.
    if (signal?.aborted) throw new AbortError('the caller has given up');
  }

  giveBack(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}

function losesSessions<Keys extends object>(inner: CompleteDriver<Keys>): CompleteDriver<Keys> {
  const sessions = new Sessions();
  return aroundEach(inner, async (_operation, _request, call, next) => {
    await sessions.take(call.signal);
    try {
      return await next();
    } finally {
      sessions.giveBack();
    }
  });
}

/** Logs a call that its caller gives up, until it has succeeded. */
function keepsListener(inner: KeyWrapProvider): Partial<KeyWrapProvider> {
  return {
    async decrypt(input, options) {
      const signal = ownValue(options, 'signal');
      const note = () => {};
      if (signal instanceof AbortSignal) signal.addEventListener('abort', note);
      const result = await inner.decrypt(input, options);
      if (signal instanceof AbortSignal) signal.removeEventListener('abort', note);
      return result;
    },
  };
}

/** Knows its requests until they have been answered. */
class KeepsFailed extends Client {
  readonly #requests = new Map<number, EncryptRequest>();
  #count = 0;

  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    const id = this.#count++;
    this.#requests.set(id, request);
    const output = await super.encrypt(request, call);
    this.#requests.delete(id);
    return output;
  }
}

/** True if eight calls that are aborted while they wait for a session leave none. */
async function runsOutOfSessions(open: Open): Promise<boolean> {
  const subject = open();
  const { keyId } = await subject.keys.create(SYMMETRIC);
  const caller = new AbortController();
  const working = atOnce(8, () => encrypted({ ...subject, keyId }));
  const waiting = atOnce(8, () =>
    codeOf(subject.provider.encrypt({ keyId, plaintext: bytes(32) }, { signal: caller.signal })),
  );
  caller.abort();
  await Promise.all([working, waiting]);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, 1000, 'late');
  });
  const code = await Promise.race([codeOf(encrypted({ ...subject, keyId })), late]);
  clearTimeout(timer);
  // To close a provider that hangs would hang too.
  if (code !== 'late') await subject.provider.close();
  return code === 'late';
}

/** The bytes of all array buffers that something refers to. */
async function bytesInUse(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  for (let i = 0; i < 3; i++) {
    await turn();
    collectGarbage();
  }
  return process.memoryUsage().arrayBuffers;
}

export const CONCURRENCY: readonly BlindMutant[] = [
  mutant(
    {
      name: 'the answer of an aborted decrypt goes to the next',
      kind: 'aborts',
      wrong:
        'an aborted call leaves its answer on the connection, and the next decrypt returns it: the plaintext of somebody else',
      source: "redis-py issue 2624, which showed users of ChatGPT each other's data in March 2023",
      rule: 'abort',
      profile: 'full',
    },
    { client: (hsm) => new OneConnection(hsm) },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const [theirs, mine] = [bytes(32, 1), bytes(32, 2)];
      const [first, second] = [await encrypted(scene, theirs), await encrypted(scene, mine)];
      const caller = new AbortController();
      const aborted = provider.decrypt({ keyId, ciphertext: first }, { signal: caller.signal });
      caller.abort();
      await codeOf(aborted);
      await turn();
      await turn();
      return !isSame(await decrypted(scene, second), mine);
    }),
  ),
  mutant(
    {
      name: 'a rotation while a call encrypts loses its plaintext',
      kind: 'concurrency',
      wrong:
        'the version is read before the round trip and the material after it, so that a ciphertext made during a rotation names a version that did not make it, and never opens',
      source: 'a torn read',
      rule: 'rotation',
      profile: 'full',
    },
    { client: (hsm) => new TornByRotation(hsm) },
    withKey(async (scene) => {
      const call = encrypted(scene);
      await scene.keys.rotate(scene.keyId);
      return (await codeOf(decrypted(scene, await call))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'decrypts of one ciphertext at the same time are joined whatever their context',
      kind: 'concurrency',
      wrong:
        'a call that names another context gets the plaintext if a call with the right one is in flight',
      source: 'request coalescing whose key lacks a part of the request',
      rule: 'concurrency',
      profile: 'full',
    },
    { client: (hsm) => new JoinsByCiphertext(hsm) },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene, bytes(32), { tenant: 'a' });
      const codes = await atOnce(2, (i) =>
        codeOf(decrypted(scene, ciphertext, { tenant: i === 0 ? 'a' : 'b' })),
      );
      return codes[1] === 'ok';
    }),
  ),
  mutant(
    {
      name: 'one abort ends the calls of the same turn',
      kind: 'aborts',
      wrong:
        'calls of one turn share a request and its signal, so that all of them fail when one of their callers gives up',
      source: 'a batching client with one AbortController for each batch',
      rule: 'abort',
      profile: 'full',
    },
    { client: (hsm) => new AbortsTogether(hsm) },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const caller = new AbortController();
      const input = { keyId, plaintext: bytes(32) };
      const aborted = codeOf(provider.encrypt(input, { signal: caller.signal }));
      const other = codeOf(provider.encrypt(input));
      caller.abort();
      await aborted;
      return (await other) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'a hedged data key has the plaintext of one answer and the ciphertext of another',
      kind: 'concurrency',
      wrong:
        'with more than eight data keys in flight, each twentieth of the rest is asked for twice, and its parts come from two answers: what it encrypts is lost',
      source: 'hedged requests for something that is not idempotent',
      rule: 'concurrency-at-scale',
      profile: 'soak',
    },
    { client: (hsm) => new MixesAnswers(hsm) },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const areLost = await atOnce(64, async () => {
        using key = await provider.generateDataKey({ keyId, keySpec: 'AES_256' });
        return !isSame(await decrypted(scene, key.ciphertext), key.plaintext);
      });
      return areLost.some(Boolean);
    }),
  ),
  mutant(
    {
      name: 'a call that is aborted while it waits for a session takes one with it',
      kind: 'resources',
      wrong:
        'there are eight sessions; a call whose caller gave up in the queue is given one and never gives it back, so that everything hangs after eight of them',
      source: 'semaphores that check for an abort after they have granted',
      rule: 'resources',
      profile: 'full',
      hangs: true,
    },
    { layer: losesSessions },
    runsOutOfSessions,
  ),
  mutant(
    {
      name: 'a failed decrypt leaves a listener on the signal of its caller',
      kind: 'resources',
      wrong:
        'the listener is removed after a success alone, so that a signal of the whole process collects one for each ciphertext that did not open',
      source: 'a clean-up that is not in a finally block',
      rule: 'resources',
      profile: 'full',
    },
    { bare: keepsListener },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const { signal } = new AbortController();
      await inTurn(5, (i) =>
        codeOf(provider.decrypt({ keyId, ciphertext: bytes(90, i) }, { signal })),
      );
      return getEventListeners(signal, 'abort').length > 0;
    }),
  ),
  mutant(
    {
      name: 'requests that failed are kept',
      kind: 'memory',
      wrong:
        'the table of requests in flight loses a request when it is answered, but not when it fails: it grows with each encrypt under a disabled key',
      source: 'a table of pending requests',
      rule: 'no-retention',
      profile: 'soak',
    },
    { client: (hsm) => new KeepsFailed(hsm) },
    withKey(async (scene) => {
      await scene.keys.disable(scene.keyId);
      const before = await bytesInUse();
      await inTurn(2000, () => codeOf(encrypted(scene, bytes(4096))));
      return (await bytesInUse()) - before > 2000 * 2048;
    }),
  ),
];
