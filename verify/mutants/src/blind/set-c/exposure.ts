import { inspect } from 'node:util';
import {
  type Call,
  DecryptResult,
  type EncryptOutput,
  type EncryptRequest,
  InvalidCiphertextError,
  type KeyDescription,
  type KeyWrapProvider,
} from '@keywrap/core';
import { blindSet } from '../blind-mutant.js';
import { Client } from '../right/client.js';
import { HsmError } from '../right/hsm.js';
import { bytes, codeOf, encrypted, errorOf, hex, withKey } from '../witness.js';

const mutant = blindSet('c');

class RequestInError extends Client {
  override async encrypt(request: EncryptRequest, call: Call): Promise<EncryptOutput> {
    const data = JSON.stringify({ plaintext: Buffer.from(request.plaintext).toString('base64') });
    try {
      return await super.encrypt(request, call);
    } catch (error) {
      if (!(error instanceof HsmError)) throw error;
      throw Object.assign(error, { config: { method: 'post', url: '/encrypt', data } });
    }
  }
}

class WarnsOfShortKeys extends Client {
  protected override dataKey(numberOfBytes: number) {
    const key = super.dataKey(numberOfBytes);
    if (numberOfBytes < 16) {
      process.emitWarning(`the data key ${hex(key)} is short`, { code: 'HSM_SHORT_KEY' });
    }
    return key;
  }
}

const plaintextOf = Object.getOwnPropertyDescriptor(DecryptResult.prototype, 'plaintext')?.get as (
  this: DecryptResult,
) => Uint8Array;

function copiesPlaintext(inner: KeyWrapProvider): Partial<KeyWrapProvider> {
  return {
    async decrypt(input, options) {
      const result = await inner.decrypt(input, options);
      return Object.defineProperty(result, 'plaintext', {
        get: () => plaintextOf.call(result).slice(),
      });
    },
  };
}

function sharesDescriptions(inner: KeyWrapProvider): Partial<KeyWrapProvider> {
  const known = new Map<string, { readonly text: string; readonly description: KeyDescription }>();
  return {
    async describeKey(input, options) {
      const description = await inner.describeKey(input, options);
      const text = JSON.stringify(description);
      const former = known.get(description.keyId);
      if (former?.text === text) return former.description;
      known.set(description.keyId, { text, description });
      return description;
    },
  };
}

function freezesContexts(inner: KeyWrapProvider): Partial<KeyWrapProvider> {
  const froze = (input: { readonly encryptionContext?: unknown } | null | undefined) => {
    const context = input?.encryptionContext;
    if (typeof context === 'object' && context !== null) Object.freeze(context);
  };
  return {
    encrypt(input, options) {
      const result = inner.encrypt(input, options);
      froze(input);
      return result;
    },
  };
}

function wipesRefused(inner: KeyWrapProvider): Partial<KeyWrapProvider> {
  return {
    async decrypt(input, options) {
      try {
        return await inner.decrypt(input, options);
      } catch (error) {
        if (error instanceof InvalidCiphertextError) input.ciphertext.fill(0);
        throw error;
      }
    },
  };
}

export const EXPOSURE = [
  mutant(
    {
      name: 'carries the request in an error',
      kind: 'leaks',
      wrong:
        'The cause of a failed encrypt has the body of the request, with the plaintext in base64.',
      rule: 'every failure has a cause; never key bytes, plaintext, the blob or credentials',
      source: 'config.data of AxiosError, https://axios-http.com/docs/handling_errors',
      profile: 'quick',
    },
    { client: (hsm) => new RequestInError(hsm) },
    withKey(async ({ provider, keyId, fail }) => {
      const plaintext = bytes(32);
      await fail('denied');
      const error = await errorOf(provider.encrypt({ keyId, plaintext }));
      return inspect(error, { depth: 8 }).includes(Buffer.from(plaintext).toString('base64'));
    }),
  ),
  mutant(
    {
      name: 'warns of short data keys',
      kind: 'leaks',
      wrong: 'A data key of less than 16 bytes is in a warning of the process, in hexadecimal.',
      rule: 'secrets never show through console.log; nothing but the result holds one',
      source:
        'passwords in a log, https://blog.twitter.com/official/en_us/topics/company/2018/keeping-your-account-secure.html',
      profile: 'full',
    },
    { client: (hsm) => new WarnsOfShortKeys(hsm) },
    withKey(async ({ provider, keyId }) => {
      const { emitWarning } = process;
      const warnings: string[] = [];
      process.emitWarning = (warning: string | Error) => {
        warnings.push(`${warning}`);
      };
      try {
        using key = await provider.generateDataKey({ keyId, numberOfBytes: 8 });
        return warnings.some((message) => message.includes(hex(key.plaintext)));
      } finally {
        process.emitWarning = emitWarning;
      }
    }),
  ),
  mutant(
    {
      name: 'copies the plaintext on each read',
      kind: 'results',
      wrong: 'Disposing of a result wipes what nobody has: each read of plaintext made a copy.',
      rule: 'secrets wipe themselves with using; DecryptResult overwrites the secret',
      source: 'memory that is not cleared, https://cwe.mitre.org/data/definitions/244.html',
      profile: 'quick',
    },
    { bare: copiesPlaintext },
    withKey(async (scene) => {
      const ciphertext = await encrypted(scene);
      const result = await scene.provider.decrypt({ keyId: scene.keyId, ciphertext });
      const { plaintext } = result;
      result[Symbol.dispose]();
      return plaintext.some((each) => each !== 0);
    }),
  ),
  mutant(
    {
      name: 'shares descriptions',
      kind: 'results',
      wrong:
        'Callers of describeKey get one object while nothing changed: what one does to its dates and lists, all see.',
      rule: 'results own their memory',
      source:
        'mutable objects returned to anybody, https://cwe.mitre.org/data/definitions/375.html',
      profile: 'quick',
    },
    { bare: sharesDescriptions },
    withKey(async ({ provider, keyId }) => {
      const one = await provider.describeKey({ keyId });
      one.creationDate?.setTime(0);
      const two = await provider.describeKey({ keyId });
      return two.creationDate?.getTime() === 0;
    }),
  ),
  mutant(
    {
      name: 'freezes contexts',
      kind: 'inputs',
      wrong:
        'The context object that was given to encrypt can not be changed by its owner afterwards.',
      rule: 'input is never changed',
      source: 'automatic freezing, https://immerjs.github.io/immer/freezing/',
      profile: 'full',
    },
    { bare: freezesContexts },
    withKey(async ({ provider, keyId }) => {
      const encryptionContext = { tenant: 'one' };
      await provider.encrypt({ keyId, plaintext: bytes(32), encryptionContext });
      return Object.isFrozen(encryptionContext);
    }),
  ),
  mutant(
    {
      name: 'wipes a refused ciphertext',
      kind: 'inputs',
      wrong: 'A ciphertext that did not open is overwritten in the memory of the caller.',
      rule: 'input is never changed',
      source: 'cleaning up of buffers that belong to the caller',
      profile: 'quick',
    },
    { bare: wipesRefused },
    withKey(async (scene) => {
      const { provider, keyId } = scene;
      const ciphertext = await encrypted(scene);
      await codeOf(provider.decrypt({ keyId, ciphertext, encryptionContext: { tenant: 'one' } }));
      return ciphertext.every((each) => each === 0);
    }),
  ),
];
