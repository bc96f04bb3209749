import { getEventListeners } from 'node:events';
import {
  AbortError,
  InvalidCiphertextError,
  type KeyWrapProvider,
  ProviderUnavailableError,
  ThrottledError,
  withLayer,
} from '@keywrap/core';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { withCircuitBreaker, withRetry, withTimeout } from '@keywrap/resilience';
import { expect } from 'chai';
import sinon, { type SinonFakeTimers } from 'sinon';
import { breakable, rejection } from './support.js';

const INPUT = { keyId: 'alias/orders', plaintext: new Uint8Array(32) };
const local = () => new LocalKeyWrapProvider({ keys: ['alias/orders'] });

describe('withRetry', () => {
  const FAST = { attempts: 3, firstDelay: 1, maximumDelay: 1 };

  it('repeats what may succeed unchanged, and the caller sees the success', async () => {
    const backend = breakable(local());
    const keys = withRetry(backend.provider, FAST);
    backend.errors.push(new ProviderUnavailableError('no'), new ThrottledError('slower'));
    await keys.encrypt(INPUT);
    expect(backend.calls).to.deep.equal(['encrypt', 'encrypt', 'encrypt']);
  });

  it('gives up after so many attempts, with the last error', async () => {
    const backend = breakable(local());
    backend.isDown = true;
    const error = await rejection(withRetry(backend.provider, FAST).encrypt(INPUT));
    expect(error.code).to.equal('UNAVAILABLE');
    expect(backend.calls).to.have.length(3);
  });

  it('does not repeat what will fail again', async () => {
    const backend = breakable(local());
    backend.errors.push(new InvalidCiphertextError('no'));
    await rejection(withRetry(backend.provider, FAST).encrypt(INPUT));
    expect(backend.calls).to.have.length(1);
  });

  it('does not repeat calls that manage keys', async () => {
    const backend = breakable(local());
    backend.errors.push(new ProviderUnavailableError('no'));
    await rejection(withRetry(backend.provider, FAST).createKey());
    expect(backend.calls).to.deep.equal(['createKey']);
  });

  it('stops when the caller aborts (ABORTED)', async () => {
    const backend = breakable(local());
    backend.isDown = true;
    const controller = new AbortController();
    const keys = withRetry(backend.provider, { attempts: 100, firstDelay: 60_000 });
    const call = keys.encrypt(INPUT, { signal: controller.signal });
    controller.abort();
    expect((await rejection(call)).code).to.equal('ABORTED');
  });

  describe('with the clock of the test', () => {
    let clock: SinonFakeTimers;
    beforeEach(() => {
      clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    });
    afterEach(() => clock.restore());

    it('ends its wait when the caller aborts, and leaves no timer and no listener', async () => {
      const backend = breakable(local());
      backend.isDown = true;
      const controller = new AbortController();
      const keys = withRetry(backend.provider, { attempts: 100, firstDelay: 60_000 });
      const call = keys.encrypt(INPUT, { signal: controller.signal });
      while (clock.countTimers() === 0) await new Promise(setImmediate);
      controller.abort();
      expect((await rejection(call)).code).to.equal('ABORTED');
      await keys.close(); // waits for everything that was begun
      expect(backend.calls).to.have.length(1);
      expect(clock.countTimers()).to.equal(0);
      expect(getEventListeners(controller.signal, 'abort')).to.have.length(0);
    });

    it('waits between attempts, and leaves no listener', async () => {
      const backend = breakable(local());
      backend.errors.push(new ProviderUnavailableError('no'), new ThrottledError('slower'));
      const { signal } = new AbortController();
      const keys = withRetry(backend.provider, { firstDelay: 1000, maximumDelay: 5000 });
      const call = keys.encrypt(INPUT, { signal });
      for (const attempts of [1, 2]) {
        while (clock.countTimers() === 0) await new Promise(setImmediate);
        expect(backend.calls).to.have.length(attempts);
        clock.tick(5000);
      }
      await call;
      expect(getEventListeners(signal, 'abort')).to.have.length(0);
    });
  });

  it('rejects wrong options (INVALID_INPUT)', async () => {
    for (const options of [
      { attempts: 0 },
      { firstDelay: -1 },
      { maximumDelay: '1' },
      { tries: 1 },
    ]) {
      const error = await rejection((async () => withRetry(local(), options as never))());
      expect(error.code).to.equal('INVALID_INPUT');
    }
  });
});

describe('withTimeout', () => {
  /** A backend that does not answer before its call is aborted. */
  const stalling = (seen: (AbortSignal | undefined)[]): KeyWrapProvider =>
    withLayer(local(), (inner) => ({
      ...inner,
      encrypt: (_request, { signal }) => {
        seen.push(signal);
        return new Promise((_, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason));
        });
      },
    }));

  it('aborts a call that takes too long (UNAVAILABLE)', async () => {
    const seen: (AbortSignal | undefined)[] = [];
    const error = await rejection(withTimeout(stalling(seen), 10).encrypt(INPUT));
    expect(error).to.include({ code: 'UNAVAILABLE', retryable: true });
    expect(error.message).to.include('10 ms');
    expect(seen[0]?.aborted).to.equal(true);
  });

  it('passes on the answer of one that does not, and the abort of the caller', async () => {
    await withTimeout(local(), 60_000).encrypt(INPUT);
    const controller = new AbortController();
    const call = withTimeout(stalling([]), 60_000).encrypt(INPUT, { signal: controller.signal });
    controller.abort();
    expect((await rejection(call)).code).to.equal('ABORTED');
  });

  it('leaves no timer and no listener, however a call ends', async () => {
    const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const controller = new AbortController();
      const { signal } = controller;
      await withTimeout(local(), 60_000).encrypt(INPUT, { signal });
      await rejection(
        withTimeout(local(), 60_000).encrypt({ ...INPUT, keyId: 'alias/nowhere' }, { signal }),
      );
      const stalled = withTimeout(stalling([]), 60_000);
      const tooSlow = rejection(stalled.encrypt(INPUT, { signal }));
      while (clock.countTimers() === 0) await new Promise(setImmediate);
      clock.tick(60_000);
      expect((await tooSlow).code).to.equal('UNAVAILABLE');
      const aborted = rejection(stalled.encrypt(INPUT, { signal }));
      while (clock.countTimers() === 0) await new Promise(setImmediate);
      controller.abort();
      expect((await aborted).code).to.equal('ABORTED');
      await stalled.close();
      expect(clock.countTimers()).to.equal(0);
      expect(getEventListeners(signal, 'abort')).to.have.length(0);
    } finally {
      clock.restore();
    }
  });

  it('leaves the errors of a backend that answers in time as they are', async () => {
    const keys = withTimeout(local(), 60_000);
    const ciphertext = new Uint8Array(100);
    const error = await rejection(keys.decrypt({ keyId: 'alias/orders', ciphertext }));
    expect(error.code).to.equal('INVALID_CIPHERTEXT');
    const unknown = { keyId: 'alias/nowhere', plaintext: INPUT.plaintext };
    expect((await rejection(keys.encrypt(unknown))).code).to.equal('KEY_NOT_FOUND');
  });

  it('limits calls that manage keys too', async () => {
    const stalled = withLayer(local(), (inner) => ({
      ...inner,
      keys: { ...inner.keys, createKey: () => new Promise<never>(() => {}) },
    }));
    const error = await rejection(withTimeout(stalled, 5).createKey());
    expect(error).to.include({ code: 'UNAVAILABLE', operation: 'createKey' });
  });

  it('gives each attempt its own time under withRetry', async () => {
    const seen: (AbortSignal | undefined)[] = [];
    const keys = withRetry(withTimeout(stalling(seen), 5), { attempts: 3, firstDelay: 1 });
    expect((await rejection(keys.encrypt(INPUT))).code).to.equal('UNAVAILABLE');
    expect(seen).to.have.length(3);
  });
});

describe('withCircuitBreaker', () => {
  let clock: SinonFakeTimers;
  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['Date'] });
  });
  afterEach(() => clock.restore());

  it('stops calling a backend that fails, and tries it again later', async () => {
    const backend = breakable(local());
    const keys = withCircuitBreaker(backend.provider, { failures: 2, retryAfter: 1000 });
    backend.isDown = true;
    for (let i = 0; i < 4; i++) {
      expect((await rejection(keys.encrypt(INPUT))).code).to.equal('UNAVAILABLE');
    }
    expect(backend.calls).to.have.length(2);
    backend.isDown = false;
    clock.tick(1001);
    await keys.encrypt(INPUT);
    await keys.encrypt(INPUT);
    expect(backend.calls).to.have.length(4);
  });

  it('names the backend that it does not call', async () => {
    for (const [name, shown] of [
      [undefined, 'local'],
      ['the HSM', 'the HSM'],
    ]) {
      const backend = breakable(local());
      const keys = withCircuitBreaker(backend.provider, { failures: 1 }, name);
      backend.errors.push(new ProviderUnavailableError('no'));
      await rejection(keys.encrypt(INPUT));
      expect((await rejection(keys.encrypt(INPUT))).message).to.equal(
        `${shown} failed several times: not called for a while`,
      );
    }
  });

  it('counts outages in a row: any other answer of the backend ends the row', async () => {
    const backend = breakable(local());
    const keys = withCircuitBreaker(backend.provider, { failures: 2 });
    for (let i = 0; i < 3; i++) {
      backend.errors.push(new ProviderUnavailableError('no'), new InvalidCiphertextError('no'));
      for (const code of ['UNAVAILABLE', 'INVALID_CIPHERTEXT']) {
        expect((await rejection(keys.encrypt(INPUT))).code).to.equal(code);
      }
    }
    await keys.encrypt(INPUT);
    expect(backend.calls).to.have.length(7);
  });

  it('learns nothing from a call that its caller aborted', async () => {
    const backend = breakable(local());
    const keys = withCircuitBreaker(backend.provider, { failures: 2, retryAfter: 1000 });
    const outage = () => new ProviderUnavailableError('no');
    const aborted = () => new AbortError('the caller gave up');
    backend.errors.push(outage(), aborted(), outage());
    for (let i = 0; i < 3; i++) await rejection(keys.encrypt(INPUT));
    await rejection(keys.encrypt(INPUT));
    expect(backend.calls, 'an abort does not end the row').to.have.length(3);
    clock.tick(1001);
    backend.errors.push(aborted());
    expect((await rejection(keys.encrypt(INPUT))).code).to.equal('ABORTED');
    await rejection(keys.encrypt(INPUT));
    expect(backend.calls, 'an aborted probe does not close the circuit').to.have.length(4);
    clock.tick(1001);
    await keys.encrypt(INPUT);
  });

  it('learns nothing from an abort under withTimeout', async () => {
    let isStalling = true;
    let calls = 0;
    const backend = withLayer(local(), (inner) => ({
      ...inner,
      encrypt: async () => {
        calls++;
        if (isStalling) return new Promise<never>(() => {});
        throw new ProviderUnavailableError('no');
      },
    }));
    const keys = withCircuitBreaker(withTimeout(backend, 60_000), { failures: 2 });
    isStalling = false;
    await rejection(keys.encrypt(INPUT));
    isStalling = true;
    const controller = new AbortController();
    const aborted = rejection(keys.encrypt(INPUT, { signal: controller.signal }));
    controller.abort();
    expect((await aborted).code).to.equal('ABORTED');
    isStalling = false;
    await rejection(keys.encrypt(INPUT));
    const error = await rejection(keys.encrypt(INPUT));
    expect(error.message).to.include('not called for a while');
    expect(calls).to.equal(3);
  });

  it('does not call the backend for a caller that aborted while another one tried it', async () => {
    let answer = (_error: Error) => {};
    const backend = breakable(local());
    const probed = withLayer(backend.provider, (inner) => ({
      ...inner,
      describeKey: () =>
        new Promise<never>((_, reject) => {
          answer = reject;
        }),
    }));
    const keys = withCircuitBreaker(probed, { failures: 1, retryAfter: 1000 });
    backend.errors.push(new ProviderUnavailableError('no'));
    await rejection(keys.encrypt(INPUT));
    clock.tick(1001);
    const probe = rejection(keys.describeKey({ keyId: INPUT.keyId }));
    const controller = new AbortController();
    const waiting = rejection(keys.encrypt(INPUT, { signal: controller.signal }));
    controller.abort();
    expect((await waiting).code).to.equal('ABORTED');
    answer(new InvalidCiphertextError('the backend works'));
    await probe;
    await keys.close();
    expect(backend.calls).to.deep.equal(['encrypt']);
  });

  it('does not count errors of a backend that works', async () => {
    const backend = breakable(local());
    const keys = withCircuitBreaker(backend.provider, { failures: 1 });
    for (let i = 0; i < 3; i++) {
      backend.errors.push(new InvalidCiphertextError('no'), new ThrottledError('slower'));
      for (const code of ['INVALID_CIPHERTEXT', 'THROTTLED']) {
        expect((await rejection(keys.encrypt(INPUT))).code).to.equal(code);
      }
    }
    await keys.encrypt(INPUT);
    expect(backend.calls).to.have.length(7);
  });
});
