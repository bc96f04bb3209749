import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  randomBytes,
  randomFill,
  randomUUID,
} from 'node:crypto';
import { promisify } from 'node:util';
import {
  type Call,
  type DataKeyPairRequest,
  type DataKeyRequest,
  type EncryptOutput,
  type EncryptRequest,
  IN_PROCESS,
  type InProcess,
  isAsymmetricAlgorithm,
  type ReEncryptOutput,
  type ReEncryptRequest,
  wipe,
} from '@keywrap/core';
import { type BlindMutant, blindSet } from '../blind-mutant.js';
import { isPrime, power, randomNumber, rsaPair, toNumber, writtenScalar } from '../numbers.js';
import { Client, HEADER, NONCE } from '../right/client.js';
import type { Pair } from '../right/pairs.js';
import {
  atOnce,
  decrypted,
  encrypted,
  haveSameNonce,
  hex,
  inTurn,
  isSame,
  withKey,
} from '../witness.js';

const mutant = blindSet('g');
const fill = promisify(randomFill);

class NoncePool extends Client {
  #pool = randomBytes(341 * NONCE);
  #used = 0;

  protected override nonce(): Uint8Array {
    if (this.#used === this.#pool.length) {
      this.#used = 0;
      void this.#refill();
    }
    this.#used += NONCE;
    return this.#pool.subarray(this.#used - NONCE, this.#used);
  }

  async #refill(): Promise<void> {
    const fresh = Buffer.alloc(this.#pool.length);
    await fill(fresh);
    this.#pool = fresh;
  }
}

class KeepsNonce extends Client {
  async reEncrypt(
    { ciphertext, source, destination }: ReEncryptRequest,
    call: Call,
  ): Promise<ReEncryptOutput | InProcess> {
    if ([source, destination].some(({ algorithm }) => isAsymmetricAlgorithm(algorithm))) {
      return IN_PROCESS;
    }
    const opened = await this.decrypt({ ...source, ciphertext }, call);
    const key = await this.use(destination.key, destination.algorithm);
    const version = this.latest(key);
    const nonce = ciphertext.subarray(HEADER, HEADER + NONCE);
    const context = destination.encryptionContext;
    const sealed = this.seal(key, version, opened.plaintext, context, nonce);
    wipe(opened.plaintext);
    return {
      ciphertext: sealed,
      sourceKeyId: opened.keyId,
      sourceKeyVersion: opened.keyVersion,
      destinationKeyId: key.arn,
      destinationKeyVersion: `${version}`,
    };
  }
}

/** The time in seconds, the number of the machine, and two random bytes. */
class ObjectIdNonces extends Client {
  protected override nonce(): Uint8Array {
    const nonce = Buffer.alloc(NONCE);
    nonce.writeUInt32BE(Math.floor(Date.now() / 1000));
    nonce.write('c0ffee123456', 4, 'hex');
    randomBytes(2).copy(nonce, 10);
    return nonce;
  }
}

class UuidKeys extends Client {
  protected override dataKey(numberOfBytes: number): Uint8Array<ArrayBuffer> {
    if (numberOfBytes !== 16) return super.dataKey(numberOfBytes);
    return new Uint8Array(Buffer.from(randomUUID().replaceAll('-', ''), 'hex'));
  }
}

class WipesTooEarly extends Client {
  async generateDataKeyWithoutPlaintext(
    { numberOfBytes, ...target }: DataKeyRequest,
    call: Call,
  ): Promise<EncryptOutput> {
    const plaintext = this.dataKey(numberOfBytes);
    const wrapped = this.encrypt({ ...target, plaintext } as EncryptRequest, call);
    wipe(plaintext);
    return wrapped;
  }
}

class ShortScalars extends Client {
  protected override async pair(request: DataKeyPairRequest): Promise<Pair> {
    if (request.keyPairSpec !== 'ECC_NIST_P521') return super.pair(request);
    const scalar = Buffer.concat([Uint8Array.of(0), randomBytes(Math.floor(521 / 8))]);
    const curve = createECDH('secp521r1');
    curve.setPrivateKey(scalar);
    const point = curve.getPublicKey().subarray(1);
    const [d, x, y] = [scalar, point.subarray(0, 66), point.subarray(66)].map((number) =>
      number.toString('base64url'),
    ) as [string, string, string];
    const privateKey = createPrivateKey({
      key: { kty: 'EC', crv: 'P-521', d, x, y },
      format: 'jwk',
    });
    const publicKey = createPublicKey(privateKey);
    return {
      publicKey: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
      privateKey: new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' })),
    };
  }
}

/** The first primes, from 2 to 353. */
const SMALL_PRIMES = Array.from({ length: 352 }, (_, i) => i + 2).filter((n) =>
  Array.from({ length: n - 2 }, (_, i) => i + 2).every((divisor) => n % divisor !== 0),
);
const PRIMORIAL = SMALL_PRIMES.reduce((product, prime) => product * BigInt(prime), 1n);
/** Those modulo which 65537 generates few residues, by which such moduli are recognised. */
const TELLING = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

/** k * M + (65537^a mod M), with M the primorial: section 2 of the paper. */
function structuredPrime(): bigint {
  const residue = power(65537n, randomNumber(512), PRIMORIAL);
  for (let k = randomNumber(1024) / PRIMORIAL; ; k++) {
    const candidate = k * PRIMORIAL + residue;
    if (isPrime(candidate)) return candidate;
  }
}

class StructuredPrimes extends Client {
  protected override async pair(request: DataKeyPairRequest): Promise<Pair> {
    if (request.keyPairSpec !== 'RSA_2048') return super.pair(request);
    return rsaPair(structuredPrime(), structuredPrime()) ?? this.pair(request);
  }
}

function isStructured(modulus: bigint): boolean {
  return TELLING.every((prime) => {
    const residues = new Set<bigint>();
    let residue = 1n;
    while (!residues.has(residue)) {
      residues.add(residue);
      residue = (residue * 65537n) % BigInt(prime);
    }
    return residues.has(modulus % BigInt(prime));
  });
}

/** Keeps EC pairs ready, and takes one off the list when the HSM has noted that it is used. */
class PairsReady extends Client {
  readonly #ready = new Map<string, Pair[]>();

  protected override async pair(request: DataKeyPairRequest): Promise<Pair> {
    const { keyPairSpec } = request;
    if (!keyPairSpec.startsWith('ECC')) return super.pair(request);
    const ready = this.#ready.get(keyPairSpec) ?? [];
    this.#ready.set(keyPairSpec, ready);
    if (ready.length === 0) ready.push(...(await atOnce(4, () => super.pair(request))));
    const { publicKey, privateKey } = ready[0] as Pair;
    await this.hsm.request();
    ready.shift();
    return { publicKey: publicKey.slice(), privateKey: privateKey.slice() };
  }
}

export const RANDOMNESS: readonly BlindMutant[] = [
  mutant(
    {
      name: 'nonces repeat while their pool is refilled',
      kind: 'nonces',
      wrong: 'after 341 nonces the pool starts again with the old bytes until new ones have come',
      source: 'a pool of random bytes with a refill that nobody waits for',
      rule: 'unique-nonces',
      profile: 'full',
    },
    { client: (hsm) => new NoncePool(hsm) },
    withKey(async (scene) => haveSameNonce(await inTurn(400, () => encrypted(scene)))),
  ),
  mutant(
    {
      name: 're-encryption keeps the nonce',
      kind: 'nonces',
      wrong: 'reEncrypt seals the plaintext under the nonce of the old ciphertext',
      source:
        'a rewrap that changes the header of a ciphertext and copies the rest of its parameters',
      rule: 'unique-nonces',
      profile: 'quick',
    },
    { client: (hsm) => new KeepsNonce(hsm) },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const ciphertext = await encrypted(scene);
      const moved = await inTurn(2, (i) =>
        provider.reEncrypt({
          ciphertext,
          source: { keyId },
          destination: { keyId, encryptionContext: { row: `${i}` } },
        }),
      );
      return haveSameNonce(moved.map((each) => each.ciphertext));
    }),
  ),
  mutant(
    {
      name: 'nonces of a time, a machine and 16 random bits',
      kind: 'nonces',
      wrong: 'two nonces of one second are the same with a probability of 1 in 65536',
      source: 'unique ids of a database, which are not unique enough, taken as nonces',
      rule: 'unique-nonces',
      profile: 'full',
    },
    { client: (hsm) => new ObjectIdNonces(hsm) },
    withKey(async (scene) => haveSameNonce(await atOnce(3000, () => encrypted(scene)))),
  ),
  mutant(
    {
      name: 'data keys of 16 bytes are UUIDs',
      kind: 'data keys',
      wrong: 'six bits of each AES-128 data key are the version and variant of a UUID',
      source: 'a random UUID taken for 16 random bytes (RFC 9562 section 5.4)',
      rule: 'random-data-keys',
      profile: 'quick',
    },
    { client: (hsm) => new UuidKeys(hsm) },
    withKey(async ({ provider, keyId }) => {
      const keys = await inTurn(40, () => provider.generateDataKey({ keyId, keySpec: 'AES_128' }));
      return keys.every(({ plaintext }) => (plaintext[6] as number) >> 4 === 4);
    }),
  ),
  mutant(
    {
      name: 'data keys without plaintext are zeros',
      kind: 'data keys',
      wrong: 'generateDataKeyWithoutPlaintext wipes the data key before the HSM has wrapped it',
      source: 'a wipe that does not wait for the promise of the request',
      rule: 'random-data-keys',
      profile: 'quick',
    },
    { client: (hsm) => new WipesTooEarly(hsm) },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const wrapped = await provider.generateDataKeyWithoutPlaintext({ keyId, keySpec: 'AES_256' });
      return isSame(await decrypted(scene, wrapped.ciphertext), new Uint8Array(32));
    }),
  ),
  mutant(
    {
      name: 'private keys of P-521 have 520 bits',
      kind: 'key pairs',
      wrong: 'the first byte of the private scalar is always 0, because 521 / 8 was rounded down',
      source: 'a biased P-521 number, as that of the nonces of PuTTY (CVE-2024-31497)',
      rule: 'key-pair-strength',
      profile: 'soak',
    },
    { client: (hsm) => new ShortScalars(hsm) },
    withKey(async ({ provider, keyId }) => {
      const pairs = await inTurn(40, () =>
        provider.generateDataKeyPair({ keyId, keyPairSpec: 'ECC_NIST_P521' }),
      );
      return pairs.every(({ privateKey }) => writtenScalar(privateKey)[0] === 0);
    }),
  ),
  mutant(
    {
      name: 'RSA primes are powers of 65537 modulo a primorial',
      kind: 'key pairs',
      wrong: 'RSA_2048 pairs have primes of a structure by which they are recognised and factored',
      source:
        'ROCA (CVE-2017-15361): Nemec and others, The Return of Coppersmith’s Attack, CCS 2017',
      rule: 'key-pair-strength',
      profile: 'full',
    },
    { client: (hsm) => new StructuredPrimes(hsm) },
    withKey(async ({ provider, keyId }) => {
      const { publicKey } = await provider.generateDataKeyPair({ keyId, keyPairSpec: 'RSA_2048' });
      const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
      const { n = '' } = key.export({ format: 'jwk' });
      return isStructured(toNumber(Buffer.from(n, 'base64url')));
    }),
  ),
  mutant(
    {
      name: 'two calls take the same pair off the list',
      kind: 'key pairs',
      wrong: 'EC pairs are made in advance, and calls at once get the same one',
      source: 'a list that is read before a request and shortened after it',
      rule: 'key-pair-strength',
      profile: 'full',
    },
    { client: (hsm) => new PairsReady(hsm) },
    withKey(async ({ provider, keyId }) => {
      const draw = () => provider.generateDataKeyPair({ keyId, keyPairSpec: 'ECC_NIST_P256' });
      await draw();
      const made = await atOnce(2, draw);
      return new Set(made.map(({ publicKey }) => hex(publicKey))).size === 1;
    }),
  ),
];
