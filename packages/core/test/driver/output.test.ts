import { InternalError } from '@keywrap/core';
import { expect } from 'chai';
import { expectRejection, js } from '../support/failures.js';
import {
  ARN,
  CALLS,
  callMethod,
  DESCRIPTION,
  type Method,
  type Script,
  ScriptedProvider,
} from '../support/scripted-driver.js';

const some = Uint8Array.of(1);

const PAIR = { publicKey: some, privateKey: some, privateKeyCiphertext: some, keyId: ARN };
const PUBLIC = {
  publicKey: some,
  keyId: ARN,
  keySpec: 'RSA_2048',
  keyUsage: 'ENCRYPT_DECRYPT',
  algorithms: [],
} as const;

/** The hook behind each method, a valid output, and the maximum lengths of its bytes. */
const ANSWERS: readonly {
  readonly method: Method;
  readonly hook: keyof Script;
  readonly good: Readonly<Record<string, unknown>>;
  readonly bytes: Readonly<Record<string, number>>;
}[] = [
  {
    method: 'encrypt',
    hook: 'encrypt',
    good: { ciphertext: some, keyId: ARN },
    bytes: { ciphertext: 6144 },
  },
  {
    method: 'reEncrypt',
    hook: 'encrypt',
    good: { ciphertext: some, keyId: ARN },
    bytes: { ciphertext: 6144 },
  },
  {
    method: 'generateDataKey',
    hook: 'encrypt',
    good: { ciphertext: some, keyId: ARN },
    bytes: { ciphertext: 6144 },
  },
  {
    method: 'generateDataKeyWithoutPlaintext',
    hook: 'encrypt',
    good: { ciphertext: some, keyId: ARN },
    bytes: { ciphertext: 6144 },
  },
  {
    method: 'generateDataKeyPair',
    hook: 'generateDataKeyPair',
    good: PAIR,
    bytes: { publicKey: 8192, privateKey: 4096, privateKeyCiphertext: 6144 },
  },
  {
    method: 'generateDataKeyPairWithoutPlaintext',
    hook: 'generateDataKeyPair',
    good: PAIR,
    bytes: { publicKey: 8192, privateKeyCiphertext: 6144 },
  },
  { method: 'getPublicKey', hook: 'getPublicKey', good: PUBLIC, bytes: { publicKey: 8192 } },
  { method: 'describeKey', hook: 'describeKey', good: { ...DESCRIPTION }, bytes: {} },
];

const NOT_ARNS = [
  undefined,
  null,
  '',
  7,
  'orders',
  'alias/orders',
  'arn:aws:kms:eu-west-1:111122223333:alias/orders',
  'arn:aws:s3:::orders',
  `${ARN}\n`,
];
const NOT_BYTES = [undefined, null, '', 'AQID', [1], new ArrayBuffer(1), new Uint8Array()];

const OTHER_ARN = `${ARN}-2`;

/** The input of a method with another name for the key; for reEncrypt, that of the destination. */
function askedFor(method: Method, keyId: string): unknown {
  return method === 'reEncrypt'
    ? { ...CALLS.reEncrypt, destination: { keyId } }
    : { ...CALLS[method], keyId };
}

const returning = (hook: keyof Script, output: unknown) =>
  new ScriptedProvider({ [hook]: async () => js(output) });

const expectBroken = (hook: keyof Script, output: unknown, method: Method) =>
  expectRejection(callMethod(returning(hook, output), method, CALLS[method]), InternalError, {
    code: 'INTERNAL',
    retryable: false,
    operation: method,
  });

describe('createProvider: the outputs of a backend', () => {
  for (const { method, hook, good, bytes } of ANSWERS) {
    it(`${method} accepts a valid output`, async () => {
      const result = await callMethod(returning(hook, good), method, CALLS[method]);
      expect(result).to.be.an('object');
    });

    it(`${method} rejects an output without a key ARN`, async () => {
      for (const keyId of NOT_ARNS) await expectBroken(hook, { ...good, keyId }, method);
    });

    it(`${method} rejects an output of a key other than the requested ARN`, async () => {
      const output = { ...good, keyId: ARN };
      await callMethod(returning(hook, output), method, askedFor(method, ARN));
      await expectRejection(
        callMethod(returning(hook, output), method, askedFor(method, OTHER_ARN)),
        InternalError,
        { code: 'INTERNAL', operation: method },
      );
    });

    it(`${method} rejects a missing output`, async () => {
      for (const output of [undefined, null]) await expectBroken(hook, output, method);
    });

    for (const [name, maximum] of Object.entries(bytes)) {
      it(`${method} accepts ${maximum} bytes as ${name}, and neither more nor none`, async () => {
        const longest = { ...good, [name]: new Uint8Array(maximum) };
        expect(await callMethod(returning(hook, longest), method, CALLS[method])).to.be.an(
          'object',
        );
        for (const wrong of [...NOT_BYTES, new Uint8Array(maximum + 1)]) {
          await expectBroken(hook, { ...good, [name]: wrong }, method);
        }
      });
    }
  }

  for (const method of ['decrypt', 'decryptAsymmetric'] as const) {
    it(`${method} accepts 0 to 4096 bytes as plaintext: RSA-OAEP can encrypt none`, async () => {
      for (const length of [0, 4096]) {
        const output = { plaintext: new Uint8Array(length), keyId: ARN };
        const result = await returning('decrypt', output)[method](js(CALLS[method]));
        expect(result.plaintext).to.have.length(length);
      }
      const empty = new Uint8Array();
      for (const wrong of NOT_BYTES.filter((value) => !(value instanceof Uint8Array))) {
        await expectBroken('decrypt', { plaintext: wrong, keyId: ARN }, method);
      }
      const tooLong = { plaintext: new Uint8Array(4097), keyId: ARN };
      await expectBroken('decrypt', tooLong, method);
      for (const keyId of NOT_ARNS) {
        await expectBroken('decrypt', { plaintext: empty, keyId }, method);
      }
    });
  }

  for (const [method, input] of [
    ['decrypt', { ...CALLS.decrypt, keyId: OTHER_ARN }],
    ['decryptAsymmetric', { ...CALLS.decryptAsymmetric, keyId: OTHER_ARN }],
    ['reEncrypt', { ...CALLS.reEncrypt, source: { keyId: OTHER_ARN } }],
  ] as const) {
    it(`${method} rejects a plaintext of a key other than the requested ARN`, async () => {
      const provider = returning('decrypt', { plaintext: some, keyId: ARN });
      await expectRejection(callMethod(provider, method, input), InternalError, {
        code: 'INTERNAL',
        operation: method,
      });
    });
  }

  it('reEncrypt rejects a source that is not a key ARN', async () => {
    for (const keyId of NOT_ARNS) {
      await expectBroken('decrypt', { plaintext: some, keyId }, 'reEncrypt');
    }
  });

  it('generateDataKey rejects a data key of another length', async () => {
    const generate = (plaintext: unknown) =>
      new ScriptedProvider({
        generateDataKey: () => js({ plaintext, ciphertext: some, keyId: ARN }),
      }).generateDataKey({ keyId: ARN, numberOfBytes: 24 });
    for (const output of [undefined, 'x'.repeat(24), new Uint8Array(23), new Uint8Array(25)]) {
      await expectRejection(generate(output), InternalError);
    }
    expect((await generate(new Uint8Array(24))).plaintext).to.have.length(24);
  });

  it('wipes the secret of an output that it rejects', async () => {
    const plaintext = Uint8Array.of(1, 2, 3);
    await expectBroken('decrypt', { plaintext, keyId: 'alias/orders' }, 'decrypt');
    expect(plaintext).to.deep.equal(new Uint8Array(3));

    const privateKey = Uint8Array.of(1, 2, 3);
    const pair = { ...PAIR, privateKey, publicKey: 'no key' };
    await expectBroken('generateDataKeyPair', pair, 'generateDataKeyPair');
    expect(privateKey).to.deep.equal(new Uint8Array(3));
  });

  it('describeKey rejects a date that is none', async () => {
    for (const field of ['creationDate', 'deletionDate']) {
      const description = { ...DESCRIPTION, [field]: new Date(Number.NaN) };
      await expectBroken('describeKey', description, 'describeKey');
    }
  });

  it('accepts a hook that is not an async function', async () => {
    const provider = new ScriptedProvider({
      encrypt: js(() => ({ ciphertext: some, keyId: ARN })),
    });
    expect(await provider.encrypt(CALLS.encrypt)).to.include({ keyId: ARN });
  });
});
