import { constants, createCipheriv, createDecipheriv, publicEncrypt, randomInt } from 'node:crypto';
import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  type AsymmetricAlgorithm,
  type Call,
  DataKey,
  type DecryptOutput,
  type DecryptRequest,
  type EncryptionAlgorithm,
  type EncryptionContext,
  type EncryptOutput,
  type EncryptRequest,
  InvalidCiphertextError,
  type KeyName,
  KeyNotFoundError,
  type KeyWrapProvider,
} from '@keywrap/core';
import { blindSet } from '../blind-mutant.js';
import { encode, rawDecrypt } from '../oaep.js';
import { Client, doesNotOpen, HEADER, NONCE, own, publicKeyOf, TAG } from '../right/client.js';
import type { HsmKey } from '../right/hsm.js';
import {
  bytes,
  codeOf,
  decrypted,
  encrypted,
  errorOf,
  hex,
  inTurn,
  withKey,
  withRsaKey,
} from '../witness.js';

const mutant = blindSet('f');

/** Attaches the request to the error of its connection, under a symbol, as HTTP clients do. */
class AttachesRequest extends Client {
  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    const body = JSON.stringify({ plaintext: Buffer.from(request.plaintext).toString('base64') });
    try {
      return await super.encrypt(request, call);
    } catch (error) {
      if (error instanceof Error) Object.assign(error, { [Symbol('request')]: { body } });
      throw error;
    }
  }
}

/** Notes as the cause that the decrypted number was too large. */
class TellsLeadingByte extends Client {
  protected override openRsa(
    key: HsmKey,
    ciphertext: Uint8Array,
    algorithm: AsymmetricAlgorithm,
  ): Uint8Array {
    try {
      return super.openRsa(key, ciphertext, algorithm);
    } catch (error) {
      throw leadingByte(key, ciphertext) === 0
        ? error
        : new InvalidCiphertextError('the ciphertext does not open', {
            cause: new Error('data too large'),
          });
    }
  }
}

function leadingByte(key: HsmKey, ciphertext: Uint8Array): number | undefined {
  try {
    return rawDecrypt(key, ciphertext)[0];
  } catch {
    return undefined;
  }
}

/** One connection in 64 turns out to be closed already: then the request is read and sent again. */
function resends(inner: KeyWrapProvider): Partial<KeyWrapProvider> {
  return {
    async encrypt(input, options) {
      if (randomInt(64) === 0) await undefined;
      return inner.encrypt(input, options);
    },
  };
}

/** A data key that can be read after it was disposed: it is zeros then. */
class ReadableDataKey extends DataKey {
  readonly #bytes: DataKey['plaintext'];

  constructor({ plaintext, ciphertext, keyId, keyVersion }: DataKey) {
    super({ plaintext: own(plaintext), ciphertext, keyId, keyVersion });
    this.#bytes = own(plaintext);
  }

  override get plaintext(): DataKey['plaintext'] {
    return this.#bytes;
  }

  override [Symbol.dispose](): void {
    super[Symbol.dispose]();
    this.#bytes.fill(0);
  }
}

function readableDataKeys(inner: KeyWrapProvider): Partial<KeyWrapProvider> {
  return {
    async generateDataKey(input, options) {
      using made = await inner.generateDataKey(input, options);
      return new ReadableDataKey(made);
    },
  };
}

/** Keeps what does not open, for its operator. */
class Quarantine extends Client {
  readonly #kept: Uint8Array[] = [];

  override async decrypt(request: DecryptRequest, call: Call): Promise<DecryptOutput> {
    try {
      return await super.decrypt(request, call);
    } catch (error) {
      if (error instanceof InvalidCiphertextError) this.#kept.push(own(request.ciphertext));
      throw error;
    }
  }
}

/** Warns once of a plaintext that is too long to be a key. */
class WarnsOfLength extends Client {
  #hasWarned = false;

  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    const { plaintext } = request;
    if (plaintext.length > 1024 && !this.#hasWarned) {
      this.#hasWarned = true;
      const start = hex(plaintext.subarray(0, 8));
      process.emitWarning(`${plaintext.length} bytes are no key: ${start}...`, 'HsmWarning');
    }
    return super.encrypt(request, call);
  }
}

/** Takes every failure to resolve an alias for a missing one. */
class NoSuchAlias extends Client {
  protected override async use(name: KeyName, algorithm: EncryptionAlgorithm): Promise<HsmKey> {
    if ('alias' in name) {
      try {
        await this.hsm.request();
      } catch {
        throw new KeyNotFoundError('there is no such alias');
      }
    }
    return super.use(name, algorithm);
  }
}

const RESERVED = 16;

/** Writes a header with a reserved field, which is not cleared: it has what was in the buffer before. */
class ReservedField extends Client {
  readonly #buffer = Buffer.alloc(4096);

  protected override seal(
    key: HsmKey,
    version: number,
    plaintext: Uint8Array,
    context: EncryptionContext,
  ): Uint8Array {
    const reserved = Buffer.from(this.#buffer.subarray(0, RESERVED));
    this.#buffer.set(plaintext);
    const head = Buffer.concat([this.header(key, version), reserved]);
    const nonce = this.nonce(key, context);
    const cipher = createCipheriv('aes-256-gcm', key.versions.get(version) as Uint8Array, nonce);
    cipher.setAAD(this.additionalData(head, context));
    const sealed = [cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
    return own(Buffer.concat([head, nonce, ...sealed]));
  }

  protected override open(
    key: HsmKey,
    version: number,
    ciphertext: Uint8Array,
    context: EncryptionContext,
  ): Uint8Array {
    const start = HEADER + RESERVED;
    const material = key.versions.get(version);
    if (material === undefined || ciphertext.length <= start + NONCE + TAG) throw doesNotOpen();
    const nonce = ciphertext.subarray(start, start + NONCE);
    const decipher = createDecipheriv('aes-256-gcm', material, nonce, { authTagLength: TAG });
    decipher.setAAD(this.additionalData(ciphertext.subarray(0, start), context));
    const opened = decipher.update(ciphertext.subarray(start + NONCE, -TAG));
    decipher.setAuthTag(ciphertext.subarray(-TAG));
    try {
      decipher.final();
    } catch {
      throw doesNotOpen();
    }
    return own(opened);
  }
}

/** The bytes of all buffers that are still in use. */
async function usedBytes(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  return process.memoryUsage().arrayBuffers;
}

/** The warnings that the process emits during some work. */
async function warningsDuring(work: () => Promise<unknown>): Promise<string> {
  const heard: string[] = [];
  const listener = ({ message }: Error) => heard.push(message);
  process.on('warning', listener);
  try {
    await work();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off('warning', listener);
  }
  return heard.join('\n');
}

export const EXPOSURE = [
  mutant(
    {
      name: 'the error of an outage holds the request under a symbol',
      kind: 'leaks',
      wrong:
        'the cause has a field, named by a symbol, with the plaintext in base64; console.log shows it',
      source: 'HTTP clients that attach their request to an error',
      rule: 'errors-hide-secrets',
      profile: 'full',
    },
    { client: (hsm) => new AttachesRequest(hsm) },
    withKey(async (scene) => {
      await scene.fail('throttled');
      const error = await errorOf(encrypted(scene, bytes(32)));
      await scene.fail(undefined);
      return inspect(error).includes(Buffer.from(bytes(32)).toString('base64'));
    }),
  ),
  mutant(
    {
      name: 'an RSA failure has a cause only if the decrypted number is too large',
      kind: 'leaks',
      wrong: 'whether the first byte was 0 is told by the presence of `cause`',
      source: "Manger's attack on RSAES-OAEP (CRYPTO 2001; RFC 8017 section 7.1.2, note)",
      rule: 'damage-indistinguishable',
      profile: 'full',
    },
    { client: (hsm) => new TellsLeadingByte(hsm) },
    withRsaKey(async ({ provider, keyId }) => {
      const { publicKey } = await provider.getPublicKey({ keyId });
      const key = publicKeyOf({ pair: { publicKey, privateKey: publicKey } } as HsmKey);
      const algorithm = 'RSAES_OAEP_SHA_256';
      const block = encode(bytes(8), 256, { label: 'sha256', mask: 'sha256' }, bytes(4));
      const causes = await inTurn(2, async (first) => {
        block[0] = first;
        const padding = constants.RSA_NO_PADDING;
        const ciphertext = own(publicEncrypt({ key, padding }, block));
        return (await errorOf(provider.decryptAsymmetric({ keyId, ciphertext, algorithm })))?.cause;
      });
      return (causes[0] === undefined) !== (causes[1] === undefined);
    }),
  ),
  mutant(
    {
      name: 'a request that is sent again reads the plaintext of the caller again',
      kind: 'memory',
      wrong:
        'one in 64 encrypts copies its input after the caller got the promise, and may have wiped it',
      source:
        'connections that the server closed while they were idle, and a retry over the same buffers',
      rule: 'input-copied',
      profile: 'soak',
    },
    { bare: resends },
    withKey(async (scene) => {
      const results = await inTurn(2000, async () => {
        const plaintext = bytes(32);
        const made = encrypted(scene, plaintext);
        plaintext.fill(0);
        return hex(await decrypted(scene, await made));
      });
      return results.includes('00'.repeat(32));
    }),
  ),
  mutant(
    {
      name: 'a disposed data key reads as zeros',
      kind: 'memory',
      wrong:
        'reading a disposed data key does not throw, so a caller encrypts under a key of zeros',
      source: 'wiping a buffer that is still handed out',
      rule: 'results-disposable',
      profile: 'full',
    },
    { bare: readableDataKeys },
    withKey(async ({ provider, keyId }) => {
      const key = await provider.generateDataKey({ keyId, keySpec: 'AES_256' });
      key[Symbol.dispose]();
      try {
        return key.plaintext.every((each) => each === 0);
      } catch {
        return false;
      }
    }),
  ),
  mutant(
    {
      name: 'ciphertexts that do not open are kept',
      kind: 'resources',
      wrong: 'each ciphertext that failed stays in memory: whoever sends garbage fills it',
      source: 'dead-letter lists without a bound',
      rule: 'no-retention',
      profile: 'soak',
    },
    { client: (hsm) => new Quarantine(hsm) },
    withKey(async (scene) => {
      const garbage = bytes(6000);
      const before = await usedBytes();
      await inTurn(1000, () => codeOf(decrypted(scene, garbage)));
      return (await usedBytes()) - before > 3_000_000;
    }),
  ),
  mutant(
    {
      name: 'a warning shows the first bytes of a long plaintext',
      kind: 'leaks',
      wrong:
        'the first plaintext of more than 1024 bytes causes a process warning with 8 of its bytes',
      source: 'diagnostics that quote the input',
      rule: 'no-partial-leaks',
      profile: 'full',
    },
    { client: (hsm) => new WarnsOfLength(hsm) },
    withKey(async (scene) => {
      const plaintext = bytes(2000);
      const heard = await warningsDuring(() => encrypted(scene, plaintext));
      return heard.includes(hex(plaintext.subarray(0, 8)));
    }),
  ),
  mutant(
    {
      name: 'in an outage an alias does not exist',
      kind: 'outages',
      wrong: 'encrypt and decrypt by an alias reject with KeyNotFoundError during an outage',
      source: 'a catch around the lookup of a name',
      rule: 'outages',
      profile: 'full',
    },
    { client: (hsm) => new NoSuchAlias(hsm) },
    withKey(async ({ provider, keys, keyId, fail }) => {
      await keys.alias('alias/there', keyId);
      await fail('unavailable');
      const code = await codeOf(encrypted({ provider, keyId: 'alias/there' }));
      await fail(undefined);
      return code === 'KEY_NOT_FOUND';
    }),
  ),
  mutant(
    {
      name: 'a ciphertext holds bytes of the plaintext before it',
      kind: 'leaks',
      wrong:
        'a reserved field of the header is not cleared, and has 16 bytes of the last plaintext',
      source: 'memory that is reused without being cleared (CVE-2014-0160, Cloudbleed)',
      rule: 'no-retention',
      profile: 'full',
    },
    { client: (hsm) => new ReservedField(hsm) },
    withKey(async (scene) => {
      await encrypted(scene, bytes(32, 1));
      const next = hex(await encrypted(scene, bytes(32, 2)));
      return next.includes(hex(bytes(16, 1)));
    }),
  ),
];
