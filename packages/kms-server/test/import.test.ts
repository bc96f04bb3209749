import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { KeySpec, KeyUsageType, KMS } from '@aws-sdk/client-kms';
import { expect } from 'chai';
import { FOREVER, importerInto, importInto, wrap } from './import-material.js';
import {
  bytes,
  Clock,
  describeWithStores,
  newKey,
  rejection,
  type Subject,
  start,
} from './support.js';

const keyIn = (file: string) =>
  createPrivateKey(
    readFileSync(new URL(`../../provider-local/test/key-files/fixtures/${file}`, import.meta.url)),
  );

describeWithStores('Imported key material', (start) => {
  const clock = new Clock();
  let subject: Subject;
  let kms: KMS;
  before(async () => {
    subject = await start({ now: clock.now });
    kms = subject.kms;
  });
  after(() => subject[Symbol.asyncDispose]());

  const describeKey = async (KeyId: string) => (await kms.describeKey({ KeyId })).KeyMetadata ?? {};

  it('makes a key usable, and can be deleted and imported again', async () => {
    const KeyId = await newKey(kms, { Origin: 'EXTERNAL' });
    const pending = `KMSInvalidStateException: ${KeyId} is pending import.`;
    expect(await rejection(kms.encrypt({ KeyId, Plaintext: bytes('x') }))).to.equal(pending);
    expect(await rejection(kms.rotateKeyOnDemand({ KeyId }))).to.equal(pending);
    expect(await describeKey(KeyId)).not.to.have.any.keys(
      'ExpirationModel',
      'CurrentKeyMaterialId',
    );

    const material = randomBytes(32);
    const importIt = await importerInto(kms, KeyId);
    const imported = await importIt(material);
    expect(imported.KeyId).to.equal(KeyId);
    expect(await describeKey(KeyId)).to.include({
      KeyState: 'Enabled',
      CurrentKeyMaterialId: imported.KeyMaterialId,
      ...FOREVER,
    });
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: bytes('x') });

    expect(await kms.deleteImportedKeyMaterial({ KeyId })).to.include({
      KeyId,
      KeyMaterialId: imported.KeyMaterialId,
    });
    expect(await describeKey(KeyId)).to.include({
      KeyState: 'PendingImport',
      CurrentKeyMaterialId: imported.KeyMaterialId,
    });
    expect(await describeKey(KeyId)).not.to.have.property('ExpirationModel');
    expect(await rejection(kms.decrypt({ CiphertextBlob }))).to.equal(pending);

    expect(await rejection(importIt(randomBytes(32)))).to.equal('IncorrectKeyMaterialException');
    await importIt(material);
    expect((await kms.decrypt({ CiphertextBlob })).Plaintext).to.deep.equal(bytes('x'));
  });

  it('can be of an RSA, ECC or HMAC key', async () => {
    const privateKey = keyIn('rsa-2048.pem');
    const rsa = { privateKey, publicKey: createPublicKey(privateKey) };
    const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    for (const [spec, usage, pair] of [
      ['RSA_2048', 'ENCRYPT_DECRYPT', rsa],
      ['ECC_NIST_P256', 'SIGN_VERIFY', ec],
    ] as const) {
      const KeyId = await newKey(kms, { Origin: 'EXTERNAL', KeySpec: spec, KeyUsage: usage });
      const der = pair.privateKey.export({ format: 'der', type: 'pkcs8' });
      const wrapped = await wrap(kms, KeyId, der, 'RSA_AES_KEY_WRAP_SHA_256');
      const imported = await kms.importKeyMaterial({ KeyId, ...wrapped, ...FOREVER });
      expect(imported).not.to.have.property('KeyMaterialId');
      const { PublicKey = new Uint8Array() } = await kms.getPublicKey({ KeyId });
      const expected = pair.publicKey.export({ format: 'der', type: 'spki' });
      expect(expected.equals(PublicKey)).to.equal(true);
    }
    const KeyId = await newKey(kms, {
      Origin: 'EXTERNAL',
      KeySpec: 'HMAC_384',
      KeyUsage: 'GENERATE_VERIFY_MAC',
    });
    expect(await rejection(importInto(kms, KeyId, randomBytes(32)))).to.equal(
      'IncorrectKeyMaterialException',
    );
    await importInto(kms, KeyId, randomBytes(48));
    await kms.generateMac({ KeyId, Message: bytes('x'), MacAlgorithm: 'HMAC_SHA_384' });
  });

  it('expires at its date, and can be imported again', async () => {
    const KeyId = await newKey(kms, { Origin: 'EXTERNAL' });
    const material = randomBytes(32);
    const importIt = await importerInto(kms, KeyId);
    expect(await rejection(importIt(material, {}))).to.equal(
      'ValidationException: A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES',
    );
    const inDays = (days: number) => new Date(clock.now().getTime() + days * 86400_000);
    for (const wrong of [
      { ValidTo: inDays(-1) },
      { ValidTo: inDays(366) },
      { ValidTo: inDays(1), ...FOREVER },
    ]) {
      expect(await rejection(importIt(material, wrong))).to.match(/^ValidationException/);
    }
    const ValidTo = inDays(10);
    await importIt(material, { ValidTo });
    const ExpirationModel = 'KEY_MATERIAL_EXPIRES';
    expect(await describeKey(KeyId)).to.deep.include({ ExpirationModel, ValidTo });
    clock.forward(10);
    expect(await describeKey(KeyId)).to.include({ KeyState: 'PendingImport' });
    expect(await describeKey(KeyId)).not.to.have.property('ValidTo');
    await importInto(kms, KeyId, material);
    expect(await describeKey(KeyId)).to.include({ KeyState: 'Enabled', ...FOREVER });
  });

  it('of new material for a symmetric key is pending until RotateKeyOnDemand', async () => {
    const KeyId = await newKey(kms, { Origin: 'EXTERNAL' });
    const importIt = await importerInto(kms, KeyId);
    const first = await importIt(randomBytes(32));
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: bytes('old') });
    expect(await rejection(kms.rotateKeyOnDemand({ KeyId }))).to.equal(
      `KMSInvalidStateException: No available key material pending rotation for the key: ${KeyId}.`,
    );
    const isNew = { ...FOREVER, ImportType: 'NEW_KEY_MATERIAL' } as const;
    const material = randomBytes(32);
    const second = await importIt(material, {
      ...isNew,
      KeyMaterialDescription: 'two',
    });
    const CurrentKeyMaterialId = first.KeyMaterialId;
    expect(await describeKey(KeyId)).to.include({ CurrentKeyMaterialId });
    expect(await rejection(importIt(randomBytes(32), isNew))).to.match(
      new RegExp(
        `^KMSInvalidStateException: New key material \\(id: [0-9a-f]{64}\\) cannot be imported into KMS key ${KeyId}, because another key material \\(id: ${second.KeyMaterialId}\\) is pending rotation\\.$`,
      ),
    );
    await kms.rotateKeyOnDemand({ KeyId });
    expect(await describeKey(KeyId)).to.include({ CurrentKeyMaterialId: second.KeyMaterialId });
    expect((await kms.decrypt({ CiphertextBlob })).Plaintext).to.deep.equal(bytes('old'));

    // Without any one of its materials the key can't be used.
    const KeyMaterialId = first.KeyMaterialId;
    await kms.deleteImportedKeyMaterial({ KeyId, KeyMaterialId });
    expect(await describeKey(KeyId)).to.include({ KeyState: 'PendingImport' });
    const IncludeKeyMaterial = 'ALL_KEY_MATERIAL';
    const { Rotations } = await kms.listKeyRotations({ KeyId, IncludeKeyMaterial });
    expect(Rotations?.map(({ ImportState }) => ImportState)).to.deep.equal([
      'PENDING_IMPORT',
      'IMPORTED',
    ]);
    expect(Rotations?.[1]).to.include({ KeyMaterialDescription: 'two', RotationType: 'ON_DEMAND' });
    const wrongId = { ...FOREVER, KeyMaterialId };
    expect(await rejection(importIt(material, wrongId))).to.equal('IncorrectKeyMaterialException');
  });

  it('is rejected with a token that is wrong, of another server or expired', async () => {
    const KeyId = await newKey(kms, { Origin: 'EXTERNAL' });
    const other = await newKey(kms, { Origin: 'EXTERNAL' });
    const wrapped = await wrap(kms, KeyId, randomBytes(32));
    const importIt = (more: object) =>
      rejection(kms.importKeyMaterial({ KeyId, ...wrapped, ...FOREVER, ...more }));
    const ImportToken = wrapped.ImportToken?.map((byte, index) => (index === 40 ? byte ^ 1 : byte));
    expect(await importIt({ ImportToken })).to.equal('InvalidImportTokenException');
    expect(await importIt({ ImportToken: bytes('x') })).to.equal('InvalidImportTokenException');
    expect(await importIt({ KeyId: other })).to.equal('InvalidImportTokenException');
    expect(await importIt({ EncryptedKeyMaterial: bytes('x') })).to.equal(
      'InvalidCiphertextException',
    );
    clock.forward(1);
    expect(await importIt({})).to.equal('ExpiredImportTokenException');
  });

  it('is only for keys of origin EXTERNAL', async () => {
    const KeyId = await newKey(kms);
    const parameters = kms.getParametersForImport({
      KeyId,
      WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
      WrappingKeySpec: 'RSA_2048',
    });
    const problem = `UnsupportedOperationException: ${KeyId} origin is AWS_KMS which is not valid for this operation.`;
    expect(await rejection(parameters)).to.equal(problem);
    expect(await rejection(kms.deleteImportedKeyMaterial({ KeyId }))).to.equal(problem);
  });
});

describe('The wrapping of imported key material', () => {
  const RSA = ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] as const;
  const RSA_AES = ['RSA_AES_KEY_WRAP_SHA_1', 'RSA_AES_KEY_WRAP_SHA_256'] as const;
  let subject: Subject;
  let kms: KMS;
  before(async () => {
    subject = await start();
    kms = subject.kms;
  });
  after(() => subject[Symbol.asyncDispose]());

  const newExternalKey = (KeySpec: KeySpec, KeyUsage: KeyUsageType) =>
    newKey(kms, { Origin: 'EXTERNAL', KeySpec, KeyUsage });

  it('is with RSA for symmetric keys', async () => {
    for (const algorithm of RSA) {
      const KeyId = await newKey(kms, { Origin: 'EXTERNAL' });
      const wrapped = await wrap(kms, KeyId, randomBytes(32), algorithm);
      await kms.importKeyMaterial({ KeyId, ...wrapped, ...FOREVER });
      const { KeyMetadata } = await kms.describeKey({ KeyId });
      expect(KeyMetadata).to.include({ KeyState: 'Enabled' });
    }
  });

  it('is with RSA, or RSA and AES, for ECC keys', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp521r1' });
    const der = privateKey.export({ format: 'der', type: 'pkcs8' });
    for (const algorithm of [...RSA, ...RSA_AES]) {
      const KeyId = await newExternalKey('ECC_NIST_P521', 'SIGN_VERIFY');
      // RSA_2048 takes no more than 214 bytes.
      const wrappingKey = algorithm.startsWith('RSAES_OAEP') ? 'RSA_3072' : 'RSA_2048';
      const wrapped = await wrap(kms, KeyId, der, algorithm, wrappingKey);
      await kms.importKeyMaterial({ KeyId, ...wrapped, ...FOREVER });
    }
  });

  it('is no other than those in the table of AWS KMS', async () => {
    const excluded = [
      ['SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT', RSA_AES, 'RSA_4096'],
      ['HMAC_512', 'GENERATE_VERIFY_MAC', RSA_AES, 'RSA_2048'],
      ['RSA_2048', 'SIGN_VERIFY', RSA, 'RSA_4096'],
      ['ECC_NIST_P521', 'KEY_AGREEMENT', RSA, 'RSA_2048'],
      ['ECC_NIST_P256', 'SIGN_VERIFY', ['RSAES_PKCS1_V1_5', 'SM2PKE'], 'RSA_2048'],
      ['ECC_NIST_P256', 'SIGN_VERIFY', RSA, 'SM2'],
    ] as const;
    for (const [spec, usage, algorithms, WrappingKeySpec] of excluded) {
      const KeyId = await newExternalKey(spec, usage);
      for (const WrappingAlgorithm of algorithms) {
        const call = kms.getParametersForImport({ KeyId, WrappingAlgorithm, WrappingKeySpec });
        expect(await rejection(call), `${WrappingAlgorithm} for ${spec}`).to.match(
          /^UnsupportedOperationException/,
        );
      }
    }
  });
});

describe('Imported key material that AWS KMS does not take', () => {
  let subject: Subject;
  let kms: KMS;
  before(async () => {
    subject = await start();
    kms = subject.kms;
  });
  after(() => subject[Symbol.asyncDispose]());

  const INCORRECT = 'IncorrectKeyMaterialException';

  it('is HMAC material shorter than the hash or longer than 128 bytes', async () => {
    for (const [spec, least] of [
      ['HMAC_224', 28],
      ['HMAC_256', 32],
      ['HMAC_384', 48],
      ['HMAC_512', 64],
    ] as const) {
      const key = { Origin: 'EXTERNAL', KeySpec: spec, KeyUsage: 'GENERATE_VERIFY_MAC' } as const;
      const importIt = await importerInto(kms, await newKey(kms, key));
      for (const length of [least - 1, 129]) {
        const call = importIt(randomBytes(length));
        expect(await rejection(call), `${length} bytes for ${spec}`).to.equal(INCORRECT);
      }
      await importIt(randomBytes(128));
      await importInto(kms, await newKey(kms, key), randomBytes(least));
    }
  });

  it('is an RSA key of more than two primes', async () => {
    const key = keyIn('three-prime-2048.pem').export({ format: 'der', type: 'pkcs8' });
    const KeyId = await newKey(kms, {
      Origin: 'EXTERNAL',
      KeySpec: 'RSA_2048',
      KeyUsage: 'SIGN_VERIFY',
    });
    const wrapped = await wrap(kms, KeyId, key, 'RSA_AES_KEY_WRAP_SHA_256');
    const call = kms.importKeyMaterial({ KeyId, ...wrapped, ...FOREVER });
    expect(await rejection(call)).to.equal(INCORRECT);
  });
});

describe('Imported HMAC material', () => {
  it('makes the MAC of RFC 2104, whatever its length', async () => {
    await using subject = await start();
    const { kms } = subject;
    for (const length of [32, 100, 128]) {
      const KeyId = await newKey(kms, {
        Origin: 'EXTERNAL',
        KeySpec: 'HMAC_256',
        KeyUsage: 'GENERATE_VERIFY_MAC',
      });
      const material = randomBytes(length);
      await importInto(kms, KeyId, material);
      const MacAlgorithm = 'HMAC_SHA_256';
      const { Mac } = await kms.generateMac({ KeyId, Message: bytes('x'), MacAlgorithm });
      const expected = createHmac('sha256', material).update('x').digest();
      expect(expected.equals(Mac ?? new Uint8Array())).to.equal(true);
    }
  });
});
