import {
  completeDriver,
  copyBytes,
  createProvider,
  FUNCTION_NAMES,
  IN_PROCESS,
  InternalError,
  InvalidInputError,
  NO_OPTIONS,
  parseKeyId,
  readEncryptionContext,
} from '@keywrap/core';
import { expect } from 'chai';
import sinon from 'sinon';
import { expectRejection, js } from '../support/failures.js';
import {
  ARN,
  CALLS,
  minimalDriver,
  OTHER_ARN,
  ScriptedProvider,
} from '../support/scripted-driver.js';

const some = Uint8Array.of(1);
const target = {
  key: parseKeyId(ARN),
  algorithm: 'SYMMETRIC_DEFAULT',
  encryptionContext: readEncryptionContext(undefined),
} as const;

describe('completeDriver', () => {
  it('returns every function, in a plain record', async () => {
    class Backend {
      readonly id = 'class';
      readonly capabilities = minimalDriver().capabilities;
      readonly #arn = ARN;
      encrypt = () => ({ ciphertext: some, keyId: this.#arn });
      decrypt() {
        return { plaintext: Uint8Array.of(2), keyId: this.#arn };
      }
      describeKey() {
        return js({ keyId: this.#arn });
      }
    }
    const driver = completeDriver(new Backend());
    expect(Object.keys(driver)).to.include.members([
      ...FUNCTION_NAMES,
      'id',
      'capabilities',
      'keys',
    ]);
    const copy = { ...driver };
    const { ciphertext } = await copy.generateDataKey({ ...target, numberOfBytes: 8 }, NO_OPTIONS);
    expect(ciphertext).to.deep.equal(some);
    expect(
      await copy.decrypt({ ...target, ciphertext: copyBytes(ciphertext) }, NO_OPTIONS),
    ).to.include({ keyId: ARN });
  });

  it('accepts functions that return or throw synchronously', async () => {
    const driver = minimalDriver({
      encrypt: () => ({ ciphertext: some, keyId: ARN }),
      decrypt() {
        throw new InvalidInputError('ciphertext', 'is wrong');
      },
    });
    const provider = createProvider(driver);
    expect(await provider.encrypt(CALLS.encrypt)).to.include({ keyId: ARN });
    await expectRejection(provider.decrypt(CALLS.decrypt), InvalidInputError);
  });

  it('does in this process what the driver declines', async () => {
    const decrypt = sinon.spy(() => ({ plaintext: Uint8Array.of(4), keyId: OTHER_ARN }));
    const provider = createProvider(
      minimalDriver({
        decrypt,
        reEncrypt: () => IN_PROCESS,
        generateDataKey: async () => IN_PROCESS,
      }),
    );
    expect(await provider.reEncrypt(CALLS.reEncrypt)).to.include({
      sourceKeyId: OTHER_ARN,
      destinationKeyId: ARN,
    });
    expect(decrypt.callCount).to.equal(1);
    expect((await provider.generateDataKey(CALLS.generateDataKey)).plaintext).to.have.length(32);
  });

  it('does not take a forgotten return for declining (INTERNAL)', async () => {
    const provider = createProvider(minimalDriver({ reEncrypt: js(() => {}) }));
    await expectRejection(provider.reEncrypt(CALLS.reEncrypt), InternalError);
  });

  it('wraps data keys with the algorithm that the driver declares', async () => {
    const encrypt = sinon.spy(new ScriptedProvider().script.encrypt);
    const dataKeyAlgorithm = 'RSAES_OAEP_SHA_256';
    const provider = createProvider(minimalDriver({ encrypt }, { dataKeyAlgorithm }));
    await provider.generateDataKey(CALLS.generateDataKey);
    expect(encrypt.firstCall.args[0]).to.include({ algorithm: dataKeyAlgorithm });
    const bound = { ...CALLS.generateDataKey, encryptionContext: { a: 'b' } };
    await expectRejection(provider.generateDataKey(bound), InvalidInputError, {
      field: 'encryptionContext',
    });
  });
});

describe('the version of a key', () => {
  const provider = createProvider(
    minimalDriver({
      ...new ScriptedProvider().script,
      encrypt: () => ({ ciphertext: some, keyId: ARN, keyVersion: '2' }),
      decrypt: () => ({ plaintext: Uint8Array.of(4), keyId: ARN, keyVersion: '1' }),
    }),
  );

  it('is in every result, where the driver knows it', async () => {
    expect(await provider.encrypt(CALLS.encrypt)).to.include({ keyVersion: '2' });
    expect(await provider.decrypt(CALLS.decrypt)).to.include({ keyVersion: '1' });
    expect(await provider.reEncrypt(CALLS.reEncrypt)).to.include({
      sourceKeyVersion: '1',
      destinationKeyVersion: '2',
    });
    expect(await provider.generateDataKey(CALLS.generateDataKey)).to.include({ keyVersion: '2' });
    const wrapped = await provider.generateDataKeyWithoutPlaintext(CALLS.generateDataKey);
    expect(wrapped).to.include({ keyVersion: '2' });
  });

  it('is not there where it does not', async () => {
    const unversioned = new ScriptedProvider();
    expect(await unversioned.encrypt(CALLS.encrypt)).not.to.have.property('keyVersion');
    expect((await unversioned.decrypt(CALLS.decrypt)).keyVersion).to.equal(undefined);
  });

  it('is a string, or the output is rejected (INTERNAL)', async () => {
    for (const keyVersion of [1, '', null, {}]) {
      const encrypt = () => js({ ciphertext: some, keyId: ARN, keyVersion });
      const call = createProvider(minimalDriver({ encrypt })).encrypt(CALLS.encrypt);
      await expectRejection(call, InternalError);
    }
  });
});
