import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import { expect } from 'chai';
import { bytes, idOf, newKey, rejection, type Subject, start } from './support.js';

describe('Encrypt, Decrypt, ReEncrypt', () => {
  let subject: Subject;
  let symmetric: string;
  let rsa: string;
  before(async () => {
    subject = await start();
    symmetric = await newKey(subject.kms);
    rsa = await newKey(subject.kms, { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' });
    await subject.kms.createAlias({ AliasName: 'alias/orders', TargetKeyId: symmetric });
  });
  after(() => subject[Symbol.asyncDispose]());

  const encrypt = (KeyId: string, more: object = {}) =>
    subject.kms.encrypt({ KeyId, Plaintext: bytes('secret'), ...more });

  it('decrypts what it encrypted, with the key named in any form or not at all', async () => {
    const aliasArn = symmetric.replace(/key\/.*/, 'alias/orders');
    for (const KeyId of [symmetric, idOf(symmetric), 'alias/orders', aliasArn]) {
      const sealed = await encrypt(KeyId);
      expect(sealed.KeyId).to.equal(symmetric);
      expect(sealed.EncryptionAlgorithm).to.equal('SYMMETRIC_DEFAULT');
      const { CiphertextBlob } = sealed;
      for (const named of [{}, { KeyId }]) {
        const opened = await subject.kms.decrypt({ CiphertextBlob, ...named });
        expect(opened.Plaintext).to.deep.equal(bytes('secret'));
        expect(opened.KeyId).to.equal(symmetric);
        expect(opened.KeyMaterialId).to.match(/^[a-f0-9]{64}$/);
      }
    }
  });

  it('binds to the encryption context, exactly', async () => {
    const EncryptionContext = { ab: 'c', ключ: 'значение' };
    const { CiphertextBlob } = await encrypt(symmetric, { EncryptionContext });
    await subject.kms.decrypt({
      CiphertextBlob,
      EncryptionContext: { ключ: 'значение', ab: 'c' },
    });
    for (const wrong of [{}, { ab: 'c' }, { a: 'bc', ключ: 'значение' }, undefined]) {
      const opened = subject.kms.decrypt({ CiphertextBlob, EncryptionContext: wrong });
      expect(await rejection(opened)).to.equal('InvalidCiphertextException');
    }
  });

  it('treats an empty encryption context as none', async () => {
    const { CiphertextBlob } = await encrypt(symmetric, { EncryptionContext: {} });
    await subject.kms.decrypt({ CiphertextBlob });
  });

  it('rejects a damaged ciphertext without saying why', async () => {
    const { CiphertextBlob = new Uint8Array() } = await encrypt(symmetric);
    const flipped = Uint8Array.from(CiphertextBlob, (byte, i) => (i === 60 ? byte ^ 1 : byte));
    for (const blob of [flipped, bytes('nonsense'), Buffer.concat([CiphertextBlob, bytes('x')])]) {
      const opened = subject.kms.decrypt({ CiphertextBlob: blob });
      expect(await rejection(opened)).to.equal('InvalidCiphertextException');
    }
  });

  it('rejects a ciphertext of another key than the named one', async () => {
    const other = await newKey(subject.kms);
    const { CiphertextBlob } = await encrypt(symmetric);
    expect(await rejection(subject.kms.decrypt({ CiphertextBlob, KeyId: other }))).to.equal(
      'IncorrectKeyException: The key ID in the request does not identify a CMK that can perform this operation.',
    );
  });

  it('rejects a ciphertext with a named key that is not an encryption key', async () => {
    const mac = await newKey(subject.kms, { KeySpec: 'HMAC_224', KeyUsage: 'GENERATE_VERIFY_MAC' });
    const { CiphertextBlob } = await encrypt(symmetric);
    expect(await rejection(subject.kms.decrypt({ CiphertextBlob, KeyId: mac }))).to.match(
      /^IncorrectKeyException/,
    );
    const nonsense = subject.kms.decrypt({ CiphertextBlob: bytes('nonsense'), KeyId: mac });
    expect(await rejection(nonsense)).to.equal(
      `InvalidKeyUsageException: ${mac} key usage is GENERATE_VERIFY_MAC which is not valid for Decrypt.`,
    );
  });

  it('encrypts 1 to 4096 bytes under a symmetric key', async () => {
    const { CiphertextBlob } = await encrypt(symmetric, { Plaintext: new Uint8Array(4096) });
    expect(CiphertextBlob?.length).to.be.at.most(6144);
    expect(await rejection(encrypt(symmetric, { Plaintext: new Uint8Array(4097) }))).to.equal(
      "ValidationException: 1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096",
    );
    expect(await rejection(encrypt(symmetric, { Plaintext: new Uint8Array() }))).to.equal(
      "ValidationException: 1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
  });

  it('encrypts with RSA up to what OAEP can carry', async () => {
    for (const [algorithm, maximum] of [
      ['RSAES_OAEP_SHA_1', 214],
      ['RSAES_OAEP_SHA_256', 190],
    ] as const) {
      const EncryptionAlgorithm = algorithm;
      const Plaintext = new Uint8Array(maximum).fill(7);
      const { CiphertextBlob } = await encrypt(rsa, { EncryptionAlgorithm, Plaintext });
      expect(CiphertextBlob).to.have.length(256);
      const opened = await subject.kms.decrypt({ KeyId: rsa, CiphertextBlob, EncryptionAlgorithm });
      expect(opened.Plaintext).to.deep.equal(Plaintext);
      const tooLong = encrypt(rsa, { EncryptionAlgorithm, Plaintext: new Uint8Array(maximum + 1) });
      expect(await rejection(tooLong)).to.equal(
        `ValidationException: Algorithm ${algorithm} and key spec RSA_2048 cannot encrypt data larger than ${maximum} bytes.`,
      );
    }
  });

  it('decrypts what was encrypted outside with the public key', async () => {
    const { PublicKey } = await subject.kms.getPublicKey({ KeyId: rsa });
    const key = createPublicKey({ key: Buffer.from(PublicKey ?? []), format: 'der', type: 'spki' });
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    const CiphertextBlob = publicEncrypt({ key, padding, oaepHash: 'sha256' }, bytes('outside'));
    const opened = await subject.kms.decrypt({
      KeyId: rsa,
      CiphertextBlob,
      EncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
    });
    expect(opened.Plaintext).to.deep.equal(bytes('outside'));
    expect(opened.KeyMaterialId).to.equal(undefined);
  });

  it('requires a key, and no encryption context, for RSA', async () => {
    const EncryptionAlgorithm = 'RSAES_OAEP_SHA_256';
    const { CiphertextBlob } = await encrypt(rsa, { EncryptionAlgorithm });
    expect(await rejection(subject.kms.decrypt({ CiphertextBlob, EncryptionAlgorithm }))).to.match(
      /^ValidationException/,
    );
    const EncryptionContext = { a: 'b' };
    expect(await rejection(encrypt(rsa, { EncryptionAlgorithm, EncryptionContext }))).to.match(
      /^ValidationException/,
    );
    await encrypt(rsa, { EncryptionAlgorithm, EncryptionContext: {} });
  });

  it('rejects an algorithm that is not for the key', async () => {
    expect(await rejection(encrypt(rsa))).to.equal(
      'InvalidKeyUsageException: Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048.',
    );
    const EncryptionAlgorithm = 'RSAES_OAEP_SHA_1';
    expect(await rejection(encrypt(symmetric, { EncryptionAlgorithm }))).to.equal(
      'InvalidKeyUsageException: Algorithm RSAES_OAEP_SHA_1 is incompatible with key spec SYMMETRIC_DEFAULT.',
    );
  });

  it('rejects a key that signs', async () => {
    const signing = await newKey(subject.kms, { KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' });
    expect(await rejection(encrypt(signing))).to.equal(
      `InvalidKeyUsageException: ${signing} key usage is SIGN_VERIFY which is not valid for Encrypt.`,
    );
  });

  it('re-encrypts between keys of both kinds', async () => {
    const other = await newKey(subject.kms);
    const rsaSide = { KeyId: rsa, EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' } as const;
    const symmetricSide = { KeyId: symmetric, EncryptionContext: { a: 'b' } } as const;
    const otherSide = { KeyId: other, EncryptionContext: { c: 'd' } } as const;
    for (const source of [rsaSide, symmetricSide]) {
      for (const destination of [rsaSide, otherSide]) {
        const { CiphertextBlob } = await encrypt(source.KeyId, source);
        const moved = await subject.kms.reEncrypt({
          CiphertextBlob,
          SourceKeyId: source.KeyId,
          DestinationKeyId: destination.KeyId,
          ...('EncryptionContext' in source
            ? { SourceEncryptionContext: source.EncryptionContext }
            : { SourceEncryptionAlgorithm: source.EncryptionAlgorithm }),
          ...('EncryptionContext' in destination
            ? { DestinationEncryptionContext: destination.EncryptionContext }
            : { DestinationEncryptionAlgorithm: destination.EncryptionAlgorithm }),
        });
        expect(moved).to.include({ SourceKeyId: source.KeyId, KeyId: destination.KeyId });
        const { CiphertextBlob: blob } = moved;
        const opened = await subject.kms.decrypt({ CiphertextBlob: blob, ...destination });
        expect(opened.Plaintext).to.deep.equal(bytes('secret'));
      }
    }
  });

  it('reports which side of ReEncrypt is wrong', async () => {
    const mac = await newKey(subject.kms, { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
    const { CiphertextBlob } = await encrypt(symmetric);
    const toMac = subject.kms.reEncrypt({ CiphertextBlob, DestinationKeyId: mac });
    expect(await rejection(toMac)).to.equal(
      `InvalidKeyUsageException: ${mac} key usage is GENERATE_VERIFY_MAC which is not valid for ReEncryptTo.`,
    );
    const SourceKeyId = await newKey(subject.kms);
    const wrong = subject.kms.reEncrypt({
      CiphertextBlob,
      SourceKeyId,
      DestinationKeyId: symmetric,
    });
    expect(await rejection(wrong)).to.match(/^IncorrectKeyException/);
  });

  it('does nothing with DryRun', async () => {
    const DryRun = true;
    const { CiphertextBlob } = await encrypt(symmetric);
    const tried =
      'DryRunOperationException: The request would have succeeded, but the DryRun option is set.';
    expect(await rejection(encrypt(symmetric, { DryRun }))).to.equal(tried);
    expect(await rejection(subject.kms.decrypt({ CiphertextBlob, DryRun }))).to.equal(tried);
    const move = { CiphertextBlob, DestinationKeyId: symmetric, DryRun };
    expect(await rejection(subject.kms.reEncrypt(move))).to.equal(tried);
    const broken = subject.kms.decrypt({ CiphertextBlob: bytes('nonsense'), DryRun });
    expect(await rejection(broken)).to.equal('InvalidCiphertextException');
    const ignoring = { KeyId: symmetric, DryRun, DryRunModifiers: ['IGNORE_CIPHERTEXT' as const] };
    expect(await rejection(subject.kms.decrypt(ignoring))).to.equal(tried);
    expect(await rejection(subject.kms.decrypt({ ...ignoring, DryRun: false }))).to.match(
      /^ValidationException/,
    );
    expect(await rejection(subject.kms.decrypt({ KeyId: symmetric }))).to.match(
      /^ValidationException: 1 validation error detected: Value null at 'ciphertextBlob'/,
    );
  });

  it("rejects a recipient, whose attestation it can't check", async () => {
    const { CiphertextBlob } = await encrypt(symmetric);
    const Recipient = { AttestationDocument: bytes('document') };
    expect(await rejection(subject.kms.decrypt({ CiphertextBlob, Recipient }))).to.match(
      /^UnsupportedOperationException/,
    );
  });
});
