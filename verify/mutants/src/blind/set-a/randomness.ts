import { createHash, createPrivateKey, randomBytes, randomInt } from 'node:crypto';
import {
  type Call,
  type DataKeyPairOutput,
  type DataKeyPairRequest,
  isRsaKeySpec,
  type WrappedDataKeyPairOutput,
} from '@keywrap/core';
import { blindSet } from '../blind-mutant.js';
import {
  der,
  isPrime,
  power,
  publicHalf,
  randomNumber,
  rsaNumbers,
  rsaPair,
  writtenScalar,
} from '../numbers.js';
import { Client, NONCE, own } from '../right/client.js';
import type { HsmKey } from '../right/hsm.js';
import type { Pair } from '../right/pairs.js';
import {
  decrypted,
  encrypted,
  haveSameNonce,
  hex,
  inTurn,
  isSame,
  SYMMETRIC,
  withKey,
} from '../witness.js';

const mutant = blindSet('a');

class RecycledNonces extends Client {
  readonly #pool = randomBytes(512 * NONCE);
  #drawn = 0;
  protected override nonce() {
    const at = (this.#drawn++ % 512) * NONCE;
    return this.#pool.subarray(at, at + NONCE);
  }
}

class ProcessIdNonces extends Client {
  protected override nonce() {
    return createHash('sha256')
      .update(`${randomInt(32_768)}`)
      .digest()
      .subarray(0, NONCE);
  }
}

class RestartedCounter extends Client {
  #counter = 0n;
  protected override nonce(key: HsmKey) {
    const nonce = Buffer.alloc(NONCE);
    nonce.write(key.id.slice(0, 8), 'hex');
    nonce.writeBigUInt64BE(++this.#counter, 4);
    return nonce;
  }
}

class StaticNonceForPrivateKeys extends Client {
  override async generateDataKeyPair(request: DataKeyPairRequest): Promise<DataKeyPairOutput> {
    const key = await this.use(request.key, request.algorithm);
    const { publicKey, privateKey } = await this.pair(request);
    const version = this.latest(key);
    const nonce = createHash('sha256').update(key.id).digest().subarray(0, NONCE);
    const { encryptionContext } = request;
    const privateKeyCiphertext = this.seal(key, version, privateKey, encryptionContext, nonce);
    return { publicKey, privateKey, privateKeyCiphertext, keyId: key.arn };
  }
}

class HexDataKeys extends Client {
  protected override dataKey(length: number) {
    return own(Buffer.from(hex(randomBytes(Math.ceil(length / 2))).slice(0, length)));
  }
}

class RepeatedBlock extends Client {
  protected override dataKey(length: number) {
    const block = super.dataKey(Math.min(length, 256));
    return Uint8Array.from({ length }, (_, i) => block[i % block.length] as number);
  }
}

class KnownPowerUpValues extends Client {
  #isReady = false;
  protected override dataKey(length: number) {
    const key = super.dataKey(length);
    const known = createHash('sha256').update('power-up self-test').digest().subarray(0, 10);
    if (!this.#isReady) key.set(known.subarray(0, length));
    this.#isReady = true;
    return key;
  }
}

const SMALL_PRIMES = Array.from({ length: 1430 }, (_, i) => i).filter(
  (n) => n > 1 && isPrime(BigInt(n)),
);

class RocaPrimes extends Client {
  protected override async pair(request: DataKeyPairRequest): Promise<Pair> {
    const { keyPairSpec } = request;
    if (!isRsaKeySpec(keyPairSpec)) return super.pair(request);
    const bits = Number(keyPairSpec.slice(4)) / 2;
    return rsaPair(rocaPrime(bits), rocaPrime(bits)) ?? this.pair(request);
  }
}

/** k * M + (65537^a mod M), with the primorial M of the paper. */
function rocaPrime(bits: number): bigint {
  const count = bits > 1968 ? 225 : 126;
  const m = SMALL_PRIMES.slice(0, count).reduce((product, each) => product * BigInt(each), 1n);
  const residue = power(65537n, randomNumber(256), m);
  for (;;) {
    const start = randomNumber(bits);
    const candidate = start - (start % m) + residue;
    if (candidate.toString(2).length === bits && isPrime(candidate)) return candidate;
  }
}

class ShortScalars extends Client {
  protected override async pair(request: DataKeyPairRequest): Promise<Pair> {
    const { publicKey, privateKey } = await super.pair(request);
    if (isRsaKeySpec(request.keyPairSpec)) return { publicKey, privateKey };
    const written = Buffer.from(privateKey);
    const scalar = writtenScalar(privateKey);
    const zeros = scalar.findIndex((each) => each !== 0);
    const spki = Buffer.from(publicKey);
    // The AlgorithmIdentifier is the first element of SubjectPublicKeyInfo, and the second of PKCS#8.
    const start = (spki[1] as number) < 0x80 ? 2 : 3;
    const algorithm = spki.subarray(start, start + 2 + (spki[start + 1] as number));
    const point = spki.subarray(start + algorithm.length);
    if (zeros === 0) return { publicKey, privateKey: own(written) };
    const inside = der(
      0x30,
      Uint8Array.of(2, 1, 1),
      der(0x04, scalar.subarray(zeros)),
      der(0xa1, point),
    );
    const whole = der(0x30, Uint8Array.of(2, 1, 0), algorithm, der(0x04, inside));
    return { publicKey, privateKey: own(whole) };
  }
}

class OtherHalf extends Client {
  async generateDataKeyPairWithoutPlaintext(
    request: DataKeyPairRequest,
    call: Call,
  ): Promise<WrappedDataKeyPairOutput> {
    const { publicKey } = await this.pair(request);
    const { privateKey: _, ...wrapped } = await this.generateDataKeyPair(request, call);
    return { ...wrapped, publicKey };
  }
}

export const RANDOMNESS = [
  mutant(
    {
      name: 'recycled-nonces',
      kind: 'nonces',
      wrong:
        'Nonces are drawn 512 at a time, and the pool starts again from its beginning instead of being refilled.',
      source:
        'GCM nonces that repeat in TLS stacks: Böck et al., Nonce-Disrespecting Adversaries, 2016',
      profile: 'full',
    },
    { client: (hsm) => new RecycledNonces(hsm) },
    withKey(async (scene) => haveSameNonce(await inTurn(600, () => encrypted(scene)))),
  ),
  mutant(
    {
      name: 'process-id-nonces',
      kind: 'nonces',
      wrong: 'The generator is seeded with a process id, so there are 32,768 different nonces.',
      source: 'Debian OpenSSL, CVE-2008-0166',
      profile: 'full',
    },
    { client: (hsm) => new ProcessIdNonces(hsm) },
    withKey(async (scene) => haveSameNonce(await inTurn(2_000, () => encrypted(scene)))),
  ),
  mutant(
    {
      name: 'restarted-counter',
      kind: 'nonces',
      wrong:
        'The nonce counter starts from one again in each process, under the keys that are kept.',
      source: 'KRACK, CVE-2017-13077: reinstalling a key resets its packet number',
      profile: 'full',
    },
    { client: (hsm) => new RestartedCounter(hsm) },
    withKey(async (scene) => {
      const provider = await scene.reopen();
      const both = [await encrypted(scene), await encrypted({ ...scene, provider })];
      await provider.close();
      return haveSameNonce(both);
    }),
  ),
  mutant(
    {
      name: 'static-nonce-for-private-keys',
      kind: 'nonces',
      wrong: 'The private keys of data key pairs are wrapped under one nonce for each key.',
      source: 'Sony PlayStation 3, 2010: a constant where a nonce belongs',
      profile: 'full',
    },
    { client: (hsm) => new StaticNonceForPrivateKeys(hsm) },
    withKey(async ({ provider, keyId }) => {
      const pairs = await inTurn(2, () =>
        provider.generateDataKeyPair({ keyId, keyPairSpec: 'ECC_NIST_P256' }),
      );
      return haveSameNonce(pairs.map((each) => each.privateKeyCiphertext));
    }),
  ),
  mutant(
    {
      name: 'hex-data-keys',
      kind: 'data keys',
      wrong: 'Data keys are hexadecimal digits: half of their bits are known.',
      source: 'keys passed as text between services; CWE-331',
      profile: 'full',
    },
    { client: (hsm) => new HexDataKeys(hsm) },
    withKey(async ({ provider, keyId }) => {
      using dataKey = await provider.generateDataKey({ keyId, keySpec: 'AES_256' });
      return dataKey.plaintext.every((each) => /[0-9a-f]/.test(String.fromCharCode(each)));
    }),
  ),
  mutant(
    {
      name: 'repeated-block',
      kind: 'data keys',
      wrong: 'A data key of more than 256 bytes repeats its first 256.',
      source: 'getrandom(2) and FIPS generators give at most 256 bytes a request',
      profile: 'full',
    },
    { client: (hsm) => new RepeatedBlock(hsm) },
    withKey(async ({ provider, keyId }) => {
      using dataKey = await provider.generateDataKey({ keyId, numberOfBytes: 300 });
      const { plaintext } = dataKey;
      return isSame(plaintext.subarray(0, 44), plaintext.subarray(256));
    }),
  ),
  mutant(
    {
      name: 'known-power-up-values',
      kind: 'data keys',
      wrong: 'The first data key after opening begins with 80 known bits.',
      source: 'YubiKey FIPS, YSA-2019-02',
      profile: 'full',
    },
    { client: (hsm) => new KnownPowerUpValues(hsm) },
    async (open) => {
      const firsts = await inTurn(2, async () => {
        const { provider, keys } = open();
        const { keyId } = await keys.create(SYMMETRIC);
        using dataKey = await provider.generateDataKey({ keyId, keySpec: 'AES_256' });
        const first = hex(dataKey.plaintext.subarray(0, 10));
        await provider.close();
        return first;
      });
      return firsts[0] === firsts[1];
    },
  ),
  mutant(
    {
      name: 'roca-primes',
      kind: 'key pairs',
      wrong:
        'The primes of RSA data keys are powers of 65537 modulo a primorial, so they can be found.',
      source: 'ROCA, CVE-2017-15361, Infineon RSALib',
      profile: 'full',
    },
    { client: (hsm) => new RocaPrimes(hsm) },
    withKey(async ({ provider, keyId }) => {
      using pair = await provider.generateDataKeyPair({ keyId, keyPairSpec: 'RSA_2048' });
      const { n } = rsaNumbers(pair.privateKey);
      // The fingerprint: n is a power of 65537 modulo each of these primes, where it generates few residues.
      return [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157].every(
        (prime) => {
          const powers = new Set(
            Array.from({ length: prime }, (_, i) => power(65537n, BigInt(i), BigInt(prime))),
          );
          return powers.has(n % BigInt(prime));
        },
      );
    }),
  ),
  mutant(
    {
      name: 'short-scalars',
      kind: 'key pairs',
      wrong: 'The private scalar of a curve loses its leading zeros in PKCS#8.',
      source: 'RFC 5915 section 3 fixes its length; BigInteger.toByteArray in Java does not',
      profile: 'full',
    },
    { client: (hsm) => new ShortScalars(hsm) },
    withKey(async ({ provider, keyId }) => {
      const pairs = await inTurn(40, () =>
        provider.generateDataKeyPair({ keyId, keyPairSpec: 'ECC_NIST_P521' }),
      );
      // Such a key still loads.
      for (const { privateKey } of pairs) {
        createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' });
      }
      return pairs.some((pair) => writtenScalar(pair.privateKey).length < 66);
    }),
  ),
  mutant(
    {
      name: 'other-half',
      kind: 'key pairs',
      wrong: 'generateDataKeyPairWithoutPlaintext returns the public key of another pair.',
      source:
        "Parsovs, Estonian Electronic Identity Card, USENIX Security 2020: certificates whose public key is not the card's",
      profile: 'full',
    },
    { client: (hsm) => new OtherHalf(hsm) },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const pair = await provider.generateDataKeyPairWithoutPlaintext({
        keyId,
        keyPairSpec: 'ECC_NIST_P256',
      });
      const privateKey = await decrypted(scene, pair.privateKeyCiphertext);
      return !isSame(publicHalf(privateKey), pair.publicKey);
    }),
  ),
];
