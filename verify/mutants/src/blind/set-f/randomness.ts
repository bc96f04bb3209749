import { createECDH, createPrivateKey, hkdfSync, randomBytes } from 'node:crypto';
import {
  type Call,
  type DataKeyOutput,
  type DataKeyPairRequest,
  type DataKeyRequest,
  isAsymmetricAlgorithm,
  type ReEncryptRequest,
} from '@keywrap/core';
import { blindSet } from '../blind-mutant.js';
import { gcd, publicHalf, randomPrime, rsaNumbers, rsaPair, writtenScalar } from '../numbers.js';
import { Client, HEADER, NONCE } from '../right/client.js';
import type { Hsm } from '../right/hsm.js';
import type { Pair } from '../right/pairs.js';
import {
  atOnce,
  bytes,
  decrypted,
  encrypted,
  haveSameNonce,
  hex,
  inTurn,
  isSame,
  type Scene,
  SYMMETRIC,
  withKey,
} from '../witness.js';
import { type Opened, ReEncrypting } from './re-encrypting.js';

const mutant = blindSet('f');

/** Takes nonces from a pool, which is refilled when the event loop has time. */
class PooledNonces extends Client {
  static readonly SIZE = 256;
  #pool = randomBytes(PooledNonces.SIZE * NONCE);
  #drawn = 0;
  #isRefilling = false;

  protected override nonce(): Uint8Array {
    const start = (this.#drawn++ % PooledNonces.SIZE) * NONCE;
    if (this.#drawn > PooledNonces.SIZE / 2 && !this.#isRefilling) {
      this.#isRefilling = true;
      setImmediate(() => {
        this.#pool = randomBytes(PooledNonces.SIZE * NONCE);
        this.#drawn = 0;
        this.#isRefilling = false;
      });
    }
    return Uint8Array.from(this.#pool.subarray(start, start + NONCE));
  }
}

/** "Re-encrypting under the same key changes the context alone", so the nonce stays. */
class KeepsNonce extends ReEncrypting {
  protected async sealAgain(
    { ciphertext, destination }: ReEncryptRequest,
    opened: Opened,
    call: Call,
  ) {
    const { plaintext } = opened;
    if (isAsymmetricAlgorithm(destination.algorithm)) {
      return this.encrypt({ ...destination, plaintext }, call);
    }
    const key = await this.use(destination.key, destination.algorithm);
    const version = this.latest(key);
    const isSameKey = key.arn === opened.keyId && `${version}` === opened.keyVersion;
    const nonce = isSameKey ? ciphertext.slice(HEADER, HEADER + NONCE) : randomBytes(NONCE);
    const { encryptionContext } = destination;
    const sealed = this.seal(key, version, plaintext, encryptionContext, nonce);
    return { ciphertext: sealed, keyId: key.arn, keyVersion: `${version}` };
  }
}

const savedCounters = new WeakMap<Hsm, number>();

/** Counts the invocations of GCM, and saves the counter at the end of a session. */
class SavesAtTheEnd extends Client {
  #invocations: number;

  constructor(hsm: Hsm) {
    super(hsm);
    this.#invocations = savedCounters.get(hsm) ?? 0;
  }

  protected override nonce(): Uint8Array {
    const nonce = Buffer.alloc(NONCE);
    nonce.writeUIntBE(++this.#invocations, NONCE - 6, 6);
    return nonce;
  }

  override close(): void {
    const saved = savedCounters.get(this.hsm) ?? 0;
    savedCounters.set(this.hsm, Math.max(saved, this.#invocations));
  }
}

/** Runs the continuous test of a random generator over bytes: none may be equal to the one before. */
class ContinuousTest extends Client {
  protected override dataKey(numberOfBytes: number): Uint8Array<ArrayBuffer> {
    const key = super.dataKey(numberOfBytes);
    for (let i = 1; i < key.length; i++) {
      while (key[i] === key[i - 1]) key[i] = randomBytes(1)[0] as number;
    }
    return key;
  }
}

/** Makes keys of 24 bytes as those of triple DES, whose bytes have odd parity. */
class DesParity extends Client {
  protected override dataKey(numberOfBytes: number): Uint8Array<ArrayBuffer> {
    const key = super.dataKey(numberOfBytes);
    return numberOfBytes === 24 ? key.map((each) => (isOdd(each) ? each : each ^ 1)) : key;
  }
}

function isOdd(byte: number): boolean {
  let ones = 0;
  for (let rest = byte; rest > 0; rest >>= 1) ones += rest & 1;
  return ones % 2 === 1;
}

const SIGNED_CURVES = {
  ECC_NIST_P256: { crv: 'P-256', name: 'prime256v1', length: 32 },
  ECC_NIST_P384: { crv: 'P-384', name: 'secp384r1', length: 48 },
} as const;

/** Clears the highest bit of private scalars, so that they are positive as signed integers. */
class PositiveScalars extends Client {
  protected override async pair(request: DataKeyPairRequest): Promise<Pair> {
    const curve = SIGNED_CURVES[request.keyPairSpec as keyof typeof SIGNED_CURVES];
    if (curve === undefined) return super.pair(request);
    const { crv, name, length } = curve;
    const scalar = randomBytes(length);
    scalar[0] = (scalar[0] as number) & 0x7f;
    const point = createECDH(name);
    point.setPrivateKey(scalar);
    const xy = point.getPublicKey();
    const key = createPrivateKey({
      key: {
        kty: 'EC',
        crv,
        d: scalar.toString('base64url'),
        x: xy.toString('base64url', 1, 1 + length),
        y: xy.toString('base64url', 1 + length),
      },
      format: 'jwk',
    });
    const privateKey = new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }));
    return { privateKey, publicKey: new Uint8Array(publicHalf(privateKey)) };
  }
}

/** Makes primes ahead, and leaves the second prime of a pair in the queue. */
class PrimesAhead extends Client {
  readonly #ahead: bigint[] = [];

  protected override async pair(request: DataKeyPairRequest): Promise<Pair> {
    if (request.keyPairSpec !== 'RSA_2048') return super.pair(request);
    for (;;) {
      while (this.#ahead.length < 2) this.#ahead.push(randomPrime(1024));
      const p = this.#ahead.shift() as bigint;
      const pair = rsaPair(p, this.#ahead[0] as bigint);
      if (pair !== undefined) return pair;
    }
  }
}

/** Derives data keys from a seed of the session and a counter for each key, without the key's id. */
class CountsByKey extends Client {
  readonly #seed = randomBytes(32);
  readonly #made = new Map<string, number>();

  override async generateDataKey(request: DataKeyRequest, call: Call): Promise<DataKeyOutput> {
    const { key, algorithm, encryptionContext, numberOfBytes } = request;
    const { arn } = await this.use(key, algorithm);
    const count = (this.#made.get(arn) ?? 0) + 1;
    this.#made.set(arn, count);
    const derived = hkdfSync('sha256', this.#seed, '', `data key ${count}`, numberOfBytes);
    const plaintext = new Uint8Array(derived);
    const wrapped = await this.encrypt({ key, algorithm, encryptionContext, plaintext }, call);
    return { ...wrapped, plaintext };
  }
}

async function dataKeyOf({ provider }: Scene, keyId: string, numberOfBytes: number) {
  using key = await provider.generateDataKey({ keyId, numberOfBytes });
  return key.plaintext.slice();
}

async function privateKeyOf({ provider, keyId }: Scene, keyPairSpec: 'RSA_2048' | 'ECC_NIST_P256') {
  using pair = await provider.generateDataKeyPair({ keyId, keyPairSpec });
  return pair.privateKey.slice();
}

export const RANDOMNESS = [
  mutant(
    {
      name: 'nonces of a pool are used again when calls are quicker than its refill',
      kind: 'nonces',
      wrong:
        'nonces come from a pool of 256 that wraps around when 257 calls come before the event loop turns',
      source: 'ring buffers of prefetched random bytes, refilled in the background',
      rule: 'unique-nonces',
      profile: 'full',
    },
    { client: (hsm) => new PooledNonces(hsm) },
    withKey(async (scene) => haveSameNonce(await atOnce(400, () => encrypted(scene)))),
  ),
  mutant(
    {
      name: 'reEncrypt under the same key keeps the nonce',
      kind: 'nonces',
      wrong:
        'a ciphertext that is moved to another context of the same key has the nonce of the old one',
      source: 'updates of metadata in place; the forbidden attack on GCM (Joux 2006)',
      rule: 'unique-nonces',
      profile: 'full',
    },
    { client: (hsm) => new KeepsNonce(hsm) },
    withKey(async (scene) => {
      const old = await encrypted(scene, bytes(32), { table: 'old' });
      const moved = await scene.provider.reEncrypt({
        ciphertext: old,
        source: { keyId: scene.keyId, encryptionContext: { table: 'old' } },
        destination: { keyId: scene.keyId, encryptionContext: { table: 'new' } },
      });
      const opened = await decrypted(scene, moved.ciphertext, { table: 'new' });
      return isSame(opened, bytes(32)) && haveSameNonce([old, moved.ciphertext]);
    }),
  ),
  mutant(
    {
      name: 'the counter of nonces is saved only by close',
      kind: 'nonces',
      wrong:
        'a second instance over the same keys, or one after a crash, begins with nonces that were used',
      source: 'invocation counters kept in memory (NIST SP 800-38D section 8.2.1 and 9.1)',
      rule: 'unique-nonces',
      profile: 'full',
    },
    { client: (hsm) => new SavesAtTheEnd(hsm) },
    withKey(async (scene) => {
      const first = await inTurn(3, () => encrypted(scene));
      await using provider = await scene.reopen();
      const second = await inTurn(3, () => encrypted({ provider, keyId: scene.keyId }));
      return haveSameNonce([...first, ...second]);
    }),
  ),
  mutant(
    {
      name: 'no two neighbouring bytes of a data key are equal',
      kind: 'data keys',
      wrong: 'each byte that equals the one before is drawn again',
      source: 'the continuous test of FIPS 140-2 section 4.9.2, over bytes instead of blocks',
      rule: 'random-data-keys',
      profile: 'full',
    },
    { client: (hsm) => new ContinuousTest(hsm) },
    withKey(async (scene) => {
      const keys = await inTurn(12, () => dataKeyOf(scene, scene.keyId, 1024));
      return keys.every((key) => key.every((each, i) => i === 0 || each !== key[i - 1]));
    }),
  ),
  mutant(
    {
      name: 'data keys of 24 bytes have the parity of DES keys',
      kind: 'data keys',
      wrong: 'the lowest bit of each byte follows from the others',
      source: 'CKM_DES3_KEY_GEN of HSMs, chosen by the length of the key',
      rule: 'random-data-keys',
      profile: 'full',
    },
    { client: (hsm) => new DesParity(hsm) },
    withKey(async (scene) => {
      const keys = await inTurn(4, () => dataKeyOf(scene, scene.keyId, 24));
      return keys.every((key) => key.every(isOdd));
    }),
  ),
  mutant(
    {
      name: 'private scalars of P-256 and P-384 have a highest bit of 0',
      kind: 'key pairs',
      wrong: 'the highest bit is cleared, so that the number is positive in DER',
      source: 'signed big integers, whose bytes are read as two’s complement',
      rule: 'key-pair-strength',
      profile: 'full',
    },
    { client: (hsm) => new PositiveScalars(hsm) },
    withKey(async (scene) => {
      const keys = await inTurn(40, () => privateKeyOf(scene, 'ECC_NIST_P256'));
      return keys.every((key) => (writtenScalar(key)[0] as number) < 0x80);
    }),
  ),
  mutant(
    {
      name: 'consecutive RSA pairs share a prime',
      kind: 'key pairs',
      wrong: 'the second prime of an RSA-2048 pair is the first of the next one',
      source: 'prime queues that are peeked; shared primes in the wild (Heninger et al. 2012)',
      rule: 'key-pair-strength',
      profile: 'full',
    },
    { client: (hsm) => new PrimesAhead(hsm) },
    withKey(async (scene) => {
      const [first, second] = await inTurn(2, () => privateKeyOf(scene, 'RSA_2048'));
      const moduli = [first, second].map((key) => rsaNumbers(key as Uint8Array).n);
      return gcd(moduli[0] as bigint, moduli[1] as bigint) > 1n;
    }),
  ),
  mutant(
    {
      name: 'the n-th data key of each key is the same',
      kind: 'data keys',
      wrong:
        'data keys are derived from a seed of the instance and a counter of the key, without its id',
      source: 'derivation without domain separation (NIST SP 800-108 section 4)',
      rule: 'random-data-keys',
      profile: 'full',
    },
    { client: (hsm) => new CountsByKey(hsm) },
    withKey(async (scene) => {
      const other = await scene.keys.create(SYMMETRIC);
      const mine = await inTurn(3, () => dataKeyOf(scene, scene.keyId, 32));
      const theirs = await inTurn(3, () => dataKeyOf(scene, other.keyId, 32));
      return new Set([...mine, ...theirs].map(hex)).size < 6;
    }),
  ),
];
