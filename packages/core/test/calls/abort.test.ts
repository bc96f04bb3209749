import { getEventListeners } from 'node:events';
import { AbortError, type Call, type DecryptOutput } from '@keywrap/core';
import { expect } from 'chai';
import sinon from 'sinon';
import { expectRejection, js, rejection } from '../support/failures.js';
import { ARN, CALLS, callMethod, METHODS, ScriptedProvider } from '../support/scripted-driver.js';

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;
const turn = () => new Promise((resolve) => setImmediate(resolve));
const never = () => new Promise<never>(() => {});

describe('createProvider: abort', () => {
  for (const method of METHODS) {
    it(`${method} does no work when the signal has aborted already (ABORTED)`, async () => {
      const hook = sinon.spy(never);
      const provider = new ScriptedProvider({
        encrypt: hook,
        decrypt: hook,
        describeKey: hook,
        generateDataKeyPair: hook,
        getPublicKey: hook,
      });
      const reason = new Error('enough');
      const options = { signal: AbortSignal.abort(reason) };
      const error = await expectRejection(
        callMethod(provider, method, CALLS[method], options),
        AbortError,
        { code: 'ABORTED', operation: method, retryable: false },
      );
      expect(error.cause).to.equal(reason);
      expect(hook.callCount).to.equal(0);
    });

    it(`${method} stops waiting for a hook that ignores the signal`, async () => {
      const provider = new ScriptedProvider({
        encrypt: never,
        decrypt: never,
        describeKey: never,
        generateDataKeyPair: never,
        getPublicKey: never,
      });
      const controller = new AbortController();
      const { signal } = controller;
      const call = rejection(callMethod(provider, method, CALLS[method], { signal }));
      await turn();
      const reason = new Error('enough');
      controller.abort(reason);
      const error = await call;
      expect(error).to.be.instanceOf(AbortError).and.include({ operation: method });
      expect(error.cause).to.equal(reason);
    });
  }

  it('reaches the hook as a signal that is aborted with the one that the caller passed', async () => {
    const controller = new AbortController();
    const signals: (AbortSignal | undefined)[] = [];
    const encrypt = (_request: unknown, { signal }: Call) => {
      signals.push(signal);
      return never();
    };
    const provider = new ScriptedProvider({ encrypt });
    const { signal } = controller;
    const calls = [1, 2].map(() => rejection(provider.encrypt(CALLS.encrypt, { signal })));
    const before = signals.map((each) => each?.aborted);
    const reason = new Error('enough');
    controller.abort(reason);
    expect(before).to.deep.equal([false, false]);
    expect(signals.map((each) => each?.reason)).to.deep.equal([reason, reason]);
    await Promise.all(calls);
  });

  it('may be one for many calls at once: it has one listener, and none after them', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const release: (() => void)[] = [];
    const wait = () => new Promise<void>((resolve) => release.push(resolve));
    const provider = new ScriptedProvider({
      encrypt: async () => {
        await wait();
        return { ciphertext: Uint8Array.of(1), keyId: ARN };
      },
    });
    const calls = Array.from({ length: 20 }, () => provider.encrypt(CALLS.encrypt, { signal }));
    await turn();
    expect(listeners(signal)).to.equal(1);
    release.pop()?.();
    await turn();
    expect(listeners(signal)).to.equal(1);
    for (const each of release) each();
    await Promise.all(calls);
    await turn();
    expect(listeners(signal)).to.equal(0);

    const late = [1, 2].map(() => rejection(provider.encrypt(CALLS.encrypt, { signal })));
    controller.abort();
    for (const error of await Promise.all(late)) expect(error).to.be.instanceOf(AbortError);
    await turn();
    expect(listeners(signal)).to.equal(0);
  });

  it('is reported when the reason of the signal can not be read', async () => {
    const unreadable = new Error('from the getter');
    const provider = new ScriptedProvider({ describeKey: never });
    for (const isBefore of [true, false]) {
      const controller = new AbortController();
      const { signal } = controller;
      Object.defineProperty(signal, 'reason', {
        get() {
          throw unreadable;
        },
      });
      if (isBefore) controller.abort();
      const call = provider.describeKey({ keyId: ARN }, { signal });
      controller.abort();
      const error = await expectRejection(call, AbortError, { code: 'ABORTED' });
      expect(error.cause).to.equal(unreadable);
    }
  });

  it('names the key of the call', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const call = rejection(
      new ScriptedProvider({ encrypt: never }).encrypt(CALLS.encrypt, { signal }),
    );
    controller.abort();
    expect(await call).to.include({ keyId: 'alias/orders' });
  });

  it('takes precedence over what the hook throws because of it', async () => {
    const controller = new AbortController();
    const encrypt = (_request: unknown, { signal }: Call) =>
      new Promise<never>((_, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('request cancelled')));
      });
    const call = rejection(
      new ScriptedProvider({ encrypt }).encrypt(CALLS.encrypt, { signal: controller.signal }),
    );
    controller.abort();
    expect(await call).to.include({ code: 'ABORTED' });
  });

  it('is detected when starting the work caused it', async () => {
    const controller = new AbortController();
    const provider = new ScriptedProvider({
      encrypt: () => {
        controller.abort();
        return never();
      },
    });
    const call = provider.encrypt(CALLS.encrypt, { signal: controller.signal });
    await expectRejection(call, AbortError);
  });

  it('is detected when the hook ends at the same moment', async () => {
    const controller = new AbortController();
    const plaintext = Uint8Array.of(1, 2, 3);
    const provider = new ScriptedProvider({
      decrypt: async () => {
        await turn();
        controller.abort();
        return { plaintext, keyId: ARN };
      },
    });
    const call = provider.decrypt(CALLS.decrypt, { signal: controller.signal });
    await expectRejection(call, AbortError);
    expect(plaintext).to.deep.equal(new Uint8Array(3));
  });

  it('wipes a secret that arrives after the caller stopped waiting', async () => {
    const plaintext = Uint8Array.of(1, 2, 3);
    const privateKey = Uint8Array.of(4, 5, 6);
    let arrive: () => void = () => {};
    const late = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const provider = new ScriptedProvider({
      decrypt: async () => {
        await late;
        return { plaintext, keyId: ARN };
      },
      generateDataKeyPair: async () => {
        await late;
        const publicKey = Uint8Array.of(7);
        return { publicKey, privateKey, privateKeyCiphertext: publicKey, keyId: ARN };
      },
    });
    const controller = new AbortController();
    const { signal } = controller;
    const calls = [
      rejection(provider.decrypt(CALLS.decrypt, { signal })),
      rejection(provider.generateDataKeyPair(CALLS.generateDataKeyPair, { signal })),
    ];
    controller.abort();
    for (const error of await Promise.all(calls)) expect(error).to.include({ code: 'ABORTED' });
    expect(plaintext).to.deep.equal(Uint8Array.of(1, 2, 3));
    arrive();
    await provider.close();
    expect(plaintext).to.deep.equal(new Uint8Array(3));
    expect(privateKey).to.deep.equal(new Uint8Array(3));
  });

  it('leaves no unhandled rejection behind when the hook fails later', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', note);
    try {
      const controller = new AbortController();
      const provider = new ScriptedProvider({
        encrypt: async () => {
          await turn();
          throw new Error('too late');
        },
      });
      const call = rejection(provider.encrypt(CALLS.encrypt, { signal: controller.signal }));
      controller.abort();
      await call;
      await provider.close();

      // A custom signal, which throws.
      const broken = {
        aborted: false,
        addEventListener() {
          throw new Error('not today');
        },
        removeEventListener() {},
      };
      const other = new ScriptedProvider({ encrypt: () => Promise.reject(new Error('too late')) });
      await rejection(other.encrypt(CALLS.encrypt, { signal: js(broken) }));
      await turn();
      await turn();
    } finally {
      process.off('unhandledRejection', note);
      for (const listener of others) process.on('unhandledRejection', listener);
    }
    expect(unhandled).to.deep.equal([]);
  });

  it('after the result changes nothing', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const result = await new ScriptedProvider().decrypt(CALLS.decrypt, { signal });
    controller.abort();
    await turn();
    expect(result.plaintext).to.deep.equal(Uint8Array.of(4, 5, 6));
  });

  describe('leaves no listener on the signal', () => {
    it('after a result', async () => {
      const { signal } = new AbortController();
      const provider = new ScriptedProvider({
        encrypt: async () => {
          await turn();
          expect(listeners(signal)).to.equal(1);
          return { ciphertext: Uint8Array.of(1), keyId: ARN };
        },
      });
      for (let i = 0; i < 20; i++) await provider.encrypt(CALLS.encrypt, { signal });
      expect(listeners(signal)).to.equal(0);
    });

    it('after a failure', async () => {
      const { signal } = new AbortController();
      const provider = new ScriptedProvider({ encrypt: () => Promise.reject(new Error('x')) });
      await rejection(provider.encrypt(CALLS.encrypt, { signal }));
      expect(listeners(signal)).to.equal(0);
    });

    it('after a rejection', async () => {
      const { signal } = new AbortController();
      await rejection(callMethod(new ScriptedProvider(), 'encrypt', {}, { signal }));
      expect(listeners(signal)).to.equal(0);
    });

    it('after an abort', async () => {
      const controller = new AbortController();
      const { signal } = controller;
      const provider = new ScriptedProvider({ decrypt: never as () => Promise<DecryptOutput> });
      const call = rejection(provider.decrypt(CALLS.decrypt, { signal }));
      controller.abort();
      await call;
      expect(listeners(signal)).to.equal(0);
    });
  });
});
