import { randomInt } from 'node:crypto';
import {
  type AsymmetricAlgorithm,
  assertKeyUsable,
  type Call,
  type DataKeyPairRequest,
  type DecryptOutput,
  type DecryptRequest,
  type EncryptionAlgorithm,
  type EncryptOutput,
  type EncryptRequest,
  isAsymmetricAlgorithm,
  isRsaKeySpec,
  type KeyName,
  KeyNotFoundError,
  type KeyState,
  ProviderUnavailableError,
  type ReEncryptRequest,
} from '@keywrap/core';
import { blindSet } from '../blind-mutant.js';
import { Client } from '../right/client.js';
import { Hsm, type HsmKey } from '../right/hsm.js';
import type { Pair } from '../right/pairs.js';
import {
  atOnce,
  bytes,
  codeOf,
  decrypted,
  encrypted,
  inTurn,
  SYMMETRIC,
  withKey,
  withRsaKey,
} from '../witness.js';
import { type Opened, ReEncrypting } from './re-encrypting.js';

const mutant = blindSet('f');

/** Loads keys into the four handles of a small token, the next one in turn. */
class FewHandles extends Client {
  readonly #handles: HsmKey[] = [];
  #next = 0;

  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    const { algorithm, plaintext, encryptionContext } = request;
    if (isAsymmetricAlgorithm(algorithm)) return super.encrypt(request, call);
    const key = await this.use(request.key, algorithm);
    const version = this.latest(key);
    const handle = this.#load(key);
    await this.hsm.request();
    const loaded = this.#handles[handle] as HsmKey;
    const material = loaded.versions.get(this.latest(loaded)) as Uint8Array;
    const used = { ...key, versions: new Map([[version, material]]) };
    const ciphertext = this.seal(used, version, plaintext, encryptionContext);
    return { ciphertext, keyId: key.arn, keyVersion: `${version}` };
  }

  #load(key: HsmKey): number {
    const known = this.#handles.indexOf(key);
    if (known >= 0) return known;
    const handle = this.#next;
    this.#next = (handle + 1) % 4;
    this.#handles[handle] = key;
    return handle;
  }
}

/** Opens its circuit breaker after 20 failures in a row, for 10 calls. */
class BreaksOnBadInput extends Client {
  #failures = 0;
  #refuses = 0;

  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    if (this.#refuses > 0) {
      this.#refuses--;
      throw new ProviderUnavailableError('the circuit breaker is open');
    }
    try {
      const output = await super.decrypt(request, call);
      this.#failures = 0;
      return output;
    } catch (error) {
      this.#failures++;
      if (this.#failures === 20) [this.#failures, this.#refuses] = [0, 10];
      throw error;
    }
  }
}

/** Sorts versions as text. */
class VersionsAsText extends Client {
  protected override latest(key: HsmKey): number {
    return Number([...key.versions.keys()].map(String).sort().at(-1));
  }
}

/** Checks whether a destination is disabled, and not whether it will be deleted. */
class MovesToDying extends ReEncrypting {
  protected async sealAgain({ destination }: ReEncryptRequest, { plaintext }: Opened, call: Call) {
    const { algorithm, encryptionContext } = destination;
    const request = { ...destination, plaintext };
    await this.hsm.request();
    const key = this.find(destination.key);
    const isDying = key.state === 'PendingDeletion' && !isAsymmetricAlgorithm(algorithm);
    if (!isDying) return this.encrypt(request, call);
    this.hsm.allow('use', key);
    assertKeyUsable({ ...this.description(key), keyState: 'Enabled' }, algorithm);
    const version = this.latest(key);
    const ciphertext = this.seal(key, version, plaintext, encryptionContext);
    return { ciphertext, keyId: key.arn, keyVersion: `${version}` };
  }
}

/** Remembers what an ARN means: "ARNs never change". */
class ArnsNeverChange extends Client {
  readonly #ids = new Map<string, string>();

  protected override find(name: KeyName): HsmKey {
    if (name.kind !== 'alias-arn') return super.find(name);
    const id = this.#ids.get(name.text);
    const key = id === undefined ? super.find(name) : this.hsm.keys.get(id);
    if (key === undefined) throw new KeyNotFoundError('there is no such key');
    this.#ids.set(name.text, key.id);
    return key;
  }
}

/** Describes an RSA key before it encrypts, to learn the size of the modulus. */
class DescribesFirst extends Client {
  protected override sealRsa(
    key: HsmKey,
    plaintext: Uint8Array,
    algorithm: AsymmetricAlgorithm,
  ): Uint8Array {
    this.hsm.allow('describe', key);
    return super.sealRsa(key, plaintext, algorithm);
  }
}

/** Makes the next pair ahead, by the number of bits. */
class PairsBySize extends Client {
  readonly #ahead = new Map<string, Pair>();

  protected override async pair(request: DataKeyPairRequest): Promise<Pair> {
    const { keyPairSpec } = request;
    if (isRsaKeySpec(keyPairSpec)) return super.pair(request);
    const bits = keyPairSpec.replace(/\D*(\d{3})(K1)?$/, '$1');
    const pair = this.#ahead.get(bits) ?? (await super.pair(request));
    this.#ahead.set(bits, await super.pair(request));
    return pair;
  }
}

/** An HSM with a replica, which is one change of a key behind. */
class ReplicatedHsm extends Hsm {
  readonly replica = new Map<string, KeyState>();

  override async disable(arn: string): Promise<void> {
    this.#replicate(arn);
    await super.disable(arn);
  }

  override async enable(arn: string): Promise<void> {
    this.#replicate(arn);
    await super.enable(arn);
  }

  override async scheduleDeletion(arn: string): Promise<void> {
    this.#replicate(arn);
    await super.scheduleDeletion(arn);
  }

  #replicate(arn: string): void {
    this.replica.set(arn, this.at(arn).state);
  }
}

/** Reads the state of a key from a replica, one time in 16. */
class ReadsReplica extends Client {
  protected override usable(key: HsmKey, algorithm: EncryptionAlgorithm): void {
    const { replica } = this.hsm as ReplicatedHsm;
    const keyState = randomInt(16) === 0 ? replica.get(key.arn) : undefined;
    if (keyState === undefined) {
      super.usable(key, algorithm);
      return;
    }
    this.hsm.allow('use', key);
    assertKeyUsable({ ...this.description(key), keyState }, algorithm);
  }
}

export const STATE = [
  mutant(
    {
      name: 'a fifth key takes the handle of one in use',
      kind: 'concurrency',
      wrong:
        'with more than four keys at once, a plaintext is encrypted under the material of another key',
      source: 'object handles of tokens with little memory, reused by PKCS #11 libraries',
      rule: 'concurrency-at-scale',
      profile: 'full',
    },
    { client: (hsm) => new FewHandles(hsm) },
    withKey(async (scene) => {
      const others = await inTurn(4, () => scene.keys.create(SYMMETRIC));
      const names = [scene.keyId, ...others.map(({ keyId }) => keyId)];
      const made = await atOnce(5, (i) => encrypted({ ...scene, keyId: names[i] as string }));
      return (await codeOf(decrypted(scene, made[0] as Uint8Array))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'bad ciphertexts open the circuit breaker',
      kind: 'calls in a row',
      wrong:
        'after 20 ciphertexts in a row that do not open, the next 10 decrypts are refused as an outage',
      source: 'circuit breakers that count the mistakes of callers',
      rule: 'any-sequence',
      profile: 'full',
    },
    { client: (hsm) => new BreaksOnBadInput(hsm) },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene);
      await inTurn(20, () => codeOf(decrypted(scene, bytes(80))));
      return (await codeOf(decrypted(scene, ciphertext))) === 'UNAVAILABLE';
    }),
  ),
  mutant(
    {
      name: 'the tenth version of a key is never used',
      kind: 'changes',
      wrong:
        'versions are sorted as text, where 9 comes after 10: from the ninth rotation on nothing changes',
      source: 'versions kept as text, such as v9 and v10',
      rule: 'rotation',
      profile: 'full',
    },
    { client: (hsm) => new VersionsAsText(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      await inTurn(9, () => keys.rotate(keyId));
      const { keyVersion } = await provider.encrypt({ keyId, plaintext: bytes(32) });
      return keyVersion === '9';
    }),
  ),
  mutant(
    {
      name: 'reEncrypt moves data to a key that is pending deletion',
      kind: 'names and state',
      wrong:
        'the state PendingDeletion of a destination is not checked, so that its data is lost soon',
      source: 'a check of one state, written before there were others',
      rule: 'current-state',
      profile: 'full',
    },
    { client: (hsm) => new MovesToDying(hsm) },
    withKey(async (scene) => {
      const dying = await scene.keys.create(SYMMETRIC);
      await scene.keys.scheduleDeletion(dying.keyId);
      const moved = scene.provider.reEncrypt({
        ciphertext: await encrypted(scene),
        source: { keyId: scene.keyId },
        destination: { keyId: dying.keyId },
      });
      return (await codeOf(moved)) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'an alias ARN stays at its first key',
      kind: 'names and state',
      wrong: 'a moved alias is followed under its name, and not under its ARN',
      source: 'caches of ARNs, as if all of them were immutable',
      rule: 'current-state',
      profile: 'full',
    },
    { client: (hsm) => new ArnsNeverChange(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      const other = await keys.create(SYMMETRIC);
      await keys.alias('alias/moving', keyId);
      const name = keyId.replace(/key\/.*$/, 'alias/moving');
      await provider.describeKey({ keyId: name });
      await keys.moveAlias('alias/moving', other.keyId);
      return (await provider.describeKey({ keyId: name })).keyId === keyId;
    }),
  ),
  mutant(
    {
      name: 'RSA encryption needs the right to describe the key',
      kind: 'changes',
      wrong:
        'encrypt under RSA describes the key first, and is denied when that right was taken away',
      source: 'clients that read the size of a key before they use it',
      rule: 'outside-changes',
      profile: 'full',
    },
    { client: (hsm) => new DescribesFirst(hsm) },
    withRsaKey(async ({ provider, keys, keyId }) => {
      await keys.deny(keyId, 'describe');
      const algorithm = 'RSAES_OAEP_SHA_256';
      const code = await codeOf(provider.encrypt({ keyId, plaintext: bytes(32), algorithm }));
      return code === 'ACCESS_DENIED';
    }),
  ),
  mutant(
    {
      name: 'pairs that are made ahead are on another curve of the same size',
      kind: 'calls in a row',
      wrong:
        'the pair made ahead for P-256 is returned as one of secp256k1, and the other way round',
      source: 'pools with an incomplete key: the number of bits',
      rule: 'any-sequence',
      profile: 'full',
    },
    { client: (hsm) => new PairsBySize(hsm) },
    withKey(async ({ provider, keyId }) => {
      await provider.generateDataKeyPairWithoutPlaintext({ keyId, keyPairSpec: 'ECC_NIST_P256' });
      const { publicKey } = await provider.generateDataKeyPairWithoutPlaintext({
        keyId,
        keyPairSpec: 'ECC_SECG_P256K1',
      });
      // The object identifier of P-256 (RFC 5480 section 2.1.1.1).
      return Buffer.from(publicKey).includes(Buffer.from('2a8648ce3d030107', 'hex'));
    }),
  ),
  mutant(
    {
      name: 'one in 16 calls sees the state before the last change',
      kind: 'rare faults',
      wrong: 'a disabled key is used once in a while, and an enabled one refused',
      source: 'reads from a replica that lags',
      rule: 'current-state',
      profile: 'soak',
    },
    { hsm: (pairs) => new ReplicatedHsm(pairs), client: (hsm) => new ReadsReplica(hsm) },
    withKey(async (scene) => {
      await scene.keys.disable(scene.keyId);
      const codes = await inTurn(600, () => codeOf(encrypted(scene)));
      return codes.includes('ok');
    }),
  ),
];
