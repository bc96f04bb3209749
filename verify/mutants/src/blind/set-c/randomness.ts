import {
  createHmac,
  createPrivateKey,
  hkdfSync,
  type JsonWebKey,
  randomBytes,
  randomInt,
} from 'node:crypto';
import {
  type Call,
  type DataKeyOutput,
  type DataKeyPairRequest,
  type DataKeyPairSpec,
  type DataKeyRequest,
  type EncryptionContext,
  type EncryptOutput,
  type EncryptRequest,
  isAsymmetricAlgorithm,
  isRsaKeySpec,
  type WrappedDataKeyPairOutput,
  wipe,
} from '@keywrap/core';
import { blindSet } from '../blind-mutant.js';
import { inverse, toBytes, toNumber } from '../numbers.js';
import { Client, NONCE, own } from '../right/client.js';
import type { HsmKey } from '../right/hsm.js';
import type { Pair } from '../right/pairs.js';
import {
  bytes,
  codeOf,
  decrypted,
  encrypted,
  haveSameNonce,
  isSame,
  SYMMETRIC,
  withKey,
} from '../witness.js';

const mutant = blindSet('c');

/** Nonces of which none repeats within one sequence. */
class Counters {
  readonly #prefix = randomBytes(NONCE - 8);
  readonly #counts = new Map<string, bigint>();

  next(sequence: string): Uint8Array {
    const count = (this.#counts.get(sequence) ?? 0n) + 1n;
    this.#counts.set(sequence, count);
    const nonce = Buffer.alloc(NONCE);
    this.#prefix.copy(nonce);
    nonce.writeBigUInt64BE(count, NONCE - 8);
    return nonce;
  }
}

class CounterPerOperation extends Client {
  readonly #counters = new Counters();

  protected override nonce(key: HsmKey) {
    return this.#counters.next(`encrypt ${key.id}`);
  }

  override async generateDataKey(request: DataKeyRequest, _call: Call): Promise<DataKeyOutput> {
    const key = await this.use(request.key, request.algorithm);
    const plaintext = this.dataKey(request.numberOfBytes);
    const version = this.latest(key);
    const nonce = this.#counters.next(`generateDataKey ${key.id}`);
    const ciphertext = this.seal(key, version, plaintext, request.encryptionContext, nonce);
    return { plaintext, ciphertext, keyId: key.arn, keyVersion: `${version}` };
  }
}

class CounterPerName extends Client {
  readonly #counters = new Counters();

  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    if (isAsymmetricAlgorithm(request.algorithm)) return super.encrypt(request, call);
    const key = await this.use(request.key, request.algorithm);
    const version = this.latest(key);
    const nonce = this.#counters.next(request.key.text);
    const { plaintext, encryptionContext } = request;
    const ciphertext = this.seal(key, version, plaintext, encryptionContext, nonce);
    return { ciphertext, keyId: key.arn, keyVersion: `${version}` };
  }
}

/** What the generator's test at power-up leaves in its buffer. */
const SELF_TEST = Buffer.from('5dc9a1e03b7742f8c61e', 'hex');

class UsedBufferAtFirst extends Client {
  #left = SELF_TEST;
  protected override dataKey(numberOfBytes: number) {
    const key = super.dataKey(numberOfBytes);
    key.set(this.#left.subarray(0, numberOfBytes));
    this.#left = this.#left.subarray(numberOfBytes);
    return key;
  }
}

class DerivedDataKeys extends Client {
  readonly #seed = randomBytes(32);
  readonly #counts = new Map<string, number>();

  override async generateDataKey(request: DataKeyRequest, call: Call): Promise<DataKeyOutput> {
    const { key, algorithm, encryptionContext, numberOfBytes } = request;
    const { id } = await this.use(key, algorithm);
    const count = (this.#counts.get(id) ?? 0) + 1;
    this.#counts.set(id, count);
    const salt = createHmac('sha256', this.#seed).update(`${count}`).digest();
    const plaintext = own(
      new Uint8Array(hkdfSync('sha256', this.#seed, salt, 'data key', numberOfBytes)),
    );
    const wrapped = await this.encrypt({ key, algorithm, encryptionContext, plaintext }, call);
    return { ...wrapped, plaintext };
  }
}

class UnusedPairsReturned extends Client {
  readonly #unused = new Map<DataKeyPairSpec, Pair>();

  protected override async pair(request: DataKeyPairRequest): Promise<Pair> {
    const unused = this.#unused.get(request.keyPairSpec);
    this.#unused.delete(request.keyPairSpec);
    return unused ?? super.pair(request);
  }

  async generateDataKeyPairWithoutPlaintext(
    request: DataKeyPairRequest,
    call: Call,
  ): Promise<WrappedDataKeyPairOutput> {
    const { key, algorithm, encryptionContext, keyPairSpec } = request;
    const { publicKey, privateKey } = await super.pair(request);
    const wrapped = await this.encrypt(
      { key, algorithm, encryptionContext, plaintext: privateKey },
      call,
    );
    // Nobody has seen the private key.
    this.#unused.set(keyPairSpec, { publicKey: own(publicKey), privateKey });
    const { ciphertext: privateKeyCiphertext, keyId, keyVersion } = wrapped;
    return { publicKey, privateKeyCiphertext, keyId, keyVersion };
  }
}

function jwkOf(pkcs8: Uint8Array): JsonWebKey {
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  return key.export({ format: 'jwk' });
}

function numberOf(text: string | undefined): bigint {
  return toNumber(Buffer.from(text ?? '', 'base64url'));
}

class OpenPgpCoefficient extends Client {
  protected override async pair(request: DataKeyPairRequest): Promise<Pair> {
    const pair = await super.pair(request);
    if (!isRsaKeySpec(request.keyPairSpec)) return pair;
    const key = jwkOf(pair.privateKey);
    const qi = toBytes(inverse(numberOf(key.p), numberOf(key.q))).toString('base64url');
    const changed = createPrivateKey({ key: { ...key, qi }, format: 'jwk' });
    wipe(pair.privateKey);
    return { ...pair, privateKey: own(changed.export({ type: 'pkcs8', format: 'der' })) };
  }
}

class CarriageReturnsLost extends Client {
  protected override seal(...sealed: Parameters<Client['seal']>) {
    const text = Buffer.from(super.seal(...sealed)).toString('latin1');
    return own(Buffer.from(text.replaceAll('\r\n', '\n'), 'latin1'));
  }
}

class SelfInvertingCore extends Client {
  readonly #fault = randomBytes(16);
  #isFaulty = false;

  protected override additionalData(header: Uint8Array, context: EncryptionContext) {
    const data = super.additionalData(header, context);
    return this.#isFaulty ? Buffer.concat([data, this.#fault]) : data;
  }

  #onFaultyCore<T>(work: () => T): T {
    this.#isFaulty = true;
    try {
      return work();
    } finally {
      this.#isFaulty = false;
    }
  }

  protected override seal(...sealed: Parameters<Client['seal']>) {
    if (randomInt(1000) > 0) return super.seal(...sealed);
    return this.#onFaultyCore(() => super.seal(...sealed));
  }

  protected override open(...opened: Parameters<Client['open']>) {
    try {
      return super.open(...opened);
    } catch {
      return this.#onFaultyCore(() => super.open(...opened));
    }
  }
}

export const RANDOMNESS = [
  mutant(
    {
      name: 'counts nonces apart for encrypt and for data keys',
      kind: 'nonces',
      wrong:
        'The n-th data key of a key is wrapped under the nonce of its n-th encrypt: neither sequence repeats by itself.',
      rule: 'SP 800-38D section 8: no nonce twice under one key, whichever operation drew it',
      source: 'nonces repeated in TLS servers, https://eprint.iacr.org/2016/475',
      profile: 'quick',
    },
    { client: (hsm) => new CounterPerOperation(hsm) },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const data = await provider.generateDataKeyWithoutPlaintext({ keyId, keySpec: 'AES_256' });
      return haveSameNonce([await encrypted(scene), data.ciphertext]);
    }),
  ),
  mutant(
    {
      name: 'counts nonces by the name of the key',
      kind: 'nonces',
      wrong: 'Two names of one key, its id and its ARN, count nonces from the same start.',
      rule: 'keyId anywhere accepts key id, key ARN, alias name or alias ARN: they are one key, and SP 800-38D section 8 wants no nonce twice under it',
      source: 'nonces that a caller could repeat in a TrustZone, https://eprint.iacr.org/2022/208',
      profile: 'quick',
    },
    { client: (hsm) => new CounterPerName(hsm) },
    withKey(async (scene) => {
      const id = scene.keyId.slice(scene.keyId.lastIndexOf('/') + 1);
      return haveSameNonce([
        await encrypted(scene),
        await encrypted({ provider: scene.provider, keyId: id }),
      ]);
    }),
  ),
  mutant(
    {
      name: 'begins with the bytes of its self-test',
      kind: 'data keys',
      wrong: 'The first 80 bits that are drawn after opening are the same each time.',
      rule: 'generateDataKey makes a data key: all of it is random, from the first one on',
      source: 'YubiKey FIPS, https://www.yubico.com/support/security-advisories/ysa-2019-02/',
      profile: 'quick',
    },
    { client: (hsm) => new UsedBufferAtFirst(hsm) },
    withKey(async ({ provider, reopen, keyId }) => {
      const again = await reopen();
      using one = await provider.generateDataKey({ keyId, keySpec: 'AES_256' });
      using two = await again.generateDataKey({ keyId, keySpec: 'AES_256' });
      return isSame(one.plaintext.subarray(0, 8), two.plaintext.subarray(0, 8));
    }),
  ),
  mutant(
    {
      name: 'derives data keys from a count of each key',
      kind: 'data keys',
      wrong: 'The n-th data key under one key is the n-th under every other.',
      rule: 'generateDataKey makes a new data key, not one that was handed out under another key',
      source: 'keys that many devices share, https://factorable.net/',
      profile: 'quick',
    },
    { client: (hsm) => new DerivedDataKeys(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      const other = await keys.create(SYMMETRIC);
      using one = await provider.generateDataKey({ keyId, keySpec: 'AES_256' });
      using two = await provider.generateDataKey({ keyId: other.keyId, keySpec: 'AES_256' });
      return isSame(one.plaintext, two.plaintext);
    }),
  ),
  mutant(
    {
      name: 'puts the pair of a call without plaintext back into its pool',
      kind: 'key pairs',
      wrong:
        'generateDataKeyPair returns the pair that an earlier generateDataKeyPairWithoutPlaintext made.',
      rule: 'generateDataKeyPair makes a key pair: a new one for each call',
      source: 'keypair gave out the same RSA keys, https://nvd.nist.gov/vuln/detail/CVE-2021-41117',
      profile: 'quick',
    },
    { client: (hsm) => new UnusedPairsReturned(hsm) },
    withKey(async ({ provider, keyId }) => {
      const input = { keyId, keyPairSpec: 'ECC_NIST_P256' } as const;
      const wrapped = await provider.generateDataKeyPairWithoutPlaintext(input);
      using pair = await provider.generateDataKeyPair(input);
      return isSame(wrapped.publicKey, pair.publicKey);
    }),
  ),
  mutant(
    {
      name: 'writes the RSA coefficient of OpenPGP',
      kind: 'key pairs',
      wrong:
        'The coefficient of an RSA private key is the inverse of p modulo q, not of q modulo p.',
      rule: 'private key PKCS#8 DER: RFC 8017 appendix A.1.2, coefficient = (inverse of q) mod p',
      source: 'u of OpenPGP, https://www.rfc-editor.org/rfc/rfc9580#section-5.5.5.1',
      profile: 'quick',
    },
    { client: (hsm) => new OpenPgpCoefficient(hsm) },
    withKey(async ({ provider, keyId }) => {
      using pair = await provider.generateDataKeyPair({ keyId, keyPairSpec: 'RSA_2048' });
      const { p, q, qi } = jwkOf(pair.privateKey);
      return (numberOf(qi) * numberOf(q)) % numberOf(p) !== 1n;
    }),
  ),
  mutant(
    {
      name: 'sends ciphertexts in text mode',
      kind: 'rare faults',
      wrong:
        'A ciphertext loses the carriage return before a line feed, and does not open: 1 in 800 of those of a 32-byte key.',
      rule: 'decrypt returns what encrypt was given',
      source: 'ASCII mode of FTP, https://www.rfc-editor.org/rfc/rfc959',
      profile: 'full',
    },
    { client: (hsm) => new CarriageReturnsLost(hsm) },
    withKey(async (scene) => {
      for (let i = 0; i < 500; i++) {
        const ciphertext = await encrypted(scene, bytes(4096, i));
        if ((await codeOf(decrypted(scene, ciphertext))) !== 'ok') return true;
      }
      return false;
    }),
  ),
  mutant(
    {
      name: 'has a core that undoes its own mistakes',
      kind: 'rare faults',
      wrong: '1 ciphertext in 1,000 opens only in the provider object that made it.',
      rule: 'what encrypt returned opens under the same key, in whichever process',
      source:
        'AES on a mercurial core, https://sigops.org/s/conferences/hotos/2021/papers/hotos21-s01-hochschild.pdf',
      profile: 'soak',
    },
    { client: (hsm) => new SelfInvertingCore(hsm) },
    withKey(async (scene) => {
      const provider = await scene.reopen();
      for (let i = 0; i < 15_000; i++) {
        const opened = decrypted({ ...scene, provider }, await encrypted(scene));
        if ((await codeOf(opened)) !== 'ok') return true;
      }
      return false;
    }),
  ),
];
