import {
  AccessDeniedError,
  type Call,
  type DataKeyOutput,
  type DataKeyRequest,
  type DecryptOutput,
  type DecryptRequest,
  type EncryptionAlgorithm,
  type EncryptionContext,
  type KeyDescription,
  type KeyName,
  KeyWrapError,
} from '@keywrap/core';
import { blindSet } from '../blind-mutant.js';
import { Client } from '../right/client.js';
import { HsmError, type HsmKey } from '../right/hsm.js';
import { bytes, codeOf, decrypted, encrypted, hex, inTurn, withKey } from '../witness.js';

const mutant = blindSet('b');

class ShortIds extends Client {
  protected override find(name: KeyName): HsmKey {
    if (name.kind !== 'key-id' || name.id.length < 8) return super.find(name);
    const id = [...this.hsm.keys.keys()].find((each) => each.startsWith(name.id));
    return super.find({ ...name, id: id ?? name.id });
  }
}

class SortsVersionsAsText extends Client {
  protected override latest(key: HsmKey) {
    return Number([...key.versions.keys()].map(String).sort().at(-1));
  }
}

class RemembersState extends Client {
  readonly #usable = new Set<string>();
  override async generateDataKey(request: DataKeyRequest, call: Call): Promise<DataKeyOutput> {
    const { key: name, numberOfBytes, encryptionContext } = request;
    if (!this.#usable.has(name.text)) {
      const output = await super.generateDataKey(request, call);
      if (name.kind === 'alias-name') this.#usable.add(name.text);
      return output;
    }
    await this.hsm.request();
    const key = this.find(name);
    const version = this.latest(key);
    const plaintext = this.dataKey(numberOfBytes);
    const ciphertext = this.seal(key, version, plaintext, encryptionContext);
    return { plaintext, ciphertext, keyId: key.arn, keyVersion: `${version}` };
  }
}

class ReportsLatestVersion extends Client {
  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    const output = await super.decrypt(request, call);
    if (output.keyVersion === undefined) return output;
    return { ...output, keyVersion: `${this.latest(this.hsm.at(output.keyId))}` };
  }
}

class UsesForeignKeys extends Client {
  protected override usable(key: HsmKey, algorithm: EncryptionAlgorithm) {
    if (!key.isForeign || algorithm !== 'SYMMETRIC_DEFAULT') super.usable(key, algorithm);
  }
  protected override description(key: HsmKey): KeyDescription {
    const description = super.description(key);
    if (!key.isForeign) return description;
    const keySpec = 'SYMMETRIC_DEFAULT';
    const keyUsage = 'ENCRYPT_DECRYPT';
    return { ...description, keySpec, keyUsage, algorithms: [keySpec] };
  }
  protected override seal(
    key: HsmKey,
    version: number,
    plaintext: Uint8Array,
    context: EncryptionContext,
  ) {
    return super.seal(key, version, plaintext, key.isForeign ? {} : context);
  }
  protected override open(
    key: HsmKey,
    version: number,
    ciphertext: Uint8Array,
    context: EncryptionContext,
  ) {
    return super.open(key, version, ciphertext, key.isForeign ? {} : context);
  }
}

class ReadsBeforeUse extends Client {
  protected override usable(key: HsmKey, algorithm: EncryptionAlgorithm) {
    this.hsm.allow('describe', key);
    super.usable(key, algorithm);
  }
}

class FallsBackToLastDataKey extends Client {
  readonly #last = new Map<string, DataKeyOutput>();
  override async generateDataKey(request: DataKeyRequest, call: Call): Promise<DataKeyOutput> {
    const { key, numberOfBytes, encryptionContext } = request;
    const about = `${key.text} ${numberOfBytes} ${hex(this.serialized(encryptionContext))}`;
    try {
      const output = await super.generateDataKey(request, call);
      this.#last.set(about, { ...output, plaintext: output.plaintext.slice() });
      return output;
    } catch (error) {
      const last = this.#last.get(about);
      const isOutage = !(error instanceof KeyWrapError) && this.mapError(error, '') === undefined;
      if (last === undefined || !isOutage) throw error;
      return { ...last, plaintext: last.plaintext.slice(), ciphertext: last.ciphertext.slice() };
    }
  }
}

class DeniesWhenBusy extends Client {
  override mapError(error: unknown, step: string) {
    if (error instanceof HsmError && error.status === 429) {
      return new AccessDeniedError('the HSM refused this', { cause: error });
    }
    return super.mapError(error, step);
  }
}

export const STATE = [
  mutant(
    {
      name: 'short-ids',
      kind: 'names and state',
      wrong: 'Eight characters and more of a key id name the first key that begins with them.',
      source: 'abbreviated ids, as in git and Docker; "evil32" PGP key ids, 2014',
      profile: 'full',
    },
    { client: (hsm) => new ShortIds(hsm) },
    withKey(async ({ provider, keyId }) => {
      const short = keyId.slice(keyId.lastIndexOf('/') + 1).slice(0, 12);
      return (await codeOf(provider.describeKey({ keyId: short }))) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'sorts-versions-as-text',
      kind: 'names and state',
      wrong: 'Versions are sorted as text, so from the tenth on the ninth is used for good.',
      source: 'secrets that are listed by name: v10 comes before v9; CWE-697',
      profile: 'full',
    },
    { client: (hsm) => new SortsVersionsAsText(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      const versions = await inTurn(12, async () => {
        await keys.rotate(keyId);
        return (await provider.encrypt({ keyId, plaintext: bytes(32) })).keyVersion;
      });
      return new Set(versions).size < versions.length;
    }),
  ),
  mutant(
    {
      name: 'remembers-state',
      kind: 'names and state',
      wrong:
        'A key that was usable once by its alias makes data keys by that alias after it was disabled.',
      source: 'authorisation that is cached with the name, CWE-613',
      profile: 'full',
    },
    { client: (hsm) => new RemembersState(hsm) },
    withKey(async ({ provider, keys, keyId }) => {
      await keys.alias('alias/blind', keyId);
      const input = { keyId: 'alias/blind', keySpec: 'AES_256' } as const;
      await provider.generateDataKey(input);
      await keys.disable(keyId);
      return (await codeOf(provider.generateDataKey(input))) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'reports-latest-version',
      kind: 'names and state',
      wrong: 'A decrypt reports the latest version of the key, not the one that it used.',
      source: 'metadata that is read beside the call instead of from its answer',
      profile: 'full',
    },
    { client: (hsm) => new ReportsLatestVersion(hsm) },
    withKey(async (scene) => {
      const { provider, keys, keyId } = scene;
      const made = await provider.encrypt({ keyId, plaintext: bytes(32) });
      await keys.rotate(keyId);
      using opened = await provider.decrypt({ keyId, ciphertext: made.ciphertext });
      return opened.keyVersion !== made.keyVersion;
    }),
  ),
  mutant(
    {
      name: 'uses-foreign-keys',
      kind: 'changes',
      wrong:
        'A key of a type that binds nothing is used all the same, and opens under any context.',
      source: 'a provider for OpenBao over a key of another type',
      profile: 'full',
    },
    { client: (hsm) => new UsesForeignKeys(hsm) },
    withKey(async ({ provider, keys }) => {
      const { keyId } = await keys.createForeign();
      const scene = { provider, keyId };
      if ((await codeOf(encrypted(scene))) !== 'ok') return false;
      const ciphertext = await encrypted(scene, bytes(32), { a: 'b' });
      return (await codeOf(decrypted(scene, ciphertext))) === 'ok';
    }),
  ),
  mutant(
    {
      name: 'reads-before-use',
      kind: 'changes',
      wrong: 'To use a key, the provider needs the right to read it as well.',
      source: 'a provider for OpenBao; least privilege, NIST SP 800-53 AC-6',
      profile: 'full',
    },
    { client: (hsm) => new ReadsBeforeUse(hsm) },
    withKey(async (scene) => {
      await scene.keys.deny(scene.keyId, 'describe');
      return (await codeOf(encrypted(scene))) !== 'ok';
    }),
  ),
  mutant(
    {
      name: 'falls-back-to-last-data-key',
      kind: 'outages',
      wrong: 'During an outage, generateDataKey returns the last data key once more.',
      source: 'fallbacks of circuit breakers that serve what was served last, CWE-636',
      profile: 'full',
    },
    { client: (hsm) => new FallsBackToLastDataKey(hsm) },
    withKey(async ({ provider, keyId, fail }) => {
      const input = { keyId, keySpec: 'AES_256' } as const;
      await provider.generateDataKey(input);
      await fail('unavailable');
      const code = await codeOf(provider.generateDataKey(input));
      await fail(undefined);
      return code === 'ok';
    }),
  ),
  mutant(
    {
      name: 'denies-when-busy',
      kind: 'outages',
      wrong: 'A throttled call is reported as denied, and so is never retried.',
      source:
        'clients that take every status from 400 to 499 for a refusal; 403 for rate limits at GitHub and Google',
      profile: 'full',
    },
    { client: (hsm) => new DeniesWhenBusy(hsm) },
    withKey(async (scene) => {
      await scene.fail('throttled');
      const code = await codeOf(encrypted(scene));
      await scene.fail(undefined);
      return code === 'ACCESS_DENIED';
    }),
  ),
];
