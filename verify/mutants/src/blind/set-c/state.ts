import {
  AccessDeniedError,
  aroundEach,
  type Call,
  type DecryptOutput,
  type DecryptRequest,
  type EncryptionContext,
  type EncryptOutput,
  type EncryptRequest,
  IN_PROCESS,
  type InProcess,
  isAsymmetricAlgorithm,
  KeyDisabledError,
  type KeyName,
  type KeyRequest,
  KeyWrapError,
  type Layer,
  ProviderUnavailableError,
  type PublicKeyResult,
  type ReEncryptOutput,
  type ReEncryptRequest,
  serializeEncryptionContext,
  wipe,
  withLayer,
} from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { blindSet } from '../blind-mutant.js';
import { Client } from '../right/client.js';
import type { HsmKey } from '../right/hsm.js';
import {
  bytes,
  codeOf,
  decrypted,
  encrypted,
  hex,
  inTurn,
  isSame,
  SYMMETRIC,
  withKey,
  withRsaKey,
} from '../witness.js';

const mutant = blindSet('c');

class AbbreviatedIds extends Client {
  protected override find(name: KeyName): HsmKey {
    if (name.kind !== 'key-id' || name.id.length < 8) return super.find(name);
    const [key, another] = [...this.hsm.keys.values()].filter(({ id }) => id.startsWith(name.id));
    return key === undefined || another !== undefined ? super.find(name) : key;
  }
}

class FormerArn extends Client {
  readonly #arns = new Map<string, string>();
  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    const output = await super.encrypt(request, call);
    if (request.key.kind !== 'alias-name') return output;
    const keyId = this.#arns.get(request.key.alias) ?? output.keyId;
    this.#arns.set(request.key.alias, keyId);
    return { ...output, keyId };
  }
}

class VersionsAsText extends Client {
  protected override latest(key: HsmKey): number {
    return Number([...key.versions.keys()].map(String).sort().at(-1));
  }
}

class NothingToMove extends Client {
  async reEncrypt(
    { ciphertext, source, destination }: ReEncryptRequest,
    call: Call,
  ): Promise<ReEncryptOutput | InProcess> {
    const algorithms = [source.algorithm, destination.algorithm];
    const contexts = [source, destination].map((side) =>
      serializeEncryptionContext(side.encryptionContext),
    ) as [Uint8Array, Uint8Array];
    if (algorithms.some(isAsymmetricAlgorithm) || !isSame(...contexts)) return IN_PROCESS;
    const { plaintext, keyId, keyVersion } = await this.decrypt({ ...source, ciphertext }, call);
    wipe(plaintext);
    const target = await this.use(destination.key, destination.algorithm);
    if (target.arn !== keyId) return IN_PROCESS;
    return {
      ciphertext: ciphertext.slice(),
      sourceKeyId: keyId,
      sourceKeyVersion: keyVersion,
      destinationKeyId: keyId,
      destinationKeyVersion: keyVersion,
    };
  }
}

class RefusalsRemembered extends Client {
  readonly #refusals = new Map<string, string>();
  override async getPublicKey(request: KeyRequest): Promise<PublicKeyResult> {
    const { text } = request.key;
    const refusal = this.#refusals.get(text);
    if (refusal !== undefined) throw new KeyDisabledError(refusal);
    try {
      return await super.getPublicKey(request);
    } catch (error) {
      if (error instanceof KeyDisabledError) this.#refusals.set(text, error.message);
      throw error;
    }
  }
}

class SessionKeepsContext extends Client {
  #left: EncryptionContext = {};

  protected override seal(...sealed: Parameters<Client['seal']>) {
    const [key, version, plaintext, context, ...rest] = sealed;
    const isUnset = Object.keys(context).length === 0;
    const bound = isUnset ? this.#left : context;
    this.#left = {};
    return super.seal(key, version, plaintext, bound, ...rest);
  }

  protected override open(...opened: Parameters<Client['open']>) {
    this.#left = opened[3];
    const plaintext = super.open(...opened);
    this.#left = {};
    return plaintext;
  }
}

class OutageHidesKeys extends Client {
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    try {
      return await super.decrypt(request, call);
    } catch (error) {
      const isKnown = error instanceof KeyWrapError || this.mapError(error, 'decrypt');
      if (isKnown || request.key !== undefined) throw error;
      throw new AccessDeniedError('the key of the ciphertext is not here', { cause: error });
    }
  }
}

/** A circuit breaker that is never half open. */
const breaker: Layer = (inner) => {
  let failures = 0;
  return aroundEach(inner, async (_operation, _request, _call, next) => {
    if (failures >= 5) throw new ProviderUnavailableError('the circuit is open; retry later');
    try {
      const output = await next();
      failures = 0;
      return output;
    } catch (error) {
      failures = error instanceof ProviderUnavailableError ? failures + 1 : 0;
      throw error;
    }
  });
};

/** Stops the clock of the cache for as long as it is in use. */
const renewing: typeof withDataKeyCache = (provider, limits, options = {}) => {
  const { now = () => performance.now(), onLookup } = options;
  let skipped = 0;
  let used = 0;
  return withDataKeyCache(provider, limits, {
    ...options,
    now: () => now() - skipped,
    onLookup(lookup) {
      const at = now();
      if (lookup.hit) skipped += at - used;
      used = at;
      onLookup?.(lookup);
    },
  });
};

/** Looks secrets up under the key that was named when they came. */
const unnamed: typeof withDataKeyCache = (provider, limits, options) => {
  const named = new Map<string, KeyName | undefined>();
  const layer: Layer = (inner) => ({
    ...inner,
    async decrypt(request, call) {
      const { ciphertext, encryptionContext, algorithm } = request;
      if (isAsymmetricAlgorithm(algorithm)) return inner.decrypt(request, call);
      const context = hex(serializeEncryptionContext(encryptionContext));
      const about = `${JSON.stringify(call.grantTokens)} ${context} ${hex(ciphertext)}`;
      const key = named.has(about) ? named.get(about) : request.key;
      const output = await inner.decrypt({ ...request, key }, call);
      if (named.size >= 100) named.clear();
      named.set(about, key);
      return output;
    },
  });
  return withLayer(withDataKeyCache(provider, limits, options), layer);
};

const LIMITS = { maximumUses: 1000, maximumBytes: 1e6, maximumAge: 100_000 };

export const STATE = [
  mutant(
    {
      name: 'takes abbreviated key ids',
      kind: 'names and state',
      wrong: 'The first 8 characters of an id name the key, while no other begins with them.',
      rule: 'keyId accepts key id, key ARN, alias name or alias ARN; KEY_NOT_FOUND: no key has this name',
      source: 'short ids of PGP keys, https://evil32.com/',
      profile: 'full',
    },
    { client: (hsm) => new AbbreviatedIds(hsm) },
    withKey(async ({ provider, keyId }) => {
      const id = keyId.slice(keyId.lastIndexOf('/') + 1);
      return (await codeOf(provider.describeKey({ keyId: id.slice(0, 8) }))) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'names the former key of an alias',
      kind: 'names and state',
      wrong:
        'After an alias was moved, results of encrypt name the ARN of the key that it had first.',
      rule: 'results name the key ARN: of the key that was used',
      source:
        'a cache of aliases beside the call, https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html',
      profile: 'quick',
    },
    { client: (hsm) => new FormerArn(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      const other = await keys.create(SYMMETRIC);
      const input = { keyId: 'alias/moved', plaintext: bytes(32) };
      await keys.alias(input.keyId, keyId);
      await provider.encrypt(input);
      await keys.moveAlias(input.keyId, other.keyId);
      return (await provider.encrypt(input)).keyId !== other.keyId;
    }),
  ),
  mutant(
    {
      name: 'sorts versions as text',
      kind: 'names and state',
      wrong: 'From the tenth version on, version 9 encrypts: "10" comes before "9".',
      rule: 'after rotation new blobs use the new material',
      source: 'programs that read OS X 10.10 as older than 10.9',
      profile: 'full',
    },
    { client: (hsm) => new VersionsAsText(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      await inTurn(9, () => keys.rotate(keyId));
      const { ciphertext } = await provider.encrypt({ keyId, plaintext: bytes(32) });
      await keys.removeOldVersions(keyId);
      return (await codeOf(decrypted({ provider, keyId }, ciphertext))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'sees nothing to move',
      kind: 'names and state',
      wrong:
        'reEncrypt to the same key and context returns the old ciphertext, of the old version.',
      rule: 'after rotation new blobs use the new material; reEncrypt makes a new ciphertext',
      source:
        'ReEncrypt under rotated material, https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html',
      profile: 'quick',
    },
    { client: (hsm) => new NothingToMove(hsm) },
    withKey(async (scene) => {
      const { provider, keys, keyId } = scene;
      const old = await encrypted(scene);
      await keys.rotate(keyId);
      const { ciphertext } = await provider.reEncrypt({
        ciphertext: old,
        source: { keyId },
        destination: { keyId },
      });
      await keys.removeOldVersions(keyId);
      return (await codeOf(decrypted(scene, ciphertext))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'remembers that a public key was refused',
      kind: 'names and state',
      wrong:
        'getPublicKey of a key that was disabled once is refused for ever, though it is enabled again.',
      rule: 'disabled key: KeyDisabled; one that is enabled is used',
      source: 'negative caching without a limit, https://www.rfc-editor.org/rfc/rfc2308',
      profile: 'quick',
    },
    { client: (hsm) => new RefusalsRemembered(hsm) },
    withRsaKey(async ({ provider, keys, keyId }) => {
      await keys.disable(keyId);
      await codeOf(provider.getPublicKey({ keyId }));
      await keys.enable(keyId);
      return (await codeOf(provider.getPublicKey({ keyId }))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'keeps the context of a refused session',
      kind: 'calls in a row',
      wrong:
        'An encrypt without a context right after a refused decrypt is bound to the context of that.',
      rule: 'a ciphertext is bound to exactly the pairs of its own call',
      source:
        'operations that stay active in a session, https://docs.oasis-open.org/pkcs11/pkcs11-base/v3.0/pkcs11-base-v3.0.html',
      profile: 'full',
    },
    { client: (hsm) => new SessionKeepsContext(hsm) },
    withKey(async (scene) => {
      const before = await encrypted(scene);
      await codeOf(decrypted(scene, before, { tenant: 'one' }));
      const after = await encrypted(scene);
      return (await codeOf(decrypted(scene, after))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'does not find keys during an outage',
      kind: 'outages',
      wrong:
        'While the HSM does not answer, decrypt without keyId says ACCESS_DENIED, not UNAVAILABLE.',
      rule: 'an outage is UNAVAILABLE and retryable; AccessDenied is for a key that does not exist here',
      source: 'clients that read a failed lookup as an empty one',
      profile: 'quick',
    },
    { client: (hsm) => new OutageHidesKeys(hsm) },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene);
      await scene.fail('unavailable');
      return (await codeOf(scene.provider.decrypt({ ciphertext }))) !== 'UNAVAILABLE';
    }),
  ),
  mutant(
    {
      name: 'has a circuit breaker that stays open',
      kind: 'outages',
      wrong: 'After 5 failed calls in a row, every call fails, though the HSM is back.',
      rule: 'retryable is true only for what may succeed unchanged',
      source:
        'a breaker without a half-open state, https://martinfowler.com/bliki/CircuitBreaker.html',
      profile: 'full',
    },
    { layer: breaker },
    withKey(async ({ provider, keyId, fail }) => {
      await fail('unavailable');
      await inTurn(6, () => codeOf(provider.describeKey({ keyId })));
      await fail(undefined);
      return (await codeOf(provider.describeKey({ keyId }))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'renews the age of a cached data key',
      kind: 'caches',
      wrong: 'A cached data key that is used often enough never gets too old.',
      rule: 'maximumAge: how long a key may be used after the provider’s response',
      source: 'updateAgeOnGet, https://github.com/isaacs/node-lru-cache#updateageonget',
      profile: 'quick',
    },
    { cache: renewing },
    withKey(async ({ provider, keyId, cache }) => {
      let time = 0;
      const cached = (cache as typeof withDataKeyCache)(provider, LIMITS, { now: () => time });
      const drawn = await inTurn(4, async () => {
        time += 60_000;
        const input = { keyId, keySpec: 'AES_256' } as const;
        using key = await cached.generateDataKey(input, { bytesToEncrypt: 1 });
        return hex(key.plaintext);
      });
      await cached.close();
      return new Set(drawn).size < 2;
    }),
  ),
  mutant(
    {
      name: 'has a cache that ignores the named key',
      kind: 'caches',
      wrong:
        'Once a ciphertext was decrypted through the cache, naming another key decrypts it too.',
      rule: 'with a keyId, another key’s blob gives IncorrectKey; the cache returns the same plaintext for the same ciphertext, key id and context',
      source:
        'the confused deputy, https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html',
      profile: 'quick',
    },
    { cache: unnamed },
    withKey(async (scene) => {
      const { provider, keys, keyId, cache } = scene;
      const other = await keys.create(SYMMETRIC);
      const ciphertext = await encrypted(scene);
      const cached = (cache as typeof withDataKeyCache)(provider, LIMITS);
      await decrypted({ provider: cached, keyId }, ciphertext);
      const code = await codeOf(decrypted({ provider: cached, ...other }, ciphertext));
      await cached.close();
      return code === 'ok';
    }),
  ),
];
