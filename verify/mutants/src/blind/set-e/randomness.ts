import {
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  type JsonWebKey,
  randomBytes,
  randomInt,
} from 'node:crypto';
import {
  type Call,
  type DataKeyPairRequest,
  type DataKeyRequest,
  type EncryptionAlgorithm,
  type EncryptOutput,
  type EncryptRequest,
  isAsymmetricAlgorithm,
} from '@keywrap/core';
import { type BlindMutant, blindSet } from '../blind-mutant.js';
import { isPrime, randomPrime, rsaNumbers, rsaPair } from '../numbers.js';
import { Client, NONCE, own } from '../right/client.js';
import type { HsmKey } from '../right/hsm.js';
import type { Pair } from '../right/pairs.js';
import { atOnce, codeOf, encrypted, haveSameNonce, hex, inTurn, withKey } from '../witness.js';

const mutant = blindSet('e');

/** Eight random bytes of this client, then a counter (NIST SP 800-38D section 8.2.1). */
class Counted extends Client {
  readonly #salt = randomBytes(NONCE - 4);
  readonly #counters = new Map<string, number>();

  protected count(name: string): Buffer {
    const count = this.#counters.get(name) ?? 0;
    this.#counters.set(name, count + 1);
    const nonce = Buffer.alloc(NONCE);
    this.#salt.copy(nonce);
    nonce.writeUInt32BE(count, NONCE - 4);
    return nonce;
  }

  protected forget(name: string): void {
    this.#counters.delete(name);
  }
}

/** A session for each name of a key, with a counter of its own. */
class CountsPerName extends Counted {
  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    const { key: name, algorithm, plaintext, encryptionContext } = request;
    if (isAsymmetricAlgorithm(algorithm)) return super.encrypt(request, call);
    const key = await this.use(name, algorithm);
    const version = this.latest(key);
    const nonce = this.count(name.text);
    const ciphertext = this.seal(key, version, plaintext, encryptionContext, nonce);
    return { ciphertext, keyId: key.arn, keyVersion: `${version}` };
  }
}

/** Sends what is asked for in one turn as one batch. */
class OneNoncePerBatch extends Client {
  #nonce: Uint8Array | undefined;

  protected override nonce(): Uint8Array {
    if (this.#nonce === undefined) {
      this.#nonce = randomBytes(NONCE);
      queueMicrotask(() => {
        this.#nonce = undefined;
      });
    }
    return this.#nonce;
  }
}

/** Opens the session of a key again after the key was refused. */
class RestartsCounter extends Counted {
  protected override nonce(key: HsmKey): Uint8Array {
    return this.count(key.arn);
  }

  protected override usable(key: HsmKey, algorithm: EncryptionAlgorithm): void {
    try {
      super.usable(key, algorithm);
    } catch (error) {
      this.forget(key.arn);
      throw error;
    }
  }
}

/** Its buffer of random bytes still has the end of the self-test in it. */
class SelfTested extends Client {
  #left = Buffer.from('8a54f0d1c39b7e26416d', 'hex');

  protected override dataKey(numberOfBytes: number): Uint8Array<ArrayBuffer> {
    const key = super.dataKey(numberOfBytes);
    const known = this.#left.subarray(0, numberOfBytes);
    this.#left = this.#left.subarray(known.length);
    key.set(known);
    return key;
  }
}

/** The device returns 32 bytes at a time. */
class KeepsLastBlock extends Client {
  #block: Uint8Array | undefined;

  protected override dataKey(numberOfBytes: number): Uint8Array<ArrayBuffer> {
    const key = super.dataKey(numberOfBytes);
    const rest = numberOfBytes % 32;
    if (numberOfBytes < 32 || rest === 0) return key;
    this.#block ??= randomBytes(32);
    key.set(this.#block.subarray(0, rest), numberOfBytes - rest);
    return key;
  }
}

/** Its generator for what nobody sees is seeded with a process id. */
class SeededByProcess extends Client {
  generateDataKeyWithoutPlaintext(request: DataKeyRequest, call: Call): Promise<EncryptOutput> {
    const { key, algorithm, encryptionContext, numberOfBytes } = request;
    const seed = `${randomInt(1 << 15)}`;
    const expanded = createHash('shake256', { outputLength: numberOfBytes }).update(seed).digest();
    return this.encrypt({ key, algorithm, encryptionContext, plaintext: own(expanded) }, call);
  }
}

class ScalarOfSha512 extends Client {
  protected override async pair(request: DataKeyPairRequest): Promise<Pair> {
    if (request.keyPairSpec !== 'ECC_NIST_P521') return super.pair(request);
    const scalar = Buffer.alloc(66);
    createHash('sha512').update(randomBytes(66)).digest().copy(scalar, 2);
    const ecdh = createECDH('secp521r1');
    ecdh.setPrivateKey(scalar);
    const point = ecdh.getPublicKey();
    const text = (part: Buffer) => part.toString('base64url');
    const [x, y] = [text(point.subarray(1, 67)), text(point.subarray(67))];
    const jwk: JsonWebKey = { kty: 'EC', crv: 'P-521', d: text(scalar), x, y };
    const key = createPrivateKey({ key: jwk, format: 'jwk' });
    return {
      publicKey: own(createPublicKey(key).export({ type: 'spki', format: 'der' })),
      privateKey: own(key.export({ type: 'pkcs8', format: 'der' })),
    };
  }
}

/** Searches the second prime from where it found the first. */
class ClosePrimes extends Client {
  protected override async pair(request: DataKeyPairRequest): Promise<Pair> {
    if (request.keyPairSpec !== 'RSA_2048') return super.pair(request);
    for (;;) {
      const p = randomPrime(1024);
      let q = p + 2n;
      while (!isPrime(q)) q += 2n;
      const pair = rsaPair(p, q);
      if (pair !== undefined) return pair;
    }
  }
}

export const RANDOMNESS: readonly BlindMutant[] = [
  mutant(
    {
      name: 'nonces are counted for each name of a key',
      kind: 'nonces',
      wrong:
        'the nonce is a counter of the session, and there is a session for each name, so an alias and the ARN of one key repeat the same nonces',
      source:
        'session handles for each name; RFC 5116 section 3.2 on nonces made in several places',
      rule: 'unique-nonces',
      profile: 'full',
    },
    { client: (hsm) => new CountsPerName(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      await keys.alias('alias/counted', keyId);
      const names = [keyId, 'alias/counted'];
      const made = await inTurn(2, (i) => encrypted({ provider, keyId: names[i] as string }));
      return haveSameNonce(made);
    }),
  ),
  mutant(
    {
      name: 'one nonce for a batch',
      kind: 'nonces',
      wrong:
        'calls of the same turn are sent as one batch, and the nonce is drawn once for the batch',
      source: 'a batching client that moved the nonce out of the loop',
      rule: 'unique-nonces',
      profile: 'quick',
    },
    { client: (hsm) => new OneNoncePerBatch(hsm) },
    withKey(async (scene) => haveSameNonce(await atOnce(3, () => encrypted(scene)))),
  ),
  mutant(
    {
      name: 'a key that was disabled and enabled counts its nonces from zero',
      kind: 'nonces',
      wrong:
        'a refused key is dropped with the counter of its nonces; once it is enabled, the counter starts again under the same material',
      source: 'KRACK, CVE-2017-13077: a key that is installed again resets its nonce',
      rule: 'unique-nonces',
      profile: 'full',
    },
    { client: (hsm) => new RestartsCounter(hsm) },
    withKey(async (scene) => {
      const before = await inTurn(3, () => encrypted(scene));
      await scene.keys.disable(scene.keyId);
      await codeOf(encrypted(scene));
      await scene.keys.enable(scene.keyId);
      return haveSameNonce([...before, ...(await inTurn(3, () => encrypted(scene)))]);
    }),
  ),
  mutant(
    {
      name: 'the first data key of a client begins with bytes of the self-test',
      kind: 'data keys',
      wrong:
        'the buffer of random bytes holds ten bytes of the self-test when a client opens, and the first data key gets them',
      source: 'YubiKey FIPS, advisory YSA-2019-02: predictable bytes after power-up',
      rule: 'random-data-keys',
      profile: 'full',
    },
    { client: (hsm) => new SelfTested(hsm) },
    withKey(async ({ provider, reopen, keyId }) => {
      const again = await reopen();
      try {
        const keys = [provider, again].map((each) =>
          each.generateDataKey({ keyId, keySpec: 'AES_256' }),
        );
        const [a, b] = (await Promise.all(keys)).map((key) => hex(key.plaintext.slice(0, 10)));
        return a === b;
      } finally {
        await again.close();
      }
    }),
  ),
  mutant(
    {
      name: 'the end of a long data key is the same in all of them',
      kind: 'data keys',
      wrong:
        'the source returns blocks of 32 bytes; what is left of a data key after whole blocks is filled from a block that is never drawn again',
      source: 'hardware generators that return fixed blocks (cryptoauthlib issue 85)',
      rule: 'random-data-keys',
      profile: 'full',
    },
    { client: (hsm) => new KeepsLastBlock(hsm) },
    withKey(async ({ provider, keyId }) => {
      const ends = await inTurn(2, async () => {
        using key = await provider.generateDataKey({ keyId, numberOfBytes: 48 });
        return hex(key.plaintext.slice(32));
      });
      return ends[0] === ends[1];
    }),
  ),
  mutant(
    {
      name: 'a data key without its plaintext comes from 32768 seeds',
      kind: 'data keys',
      wrong:
        'generateDataKeyWithoutPlaintext expands a seed of 15 bits, so that some of a few hundred data keys are equal',
      source: 'CVE-2008-0166: OpenSSL of Debian, seeded by the process id alone',
      rule: 'random-data-keys',
      profile: 'soak',
    },
    { client: (hsm) => new SeededByProcess(hsm) },
    withKey(async ({ provider, keyId }) => {
      const keys = await inTurn(1200, async () => {
        const request = { keyId, keySpec: 'AES_256' } as const;
        const { ciphertext } = await provider.generateDataKeyWithoutPlaintext(request);
        using opened = await provider.decrypt({ keyId, ciphertext });
        return hex(opened.plaintext);
      });
      return new Set(keys).size < keys.length;
    }),
  ),
  mutant(
    {
      name: 'private keys of P-521 have 512 bits',
      kind: 'key pairs',
      wrong:
        'the private key of P-521 is one SHA-512 hash, so its nine highest bits are always zero',
      source: 'CVE-2024-31497: PuTTY made its numbers for P-521 from SHA-512',
      rule: 'key-pair-strength',
      profile: 'full',
    },
    { client: (hsm) => new ScalarOfSha512(hsm) },
    withKey(async ({ provider, keyId }) => {
      const areShort = await inTurn(6, async () => {
        const request = { keyId, keyPairSpec: 'ECC_NIST_P521' } as const;
        using pair = await provider.generateDataKeyPair(request);
        const key = Buffer.from(pair.privateKey);
        const { d = '' } = createPrivateKey({ key, format: 'der', type: 'pkcs8' }).export({
          format: 'jwk',
        });
        const scalar = Buffer.from(d, 'base64url');
        return scalar.subarray(0, scalar.length - 64).every((each) => each === 0);
      });
      return areShort.every(Boolean);
    }),
  ),
  mutant(
    {
      name: 'the primes of RSA_2048 are neighbours',
      kind: 'key pairs',
      wrong:
        'the search for the second prime starts at the first one, so that the modulus is factored from its square root',
      source: "CVE-2022-26320: printers with Rambus SafeZone, factored by Fermat's method",
      rule: 'key-pair-strength',
      profile: 'full',
    },
    { client: (hsm) => new ClosePrimes(hsm) },
    withKey(async ({ provider, keyId }) => {
      using pair = await provider.generateDataKeyPair({ keyId, keyPairSpec: 'RSA_2048' });
      const { p, q } = rsaNumbers(pair.privateKey);
      // FIPS 186-5 appendix A.1.3: they differ in one of their 100 highest bits.
      return (p > q ? p - q : q - p) < 1n << (1024n - 100n);
    }),
  ),
];
