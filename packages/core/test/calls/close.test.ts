import { InternalError, KeyNotFoundError, ProviderClosedError } from '@keywrap/core';
import { expect } from 'chai';
import sinon from 'sinon';
import { expectRejection, rejection } from '../support/failures.js';
import {
  ARN,
  CALLS,
  callMethod,
  METHODS,
  MinimalProvider,
  ScriptedProvider,
} from '../support/scripted-driver.js';

/** A promise that the test settles itself. */
function gate<T>() {
  let open: (value: T) => void = () => {};
  const opened = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('createProvider: close', () => {
  for (const method of METHODS) {
    it(`${method} is rejected afterwards, before the input is read (CLOSED)`, async () => {
      const provider = new ScriptedProvider();
      await provider.close();
      for (const input of [CALLS[method], undefined]) {
        await expectRejection(callMethod(provider, method, input), ProviderClosedError, {
          code: 'CLOSED',
          operation: method,
          retryable: false,
        });
      }
    });
  }

  it('rejects as closed, not as aborted, a call whose signal has aborted too', async () => {
    const provider = new ScriptedProvider();
    await provider.close();
    const call = provider.describeKey({ keyId: ARN }, { signal: AbortSignal.abort() });
    await expectRejection(call, ProviderClosedError);
  });

  it('releases resources once, however often it is called', async () => {
    const close = sinon.spy(async () => {});
    const provider = new ScriptedProvider({ close });
    await Promise.all([provider.close(), provider.close(), provider[Symbol.asyncDispose]()]);
    await provider.close();
    expect(close.callCount).to.equal(1);
  });

  it('returns the same promise every time', () => {
    const provider = new ScriptedProvider();
    expect(provider.close()).to.equal(provider.close());
  });

  it('releases resources once even if that closes again', async () => {
    let closed = 0;
    const provider: ScriptedProvider = new ScriptedProvider({
      close: async () => {
        closed++;
        void provider.close();
      },
    });
    await provider.close();
    expect(closed).to.equal(1);
  });

  it('waits for the calls in progress, which are not affected', async () => {
    const first = gate<void>();
    const second = gate<void>();
    const gates = [first, second];
    const close = sinon.spy(async () => {});
    const provider = new ScriptedProvider({
      close,
      encrypt: async () => {
        await gates.shift()?.opened;
        return { ciphertext: Uint8Array.of(1), keyId: ARN };
      },
    });
    const calls = [provider.encrypt(CALLS.encrypt), provider.encrypt(CALLS.encrypt)];
    const closing = provider.close();

    await expectRejection(provider.encrypt(CALLS.encrypt), ProviderClosedError);
    first.open();
    await calls[0];
    await turn();
    expect(close.callCount).to.equal(0);
    second.open();
    expect(await calls[1]).to.include({ keyId: ARN });
    await closing;
    expect(close.callCount).to.equal(1);
  });

  it('waits for a call that fails, and for one whose caller gave up', async () => {
    const failing = gate<void>();
    const ignoring = gate<void>();
    const close = sinon.spy(async () => {});
    const provider = new ScriptedProvider({
      close,
      encrypt: async () => {
        await failing.opened;
        throw new KeyNotFoundError('');
      },
      decrypt: async () => {
        await ignoring.opened;
        return { plaintext: Uint8Array.of(1), keyId: ARN };
      },
    });
    const controller = new AbortController();
    const failed = rejection(provider.encrypt(CALLS.encrypt));
    const aborted = rejection(provider.decrypt(CALLS.decrypt, { signal: controller.signal }));
    const closing = provider.close();
    controller.abort();
    expect(await aborted).to.include({ code: 'ABORTED' });
    failing.open();
    expect(await failed).to.include({ code: 'KEY_NOT_FOUND' });
    await turn();
    expect(close.callCount).to.equal(0);
    ignoring.open();
    await closing;
    expect(close.callCount).to.equal(1);
  });

  it('does not wait for rejected calls', async () => {
    const provider = new ScriptedProvider();
    await rejection(callMethod(provider, 'encrypt', {}));
    await rejection(provider.describeKey({ keyId: ARN }, { signal: AbortSignal.abort() }));
    await provider.close();
  });

  it('rejects with a KeyWrapError when releasing fails', async () => {
    const cause = new Error('the socket is gone');
    const provider = new ScriptedProvider({ close: () => Promise.reject(cause) });
    const error = await expectRejection(provider.close(), InternalError, {
      operation: 'close',
    });
    expect(error.cause).to.equal(cause);
  });

  it('has nothing to release by default', async () => {
    const provider = new MinimalProvider();
    expect(await provider.close()).to.equal(undefined);
    await expectRejection(provider.encrypt(CALLS.encrypt), ProviderClosedError);
  });

  it('happens at the end of an await using scope', async () => {
    const close = sinon.spy(async () => {});
    {
      await using provider = new ScriptedProvider({ close });
      await provider.encrypt(CALLS.encrypt);
      expect(close.callCount).to.equal(0);
    }
    expect(close.callCount).to.equal(1);
  });
});
