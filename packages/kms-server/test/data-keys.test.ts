import { createPrivateKey, createPublicKey } from 'node:crypto';
import { expect } from 'chai';
import { newKey, rejection, rejections, type Subject, start } from './support.js';

describe('GenerateDataKey and its relatives, GenerateRandom', () => {
  let subject: Subject;
  let KeyId: string;
  before(async () => {
    subject = await start();
    KeyId = await newKey(subject.kms);
  });
  after(() => subject[Symbol.asyncDispose]());

  it('makes data keys of every length that decrypt to the same', async () => {
    const EncryptionContext = { purpose: 'test' };
    for (const [size, length] of [
      [{ KeySpec: 'AES_256' }, 32],
      [{ KeySpec: 'AES_128' }, 16],
      [{ NumberOfBytes: 1 }, 1],
      [{ NumberOfBytes: 1024 }, 1024],
    ] as const) {
      const dataKey = await subject.kms.generateDataKey({ KeyId, EncryptionContext, ...size });
      expect(dataKey.Plaintext).to.have.length(length);
      expect(dataKey.KeyId).to.equal(KeyId);
      const { CiphertextBlob } = dataKey;
      const opened = await subject.kms.decrypt({ CiphertextBlob, EncryptionContext });
      expect(opened.Plaintext).to.deep.equal(dataKey.Plaintext);
      expect(opened.KeyMaterialId).to.equal(dataKey.KeyMaterialId);
    }
  });

  it('leaves out the plaintext on request', async () => {
    const wrapped = await subject.kms.generateDataKeyWithoutPlaintext({
      KeyId,
      KeySpec: 'AES_256',
    });
    expect(wrapped).not.to.have.property('Plaintext');
    const opened = await subject.kms.decrypt({ CiphertextBlob: wrapped.CiphertextBlob });
    expect(opened.Plaintext).to.have.length(32);
  });

  it('requires either a spec or a number of bytes', async () => {
    const problem = 'ValidationException: Please specify either number of bytes or key spec.';
    expect(await rejection(subject.kms.generateDataKey({ KeyId }))).to.equal(problem);
    const both = { KeyId, KeySpec: 'AES_128', NumberOfBytes: 16 } as const;
    expect(await rejection(subject.kms.generateDataKey(both))).to.equal(problem);
  });

  it('makes key pairs of every kind', async () => {
    for (const KeyPairSpec of [
      'RSA_2048',
      'ECC_NIST_P256',
      'ECC_NIST_P384',
      'ECC_NIST_P521',
      'ECC_SECG_P256K1',
    ] as const) {
      const pair = await subject.kms.generateDataKeyPair({ KeyId, KeyPairSpec });
      expect(pair).to.include({ KeyId, KeyPairSpec });
      const privateKey = createPrivateKey({
        key: Buffer.from(pair.PrivateKeyPlaintext ?? []),
        format: 'der',
        type: 'pkcs8',
      });
      const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
      expect(publicKey.equals(pair.PublicKey ?? new Uint8Array())).to.equal(true);
      const { PrivateKeyCiphertextBlob: CiphertextBlob } = pair;
      const opened = await subject.kms.decrypt({ CiphertextBlob });
      expect(opened.Plaintext).to.deep.equal(pair.PrivateKeyPlaintext);
    }
    const wrapped = await subject.kms.generateDataKeyPairWithoutPlaintext({
      KeyId,
      KeyPairSpec: 'ECC_NIST_P256',
    });
    expect(wrapped).not.to.have.property('PrivateKeyPlaintext');
  });

  it('rejects key pair specs that it does not support', async () => {
    const pair = subject.kms.generateDataKeyPair({ KeyId, KeyPairSpec: 'SM2' });
    expect(await rejection(pair)).to.match(/^UnsupportedOperationException/);
  });

  it('wraps under symmetric keys only', async () => {
    const rsa = await newKey(subject.kms, { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' });
    const KeySpec = 'AES_256';
    expect(await rejection(subject.kms.generateDataKey({ KeyId: rsa, KeySpec }))).to.equal(
      'InvalidKeyUsageException: Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.',
    );
  });

  it('does nothing with DryRun', async () => {
    const { kms } = subject;
    const DryRun = true;
    const KeyPairSpec = 'RSA_4096';
    for (const reason of await rejections([
      kms.generateDataKey({ KeyId, KeySpec: 'AES_256', DryRun }),
      kms.generateDataKeyWithoutPlaintext({ KeyId, KeySpec: 'AES_256', DryRun }),
      kms.generateDataKeyPair({ KeyId, KeyPairSpec, DryRun }),
      kms.generateDataKeyPairWithoutPlaintext({ KeyId, KeyPairSpec, DryRun }),
    ])) {
      expect(reason).to.match(/^DryRunOperationException/);
    }
  });

  it('makes random bytes', async () => {
    const { Plaintext } = await subject.kms.generateRandom({ NumberOfBytes: 1024 });
    expect(Plaintext).to.have.length(1024);
    expect(await rejection(subject.kms.generateRandom({}))).to.equal(
      'ValidationException: NumberOfBytes is required.',
    );
    expect(await rejection(subject.kms.generateRandom({ NumberOfBytes: 1025 }))).to.equal(
      "ValidationException: 1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy constraint: Member must have value less than or equal to 1024",
    );
    const stored = { NumberOfBytes: 1, CustomKeyStoreId: 'cks-1' };
    expect(await rejection(subject.kms.generateRandom(stored))).to.match(
      /^CustomKeyStoreNotFoundException/,
    );
  });
});
