import { randomInt } from 'node:crypto';
import {
  AbortError,
  type Call,
  type DataKeyOutput,
  type DataKeyRequest,
  type DecryptOutput,
  type DecryptRequest,
  type EncryptionAlgorithm,
  type EncryptOutput,
  type EncryptRequest,
  IncorrectKeyError,
  type KeyName,
  wipe,
} from '@keywrap/core';
import { blindSet, type Open } from '../blind-mutant.js';
import { Client, doesNotOpen, own } from '../right/client.js';
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
  SYMMETRIC,
  withKey,
} from '../witness.js';

const mutant = blindSet('f');

/** Sends large plaintexts through one buffer for direct memory access. */
class OneTransferBuffer extends Client {
  readonly #transfer = Buffer.alloc(4096);

  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    const { length } = request.plaintext;
    if (length < 2048) return super.encrypt(request, call);
    this.#transfer.set(request.plaintext);
    await this.hsm.request();
    const plaintext = own(this.#transfer.subarray(0, length));
    try {
      return await super.encrypt({ ...request, plaintext }, call);
    } finally {
      wipe(plaintext);
    }
  }
}

interface Entry {
  readonly request: EncryptRequest;
  readonly call: Call;
  resolve(output: EncryptOutput | undefined): void;
  reject(error: unknown): void;
}

/** Encrypts what is asked for in one tick in one request; the answer lists the ciphertexts that were made. */
class Batches extends Client {
  #batch: Entry[] = [];

  override encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    if (this.#batch.length === 0) queueMicrotask(() => this.#flush());
    return new Promise<EncryptOutput | undefined>((resolve, reject) => {
      this.#batch.push({ request, call, resolve, reject });
    }) as Promise<EncryptOutput>;
  }

  async #flush(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    const answers = await Promise.allSettled(
      batch.map(({ request, call }) => super.encrypt(request, call)),
    );
    const made = answers.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    for (const [i, entry] of batch.entries()) {
      const answer = answers[i];
      if (answer?.status === 'rejected') entry.reject(answer.reason);
      else entry.resolve(made[i]);
    }
  }
}

/** Joins equal decrypts that are in progress; the first one's signal ends the request for all. */
class Joins extends Client {
  readonly #underWay = new Map<string, Promise<DecryptOutput>>();

  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const { key, algorithm, ciphertext, encryptionContext } = request;
    const context = hex(this.serialized(encryptionContext));
    const name = [key?.text, algorithm, hex(ciphertext), context].join(' ');
    const known = this.#underWay.get(name);
    if (known !== undefined) {
      const { plaintext, ...rest } = await known;
      return { ...rest, plaintext: own(plaintext) };
    }
    const asked = this.#ask(request, call);
    this.#underWay.set(name, asked);
    try {
      const { plaintext, ...rest } = await asked;
      return { ...rest, plaintext: own(plaintext) };
    } finally {
      this.#underWay.delete(name);
    }
  }

  async #ask(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const output = await super.decrypt(request, call);
    if (call.signal?.aborted) throw new AbortError('the call was aborted');
    return output;
  }
}

const SESSIONS = 16;

/** Decrypts in one of 16 sessions. */
class Sessions extends Client {
  #free = SESSIONS;
  readonly #waiting: (() => void)[] = [];

  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    await this.#acquire();
    try {
      const output = await super.decrypt(request, call);
      this.#release();
      return output;
    } catch (error) {
      // Found by the client before the session is used.
      if (!(error instanceof IncorrectKeyError)) this.#release();
      throw error;
    }
  }

  async #acquire(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}

/** Gives each decrypt a deadline, which is removed with the answer. */
class Deadlines extends Client {
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const late = new AbortController();
    const deadline = setTimeout(() => late.abort(), 10_000);
    const output = await super.decrypt(request, call);
    clearTimeout(deadline);
    return output;
  }
}

/** Asks whether the session is alive while it looks for the key. */
class SideBySide extends Client {
  protected override async use(name: KeyName, algorithm: EncryptionAlgorithm): Promise<HsmKey> {
    const isAlive = this.hsm.request();
    const key = await super.use(name, algorithm);
    await isAlive;
    return key;
  }
}

/** Repeats a request whose connection was lost: one in 150. */
class RepeatsGeneration extends Client {
  override async generateDataKey(request: DataKeyRequest, call: Call): Promise<DataKeyOutput> {
    const first = await super.generateDataKey(request, call);
    if (randomInt(150) > 0) return first;
    const { plaintext: _, ...wrapped } = await super.generateDataKey(request, call);
    return { ...wrapped, plaintext: first.plaintext };
  }
}

const OPEN_SESSIONS = 64;

/** Opens a session for each decrypt, inside the `try` that makes every failure a bad ciphertext. */
class SessionLimit extends Client {
  #open = 0;

  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    if (this.#open >= OPEN_SESSIONS) throw doesNotOpen();
    this.#open++;
    try {
      return await super.decrypt(request, call);
    } finally {
      this.#open--;
    }
  }
}

/** Resolves to false when the work does not settle in time. */
async function settles(work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, 500, false);
  });
  const settled = work.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Does not close a provider that hangs: close would wait for its calls. */
async function runsOutOfSessions(open: Open): Promise<boolean> {
  const { provider, keys } = open();
  const { keyId } = await keys.create(SYMMETRIC);
  const other = await keys.create(SYMMETRIC);
  const ciphertext = await encrypted({ provider, keyId });
  await inTurn(SESSIONS, () => codeOf(decrypted({ provider, keyId: other.keyId }, ciphertext)));
  if (!(await settles(decrypted({ provider, keyId }, ciphertext)))) return true;
  await provider.close();
  return false;
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
}

/** Counts the rejections that nobody handles during some work. */
async function unhandledDuring(work: () => Promise<unknown>): Promise<number> {
  const others = process.listeners('unhandledRejection');
  let count = 0;
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', () => count++);
  try {
    await work();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.removeAllListeners('unhandledRejection');
    for (const each of others) process.on('unhandledRejection', each);
  }
  return count;
}

export const CONCURRENCY = [
  mutant(
    {
      name: 'large plaintexts share a transfer buffer',
      kind: 'concurrency',
      wrong: 'two encrypts at once of 2048 bytes or more both encrypt the plaintext of the later',
      source: 'one buffer for direct memory access in a driver',
      rule: 'concurrency-at-scale',
      profile: 'full',
    },
    { client: (hsm) => new OneTransferBuffer(hsm) },
    withKey(async (scene) => {
      const plaintexts = [bytes(2048, 1), bytes(2048, 2)];
      const made = await atOnce(2, (i) => encrypted(scene, plaintexts[i]));
      const opened = await inTurn(2, (i) => decrypted(scene, made[i] as Uint8Array));
      return !isSame(opened[0] as Uint8Array, plaintexts[0] as Uint8Array);
    }),
  ),
  mutant(
    {
      name: 'a failure in a batch shifts the results after it',
      kind: 'concurrency',
      wrong:
        'encrypts of one tick are sent as a batch; after one that fails, each gets the ciphertext of the next',
      source: 'batch answers that leave failed items out, matched by position',
      rule: 'concurrency-at-scale',
      profile: 'full',
    },
    { client: (hsm) => new Batches(hsm) },
    withKey(async (scene) => {
      const broken = await scene.keys.create(SYMMETRIC);
      await scene.keys.disable(broken.keyId);
      const names = [broken.keyId, scene.keyId, scene.keyId];
      const made = await Promise.allSettled(
        names.map((keyId, i) => encrypted({ ...scene, keyId }, bytes(32, i))),
      );
      if (made[1]?.status !== 'fulfilled') return false;
      return !isSame(await decrypted(scene, made[1].value), bytes(32, 1));
    }),
  ),
  mutant(
    {
      name: 'an abort of one decrypt ends equal ones of other callers',
      kind: 'aborts',
      wrong: 'equal decrypts in progress are joined, under the signal of the first',
      source: 'request coalescing, such as single flight in front of a vault',
      rule: 'abort',
      profile: 'full',
    },
    { client: (hsm) => new Joins(hsm) },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const ciphertext = await encrypted(scene);
      const controller = new AbortController();
      const first = provider.decrypt({ keyId, ciphertext }, { signal: controller.signal });
      const second = codeOf(provider.decrypt({ keyId, ciphertext }));
      controller.abort();
      await codeOf(first);
      return (await second) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'a session is lost with each ciphertext of another key',
      kind: 'resources',
      wrong: 'IncorrectKeyError does not give the session back; after 16 of them decrypt hangs',
      source: 'pools whose slot is released in all branches but one',
      rule: 'resources',
      profile: 'full',
      hangs: true,
    },
    { client: (hsm) => new Sessions(hsm) },
    runsOutOfSessions,
  ),
  mutant(
    {
      name: 'a decrypt that fails leaves its deadline',
      kind: 'resources',
      wrong: 'the timer of 10 seconds is removed after success only, and keeps the process alive',
      source: 'clearTimeout outside of `finally`',
      rule: 'resources',
      profile: 'full',
    },
    { client: (hsm) => new Deadlines(hsm) },
    withKey(async (scene) => {
      const before = timers();
      await inTurn(5, () => codeOf(decrypted(scene, bytes(80))));
      return timers() >= before + 5;
    }),
  ),
  mutant(
    {
      name: 'in an outage a second rejection is unhandled',
      kind: 'outages',
      wrong:
        'two requests side by side are awaited in turn; when both fail, nobody handles the second failure',
      source: 'promises that begin before an earlier await; Node.js ends the process for them',
      rule: 'resources',
      profile: 'full',
    },
    { client: (hsm) => new SideBySide(hsm) },
    withKey(async (scene) => {
      await scene.fail('unavailable');
      const count = await unhandledDuring(() => codeOf(encrypted(scene)));
      await scene.fail(undefined);
      return count > 0;
    }),
  ),
  mutant(
    {
      name: 'a repeated request returns the data key of the first attempt with the ciphertext of the second',
      kind: 'rare faults',
      wrong: 'one in 150 data keys is not the one that its ciphertext holds',
      source: 'retries of requests that are not idempotent',
      rule: 'no-rare-faults',
      profile: 'soak',
    },
    { client: (hsm) => new RepeatsGeneration(hsm) },
    withKey(async (scene) => {
      for (let i = 0; i < 5000; i++) {
        using key = await scene.provider.generateDataKey({
          keyId: scene.keyId,
          keySpec: 'AES_256',
        });
        if (!isSame(await decrypted(scene, key.ciphertext), key.plaintext)) return true;
      }
      return false;
    }),
  ),
  mutant(
    {
      name: 'more than 64 decrypts at once are bad ciphertexts',
      kind: 'concurrency',
      wrong:
        'when no session is left, decrypt rejects with InvalidCiphertextError, and data seems lost',
      source: 'CKR_SESSION_COUNT caught with the failures of C_Decrypt',
      rule: 'concurrency-at-scale',
      profile: 'full',
    },
    { client: (hsm) => new SessionLimit(hsm) },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene);
      const codes = await atOnce(65, () => codeOf(decrypted(scene, ciphertext)));
      return codes.includes('INVALID_CIPHERTEXT');
    }),
  ),
];
