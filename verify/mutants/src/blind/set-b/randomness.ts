import {
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  randomBytes,
} from 'node:crypto';
import {
  type Call,
  type DataKeyOutput,
  type DataKeyPairRequest,
  type DataKeyRequest,
  type EccKeySpec,
  type EncryptOutput,
  type EncryptRequest,
  IN_PROCESS,
  isAsymmetricAlgorithm,
  isRsaKeySpec,
  type OwnedBytes,
  type ReEncryptRequest,
  wipe,
} from '@keywrap/core';
import { blindSet } from '../blind-mutant.js';
import { isPrime, randomPrime, rsaNumbers, rsaPair, writtenScalar } from '../numbers.js';
import { Client, HEADER, NONCE, own } from '../right/client.js';
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
  withKey,
} from '../witness.js';

const mutant = blindSet('b');

class TiredHardware extends Client {
  #drawn = 0;
  protected override nonce() {
    return ++this.#drawn > 200 && this.#drawn % 64 === 0
      ? Buffer.alloc(NONCE, 0xff)
      : randomBytes(NONCE);
  }
}

class KeptNonce extends Client {
  async reEncrypt({ ciphertext, source, destination }: ReEncryptRequest, call: Call) {
    if ([source, destination].some((side) => isAsymmetricAlgorithm(side.algorithm))) {
      return IN_PROCESS;
    }
    const opened = await this.decrypt({ ...source, ciphertext }, call);
    const key = await this.use(destination.key, destination.algorithm);
    const version = this.latest(key);
    const nonce = ciphertext.subarray(HEADER, HEADER + NONCE);
    const { encryptionContext } = destination;
    const moved = this.seal(key, version, opened.plaintext, encryptionContext, nonce);
    wipe(opened.plaintext);
    return {
      ciphertext: moved,
      sourceKeyId: opened.keyId,
      sourceKeyVersion: opened.keyVersion,
      destinationKeyId: key.arn,
      destinationKeyVersion: `${version}`,
    };
  }
}

class UnlockedCounter extends Client {
  readonly #start = randomBytes(8);
  #count = 0;
  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    const { algorithm, plaintext, encryptionContext } = request;
    if (isAsymmetricAlgorithm(algorithm)) return super.encrypt(request, call);
    const count = this.#count;
    const key = await this.use(request.key, algorithm);
    this.#count = count + 1;
    const nonce = Buffer.alloc(NONCE);
    this.#start.copy(nonce);
    nonce.writeUInt32BE(count, 8);
    const version = this.latest(key);
    const ciphertext = this.seal(key, version, plaintext, encryptionContext, nonce);
    return { ciphertext, keyId: key.arn, keyVersion: `${version}` };
  }
}

class NonceOfContext extends Client {
  override async generateDataKey(request: DataKeyRequest): Promise<DataKeyOutput> {
    const { encryptionContext, numberOfBytes } = request;
    const key = await this.use(request.key, request.algorithm);
    const version = this.latest(key);
    const about = [`${key.id} ${version} ${numberOfBytes} `, this.serialized(encryptionContext)];
    const hash = createHash('sha256');
    for (const part of about) hash.update(part);
    const plaintext = this.dataKey(numberOfBytes);
    const nonce = hash.digest().subarray(0, NONCE);
    const ciphertext = this.seal(key, version, plaintext, encryptionContext, nonce);
    return { plaintext, ciphertext, keyId: key.arn, keyVersion: `${version}` };
  }
}

class NoZeroBytes extends Client {
  protected override dataKey(length: number) {
    const key = super.dataKey(length);
    while (key.includes(0)) key[key.indexOf(0)] = randomBytes(1)[0] as number;
    return key;
  }
}

class WholeBlocksOnly extends Client {
  protected override dataKey(length: number) {
    const key = super.dataKey(length);
    return length > 16 ? key.fill(0, length - (length % 16)) : key;
  }
}

class PrefetchedDataKey extends Client {
  readonly #prefetched = new Map<number, OwnedBytes>();
  async generateDataKeyWithoutPlaintext(
    request: DataKeyRequest,
    call: Call,
  ): Promise<EncryptOutput> {
    const { numberOfBytes, ...target } = request;
    const plaintext = this.#prefetched.get(numberOfBytes) ?? this.dataKey(numberOfBytes);
    this.#prefetched.set(numberOfBytes, plaintext);
    return this.encrypt({ ...target, plaintext }, call);
  }
}

class ClosePrimes extends Client {
  protected override async pair(request: DataKeyPairRequest): Promise<Pair> {
    // Longer keys would take too long to make.
    const isShort = ['RSA_2048', 'RSA_3072'].includes(request.keyPairSpec);
    if (!isShort) return super.pair(request);
    const p = randomPrime(Number(request.keyPairSpec.slice(4)) / 2);
    let q = p + 2n;
    while (!isPrime(q)) q += 2n;
    return rsaPair(q, p) ?? this.pair(request);
  }
}

class SharedPool extends Client {
  readonly #ready = new Map<string, Promise<Pair>>();
  protected override async pair(request: DataKeyPairRequest): Promise<Pair> {
    const { keyPairSpec } = request;
    const ready = this.#ready.get(keyPairSpec) ?? super.pair(request);
    this.#ready.set(keyPairSpec, ready);
    const { publicKey, privateKey } = await ready;
    this.#ready.delete(keyPairSpec);
    return { publicKey: publicKey.slice(), privateKey: privateKey.slice() };
  }
}

const CURVES: Readonly<
  Record<EccKeySpec, readonly [openssl: string, jwk: string, length: number]>
> = {
  ECC_NIST_P256: ['prime256v1', 'P-256', 32],
  ECC_NIST_P384: ['secp384r1', 'P-384', 48],
  ECC_NIST_P521: ['secp521r1', 'P-521', 66],
  ECC_SECG_P256K1: ['secp256k1', 'secp256k1', 32],
};

class HalfScalars extends Client {
  protected override async pair(request: DataKeyPairRequest): Promise<Pair> {
    const { keyPairSpec } = request;
    if (isRsaKeySpec(keyPairSpec)) return super.pair(request);
    const [curve, crv, length] = CURVES[keyPairSpec as EccKeySpec];
    const d = Buffer.concat([Buffer.alloc(length / 2), randomBytes(length / 2)]);
    const ecdh = createECDH(curve);
    ecdh.setPrivateKey(d);
    const point = ecdh.getPublicKey();
    const text = (part: Buffer) => part.toString('base64url');
    const x = text(point.subarray(1, 1 + length));
    const y = text(point.subarray(1 + length));
    const key = { kty: 'EC', crv, d: text(d), x, y };
    const privateKey = createPrivateKey({ key, format: 'jwk' });
    return {
      publicKey: own(createPublicKey(privateKey).export({ type: 'spki', format: 'der' })),
      privateKey: own(privateKey.export({ type: 'pkcs8', format: 'der' })),
    };
  }
}

export const RANDOMNESS = [
  mutant(
    {
      name: 'tired-hardware',
      kind: 'nonces',
      wrong:
        'After 200 calls the hardware generator fails now and then, and returns ones, which nobody checks.',
      source: 'AMD RDRAND after suspend, 2019 (systemd issue 11810)',
      profile: 'full',
    },
    { client: (hsm) => new TiredHardware(hsm) },
    withKey(async (scene) => haveSameNonce(await inTurn(400, () => encrypted(scene)))),
  ),
  mutant(
    {
      name: 'kept-nonce',
      kind: 'nonces',
      wrong:
        'reEncrypt seals under the nonce of the old ciphertext, also where the key is the same.',
      source: 'CVE-2021-25444, Samsung Keymaster: a nonce that is taken from the request',
      profile: 'full',
    },
    { client: (hsm) => new KeptNonce(hsm) },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene);
      const destination = { keyId: scene.keyId };
      const moved = await scene.provider.reEncrypt({ ciphertext, destination });
      return haveSameNonce([ciphertext, moved.ciphertext]);
    }),
  ),
  mutant(
    {
      name: 'unlocked-counter',
      kind: 'nonces',
      wrong:
        'The nonce counter is read before and written after the round trip: calls at once share a nonce.',
      source: 'CWE-362; counters without a lock in multi-threaded GCM',
      profile: 'full',
    },
    { client: (hsm) => new UnlockedCounter(hsm) },
    withKey(async (scene) => haveSameNonce(await atOnce(8, (i) => encrypted(scene, bytes(32, i))))),
  ),
  mutant(
    {
      name: 'nonce-of-context',
      kind: 'nonces',
      wrong: 'The nonce of a wrapped data key is a hash of key, context and length, so it repeats.',
      source:
        'Shakevsky et al., Trust Dies in Darkness, 2022: Samsung Keymaster derives from what an application chooses',
      profile: 'full',
    },
    { client: (hsm) => new NonceOfContext(hsm) },
    withKey(async ({ provider, keyId }) => {
      const dataKeys = await inTurn(2, () =>
        provider.generateDataKey({ keyId, keySpec: 'AES_256', encryptionContext: { a: 'b' } }),
      );
      return haveSameNonce(dataKeys.map(({ ciphertext }) => ciphertext));
    }),
  ),
  mutant(
    {
      name: 'no-zero-bytes',
      kind: 'data keys',
      wrong: 'Data keys have no byte of zero.',
      source: 'keys that pass through C strings; CWE-331',
      profile: 'full',
    },
    { client: (hsm) => new NoZeroBytes(hsm) },
    withKey(async ({ provider, keyId }) => {
      const zeros = await inTurn(20, async () => {
        using dataKey = await provider.generateDataKey({ keyId, numberOfBytes: 1024 });
        return dataKey.plaintext.includes(0);
      });
      return !zeros.includes(true);
    }),
  ),
  mutant(
    {
      name: 'whole-blocks-only',
      kind: 'data keys',
      wrong: 'Of a data key of more than 16 bytes, the bytes after the last whole block are zero.',
      source: 'short reads of a generator that answers in blocks; CWE-252',
      profile: 'full',
    },
    { client: (hsm) => new WholeBlocksOnly(hsm) },
    withKey(async ({ provider, keyId }) => {
      using dataKey = await provider.generateDataKey({ keyId, numberOfBytes: 31 });
      return dataKey.plaintext.subarray(16).every((each) => each === 0);
    }),
  ),
  mutant(
    {
      name: 'prefetched-data-key',
      kind: 'data keys',
      wrong: 'generateDataKeyWithoutPlaintext wraps one prefetched data key for every caller.',
      source: 'AWS Encryption SDK: a data key cache without limits',
      profile: 'full',
    },
    { client: (hsm) => new PrefetchedDataKey(hsm) },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const [a, b] = await inTurn(2, async () => {
        const input = { keyId, keySpec: 'AES_256' } as const;
        const { ciphertext } = await provider.generateDataKeyWithoutPlaintext(input);
        return hex(await decrypted(scene, ciphertext));
      });
      return a === b;
    }),
  ),
  mutant(
    {
      name: 'close-primes',
      kind: 'key pairs',
      wrong:
        'The primes of an RSA data key of up to 3072 bits follow each other, so the modulus can be factored.',
      source: 'CVE-2022-26320, Rambus SafeZone in printers of Canon and Fujifilm; FIPS 186-5 A.1.3',
      profile: 'full',
    },
    { client: (hsm) => new ClosePrimes(hsm) },
    withKey(async ({ provider, keyId }) => {
      using pair = await provider.generateDataKeyPair({ keyId, keyPairSpec: 'RSA_2048' });
      const { p, q } = rsaNumbers(pair.privateKey);
      const distance = p > q ? p - q : q - p;
      return distance < 1n << 924n;
    }),
  ),
  mutant(
    {
      name: 'shared-pool',
      kind: 'key pairs',
      wrong: 'Callers at once get the same pair out of the pool.',
      source: 'Heninger et al., Mining Your Ps and Qs, 2012: keys that others have too; CWE-362',
      profile: 'full',
    },
    { client: (hsm) => new SharedPool(hsm) },
    withKey(async ({ provider, keyId }) => {
      const [a, b] = await atOnce(2, () =>
        provider.generateDataKeyPair({ keyId, keyPairSpec: 'ECC_NIST_P256' }),
      );
      return a !== undefined && b !== undefined && isSame(a.publicKey, b.publicKey);
    }),
  ),
  mutant(
    {
      name: 'half-scalars',
      kind: 'key pairs',
      wrong: 'The private scalar of a curve has half of its bits.',
      source: 'CVE-2023-39910, Milk Sad: private keys of 32 bits',
      profile: 'full',
    },
    { client: (hsm) => new HalfScalars(hsm) },
    withKey(async ({ provider, keyId }) => {
      using pair = await provider.generateDataKeyPair({ keyId, keyPairSpec: 'ECC_NIST_P256' });
      return writtenScalar(pair.privateKey)
        .subarray(0, 16)
        .every((each) => each === 0);
    }),
  ),
];
