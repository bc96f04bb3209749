import {
  aroundEach,
  type CompleteDriver,
  completeDriver,
  createProvider,
  FUNCTION_NAMES,
  guardKeys,
  type KeyInput,
  type KeyName,
  type KeyWrapProvider,
  type Layer,
  UnsupportedOperationError,
  UntrustedKeyError,
  withAuditLog,
  withLayer,
} from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { expect } from 'chai';
import sinon from 'sinon';
import { expectRejection, js, rejection, thrown } from '../support/failures.js';
import {
  ARN,
  CALLS,
  callMethod,
  METHODS,
  minimalDriver,
  OTHER_ARN,
  ScriptedProvider,
} from '../support/scripted-driver.js';
import { ManagedProvider, managed } from './managed-provider.js';

const LIMITS = { maximumUses: 10, maximumBytes: 1000, maximumAge: 60_000 };

/** A layer that notes what passes, in and out. */
const noting =
  (notes: string[], name = ''): Layer =>
  (inner) =>
    aroundEach(inner, async (operation, _request, _call, next) => {
      notes.push(`${name}>${operation}`);
      const output = await next();
      notes.push(`${name}<${operation}`);
      return output;
    });

describe('withLayer', () => {
  it('puts a function around every operation, those that manage keys too', async () => {
    const notes: string[] = [];
    const keys = withLayer(managed(), noting(notes));
    for (const method of METHODS) await callMethod(keys, method, CALLS[method]);
    await keys.rotateKey({ keyId: ARN });
    const expected = [...METHODS, 'rotateKey'].flatMap((name) => [`>${name}`, `<${name}`]);
    expect(notes).to.deep.equal(expected);
    expect(keys).to.be.instanceOf(ManagedProvider);
  });

  it('has the last layer outermost', async () => {
    const notes: string[] = [];
    const inner = withLayer(new ScriptedProvider(), noting(notes, 'inner'));
    await withLayer(inner, noting(notes, 'outer')).encrypt(CALLS.encrypt);
    expect(notes).to.deep.equal([
      'outer>encrypt',
      'inner>encrypt',
      'inner<encrypt',
      'outer<encrypt',
    ]);
  });

  it('accepts a layer that replaces one function', async () => {
    const provider = withLayer(new ScriptedProvider(), (inner) => ({
      ...inner,
      decrypt: async (request, call) => {
        const output = await inner.decrypt(request, call);
        return { ...output, plaintext: output.plaintext.map((byte) => byte + 1) };
      },
    }));
    using opened = await provider.decrypt(CALLS.decrypt);
    expect([...opened.plaintext]).to.deep.equal([5, 6, 7]);
    expect(await provider.encrypt(CALLS.encrypt)).to.include({ keyId: ARN });
  });

  it('reads the input once, however many layers there are', async () => {
    const reads: string[] = [];
    const input = new Proxy(CALLS.generateDataKey, {
      get(target, name, receiver) {
        if (typeof name === 'string') reads.push(name);
        return Reflect.get(target, name, receiver);
      },
    });
    const audited = withAuditLog(new ScriptedProvider(), { write() {} });
    const layered = withLayer(withDataKeyCache(audited, LIMITS), noting([]));
    await layered.generateDataKey(input, { bytesToEncrypt: 1 });
    expect(reads.sort()).to.deep.equal(['encryptionContext', 'keyId', 'keySpec', 'numberOfBytes']);
  });

  it('shares its lifetime with the inner provider: closing either waits for the calls of both', async () => {
    let finish: () => void = () => {};
    const working = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const close = sinon.spy(async () => {});
    const provider = new ScriptedProvider({
      close,
      encrypt: async () => {
        await working;
        return { ciphertext: Uint8Array.of(1), keyId: ARN };
      },
    });
    const layered = withLayer(provider, noting([]));
    const calls = [provider.encrypt(CALLS.encrypt), layered.encrypt(CALLS.encrypt)];
    const closing = [layered.close(), provider.close()];
    for (const each of [provider, layered]) {
      expect(await rejection(each.describeKey(CALLS.describeKey))).to.include({ code: 'CLOSED' });
    }
    expect(close.callCount).to.equal(0);
    finish();
    await Promise.all([...calls, ...closing]);
    expect(close.callCount).to.equal(1);
  });

  it('waits for a call of a data-key cache whose callers gave up', async () => {
    let finish: () => void = () => {};
    const working = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const close = sinon.spy(async () => {});
    const provider = new ScriptedProvider({
      close,
      decrypt: async () => {
        await working;
        return { plaintext: Uint8Array.of(1), keyId: ARN };
      },
    });
    const cached = withDataKeyCache(provider, LIMITS);
    const controller = new AbortController();
    const call = rejection(cached.decrypt(CALLS.decrypt, { signal: controller.signal }));
    controller.abort();
    expect(await call).to.include({ code: 'ABORTED' });
    const closing = cached.close();
    await new Promise(setImmediate);
    expect(close.callCount).to.equal(0);
    finish();
    await closing;
    expect(close.callCount).to.equal(1);
  });

  it('turns whatever a layer throws into an INTERNAL error of the call', async () => {
    const provider = withLayer(new ScriptedProvider(), (inner) => ({
      ...inner,
      encrypt: () => {
        throw new TypeError('a mistake in the layer');
      },
    }));
    const details = { code: 'INTERNAL', operation: 'encrypt', keyId: 'alias/orders' };
    await expectRejection(provider.encrypt(CALLS.encrypt), Error, details);
  });

  it('rejects a value that is not a layer, and wrong arguments of a layer, when it is added (INVALID_INPUT)', () => {
    const provider = new ScriptedProvider();
    const resolve = (key: KeyName) => key;
    for (const [field, make] of [
      ['provider', () => withLayer(js({}), (inner) => inner)],
      ['layer', () => withLayer(provider, js(undefined))],
      [
        'layer',
        () =>
          withLayer(
            provider,
            js(() => undefined),
          ),
      ],
      [
        'layer',
        () =>
          withLayer(
            provider,
            js(async (inner: unknown) => inner),
          ),
      ],
      [
        'layer',
        () =>
          withLayer(
            provider,
            js(({ decrypt }: CompleteDriver) => ({ decrypt })),
          ),
      ],
      ['around', () => withLayer(provider, (inner) => aroundEach(inner, js(undefined)))],
      ['guard', () => withLayer(provider, (inner) => guardKeys(inner, js({ resolve })))],
      ['sink', () => withAuditLog(provider, js(undefined))],
      ['sink', () => withAuditLog(provider, js({ close() {} }))],
    ] as const) {
      expect(thrown(make)).to.include({ code: 'INVALID_INPUT', field });
    }
  });

  describe('around a provider that was not built from a driver', () => {
    /** Only what the interface has, as a proxy. */
    const bare = (provider: KeyWrapProvider): KeyWrapProvider =>
      new Proxy(provider, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name, target);
          return typeof member === 'function' ? member.bind(target) : member;
        },
      });

    it('calls each of its methods', async () => {
      const notes: string[] = [];
      const inside: string[] = [];
      const provider = bare(withLayer(new ScriptedProvider(), noting(inside)));
      const layered = withLayer(provider, noting(notes));
      const plain = new ScriptedProvider();
      for (const method of METHODS) {
        const [mine, theirs] = [layered, plain].map((each) =>
          callMethod(each, method, CALLS[method]),
        );
        const shown = ['generateDataKey', 'generateDataKeyPair'].includes(method)
          ? ['keyId']
          : Object.keys(Object(await theirs));
        const pick = (result: unknown) => shown.map((name) => Reflect.get(Object(result), name));
        expect(pick(await mine)).to.deep.equal(pick(await theirs));
      }
      expect(inside).to.deep.equal(notes);
      expect(layered.id).to.equal('scripted');
    });

    it('passes on the context, the algorithm, the options and the close', async () => {
      const encrypt = sinon.spy(new ScriptedProvider().script.encrypt);
      const close = sinon.spy(async () => {});
      const layered = withLayer(bare(new ScriptedProvider({ encrypt, close })), noting([]));
      const input = { ...CALLS.encrypt, encryptionContext: { a: '1' } };
      const { signal } = new AbortController();
      await layered.encrypt(input, { signal, grantTokens: ['token'] });
      const [request, call] = encrypt.firstCall.args;
      expect({ ...request.encryptionContext }).to.deep.equal({ a: '1' });
      expect(call.signal).to.be.instanceOf(AbortSignal);
      expect(call).to.deep.include({ grantTokens: ['token'] });
      const algorithm = 'RSAES_OAEP_SHA_1';
      await layered.encrypt({ keyId: ARN, plaintext: Uint8Array.of(1), algorithm });
      expect(encrypt.secondCall.args[0]).to.include({ algorithm });
      await layered.close();
      expect(close.callCount).to.equal(1);
    });

    it('bypasses neither a field nor a method of a subclass', async () => {
      class Overriding extends ScriptedProvider {
        override async describeKey(_input: KeyInput): Promise<never> {
          throw new UntrustedKeyError('of the subclass');
        }
      }
      const layered = withLayer(new Overriding(), noting([]));
      await expectRejection(layered.describeKey(CALLS.describeKey), UntrustedKeyError);
    });
  });
});

describe('guardKeys', () => {
  const onlyOrders: Layer = (inner) =>
    guardKeys(inner, {
      resolve(key: KeyName) {
        if (key.text === ARN) return key;
        throw new UntrustedKeyError('not this one', { keyId: key.text });
      },
      search() {
        throw new UntrustedKeyError('name the key');
      },
    });

  /** A driver whose functions note that they were reached. */
  function spied() {
    const driver = minimalDriver(new ScriptedProvider().script);
    const reached: string[] = [];
    const complete = aroundEach(
      completeDriver(driver),
      async (operation, _request, _call, next) => {
        reached.push(operation);
        return next();
      },
    );
    return { reached, provider: createProvider(onlyOrders(complete)) };
  }

  for (const method of METHODS) {
    it(`lets no other key reach ${method}, on either side`, async () => {
      const { reached, provider } = spied();
      const inputs =
        method === 'reEncrypt'
          ? [
              {
                ...CALLS.reEncrypt,
                source: { keyId: OTHER_ARN },
                destination: { keyId: ARN },
              },
              { ...CALLS.reEncrypt, source: { keyId: ARN }, destination: { keyId: OTHER_ARN } },
              { ciphertext: Uint8Array.of(1), destination: { keyId: ARN } },
            ]
          : [{ ...CALLS[method], keyId: OTHER_ARN }];
      for (const input of inputs) {
        await expectRejection(callMethod(provider, method, input), UntrustedKeyError);
      }
      expect(reached).to.deep.equal([]);
    });
  }

  it('covers every function of a driver, which a layer over decrypt alone does not', async () => {
    const only = spied();
    expect(FUNCTION_NAMES).to.have.length(METHODS.length - 1);
    await rejection(only.provider.decrypt({ ciphertext: Uint8Array.of(1) }));
    expect(only.reached).to.deep.equal([]);

    const naive = withLayer(new ScriptedProvider(), (inner) => ({
      ...inner,
      decrypt: () => {
        throw new UntrustedKeyError('not this one');
      },
    }));
    const moved = await naive.reEncrypt(CALLS.reEncrypt);
    expect(moved.ciphertext, 'what the helper is for').to.have.length(3);
  });

  it('refuses to manage keys', async () => {
    const rotateKey = sinon.fake.resolves({ keyId: ARN });
    const createKey = sinon.fake.returns({ keyId: ARN });
    const exportKey = sinon.fake.resolves({ material: Uint8Array.of(1) });
    const guarded = withLayer(managed({ rotateKey, createKey, exportKey }), onlyOrders);
    for (const managing of [
      guarded.rotateKey({ keyId: ARN }),
      guarded.createKey({ alias: 'alias/new' }),
      guarded.exportKey({ keyId: ARN }),
    ]) {
      await expectRejection(managing, UnsupportedOperationError);
    }
    for (const each of [rotateKey, createKey, exportKey]) expect(each.callCount).to.equal(0);
  });
});
