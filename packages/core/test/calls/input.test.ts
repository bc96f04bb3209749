import { createContext, runInContext } from 'node:vm';
import {
  type EncryptRequest,
  InvalidInputError,
  LIMITS,
  maximumPlaintextLength,
  type ReEncryptRequest,
  UnsupportedOperationError,
} from '@keywrap/core';
import { expect } from 'chai';
import sinon from 'sinon';
import { expectRejection, js, rejection } from '../support/failures.js';
import {
  ARN,
  CALLS,
  callMethod,
  METHODS,
  type Method,
  MinimalProvider,
  type Script,
  ScriptedProvider,
} from '../support/scripted-driver.js';

const one = Uint8Array.of(1);

/** A provider none of whose hooks may be called. */
function untouchable() {
  const hook = sinon.stub().rejects(new Error('a hook was called'));
  const script = {
    encrypt: hook,
    decrypt: hook,
    describeKey: hook,
    generateDataKeyPair: hook,
    getPublicKey: hook,
  } satisfies Partial<Script>;
  return { provider: new ScriptedProvider(script), hook };
}

/** Expects the method to reject the input with the name of the field, before any work. */
async function expectRefused(method: Method, input: unknown, field: string, options?: unknown) {
  const { provider, hook } = untouchable();
  const error = await expectRejection(
    callMethod(provider, method, input, options),
    InvalidInputError,
    { code: 'INVALID_INPUT', operation: method, field, retryable: false },
  );
  expect(hook.callCount).to.equal(0);
  return error;
}

const withBytes = (method: Method, bytes: unknown) =>
  method === 'encrypt'
    ? { ...CALLS.encrypt, plaintext: bytes }
    : { ...CALLS[method], ciphertext: bytes };

const TAKES_BYTES = ['encrypt', 'decrypt', 'decryptAsymmetric', 'reEncrypt'] as const;
const TAKES_ONE_KEY = METHODS.filter((method) => method !== 'reEncrypt');
const TAKES_CONTEXT = METHODS.filter(
  (method) => !['reEncrypt', 'decryptAsymmetric', 'getPublicKey', 'describeKey'].includes(method),
);
describe('A provider without symmetric keys', () => {
  it('names decryptAsymmetric when it is asked to decrypt (UNSUPPORTED)', async () => {
    const provider = new MinimalProvider({}, { algorithms: ['RSAES_OAEP_SHA_256'] });
    const { algorithm: _, ...input } = { ...CALLS.decrypt, algorithm: undefined };
    const error = await expectRejection(provider.decrypt(input), UnsupportedOperationError);
    expect(error.message).to.include('call decryptAsymmetric');
  });
});

const BAD_KEY_IDS = [null, 7, '', 'a b', 'alias/', 'arn:aws:s3:::x', 'x'.repeat(2049), '\ud83d'];

describe('createProvider: input', () => {
  for (const method of METHODS) {
    describe(method, () => {
      it('accepts the calls that these tests change', async () => {
        expect(await callMethod(new ScriptedProvider(), method, CALLS[method])).to.be.an('object');
      });

      it('rejects anything but an object', async () => {
        for (const input of [undefined, null, 'alias/orders', 7, true, Symbol('x'), [], () => {}]) {
          await expectRefused(method, input, 'input');
        }
      });

      it('rejects an unknown field, by name', async () => {
        for (const name of ['encryptioncontext', 'KeyId', 'dryRun', 'constructor', 'toString']) {
          await expectRefused(method, { ...CALLS[method], [name]: undefined }, name);
        }
        const polluting = JSON.parse('{"__proto__": {"keyId": "alias/evil"}}');
        await expectRefused(method, Object.assign(polluting, CALLS[method]), '__proto__');
      });

      it('rejects input that throws while it is read, as invalid input', async () => {
        const cause = new Error('from the getter');
        const getter = Object.defineProperty({}, 'keyId', {
          get() {
            throw cause;
          },
        });
        const proxy = new Proxy(CALLS[method], {
          get() {
            throw cause;
          },
        });
        const { proxy: revoked, revoke } = Proxy.revocable({}, {});
        revoke();
        for (const input of method === 'reEncrypt' ? [proxy] : [getter, proxy]) {
          const error = await expectRefused(method, input, 'input');
          expect(error.cause).to.equal(cause);
        }
        await expectRefused(method, revoked, 'input');
      });

      it('rejects invalid options', async () => {
        for (const options of [null, 7, 'signal', []]) {
          await expectRefused(method, CALLS[method], 'options', options);
        }
        await expectRefused(method, CALLS[method], 'options.Signal', { Signal: undefined });
      });

      it('rejects an invalid signal', async () => {
        const incomplete = { aborted: false, addEventListener() {} };
        for (const signal of [null, {}, 'x', new AbortController(), { aborted: 1 }, incomplete]) {
          await expectRefused(method, CALLS[method], 'options.signal', { signal });
        }
      });

      it('rejects a signal that throws while it is read', async () => {
        const reason = new Error('from the getter');
        for (const allowed of [0, 1, 2]) {
          let reads = 0;
          const signal = {
            get aborted() {
              reads += 1;
              if (reads > allowed) throw reason;
              return false;
            },
            addEventListener() {},
            removeEventListener() {},
          };
          await expectRefused(method, CALLS[method], 'options', { signal });
        }
      });

      it('rejects options that throw while they are read', async () => {
        const options = {
          get signal() {
            throw new Error('from the getter');
          },
        };
        await expectRefused(method, CALLS[method], 'options', options);
      });

      it('rejects invalid or too many grant tokens', async () => {
        const wrong = ['x', [''], [7], ['x'.repeat(8193)], Array(11).fill('x'), new Set(['x']), {}];
        const endless = Object.assign([7], {
          *[Symbol.iterator]() {
            for (;;) yield 'x';
          },
        });
        wrong.push(endless);
        for (const grantTokens of [...wrong, null, Array(4_000_000_000)]) {
          const options = { grantTokens };
          await expectRefused(method, CALLS[method], 'options.grantTokens', options);
        }
      });
    });
  }

  for (const method of TAKES_ONE_KEY) {
    it(`${method} rejects a malformed key id`, async () => {
      for (const keyId of BAD_KEY_IDS) {
        await expectRefused(method, { ...CALLS[method], keyId }, 'keyId');
      }
    });

    if (method === 'decrypt') continue;
    it(`${method} needs a key id`, async () => {
      const { keyId: _, ...unnamed } = CALLS[method];
      await expectRefused(method, unnamed, 'keyId');
    });
  }

  for (const method of TAKES_BYTES) {
    const field = method === 'encrypt' ? 'plaintext' : 'ciphertext';
    const detached = Uint8Array.of(1, 2);
    const disguised = new Uint8Array(new SharedArrayBuffer(2));
    Object.defineProperty(disguised, 'buffer', { value: new ArrayBuffer(2) });
    structuredClone(detached, { transfer: [detached.buffer] });

    for (const [what, bytes] of [
      ['nothing', undefined],
      ['null', null],
      ['a string', 'secret'],
      ['an array', [1, 2]],
      ['an ArrayBuffer', new ArrayBuffer(2)],
      ['a DataView', new DataView(new ArrayBuffer(2))],
      ['a Uint16Array', new Uint16Array(2)],
      ['a Uint8ClampedArray', new Uint8ClampedArray(2)],
      ['a Buffer that went through JSON', JSON.parse(JSON.stringify(Buffer.from('ab')))],
      ['a proxy of a Uint8Array', new Proxy(new Uint8Array(2), {})],
      ['a forged Uint8Array', Object.create(Uint8Array.prototype)],
      ['shared memory', new Uint8Array(new SharedArrayBuffer(2))],
      ['shared memory that says it is not', disguised],
      ['a Buffer over shared memory', Buffer.from(new SharedArrayBuffer(2))],
      ['no bytes', new Uint8Array()],
      ['a detached buffer', detached],
    ] as const) {
      it(`${method} rejects ${what} as ${field}`, async () => {
        await expectRefused(method, withBytes(method, bytes), field);
      });
    }

    it(`${method} accepts a Uint8Array of another realm, a Buffer from the pool, and a part`, async () => {
      const foreign = runInContext('Uint8Array.of(5, 6)', createContext());
      const all = [foreign, Buffer.from([5, 6]), Uint8Array.of(4, 5, 6, 7).subarray(1, 3)];
      for (const bytes of all) {
        const seen = sinon.spy((request: { plaintext?: Uint8Array; ciphertext?: Uint8Array }) =>
          Promise.reject(new Error([...(request.plaintext ?? request.ciphertext ?? [])].join())),
        );
        const provider = new ScriptedProvider({ encrypt: seen, decrypt: seen });
        const error = await rejection(callMethod(provider, method, withBytes(method, bytes)));
        expect(error.cause).to.include({ message: '5,6' });
      }
    });

    it(`${method} reads a resizable buffer at the time of the call`, async () => {
      const Resizable = ArrayBuffer as unknown as new (
        length: number,
        options: object,
      ) => ArrayBuffer & { resize(length: number): void };
      const buffer = new Resizable(2, { maxByteLength: 8 });
      const seen: number[] = [];
      const note = async (request: { plaintext?: Uint8Array; ciphertext?: Uint8Array }) => {
        await null;
        seen.push((request.plaintext ?? request.ciphertext)?.length ?? -1);
        throw new Error('seen');
      };
      const provider = new ScriptedProvider({ encrypt: note, decrypt: note });
      const call = callMethod(provider, method, withBytes(method, new Uint8Array(buffer)));
      buffer.resize(0);
      await call.catch(() => {});

      expect(seen).to.deep.equal([2]);
    });
  }

  describe('limits', () => {
    const accepts = async (method: Method, input: unknown) => {
      expect(await callMethod(new ScriptedProvider(), method, input)).to.be.an('object');
    };

    it('encrypt accepts 1 to 4096 bytes under a symmetric key', async () => {
      await accepts('encrypt', { keyId: ARN, plaintext: new Uint8Array(1) });
      await accepts('encrypt', { keyId: ARN, plaintext: new Uint8Array(4096) });
      await expectRefused('encrypt', { keyId: ARN, plaintext: new Uint8Array(4097) }, 'plaintext');
    });

    for (const algorithm of ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] as const) {
      it(`encrypt accepts the maximum of the largest RSA key with ${algorithm}`, async () => {
        const maximum = maximumPlaintextLength(algorithm);
        const input = (length: number) => ({
          keyId: ARN,
          algorithm,
          plaintext: new Uint8Array(length),
        });
        await accepts('encrypt', input(maximum));
        await expectRefused('encrypt', input(maximum + 1), 'plaintext');
      });
    }

    for (const method of ['decrypt', 'decryptAsymmetric', 'reEncrypt'] as const) {
      it(`${method} accepts 1 to 6144 bytes`, async () => {
        await accepts(method, withBytes(method, new Uint8Array(1)));
        await accepts(method, withBytes(method, new Uint8Array(6144)));
        await expectRefused(method, withBytes(method, new Uint8Array(6145)), 'ciphertext');
      });
    }

    it('rejects a gigabyte without copying it', async () => {
      const set = sinon.spy(Uint8Array.prototype, 'set');
      try {
        const plaintext = new Uint8Array(2 ** 30);
        await expectRefused('encrypt', { keyId: ARN, plaintext }, 'plaintext');
        expect(set.callCount).to.equal(0);
      } finally {
        set.restore();
      }
    });

    it('generateDataKey accepts 1 to 1024 bytes, and integers only', async () => {
      for (const numberOfBytes of [1, 16, 1024]) {
        const dataKey = await new ScriptedProvider().generateDataKey({ keyId: ARN, numberOfBytes });
        expect(dataKey.plaintext).to.have.length(numberOfBytes);
      }
      for (const wrong of [0, 1025, -1, 1.5, Number.NaN, Infinity, '32', null, 32n, [32]]) {
        const input = { keyId: ARN, numberOfBytes: wrong };
        await expectRefused('generateDataKey', input, 'numberOfBytes');
      }
    });

    it('accepts a key id of 2048 characters, and 10 grant tokens of 8192', async () => {
      await accepts('describeKey', { keyId: 'x'.repeat(LIMITS.keyId) });
      const describeKey = sinon.spy(new ScriptedProvider().script.describeKey);
      const grantTokens = Array(10).fill('x'.repeat(8192));
      const provider = new ScriptedProvider({ describeKey });
      await provider.describeKey({ keyId: ARN }, { grantTokens });
      expect(describeKey.firstCall.args[1].grantTokens).to.deep.equal(grantTokens);
    });

    for (const method of TAKES_CONTEXT) {
      it(`${method} accepts an encryption context of 8192 bytes, not of 8193`, async () => {
        const encryptionContext = { k: 'x'.repeat(8192 - 2 - 4 - 1) };
        await accepts(method, { ...CALLS[method], encryptionContext });
        encryptionContext.k += 'x';
        const input = { ...CALLS[method], encryptionContext };
        await expectRefused(method, input, 'encryptionContext');
      });
    }
  });

  describe('encryption contexts', () => {
    const wrong = [null, 'x', [], new Map(), { a: 1 }, { a: '\ud83d' }, { [Symbol('a')]: 'x' }];

    for (const method of TAKES_CONTEXT) {
      it(`${method} rejects a malformed one`, async () => {
        for (const encryptionContext of [...wrong, JSON.parse('{"__proto__":"x"}')]) {
          const input = { ...CALLS[method], encryptionContext };
          await expectRefused(method, input, 'encryptionContext');
        }
      });
    }

    it('are rejected with an asymmetric algorithm, the empty one too', async () => {
      for (const encryptionContext of [{}, { a: 'b' }]) {
        for (const method of ['encrypt', 'decryptAsymmetric'] as const) {
          const algorithm = 'RSAES_OAEP_SHA_1';
          const input = { ...CALLS[method], algorithm, encryptionContext };
          await expectRefused(method, input, 'encryptionContext');
        }
      }
    });

    it('reach the hook complete, frozen, and empty if there was none', async () => {
      const encrypt = sinon.spy(new ScriptedProvider().script.encrypt);
      const provider = new ScriptedProvider({ encrypt });
      await provider.encrypt({ ...CALLS.encrypt, encryptionContext: { b: '2', a: '1' } });
      await provider.encrypt(CALLS.encrypt);

      const [first, second] = encrypt.args.map(([request]) => request.encryptionContext);
      expect({ ...first }).to.deep.equal({ b: '2', a: '1' });
      expect(first).to.be.frozen;
      expect({ ...second }).to.deep.equal({});
    });
  });

  describe('algorithms', () => {
    it('are those of the contract, by their exact names', async () => {
      for (const algorithm of ['rsaes_oaep_sha_1', 'RSA', '', null, 7, 'toString', ['x']]) {
        await expectRefused('encrypt', { ...CALLS.encrypt, algorithm }, 'algorithm');
        await expectRefused('decrypt', { ...CALLS.decrypt, algorithm }, 'algorithm');
        const input = { ...CALLS.decryptAsymmetric, algorithm };
        await expectRefused('decryptAsymmetric', input, 'algorithm');
      }
    });

    it('default to the symmetric one', async () => {
      const encrypt = sinon.spy(new ScriptedProvider().script.encrypt);
      const result = await new ScriptedProvider({ encrypt }).encrypt(CALLS.encrypt);
      expect(encrypt.firstCall.args[0].algorithm).to.equal('SYMMETRIC_DEFAULT');
      expect(result.algorithm).to.equal('SYMMETRIC_DEFAULT');
    });

    it('point an asymmetric decrypt to decryptAsymmetric, and vice versa', async () => {
      const asymmetric = { ...CALLS.decrypt, algorithm: 'RSAES_OAEP_SHA_256' };
      const there = await expectRefused('decrypt', asymmetric, 'algorithm');
      expect(there.message).to.include('decryptAsymmetric');
      for (const algorithm of ['SYMMETRIC_DEFAULT', undefined]) {
        const input = { ...CALLS.decryptAsymmetric, algorithm };
        const back = await expectRefused('decryptAsymmetric', input, 'algorithm');
        expect(back.message).to.include('call decrypt');
      }
    });
  });

  describe('data keys', () => {
    for (const method of ['generateDataKey', 'generateDataKeyWithoutPlaintext'] as const) {
      it(`${method} needs keySpec or numberOfBytes, and not both`, async () => {
        await expectRefused(method, { keyId: ARN }, 'keySpec');
        const both = { keyId: ARN, keySpec: 'AES_256', numberOfBytes: 32 };
        await expectRefused(method, both, 'numberOfBytes');
      });

      it(`${method} rejects an invalid key spec`, async () => {
        for (const keySpec of ['AES_192', 'aes_256', '', null, 256, 'toString', 'RSA_2048']) {
          await expectRefused(method, { keyId: ARN, keySpec }, 'keySpec');
        }
      });
    }

    for (const method of ['generateDataKeyPair', 'generateDataKeyPairWithoutPlaintext'] as const) {
      it(`${method} rejects an invalid pair spec`, async () => {
        for (const keyPairSpec of ['AES_256', 'RSA_1024', 'rsa_2048', '', null, undefined, 7]) {
          await expectRefused(method, { keyId: ARN, keyPairSpec }, 'keyPairSpec');
        }
      });
    }

    it('have 32 bytes as AES_256 and 16 as AES_128', async () => {
      const provider = new MinimalProvider();
      const long = await provider.generateDataKey({ keyId: ARN, keySpec: 'AES_256' });
      const short = await provider.generateDataKey({ keyId: ARN, keySpec: 'AES_128' });
      expect([long.plaintext.length, short.plaintext.length]).to.deep.equal([32, 16]);
    });
  });

  describe('the sides of reEncrypt', () => {
    const destination = { keyId: ARN };
    const rejects = (input: object, field: string) =>
      expectRefused('reEncrypt', { ciphertext: one, ...input }, field);

    it('need a destination with a key', async () => {
      await rejects({}, 'destination');
      await rejects({ destination: null }, 'destination');
      await rejects({ destination: 'alias/orders' }, 'destination');
      await rejects({ destination: {} }, 'destination.keyId');
    });

    it('are objects without unknown fields', async () => {
      for (const source of [7, 'alias/orders', [], false]) {
        await rejects({ source, destination }, 'source');
      }
      await rejects({ source: { context: {} }, destination }, 'source.context');
      await rejects({ destination: { ...destination, plaintext: one } }, 'destination.plaintext');
    });

    it('name the side in every rejection', async () => {
      const sides = [
        [{ keyId: '' }, 'keyId'],
        [{ keyId: ARN, algorithm: 'AES' }, 'algorithm'],
        [{ keyId: ARN, encryptionContext: [] }, 'encryptionContext'],
        [{ keyId: ARN, encryptionContext: {}, algorithm: 'RSAES_OAEP_SHA_1' }, 'encryptionContext'],
      ] as const;
      for (const [side, field] of sides) {
        await rejects({ source: side, destination }, `source.${field}`);
        await rejects({ destination: side }, `destination.${field}`);
      }
    });

    it('need the key of an asymmetric source', async () => {
      const source = { algorithm: 'RSAES_OAEP_SHA_256' };
      await rejects({ source, destination }, 'source.keyId');
    });

    it('may be every pair of algorithms, each with its own context', async () => {
      const symmetric = { keyId: 'alias/a', encryptionContext: { side: 'a' } };
      const asymmetric = { keyId: 'alias/b', algorithm: 'RSAES_OAEP_SHA_1' } as const;
      for (const source of [symmetric, asymmetric]) {
        for (const target of [symmetric, asymmetric]) {
          const requests: ReEncryptRequest[] = [];
          const provider = new ScriptedProvider({
            reEncrypt: (request) => {
              requests.push(request);
              return { ciphertext: one, sourceKeyId: ARN, destinationKeyId: ARN };
            },
          });
          const result = await provider.reEncrypt({ ciphertext: one, source, destination: target });
          const algorithmOf = (side: object) =>
            side === symmetric ? 'SYMMETRIC_DEFAULT' : asymmetric.algorithm;
          expect(result).to.include({
            sourceAlgorithm: algorithmOf(source),
            destinationAlgorithm: algorithmOf(target),
          });
          const [request] = requests;
          expect(request?.source.key?.text).to.equal(source.keyId);
          expect({ ...request?.source.encryptionContext }).to.deep.equal(
            source === symmetric ? { side: 'a' } : {},
          );
          expect(request?.destination.key.text).to.equal(target.keyId);
        }
      }
    });

    it('may omit the source, and then its key is undefined', async () => {
      const decrypt = sinon.spy(new ScriptedProvider().script.decrypt);
      const provider = new ScriptedProvider({ decrypt });
      await provider.reEncrypt({ ciphertext: one, destination });
      await provider.reEncrypt({ ciphertext: one, source: undefined, destination });

      expect(decrypt.callCount).to.equal(2);
      for (const [request] of decrypt.args) expect(request).to.include({ key: undefined });
    });
  });

  describe('properties', () => {
    it('are read once each, so that the checked value is the used value', async () => {
      const reads: string[] = [];
      const counting = <T extends object>(target: T): T =>
        new Proxy(target, {
          get(from, name, receiver) {
            // What kind of object it is, is asked by symbol.
            if (typeof name === 'string') reads.push(name);
            return Reflect.get(from, name, receiver);
          },
        });
      const encrypt = sinon.spy(new ScriptedProvider().script.encrypt);
      const context = counting({ a: '1' });
      const input = { ...CALLS.encrypt, encryptionContext: context };
      await new ScriptedProvider({ encrypt }).encrypt(counting(input));

      expect(reads.sort()).to.deep.equal(
        ['a', 'algorithm', 'encryptionContext', 'keyId', 'plaintext'].sort(),
      );
    });

    it('may come from the prototype of a class instance', async () => {
      class Order {
        get encryptionContext() {
          return { orderId: '7' };
        }
        get keyId() {
          return 'alias/orders';
        }
        plaintext = one;
      }
      const encrypt = sinon.spy(new ScriptedProvider().script.encrypt);
      await new ScriptedProvider({ encrypt }).encrypt(new Order());
      expect({ ...encrypt.firstCall.args[0].encryptionContext }).to.deep.equal({ orderId: '7' });
    });

    it('do not come from a polluted Object.prototype', async () => {
      const seen: EncryptRequest[] = [];
      const provider = new ScriptedProvider({
        encrypt: async (request) => {
          seen.push(request);
          return { ciphertext: one, keyId: ARN };
        },
      });
      const polluted = {
        keyId: 'alias/evil',
        encryptionContext: { evil: 'yes' },
        signal: AbortSignal.abort(),
        numberOfBytes: 1,
      };
      const { prototype } = Object;
      for (const [name, value] of Object.entries(polluted)) {
        Object.defineProperty(prototype, name, { value, configurable: true });
      }
      let length: number;
      let error: unknown;
      try {
        await provider.encrypt({ keyId: 'alias/orders', plaintext: one }, {});
        const dataKey = await provider.generateDataKey({ keyId: 'a', keySpec: 'AES_256' });
        length = dataKey.plaintext.length;
        error = await rejection(provider.describeKey(js({})));
      } finally {
        for (const name of Object.keys(polluted)) Reflect.deleteProperty(prototype, name);
      }
      expect(length).to.equal(32);
      expect(error).to.include({ code: 'INVALID_INPUT', field: 'keyId' });
      expect(seen[0]?.key.text).to.equal('alias/orders');
      expect(Reflect.ownKeys(seen[0]?.encryptionContext ?? { missing: '' })).to.deep.equal([]);
    });

    // Each field by itself, because one polluted field is enough to have all read with care.
    const key = { keyId: 'alias/orders' };
    const missing: readonly [field: string, Method, input: object, pollution: unknown][] = [
      ['plaintext', 'encrypt', key, one],
      ['ciphertext', 'decrypt', key, one],
      ['keyId', 'describeKey', {}, 'alias/evil'],
      ['keyPairSpec', 'generateDataKeyPair', key, 'RSA_2048'],
      ['destination', 'reEncrypt', { ciphertext: one }, { keyId: 'alias/evil' }],
    ];
    const optional: typeof missing = [
      ['algorithm', 'encrypt', { ...key, plaintext: one }, 'evil'],
      ['encryptionContext', 'encrypt', { ...key, plaintext: one }, 'evil'],
      ['source', 'reEncrypt', { ciphertext: one, destination: key }, 'evil'],
      ['keySpec', 'generateDataKey', { ...key, numberOfBytes: 1 }, 'AES_256'],
      ['numberOfBytes', 'generateDataKey', { ...key, keySpec: 'AES_256' }, 1],
      ['signal', 'encrypt', { ...key, plaintext: one }, 'evil'],
      ['grantTokens', 'encrypt', { ...key, plaintext: one }, 'evil'],
      ['bytesToEncrypt', 'encrypt', { ...key, plaintext: one }, 'evil'],
    ];
    for (const [field, method, input, value] of [...missing, ...optional]) {
      it(`do not include ${field} where only Object.prototype has it`, async () => {
        Object.defineProperty(Object.prototype, field, { value, configurable: true });
        let call: Promise<unknown>;
        try {
          call = callMethod(new ScriptedProvider(), method, input, {});
        } finally {
          Reflect.deleteProperty(Object.prototype, field);
        }
        if (optional.some(([name]) => name === field)) await call;
        else await expectRejection(call, InvalidInputError, { field });
      });
    }
  });
});
