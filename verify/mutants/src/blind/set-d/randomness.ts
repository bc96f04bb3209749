import { createECDH, createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import {
  type Call,
  type DataKeyPairRequest,
  type EncryptionAlgorithm,
  type EncryptRequest,
  isRsaKeySpec,
  type KeyName,
} from '@keywrap/core';
import { type BlindMutant, blindSet } from '../blind-mutant.js';
import { gcd, randomPrime, rsaNumbers, rsaPair, writtenScalar } from '../numbers.js';
import { Client, NONCE, own } from '../right/client.js';
import { Hsm, type HsmError, type HsmKey } from '../right/hsm.js';
import type { Pair } from '../right/pairs.js';
import { atOnce, codeOf, encrypted, haveSameNonce, hex, inTurn, withKey } from '../witness.js';

const mutant = blindSet('d');

/** A prefix and a count. */
function counted(prefix: Uint8Array, count: number): Uint8Array {
  const nonce = Buffer.alloc(NONCE);
  nonce.set(prefix);
  nonce.writeUIntBE(count, NONCE - 6, 6);
  return nonce;
}

class ReconnectingClient extends Client {
  readonly #prefix = randomBytes(6);
  #sent = 0;

  protected override async use(name: KeyName, algorithm: EncryptionAlgorithm): Promise<HsmKey> {
    try {
      return await super.use(name, algorithm);
    } catch (error) {
      const { name, code } = error as HsmError;
      if (name === 'TimeoutError' || code === 'ECONNRESET') this.#sent = 0;
      throw error;
    }
  }

  protected override nonce(): Uint8Array {
    return counted(this.#prefix, this.#sent++);
  }
}

class CheckpointingHsm extends Hsm {
  readonly checkpoints = new Map<string, number>();
}

class CheckpointingClient extends Client {
  readonly #next = new Map<string, number>();
  readonly #checkpoints: Map<string, number>;

  constructor(hsm: CheckpointingHsm) {
    super(hsm);
    this.#checkpoints = hsm.checkpoints;
  }

  protected override nonce({ id }: HsmKey): Uint8Array {
    const count = this.#next.get(id) ?? this.#checkpoints.get(id) ?? 0;
    this.#next.set(id, count + 1);
    if ((count + 1) % 64 === 0) this.#checkpoints.set(id, count + 1);
    return counted(new Uint8Array(6), count);
  }
}

class BatchingClient extends Client {
  #inFlight = 0;
  #batch: { readonly nonce: Uint8Array; size: number } | undefined;

  override async encrypt(request: EncryptRequest, call: Call) {
    this.#inFlight++;
    try {
      return await super.encrypt(request, call);
    } finally {
      if (--this.#inFlight === 0) this.#batch = undefined;
    }
  }

  protected override nonce(): Uint8Array {
    this.#batch ??= { nonce: randomBytes(NONCE), size: 0 };
    const nonce = this.#batch.nonce.slice();
    nonce[NONCE - 1] = (nonce[NONCE - 1] as number) ^ (this.#batch.size++ & 0x0f);
    return nonce;
  }
}

class HexClient extends Client {
  protected override dataKey(numberOfBytes: number): Uint8Array<ArrayBuffer> {
    const digits = Array.from(super.dataKey(numberOfBytes), (byte) => byte.toString(16)).join('');
    return own(Buffer.from(digits.padEnd(numberOfBytes * 2, '0'), 'hex'));
  }
}

const RING = 1024;

class RingClient extends Client {
  #ring = randomBytes(RING);
  #start = 0;

  protected override dataKey(numberOfBytes: number): Uint8Array<ArrayBuffer> {
    const key = new Uint8Array(new ArrayBuffer(numberOfBytes));
    for (let i = 0; i < numberOfBytes; i++) {
      key[i] = this.#ring[(this.#start + i) % RING] as number;
    }
    this.#start += numberOfBytes;
    if (this.#start >= RING) {
      this.#ring = randomBytes(RING);
      this.#start = 0;
    }
    return key;
  }
}

const READY = 4;

class PairPoolClient extends Client {
  readonly #pools = new Map<string, Pair[]>();
  readonly #filling = new Map<string, Promise<void>>();

  protected override async pair(request: DataKeyPairRequest): Promise<Pair> {
    const spec = request.keyPairSpec;
    if (isRsaKeySpec(spec)) return super.pair(request);
    const pool = this.#pools.get(spec) ?? [];
    this.#pools.set(spec, pool);
    while (pool.length === 0) {
      const filling = this.#filling.get(spec) ?? this.#fill(pool, request);
      this.#filling.set(spec, filling);
      await filling;
    }
    const { publicKey, privateKey } = pool[0] as Pair;
    await this.hsm.request();
    pool.shift();
    return { publicKey: publicKey.slice(), privateKey: privateKey.slice() };
  }

  async #fill(pool: Pair[], request: DataKeyPairRequest): Promise<void> {
    try {
      pool.push(...(await atOnce(READY, () => super.pair(request))));
    } finally {
      this.#filling.delete(request.keyPairSpec);
    }
  }
}

class ShortScalarClient extends Client {
  protected override async pair(request: DataKeyPairRequest): Promise<Pair> {
    if (request.keyPairSpec !== 'ECC_NIST_P521') return super.pair(request);
    const curve = createECDH('secp521r1');
    const scalar = Buffer.concat([Buffer.alloc(2), randomBytes(64)]);
    curve.setPrivateKey(scalar);
    const point = curve.getPublicKey();
    const [d, x, y] = [scalar, point.subarray(1, 67), point.subarray(67)].map((part) =>
      part.toString('base64url'),
    ) as [string, string, string];
    const key = createPrivateKey({ key: { kty: 'EC', crv: 'P-521', d, x, y }, format: 'jwk' });
    return {
      publicKey: own(createPublicKey(key).export({ type: 'spki', format: 'der' })),
      privateKey: own(key.export({ type: 'pkcs8', format: 'der' })),
    };
  }
}

/** What the random source gives to a process that has just started. */
let firstPrime: bigint | undefined;

class BootingClient extends Client {
  #isBooting = true;

  protected override async pair(request: DataKeyPairRequest): Promise<Pair> {
    if (request.keyPairSpec !== 'RSA_2048' || !this.#isBooting) return super.pair(request);
    this.#isBooting = false;
    firstPrime ??= randomPrime(1024);
    let pair: Pair | undefined;
    while (pair === undefined) pair = rsaPair(firstPrime, randomPrime(1024));
    return pair;
  }
}

export const RANDOMNESS: readonly BlindMutant[] = [
  mutant(
    {
      name: 'a-new-connection-counts-nonces-from-zero',
      kind: 'nonces',
      wrong:
        'Each nonce is a prefix of the client and a count, and the count starts again when a lost connection is replaced',
      source: 'TLS stacks that reused GCM nonces after a new handshake: Böck et al., 2016',
      rule: 'unique-nonces',
      profile: 'full',
    },
    { client: (hsm) => new ReconnectingClient(hsm) },
    withKey(async (scene) => {
      const before = await encrypted(scene);
      await scene.fail('unavailable');
      await inTurn(3, () => codeOf(encrypted(scene)));
      await scene.fail(undefined);
      return haveSameNonce([before, await encrypted(scene)]);
    }),
  ),
  mutant(
    {
      name: 'a-restart-repeats-nonces-since-the-checkpoint',
      kind: 'nonces',
      wrong:
        'The nonce is a count that is stored after every 64th use, so a restarted client repeats those used since',
      source: 'write-behind counters: a block must be reserved before it is used, not stored after',
      rule: 'unique-nonces',
      profile: 'full',
    },
    {
      hsm: (pairs) => new CheckpointingHsm(pairs),
      client: (hsm) => new CheckpointingClient(hsm as CheckpointingHsm),
    },
    withKey(async (scene) => {
      const before = await encrypted(scene);
      const provider = await scene.reopen();
      try {
        return haveSameNonce([before, await encrypted({ ...scene, provider })]);
      } finally {
        await provider.close();
      }
    }),
  ),
  mutant(
    {
      name: 'a-batch-of-more-than-16-repeats-nonces',
      kind: 'nonces',
      wrong:
        'Calls in flight together share a nonce that differs in four bits of a count, so the 17th has that of the first',
      source: 'batching layers that number their items in a field which is too short',
      rule: 'unique-nonces',
      profile: 'full',
    },
    { client: (hsm) => new BatchingClient(hsm) },
    withKey(async (scene) => haveSameNonce(await atOnce(40, () => encrypted(scene)))),
  ),
  mutant(
    {
      name: 'data-keys-in-hex-without-leading-zeros',
      kind: 'data keys',
      wrong:
        'Random bytes travel as hexadecimal digits without leading zeros, and the missing digits are zeros at the end of the key',
      source: 'the slip byte.toString(16) without padStart(2)',
      rule: 'random-data-keys',
      profile: 'quick',
    },
    { client: (hsm) => new HexClient(hsm) },
    withKey(async ({ provider, keyId }) => {
      const keys = await inTurn(64, () => provider.generateDataKey({ keyId, keySpec: 'AES_256' }));
      return keys.filter(({ plaintext }) => ((plaintext[31] as number) & 15) === 0).length > 32;
    }),
  ),
  mutant(
    {
      name: 'a-data-key-across-the-end-of-the-random-pool-repeats-its-start',
      kind: 'data keys',
      wrong:
        'Data keys are cut from a ring of 1024 random bytes; one that crosses its end goes on with bytes that were given out before',
      source: 'ring buffers of random bytes that are refilled after the read instead of before it',
      rule: 'random-data-keys',
      profile: 'soak',
    },
    { client: (hsm) => new RingClient(hsm) },
    withKey(async ({ provider, keyId }) => {
      const keys = await inTurn(52, () =>
        provider.generateDataKey({ keyId, numberOfBytes: 20 }).then((key) => hex(key.plaintext)),
      );
      return keys.slice(1).some((key) => keys[0]?.startsWith(key.slice(8)));
    }),
  ),
  mutant(
    {
      name: 'a-pool-of-pairs-gives-one-to-several-calls',
      kind: 'key pairs',
      wrong:
        'Elliptic-curve pairs are generated in advance, and one is taken out of the pool only after a round trip: calls at once get the same',
      source: 'check-then-act across an await in pools of prepared keys',
      rule: 'key-pair-strength',
      profile: 'full',
    },
    { client: (hsm) => new PairPoolClient(hsm) },
    withKey(async ({ provider, keyId }) => {
      const pairs = await atOnce(4, () =>
        provider.generateDataKeyPair({ keyId, keyPairSpec: 'ECC_NIST_P256' }),
      );
      return new Set(pairs.map(({ publicKey }) => hex(publicKey))).size < pairs.length;
    }),
  ),
  mutant(
    {
      name: 'p521-scalars-of-512-bits',
      kind: 'key pairs',
      wrong:
        'The private scalar of P-521 is made of 64 random bytes, so its nine highest bits are 0',
      source: 'PuTTY took 521-bit numbers from SHA-512: CVE-2024-31497',
      rule: 'key-pair-strength',
      profile: 'full',
    },
    { client: (hsm) => new ShortScalarClient(hsm) },
    withKey(async ({ provider, keyId }) => {
      const pairs = await inTurn(6, () =>
        provider.generateDataKeyPair({ keyId, keyPairSpec: 'ECC_NIST_P521' }),
      );
      return pairs.every(({ privateKey }) => {
        const scalar = writtenScalar(privateKey);
        return scalar.length < 66 || (scalar[0] === 0 && scalar[1] === 0);
      });
    }),
  ),
  mutant(
    {
      name: 'the-first-rsa-pair-of-each-instance-shares-a-prime',
      kind: 'key pairs',
      wrong:
        'The first RSA_2048 pair after a start has one prime in common with the first pair of every other instance',
      source:
        'Heninger et al., Mining your Ps and Qs, 2012: devices without entropy when they boot',
      rule: 'key-pair-strength',
      profile: 'full',
    },
    { client: (hsm) => new BootingClient(hsm) },
    withKey(async ({ provider, keyId, reopen }) => {
      const input = { keyId, keyPairSpec: 'RSA_2048' } as const;
      using first = await provider.generateDataKeyPair(input);
      const other = await reopen();
      try {
        using second = await other.generateDataKeyPair(input);
        return gcd(rsaNumbers(first.privateKey).n, rsaNumbers(second.privateKey).n) !== 1n;
      } finally {
        await other.close();
      }
    }),
  ),
];
