import {
  createProvider,
  type DataKeyRequest,
  FUNCTION_NAMES,
  type FunctionName,
  InvalidCiphertextError,
  InvalidInputError,
  KeyDisabledError,
  KeyNotFoundError,
  type KeyWrapDriver,
  ThrottledError,
  UnsupportedOperationError,
  UntrustedKeyError,
  withTrustedKeys,
} from '@keywrap/core';
import { expect } from 'chai';
import sinon from 'sinon';
import { expectRejection, js, rejection } from '../support/failures.js';
import {
  ARN,
  CALLS,
  callMethod,
  METHODS,
  minimalDriver,
  ScriptedProvider,
} from '../support/scripted-driver.js';
import { ToyDriver, ToyProvider } from '../support/toy-provider.js';

const plaintext = Uint8Array.of(1, 2, 3);
const encryptionContext = { orderId: '7' };

/** A provider with keys, one of them untrusted, and spies on its driver. */
function toy() {
  const driver = new ToyDriver();
  const spies = watch(driver);
  const provider = new ToyProvider(driver);
  const orders = provider.addKey('alias/orders');
  const archive = provider.addKey('alias/archive');
  const evil = provider.addKey('alias/evil');
  return { provider, spies, orders, archive, evil };
}

/** A scripted provider, and spies on its driver. */
function scripted(script: Partial<KeyWrapDriver> = {}, capabilities = {}) {
  const driver = minimalDriver({ ...new ScriptedProvider().script, ...script }, capabilities);
  return { spies: watch(driver), provider: createProvider(driver) };
}

/** Spies on every function of a driver, which call through. */
function watch(driver: KeyWrapDriver) {
  const names = FUNCTION_NAMES.filter((name) => driver[name] !== undefined);
  return Object.fromEntries(names.map((name) => [name, sinon.spy(driver, name)])) as Record<
    FunctionName,
    sinon.SinonSpy
  >;
}

/** The keys in the requests of a driver's function. */
const keysOf = (spy: sinon.SinonSpy) => spy.args.map(([{ key }]) => key?.text);

const callCount = (spies: object) =>
  Object.values(spies).reduce((sum, spy) => sum + (spy as sinon.SinonSpy).callCount, 0);

describe('withTrustedKeys', () => {
  describe('the list', () => {
    it('is rejected when it is empty or not a list', async () => {
      const { provider } = toy();
      for (const keyIds of [[], undefined, null, 'alias/orders', new Set(['alias/orders']), {}]) {
        await expectRejection(withTrustedKeys(provider, js(keyIds)), InvalidInputError, {
          field: 'keyIds',
        });
      }
    });

    it('is rejected for a malformed entry, by its index, before any lookup', async () => {
      const { provider, spies } = toy();
      for (const wrong of ['', 7, undefined, 'arn:aws:s3:::bucket', 'alias/']) {
        const call = withTrustedKeys(provider, js(['alias/orders', wrong]));
        await expectRejection(call, InvalidInputError, { field: 'keyIds[1]' });
      }
      expect(callCount(spies)).to.equal(0);
    });

    it('is rejected with the error of the lookup when there is no such key', async () => {
      const call = withTrustedKeys(toy().provider, ['alias/missing']);
      await expectRejection(call, KeyNotFoundError, { keyId: 'alias/missing' });
    });

    it('looks up names other than key ARNs, once', async () => {
      const { provider, spies, orders } = toy();
      const trusted = await withTrustedKeys(provider, [orders, 'alias/archive', 'key-of-evil']);
      expect(keysOf(spies.describeKey)).to.deep.equal(['alias/archive', 'key-of-evil']);
      await trusted.encrypt({ keyId: 'alias/archive', plaintext });
      expect(spies.describeKey.callCount).to.equal(2);
    });

    it('is what it was at the time of the call', async () => {
      const { provider, evil } = toy();
      const keyIds = ['alias/orders'];
      const opening = withTrustedKeys(provider, keyIds);
      keyIds.push(evil, 'alias/evil');
      const trusted = await opening;
      await expectRejection(trusted.encrypt({ keyId: evil, plaintext }), UntrustedKeyError);
    });
  });

  describe('a listed key', () => {
    it('may be named by its ARN, its id, or as it was listed', async () => {
      const { provider, spies, orders } = toy();
      const trusted = await withTrustedKeys(provider, ['alias/orders']);
      for (const keyId of [orders, 'key-of-orders', 'alias/orders']) {
        const result = await trusted.encrypt({ keyId, plaintext });
        expect(result.keyId).to.equal(orders);
      }
      expect(keysOf(spies.encrypt)).to.deep.equal([orders, orders, orders]);
    });

    it('is not known by another alias or form of alias that points to it', async () => {
      const { provider, orders } = toy();
      provider.moveAlias('alias/second', orders);
      const trusted = await withTrustedKeys(provider, ['alias/orders']);
      const aliasArn = orders.replace('key/key-of-orders', 'alias/orders');
      for (const keyId of ['alias/second', aliasArn]) {
        await expectRejection(trusted.encrypt({ keyId, plaintext }), UntrustedKeyError, { keyId });
      }
    });

    it('stays the same key when its alias is moved later', async () => {
      const { provider, orders, evil } = toy();
      const trusted = await withTrustedKeys(provider, ['alias/orders']);
      provider.moveAlias('alias/orders', evil);
      const { keyId } = await trusted.encrypt({ keyId: 'alias/orders', plaintext });
      expect(keyId).to.equal(orders);
      expect((await trusted.describeKey({ keyId: 'alias/orders' })).keyId).to.equal(orders);
    });

    for (const method of METHODS) {
      it(`goes to the driver by its ARN in ${method}, with all else unchanged`, async () => {
        const archive = ARN.replace('orders', 'archive');
        const opened = async () => ({ plaintext: Uint8Array.of(1), keyId: archive });
        const generateDataKey = async ({ numberOfBytes }: DataKeyRequest) => ({
          plaintext: new Uint8Array(numberOfBytes),
          ciphertext: plaintext,
          keyId: ARN,
        });
        const script = method === 'reEncrypt' ? { decrypt: opened } : { generateDataKey };
        const inputs = (orders: string) =>
          method === 'reEncrypt'
            ? { ...CALLS.reEncrypt, source: { keyId: archive }, destination: { keyId: orders } }
            : { ...CALLS[method], keyId: orders };
        const options = { grantTokens: ['token'] };
        const plain = scripted(script);
        await callMethod(plain.provider, method, inputs(ARN), options);
        const guarded = scripted(script);
        const trusted = await withTrustedKeys(guarded.provider, [ARN, archive]);
        await callMethod(trusted, method, inputs('orders'), options);

        const asked = (spies: object) =>
          Object.entries(spies).map(([name, { args }]) => [name, args]);
        expect(asked(guarded.spies)).to.deep.equal(asked(plain.spies));
        expect(callCount(guarded.spies)).to.be.greaterThan(0);
      });
    }
  });

  describe('a key that is not listed', () => {
    for (const method of METHODS) {
      it(`never reaches the driver in ${method} (UNTRUSTED_KEY)`, async () => {
        const { provider, spies } = scripted();
        const trusted = await withTrustedKeys(provider, [ARN]);
        const evil = ARN.replace('orders', 'evil');
        for (const keyId of [evil, 'evil', 'alias/evil', ARN.toUpperCase(), `${ARN}2`]) {
          const inputs =
            method === 'reEncrypt'
              ? [
                  { ...CALLS.reEncrypt, source: { keyId }, destination: { keyId: ARN } },
                  { ...CALLS.reEncrypt, source: { keyId: ARN }, destination: { keyId } },
                  { ciphertext: plaintext, destination: { keyId } },
                ]
              : [{ ...CALLS[method], keyId }];
          for (const input of inputs) {
            await expectRejection(callMethod(trusted, method, input), UntrustedKeyError, {
              code: 'UNTRUSTED_KEY',
              operation: method,
              keyId,
            });
          }
        }
        expect(callCount(spies)).to.equal(0);
      });

      it(`is not reached by malformed input to ${method} either (INVALID_INPUT)`, async () => {
        const { provider, spies } = scripted();
        const trusted = await withTrustedKeys(provider, [ARN]);
        const throwing = new Proxy(
          {},
          {
            get() {
              throw new Error('from the getter');
            },
          },
        );
        const inputs = [undefined, null, 7, 'alias/orders', [], throwing, { keyID: ARN }];
        const keyIds = [null, 7, '', 'a b', [ARN], Object(ARN), { toString: () => ARN }];
        for (const input of [...inputs, ...keyIds.map((keyId) => ({ ...CALLS[method], keyId }))]) {
          const error = await expectRejection(
            callMethod(trusted, method, input),
            InvalidInputError,
          );
          expect(error.operation).to.equal(method);
        }
        expect(callCount(spies)).to.equal(0);
      });
    }

    it('is not smuggled in by a key id that changes between reads', async () => {
      const { provider, spies, orders, evil } = toy();
      const { ciphertext } = await provider.encrypt({ keyId: evil, plaintext });
      spies.encrypt.resetHistory();
      const trusted = await withTrustedKeys(provider, [orders]);
      const changing = (...values: (string | undefined)[]) => {
        let reads = 0;
        return () => values[Math.min(reads++, values.length - 1)];
      };
      for (const values of [
        [orders, evil],
        [orders, orders, evil],
        [undefined, evil],
        [undefined, undefined, evil],
        [evil, orders],
      ]) {
        const first = changing(...values);
        const getter = {
          ciphertext,
          get keyId() {
            return first();
          },
        };
        const second = changing(...values);
        const proxy = new Proxy(
          { ciphertext },
          {
            get: (target, name, receiver) =>
              name === 'keyId' ? second() : Reflect.get(target, name, receiver),
            ownKeys: () => ['ciphertext', 'keyId'],
            getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true }),
          },
        );
        const third = changing(...values);
        const source = {
          get keyId() {
            return third();
          },
        };
        await rejection(trusted.decrypt(js(getter)));
        await rejection(trusted.decrypt(js(proxy)));
        const destination = { keyId: orders };
        await rejection(trusted.reEncrypt({ ciphertext, source: js(source), destination }));
      }
      const used = [...keysOf(spies.decrypt), ...keysOf(spies.encrypt), orders];
      expect(new Set(used)).to.deep.equal(new Set([orders]));
    });

    it('is not smuggled in by a whole side that changes between reads', async () => {
      const { provider, spies, orders, evil } = toy();
      const { ciphertext } = await provider.encrypt({ keyId: orders, plaintext });
      const trusted = await withTrustedKeys(provider, [orders]);
      let reads = 0;
      const side = () => ({ keyId: reads++ === 0 ? orders : evil });
      const input = {
        ciphertext,
        source: { keyId: orders },
        get destination() {
          return side();
        },
      };
      const result = await trusted.reEncrypt(input);
      expect(result.destinationKeyId).to.equal(orders);
      expect(keysOf(spies.encrypt)).to.deep.equal([orders, orders]);
    });
  });

  it('passes on what an input inherits: the context of a class instance is not lost', async () => {
    const { provider, orders } = toy();
    class Order {
      readonly keyId = orders;
      readonly plaintext = plaintext;
      get encryptionContext() {
        return encryptionContext;
      }
    }
    const trusted = await withTrustedKeys(provider, [orders]);
    const { ciphertext } = await trusted.encrypt(new Order());
    await expectRejection(provider.decrypt({ ciphertext }), InvalidCiphertextError);
    using opened = await provider.decrypt({ ciphertext, encryptionContext });
    expect(opened.plaintext).to.deep.equal(plaintext);
  });

  describe('without a key id', () => {
    it('decrypt tries the listed keys in turn', async () => {
      const { provider, spies, orders, archive } = toy();
      const { ciphertext } = await provider.encrypt({
        keyId: archive,
        plaintext,
        encryptionContext,
      });
      const trusted = await withTrustedKeys(provider, [orders, archive]);
      using opened = await trusted.decrypt({ ciphertext, encryptionContext });

      expect(opened.plaintext).to.deep.equal(plaintext);
      expect(opened.keyId).to.equal(archive);
      expect(keysOf(spies.decrypt)).to.deep.equal([orders, archive]);
    });

    it('decrypt never tries a key that is not listed (UNTRUSTED_KEY)', async () => {
      const { provider, spies, orders, archive, evil } = toy();
      const { ciphertext } = await provider.encrypt({ keyId: evil, plaintext });
      const trusted = await withTrustedKeys(provider, [orders, archive]);

      await expectRejection(trusted.decrypt({ ciphertext }), UntrustedKeyError, {
        operation: 'decrypt',
      });
      expect(keysOf(spies.decrypt)).to.deep.equal([orders, archive]);
    });

    it('reEncrypt tries the listed keys, and rejects others', async () => {
      const { provider, orders, archive, evil } = toy();
      const trusted = await withTrustedKeys(provider, [orders, archive]);
      const made = (keyId: string) => provider.encrypt({ keyId, plaintext, encryptionContext });
      const source = { encryptionContext };
      const destination = { keyId: 'key-of-orders' };
      const { ciphertext } = await made(archive);
      const result = await trusted.reEncrypt({ ciphertext, source, destination });
      expect(result).to.include({ sourceKeyId: archive, destinationKeyId: orders });

      const bad = { ciphertext: (await made(evil)).ciphertext, source, destination };
      await expectRejection(trusted.reEncrypt(bad), UntrustedKeyError, { operation: 'reEncrypt' });
    });

    it('may leave the whole source out', async () => {
      const { provider, orders } = toy();
      const { ciphertext } = await provider.encrypt({ keyId: orders, plaintext });
      const trusted = await withTrustedKeys(provider, [orders]);
      for (const source of [undefined, {}]) {
        const result = await trusted.reEncrypt({
          ciphertext,
          source,
          destination: { keyId: orders },
        });
        expect(result.sourceKeyId).to.equal(orders);
      }
    });

    it('a wrong context or a damaged ciphertext has the same error as without the list', async () => {
      const { provider, orders, archive } = toy();
      const { ciphertext } = await provider.encrypt({ keyId: orders, plaintext });
      const trusted = await withTrustedKeys(provider, [archive, orders]);
      const wrong = trusted.decrypt({ ciphertext, encryptionContext: { other: 'x' } });
      await expectRejection(wrong, InvalidCiphertextError);
      const damaged = ciphertext.with(-1, (ciphertext.at(-1) ?? 0) ^ 1);
      await expectRejection(trusted.decrypt({ ciphertext: damaged }), InvalidCiphertextError);
    });

    it('a disabled key among them hides no other, and is reported if it made the ciphertext', async () => {
      const { provider, orders } = toy();
      const { ciphertext } = await provider.encrypt({ keyId: orders, plaintext });
      const old = provider.addKey('alias/old', { keyState: 'Disabled' });
      const both = await withTrustedKeys(provider, [old, orders]);
      using opened = await both.decrypt({ ciphertext });
      expect(opened.keyId).to.equal(orders);

      const alone = await withTrustedKeys(provider, [old]);
      await expectRejection(alone.decrypt({ ciphertext }), KeyDisabledError);
    });

    it('an RSA key among them hides no other (KEY_USAGE)', async () => {
      const { provider, orders } = toy();
      const inbox = provider.addKey('alias/inbox', { keySpec: 'RSA_2048' });
      const { ciphertext } = await provider.encrypt({ keyId: orders, plaintext });
      const trusted = await withTrustedKeys(provider, [inbox, orders]);
      using opened = await trusted.decrypt({ ciphertext });
      expect(opened.keyId).to.equal(orders);
    });

    it('stops at an error that another key would not avoid', async () => {
      for (const [error, code] of [
        [new ThrottledError('slow down'), 'THROTTLED'],
        [new TypeError('not a KeyWrapError'), 'INTERNAL'],
      ] as const) {
        const { provider, spies } = scripted({ decrypt: () => Promise.reject(error) });
        const trusted = await withTrustedKeys(provider, [ARN, `${ARN}-2`]);
        expect(await rejection(trusted.decrypt({ ciphertext: plaintext }))).to.include({ code });
        expect(spies.decrypt.callCount).to.equal(1);
      }
    });

    it('stops when the caller aborts', async () => {
      const { provider, spies, orders, archive, evil } = toy();
      const { ciphertext } = await provider.encrypt({ keyId: evil, plaintext });
      const trusted = await withTrustedKeys(provider, [orders, archive]);
      const controller = new AbortController();
      const call = rejection(trusted.decrypt({ ciphertext }, { signal: controller.signal }));
      controller.abort();
      expect(await call).to.include({ code: 'ABORTED' });
      expect(spies.decrypt.callCount).to.equal(1);
    });

    it('the caller can change what it passed as soon as it has the promise', async () => {
      const { provider, orders, archive } = toy();
      const trusted = await withTrustedKeys(provider, [orders, archive]);
      const make = async () => {
        const made = await provider.encrypt({ keyId: archive, plaintext, encryptionContext });
        return { ciphertext: made.ciphertext, encryptionContext: { ...encryptionContext } };
      };
      const first = await make();
      const decrypting = trusted.decrypt(first);
      first.ciphertext.fill(0);
      first.encryptionContext.orderId = '8';
      using opened = await decrypting;
      expect(opened.plaintext).to.deep.equal(plaintext);

      const { ciphertext, ...source } = await make();
      const destination = { keyId: orders, encryptionContext: { to: 'b' } };
      const moving = trusted.reEncrypt({ ciphertext, source, destination });
      ciphertext.fill(0);
      source.encryptionContext.orderId = '8';
      destination.encryptionContext.to = 'c';
      const moved = await moving;
      using reopened = await provider.decrypt({
        ciphertext: moved.ciphertext,
        encryptionContext: { to: 'b' },
      });
      expect(reopened.plaintext).to.deep.equal(plaintext);
    });

    it('malformed input is rejected before any key is tried', async () => {
      const { provider, spies, orders } = toy();
      const trusted = await withTrustedKeys(provider, [orders]);
      const ciphertext = plaintext;
      const destination = { keyId: orders };
      for (const [input, field] of [
        [{}, 'ciphertext'],
        [{ ciphertext: 'AQID' }, 'ciphertext'],
        [{ ciphertext: new Uint8Array() }, 'ciphertext'],
        [{ ciphertext: new Uint8Array(6145) }, 'ciphertext'],
        [{ ciphertext: new Uint8Array(new SharedArrayBuffer(3)) }, 'ciphertext'],
        [{ ciphertext, encryptionContext: { a: 1 } }, 'encryptionContext'],
      ] as const) {
        await expectRejection(trusted.decrypt(js(input)), InvalidInputError, { field });
      }
      for (const [input, field] of [
        [{ destination }, 'ciphertext'],
        [{ ciphertext }, 'destination'],
        [{ ciphertext, destination: {} }, 'destination.keyId'],
        [{ ciphertext, destination, source: { context: {} } }, 'source.context'],
        [
          { ciphertext, destination, source: { encryptionContext: [] } },
          'source.encryptionContext',
        ],
      ] as const) {
        await expectRejection(trusted.reEncrypt(js(input)), InvalidInputError, { field });
      }
      expect(callCount(spies)).to.equal(0);
    });

    it('is rejected if the ciphertext does not identify its key', async () => {
      const { provider, spies } = scripted({}, { keyIdFromCiphertext: false });
      const trusted = await withTrustedKeys(provider, [ARN]);
      const decrypting = trusted.decrypt({ ciphertext: plaintext });
      await expectRejection(decrypting, UnsupportedOperationError);
      const moving = trusted.reEncrypt({ ciphertext: plaintext, destination: { keyId: ARN } });
      await expectRejection(moving, UnsupportedOperationError);
      expect(callCount(spies)).to.equal(0);
    });

    it('is rejected for an asymmetric key, as without the list', async () => {
      const { provider, orders } = toy();
      const trusted = await withTrustedKeys(provider, [orders]);
      const algorithm = 'RSAES_OAEP_SHA_256';
      const call = trusted.decryptAsymmetric(js({ ciphertext: plaintext, algorithm }));
      await expectRejection(call, InvalidInputError, { field: 'keyId' });
    });
  });

  describe('replicas of a multi-Region key, which share an id', () => {
    const id = 'mrk-1234';
    const regions = ['eu-west-1', 'us-east-1', 'ap-south-1'];
    const replicas = () => {
      const provider = new ToyProvider();
      const arns = regions.map((region) =>
        provider.addKey(`alias/${region}`, { keyId: id, region }),
      );
      return { provider, arns };
    };

    it('are not named by the id that they share, and are by their ARNs', async () => {
      const { provider, arns } = replicas();
      for (const listed of [arns.slice(0, 2), arns]) {
        const trusted = await withTrustedKeys(provider, listed);
        await expectRejection(trusted.encrypt({ keyId: id, plaintext }), UntrustedKeyError);
        for (const keyId of listed) {
          expect((await trusted.encrypt({ keyId, plaintext })).keyId).to.equal(keyId);
        }
      }
    });

    it('are named by the id where only one is listed', async () => {
      const { provider, arns } = replicas();
      const trusted = await withTrustedKeys(provider, [arns[1] as string]);
      expect((await trusted.encrypt({ keyId: id, plaintext })).keyId).to.equal(arns[1]);
    });

    it('keep the id that was listed itself, wherever in the list it was', async () => {
      const { provider, arns } = replicas();
      for (const listed of [
        [id, arns[1]],
        [arns[1], id],
      ] as string[][]) {
        const trusted = await withTrustedKeys(provider, listed);
        expect((await trusted.encrypt({ keyId: id, plaintext })).keyId).to.equal(arns[0]);
      }
    });
  });

  it('is in all else the provider: id, capabilities, asymmetric keys, close', async () => {
    const { provider } = toy();
    const inbox = provider.addKey('alias/inbox', { keySpec: 'RSA_2048' });
    const trusted = await withTrustedKeys(provider, [inbox]);
    expect(trusted.id).to.equal('toy');
    expect(trusted.capabilities).to.equal(provider.capabilities);

    const algorithm = 'RSAES_OAEP_SHA_256';
    const { ciphertext } = await trusted.encrypt({ keyId: inbox, algorithm, plaintext });
    using opened = await trusted.decryptAsymmetric({ keyId: inbox, algorithm, ciphertext });
    expect(opened.plaintext).to.deep.equal(plaintext);

    await trusted[Symbol.asyncDispose]();
    expect(await rejection(provider.describeKey({ keyId: inbox }))).to.include({ code: 'CLOSED' });
  });
});
