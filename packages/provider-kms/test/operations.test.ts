import * as sdk from '@aws-sdk/client-kms';
import type { KeyWrapProvider } from '@keywrap/core';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
import { expect } from 'chai';
import { KEY_ARN, OTHER_ARN, rejection, stubbedClient } from './support.js';

const bytes = (...values: number[]) => Uint8Array.from(values);
const context = { order: '7', shop: 'x' };

interface Operation {
  readonly title: string;
  readonly call: (keys: KeyWrapProvider) => Promise<object>;
  readonly command: abstract new (...args: never[]) => object;
  readonly input: object;
  readonly response: object;
  readonly result: object;
}

const OPERATIONS: readonly Operation[] = [
  {
    title: 'encrypt, symmetric, with a context',
    call: (keys) =>
      keys.encrypt({ keyId: 'alias/a', plaintext: bytes(1, 2), encryptionContext: context }),
    command: sdk.EncryptCommand,
    input: {
      KeyId: 'alias/a',
      Plaintext: bytes(1, 2),
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      EncryptionContext: context,
    },
    response: { CiphertextBlob: bytes(9), KeyId: KEY_ARN },
    result: { ciphertext: bytes(9), keyId: KEY_ARN, algorithm: 'SYMMETRIC_DEFAULT' },
  },
  {
    title: 'encrypt, asymmetric, without a context',
    call: (keys) =>
      keys.encrypt({ keyId: KEY_ARN, plaintext: bytes(1), algorithm: 'RSAES_OAEP_SHA_1' }),
    command: sdk.EncryptCommand,
    input: { KeyId: KEY_ARN, Plaintext: bytes(1), EncryptionAlgorithm: 'RSAES_OAEP_SHA_1' },
    response: { CiphertextBlob: bytes(9), KeyId: KEY_ARN },
    result: { ciphertext: bytes(9), keyId: KEY_ARN, algorithm: 'RSAES_OAEP_SHA_1' },
  },
  {
    title: 'decrypt, with the key and a context',
    call: (keys) =>
      keys.decrypt({ keyId: 'alias/a', ciphertext: bytes(9), encryptionContext: context }),
    command: sdk.DecryptCommand,
    input: {
      CiphertextBlob: bytes(9),
      KeyId: 'alias/a',
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      EncryptionContext: context,
    },
    response: { Plaintext: bytes(1, 2), KeyId: KEY_ARN },
    result: { plaintext: bytes(1, 2), keyId: KEY_ARN, algorithm: 'SYMMETRIC_DEFAULT' },
  },
  {
    title: 'decrypt, with neither key nor context',
    call: (keys) => keys.decrypt({ ciphertext: bytes(9), encryptionContext: {} }),
    command: sdk.DecryptCommand,
    input: { CiphertextBlob: bytes(9), EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' },
    response: { Plaintext: bytes(1, 2), KeyId: KEY_ARN },
    result: { plaintext: bytes(1, 2), keyId: KEY_ARN, algorithm: 'SYMMETRIC_DEFAULT' },
  },
  {
    title: 'decryptAsymmetric, to an empty plaintext',
    call: (keys) =>
      keys.decryptAsymmetric({
        keyId: KEY_ARN,
        ciphertext: bytes(9),
        algorithm: 'RSAES_OAEP_SHA_256',
      }),
    command: sdk.DecryptCommand,
    input: {
      CiphertextBlob: bytes(9),
      KeyId: KEY_ARN,
      EncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
    },
    response: { Plaintext: bytes(), KeyId: KEY_ARN },
    result: { plaintext: bytes(), keyId: KEY_ARN, algorithm: 'RSAES_OAEP_SHA_256' },
  },
  {
    title: 'reEncrypt, with both keys and both contexts',
    call: (keys) =>
      keys.reEncrypt({
        ciphertext: bytes(9),
        source: { keyId: KEY_ARN, encryptionContext: context },
        destination: { keyId: OTHER_ARN, encryptionContext: { to: 'z' } },
      }),
    command: sdk.ReEncryptCommand,
    input: {
      CiphertextBlob: bytes(9),
      SourceKeyId: KEY_ARN,
      SourceEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      SourceEncryptionContext: context,
      DestinationKeyId: OTHER_ARN,
      DestinationEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      DestinationEncryptionContext: { to: 'z' },
    },
    response: { CiphertextBlob: bytes(8), SourceKeyId: KEY_ARN, KeyId: OTHER_ARN },
    result: {
      ciphertext: bytes(8),
      sourceKeyId: KEY_ARN,
      sourceAlgorithm: 'SYMMETRIC_DEFAULT',
      destinationKeyId: OTHER_ARN,
      destinationAlgorithm: 'SYMMETRIC_DEFAULT',
    },
  },
  {
    title: 'reEncrypt, from a symmetric key that is not named to RSA',
    call: (keys) =>
      keys.reEncrypt({
        ciphertext: bytes(9),
        destination: { keyId: 'alias/rsa', algorithm: 'RSAES_OAEP_SHA_256' },
      }),
    command: sdk.ReEncryptCommand,
    input: {
      CiphertextBlob: bytes(9),
      SourceEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      DestinationKeyId: 'alias/rsa',
      DestinationEncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
    },
    response: { CiphertextBlob: bytes(8), SourceKeyId: KEY_ARN, KeyId: OTHER_ARN },
    result: {
      ciphertext: bytes(8),
      sourceKeyId: KEY_ARN,
      sourceAlgorithm: 'SYMMETRIC_DEFAULT',
      destinationKeyId: OTHER_ARN,
      destinationAlgorithm: 'RSAES_OAEP_SHA_256',
    },
  },
  {
    title: 'generateDataKey',
    call: (keys) =>
      keys.generateDataKey({ keyId: 'alias/a', keySpec: 'AES_128', encryptionContext: context }),
    command: sdk.GenerateDataKeyCommand,
    input: { KeyId: 'alias/a', NumberOfBytes: 16, EncryptionContext: context },
    response: { Plaintext: new Uint8Array(16).fill(5), CiphertextBlob: bytes(9), KeyId: KEY_ARN },
    result: {
      plaintext: new Uint8Array(16).fill(5),
      ciphertext: bytes(9),
      keyId: KEY_ARN,
    },
  },
  {
    title: 'generateDataKeyWithoutPlaintext',
    call: (keys) => keys.generateDataKeyWithoutPlaintext({ keyId: 'alias/a', numberOfBytes: 100 }),
    command: sdk.GenerateDataKeyWithoutPlaintextCommand,
    input: { KeyId: 'alias/a', NumberOfBytes: 100 },
    response: { CiphertextBlob: bytes(9), KeyId: KEY_ARN },
    result: { ciphertext: bytes(9), keyId: KEY_ARN },
  },
  {
    title: 'generateDataKeyPair',
    call: (keys) =>
      keys.generateDataKeyPair({
        keyId: 'alias/a',
        keyPairSpec: 'ECC_NIST_P384',
        encryptionContext: context,
      }),
    command: sdk.GenerateDataKeyPairCommand,
    input: { KeyId: 'alias/a', KeyPairSpec: 'ECC_NIST_P384', EncryptionContext: context },
    response: {
      PublicKey: bytes(1),
      PrivateKeyPlaintext: bytes(2),
      PrivateKeyCiphertextBlob: bytes(3),
      KeyId: KEY_ARN,
    },
    result: {
      publicKey: bytes(1),
      privateKey: bytes(2),
      privateKeyCiphertext: bytes(3),
      keyPairSpec: 'ECC_NIST_P384',
      keyId: KEY_ARN,
    },
  },
  {
    title: 'generateDataKeyPairWithoutPlaintext',
    call: (keys) =>
      keys.generateDataKeyPairWithoutPlaintext({ keyId: 'alias/a', keyPairSpec: 'RSA_2048' }),
    command: sdk.GenerateDataKeyPairWithoutPlaintextCommand,
    input: { KeyId: 'alias/a', KeyPairSpec: 'RSA_2048' },
    response: { PublicKey: bytes(1), PrivateKeyCiphertextBlob: bytes(3), KeyId: KEY_ARN },
    result: {
      publicKey: bytes(1),
      privateKeyCiphertext: bytes(3),
      keyPairSpec: 'RSA_2048',
      keyId: KEY_ARN,
    },
  },
  {
    title: 'getPublicKey, without the algorithms that keywrap does not have',
    call: (keys) => keys.getPublicKey({ keyId: 'alias/rsa' }),
    command: sdk.GetPublicKeyCommand,
    input: { KeyId: 'alias/rsa' },
    response: {
      PublicKey: bytes(1),
      KeyId: KEY_ARN,
      KeySpec: 'RSA_2048',
      KeyUsage: 'ENCRYPT_DECRYPT',
      EncryptionAlgorithms: ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256', 'SM2PKE'],
    },
    result: {
      publicKey: bytes(1),
      keyId: KEY_ARN,
      keySpec: 'RSA_2048',
      keyUsage: 'ENCRYPT_DECRYPT',
      algorithms: ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'],
    },
  },
  {
    title: 'describeKey',
    call: (keys) => keys.describeKey({ keyId: 'alias/a' }),
    command: sdk.DescribeKeyCommand,
    input: { KeyId: 'alias/a' },
    response: {
      KeyMetadata: {
        KeyId: 'not this one',
        Arn: KEY_ARN,
        KeySpec: 'SYMMETRIC_DEFAULT',
        KeyUsage: 'ENCRYPT_DECRYPT',
        KeyState: 'PendingDeletion',
        Origin: 'EXTERNAL',
        EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
        Description: 'orders',
        CreationDate: new Date(0),
        DeletionDate: new Date(1000),
      },
    },
    result: {
      keyId: KEY_ARN,
      keySpec: 'SYMMETRIC_DEFAULT',
      keyUsage: 'ENCRYPT_DECRYPT',
      keyState: 'PendingDeletion',
      origin: 'EXTERNAL',
      algorithms: ['SYMMETRIC_DEFAULT'],
      description: 'orders',
      creationDate: new Date(0),
      deletionDate: new Date(1000),
    },
  },
];

/** The members that a result is expected to have; those of a secret are getters. */
function pick(from: object, like: object): object {
  return Object.fromEntries(Object.keys(like).map((name) => [name, Reflect.get(from, name)]));
}

describe('KmsKeyWrapProvider, operation by operation', () => {
  for (const { title, call, command, input, response, result } of OPERATIONS) {
    it(`sends and reads: ${title}`, async () => {
      const { client, send } = stubbedClient(response);
      let sent: object | undefined;
      // The input is wiped once the call has settled, so it is read during the call.
      send.callsFake(async (given: { input: object }) => {
        sent = structuredClone(given.input);
        return response;
      });
      const actual = await call(new KmsKeyWrapProvider({ client }));
      expect(send.callCount).to.equal(1);
      expect(send.firstCall.args[0]).to.be.instanceOf(command);
      expect(send.firstCall.args[1]).to.deep.equal({});
      expect(sent).to.deep.equal(input);
      expect(pick(actual, result)).to.deep.equal(result);
    });

    it(`passes the signal and the grant tokens on: ${title.split(',')[0]}`, async () => {
      const { client, send } = stubbedClient(response);
      const keys = new KmsKeyWrapProvider({ client, grantTokens: ['own', 'both'] });
      const { signal } = new AbortController();
      const grants: KeyWrapProvider = new Proxy(keys, {
        get: (target, name) => (given: never) =>
          Reflect.get(target, name).call(target, given, { signal, grantTokens: ['both', 'call'] }),
      });
      await call(grants);
      expect(send.firstCall.args[0].input.GrantTokens).to.deep.equal(['own', 'both', 'call']);
      expect(send.firstCall.args[1]).to.deep.equal({ abortSignal: signal });
    });
  }

  it('wipes the copy of the plaintext that it sent', async () => {
    const { client, send } = stubbedClient({ CiphertextBlob: bytes(9), KeyId: KEY_ARN });
    await new KmsKeyWrapProvider({ client }).encrypt({ keyId: 'alias/a', plaintext: bytes(1, 2) });
    expect(send.firstCall.args[0].input.Plaintext).to.deep.equal(bytes(0, 0));
  });

  it("returns results that own their memory and wipes the SDK's", async () => {
    const pool = bytes(7, 1, 2, 3, 7);
    const response = {
      Plaintext: pool.subarray(1, 4),
      CiphertextBlob: pool.subarray(0, 1),
      KeyId: KEY_ARN,
    };
    const keys = new KmsKeyWrapProvider({ client: stubbedClient(response).client });
    const dataKey = await keys.generateDataKey({ keyId: 'alias/a', numberOfBytes: 3 });
    expect(dataKey.plaintext).to.deep.equal(bytes(1, 2, 3));
    expect(dataKey.plaintext.buffer.byteLength).to.equal(3);
    expect(dataKey.ciphertext.buffer.byteLength).to.equal(1);
    expect(pool).to.deep.equal(bytes(7, 0, 0, 0, 7));
  });

  it("rejects more than 10 grant tokens, including the provider's (INVALID_INPUT)", async () => {
    const { client, send } = stubbedClient();
    const own = Array.from({ length: 6 }, (_, i) => `own ${i}`);
    const tokens = Array.from({ length: 5 }, (_, i) => `call ${i}`);
    const keys = new KmsKeyWrapProvider({ client, grantTokens: own });
    const error = await rejection(keys.describeKey({ keyId: 'alias/a' }, { grantTokens: tokens }));
    expect(error).to.include({ code: 'INVALID_INPUT', field: 'options.grantTokens' });
    expect(send.called).to.equal(false);
  });

  it('rejects a response without a required member (UNAVAILABLE)', async () => {
    for (const { call } of OPERATIONS) {
      const { client } = stubbedClient({});
      const error = await rejection(call(new KmsKeyWrapProvider({ client })));
      expect(error).to.include({ code: 'UNAVAILABLE', retryable: true });
    }
  });

  it('describes a key with few details', async () => {
    const KeyMetadata = {
      Arn: KEY_ARN,
      KeySpec: 'HMAC_256',
      KeyUsage: 'GENERATE_VERIFY_MAC',
      KeyState: 'Enabled',
      Origin: 'AWS_KMS',
      CreationDate: new Date(0),
    };
    const keys = new KmsKeyWrapProvider({ client: stubbedClient({ KeyMetadata }).client });
    const description = await keys.describeKey({ keyId: 'alias/a' });
    expect(description).to.include({ description: '', keyUsage: 'GENERATE_VERIFY_MAC' });
    expect(description.algorithms).to.deep.equal([]);
    expect(description).not.to.have.property('deletionDate');
  });

  it('rejects a key spec that the contract does not have (UNSUPPORTED)', async () => {
    const KeyMetadata = {
      Arn: KEY_ARN,
      KeySpec: 'ML_DSA_44',
      KeyUsage: 'SIGN_VERIFY',
      KeyState: 'Enabled',
      Origin: 'AWS_KMS',
      CreationDate: new Date(0),
    };
    const keys = new KmsKeyWrapProvider({ client: stubbedClient({ KeyMetadata }).client });
    const error = await rejection(keys.describeKey({ keyId: 'alias/a' }));
    expect(error).to.include({ code: 'UNSUPPORTED', operation: 'describeKey', keyId: 'alias/a' });
    expect(error.message).to.contain('ML_DSA_44');
  });

  it('declares everything of the contract', () => {
    const { id, capabilities } = new KmsKeyWrapProvider();
    expect(id).to.equal('aws-kms');
    expect(capabilities).to.deep.include({
      encryptionContext: true,
      keyIdFromCiphertext: true,
      dataKeys: true,
    });
    expect(capabilities.algorithms).to.have.length(3);
    expect(capabilities.dataKeyPairSpecs).to.have.length(7);
    expect(Object.isFrozen(capabilities)).to.equal(true);
  });
});
