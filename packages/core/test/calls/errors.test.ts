import {
  AccessDeniedError,
  type CallOptions,
  DriverProvider,
  InternalError,
  InvalidCiphertextError,
  KeyNotFoundError,
  ThrottledError,
} from '@keywrap/core';
import { expect } from 'chai';
import { expectRejection } from '../support/failures.js';
import {
  ARN,
  CALLS,
  callMethod,
  MappingProvider,
  METHODS,
  ScriptedProvider,
} from '../support/scripted-driver.js';

const throwing = (error: unknown) => {
  const hook = () => Promise.reject(error);
  return {
    encrypt: hook,
    decrypt: hook,
    describeKey: hook,
    generateDataKeyPair: hook,
    getPublicKey: hook,
  };
};

describe('createProvider: errors', () => {
  for (const method of METHODS) {
    it(`${method} adds the operation and the key as the caller named it`, async () => {
      const error = new KeyNotFoundError('no such key');
      const call = callMethod(new ScriptedProvider(throwing(error)), method, CALLS[method]);
      const expected = { operation: method, keyId: 'alias/orders' };
      expect(await expectRejection(call, KeyNotFoundError, expected)).to.equal(error);
    });

    it(`${method} counts any other error as an unavailable backend`, async () => {
      for (const cause of [new TypeError('from inside'), 'a string', undefined, null, 7]) {
        const provider = new ScriptedProvider(throwing(cause));
        const call = callMethod(provider, method, CALLS[method]);
        const error = await expectRejection(call, InternalError, {
          code: 'INTERNAL',
          retryable: false,
          operation: method,
        });
        expect(error.cause).to.equal(cause);
        expect(error.message).not.to.include('from inside');
      }
    });
  }

  it('keep the details that a hook set', async () => {
    const error = new AccessDeniedError('no', {
      operation: 'Decrypt',
      keyId: ARN,
      requestId: 'r-1',
    });
    const call = new ScriptedProvider(throwing(error)).decrypt(CALLS.decrypt);
    await expectRejection(call, AccessDeniedError, {
      operation: 'Decrypt',
      keyId: ARN,
      requestId: 'r-1',
    });
  });

  it('have no key if the call named none', async () => {
    const provider = new ScriptedProvider(throwing(new InvalidCiphertextError('')));
    const call = provider.decrypt({ ciphertext: Uint8Array.of(1) });
    await expectRejection(call, InvalidCiphertextError, { operation: 'decrypt', keyId: undefined });
  });

  it('are mapped by the provider', async () => {
    const seen: unknown[] = [];
    const cause = new Error('503');
    const provider = new MappingProvider(throwing(cause), (error) => {
      seen.push(error);
      return new ThrottledError('slow down', { cause: error, requestId: 'r-2' });
    });
    await expectRejection(provider.encrypt(CALLS.encrypt), ThrottledError, {
      operation: 'encrypt',
      keyId: 'alias/orders',
      requestId: 'r-2',
    });
    expect(seen).to.deep.equal([cause]);
  });

  it('are not mapped if they are a KeyWrapError', async () => {
    const error = new KeyNotFoundError('');
    const provider = new MappingProvider(throwing(error), () => new ThrottledError('never'));
    await expectRejection(provider.encrypt(CALLS.encrypt), KeyNotFoundError);
  });

  it('follow the same rules in operations that a provider adds', async () => {
    class Pinging extends ScriptedProvider {
      ping(input: { readonly keyId: string }, options?: CallOptions): Promise<string> {
        return this.run(
          {
            name: 'ping',
            parse: (value) => value as { keyId: string },
            functionOf:
              () =>
              async ({ keyId }) => {
                if (keyId === 'alias/missing') throw new Error('from inside');
                return { pong: keyId };
              },
            finish: ({ pong }) => pong,
          },
          input,
          options,
        );
      }
    }
    const provider = new Pinging();
    expect(provider).to.be.instanceOf(DriverProvider);
    expect(await provider.ping({ keyId: 'alias/orders' })).to.equal('alias/orders');
    await expectRejection(provider.ping({ keyId: 'alias/missing' }), InternalError, {
      operation: 'ping',
      keyId: 'alias/missing',
    });
  });
});
