import type { KeySpec, KeyUsageType } from '@aws-sdk/client-kms';
import { expect } from 'chai';
import {
  ACCOUNT,
  bytes,
  Clock,
  describeWithStores,
  idOf,
  newKey,
  REGION,
  rejection,
  rejections,
  type Subject,
} from './support.js';

describeWithStores('CreateKey, DescribeKey', (start) => {
  let subject: Subject;
  const clock = new Clock();
  before(async () => {
    subject = await start({ now: clock.now });
  });
  after(() => subject[Symbol.asyncDispose]());

  it('makes a symmetric key by default', async () => {
    const { KeyMetadata } = await subject.kms.createKey({});
    const { KeyId = '', CurrentKeyMaterialId, ...rest } = KeyMetadata ?? {};
    expect(KeyId).to.match(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(CurrentKeyMaterialId).to.match(/^[0-9a-f]{64}$/);
    expect(rest).to.deep.equal({
      AWSAccountId: ACCOUNT,
      Arn: `arn:aws:kms:${REGION}:${ACCOUNT}:key/${KeyId}`,
      CreationDate: clock.now(),
      CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
      Description: '',
      Enabled: true,
      EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
      KeyManager: 'CUSTOMER',
      KeySpec: 'SYMMETRIC_DEFAULT',
      KeyState: 'Enabled',
      KeyUsage: 'ENCRYPT_DECRYPT',
      MultiRegion: false,
      Origin: 'AWS_KMS',
    });
    const described = await subject.kms.describeKey({ KeyId });
    expect(described.KeyMetadata).to.deep.equal(KeyMetadata);
  });

  const kinds: [KeySpec, KeyUsageType, string, string[]][] = [
    [
      'RSA_2048',
      'ENCRYPT_DECRYPT',
      'EncryptionAlgorithms',
      ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'],
    ],
    ['ECC_NIST_P384', 'SIGN_VERIFY', 'SigningAlgorithms', ['ECDSA_SHA_384']],
    ['ECC_NIST_P521', 'KEY_AGREEMENT', 'KeyAgreementAlgorithms', ['ECDH']],
    ['HMAC_512', 'GENERATE_VERIFY_MAC', 'MacAlgorithms', ['HMAC_SHA_512']],
  ];
  for (const [KeySpec, KeyUsage, member, algorithms] of kinds) {
    it(`makes a ${KeySpec} key for ${KeyUsage}`, async () => {
      const { KeyMetadata } = await subject.kms.createKey({ KeySpec, KeyUsage });
      expect(KeyMetadata).to.include({ KeySpec, CustomerMasterKeySpec: KeySpec, KeyUsage });
      expect(KeyMetadata).to.have.deep.property(member, algorithms);
      expect(KeyMetadata).not.to.have.property('CurrentKeyMaterialId');
    });
  }

  it('makes a multi-Region key, with an mrk- id', async () => {
    const { KeyMetadata } = await subject.kms.createKey({ MultiRegion: true });
    expect(KeyMetadata?.KeyId).to.match(/^mrk-[0-9a-f]{32}$/);
    expect(KeyMetadata?.MultiRegionConfiguration).to.deep.equal({
      MultiRegionKeyType: 'PRIMARY',
      PrimaryKey: { Arn: KeyMetadata?.Arn, Region: REGION },
      ReplicaKeys: [],
    });
  });

  it('rejects incompatible parameters', async () => {
    const { kms } = subject;
    for (const [input, problem] of [
      [
        { KeySpec: 'HMAC_256' },
        'ValidationException: You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.',
      ],
      [
        { KeySpec: 'RSA_2048', KeyUsage: 'KEY_AGREEMENT' },
        'ValidationException: KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048',
      ],
      [
        { KeySpec: 'RSA_2048', CustomerMasterKeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' },
        'ValidationException: You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.',
      ],
      [{ CustomKeyStoreId: 'cks-1' }, 'CustomKeyStoreNotFoundException'],
      [{ Origin: 'AWS_CLOUDHSM' }, 'ValidationException'],
      [{ XksKeyId: 'xks' }, 'ValidationException'],
      [{ KeySpec: 'ML_DSA_44', KeyUsage: 'SIGN_VERIFY' }, 'UnsupportedOperationException'],
    ] as const) {
      expect(await rejection(kms.createKey(input))).to.satisfy((text: string) =>
        text.startsWith(problem),
      );
    }
  });

  it('reports several problems at once, with the allowed values', async () => {
    const input = { KeySpec: 'HMAC_random', KeyUsage: 'RANDOM' } as object;
    expect(await rejection(subject.kms.createKey(input))).to.match(
      /^ValidationException: 2 validation errors detected: Value 'RANDOM' at 'keyUsage' failed to satisfy constraint: Member must satisfy enum value set: \[.*\bSIGN_VERIFY\b.*\]; Value 'HMAC_random' at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set: \[.*\bHMAC_224\b.*\]$/,
    );
  });

  it('accepts the old name of KeySpec', async () => {
    const { KeyMetadata } = await subject.kms.createKey({
      CustomerMasterKeySpec: 'ECC_NIST_P256',
      KeyUsage: 'SIGN_VERIFY',
    });
    expect(KeyMetadata?.KeySpec).to.equal('ECC_NIST_P256');
  });

  it("names the key or alias that it can't find", async () => {
    const { kms } = subject;
    const scope = `arn:aws:kms:${REGION}:${ACCOUNT}`;
    const id = '134f2428-cec1-4b25-a1ae-9048164dba47';
    for (const [KeyId, problem] of [
      ['fake-key-id', "NotFoundException: Invalid keyId 'fake-key-id'"],
      [id, `NotFoundException: Key '${scope}:key/${id}' does not exist`],
      [`${scope}:key/${id}`, `NotFoundException: Key '${scope}:key/${id}' does not exist`],
      ['alias/none', `NotFoundException: Alias ${scope}:alias/none is not found.`],
      [`${scope}:alias/none`, `NotFoundException: Alias ${scope}:alias/none is not found.`],
      [`arn:aws:kms:us-west-2:${ACCOUNT}:key/${id}`, 'NotFoundException: Invalid arn us-west-2'],
      ['arn:aws:s3:::bucket', 'InvalidArnException: Invalid arn arn:aws:s3:::bucket'],
    ]) {
      expect(await rejection(kms.describeKey({ KeyId }))).to.equal(problem);
      // Operations that use a key have no InvalidArnException.
      const used = await rejection(kms.encrypt({ KeyId, Plaintext: bytes('x') }));
      expect(used).to.equal(problem?.replace(/^InvalidArnException/, 'NotFoundException'));
    }
  });

  // AWS KMS tells nobody whether another account has a key.
  it('is denied keys and aliases of another account', async () => {
    const { kms } = subject;
    const scope = `arn:aws:kms:${REGION}:999999999999`;
    for (const name of ['key/134f2428-cec1-4b25-a1ae-9048164dba47', 'alias/none']) {
      const KeyId = `${scope}:${name}`;
      const denied =
        /^AccessDeniedException: .*because the resource does not exist in this Region, /;
      expect(await rejection(kms.describeKey({ KeyId })))
        .to.match(denied)
        .and.include(KeyId);
      expect(await rejection(kms.encrypt({ KeyId, Plaintext: bytes('x') }))).to.match(denied);
    }
    const KeyId = `${scope}:key/134f2428-cec1-4b25-a1ae-9048164dba47`;
    expect(await rejection(kms.getKeyPolicy({ KeyId }))).to.match(/^AccessDeniedException: /);
    const elsewhere = KeyId.replace(REGION, 'us-west-2');
    expect(await rejection(kms.describeKey({ KeyId: elsewhere }))).to.match(/^NotFoundException: /);
  });

  it('changes the description', async () => {
    const KeyId = await newKey(subject.kms, { Description: 'before' });
    await subject.kms.updateKeyDescription({ KeyId, Description: '' });
    const { KeyMetadata } = await subject.kms.describeKey({ KeyId });
    expect(KeyMetadata?.Description).to.equal('');
  });

  it('returns public keys of asymmetric keys only', async () => {
    const KeyId = await newKey(subject.kms);
    expect(await rejection(subject.kms.getPublicKey({ KeyId }))).to.match(
      /^UnsupportedOperationException/,
    );
  });
});

describeWithStores('The life of a key', (start) => {
  const clock = new Clock();
  let subject: Subject;
  before(async () => {
    subject = await start({ now: clock.now });
  });
  after(() => subject[Symbol.asyncDispose]());

  const stateOf = async (KeyId: string) =>
    (await subject.kms.describeKey({ KeyId })).KeyMetadata?.KeyState;

  it('is disabled and enabled, any number of times', async () => {
    const { kms } = subject;
    const KeyId = await newKey(kms);
    for (let times = 0; times < 2; times++) await kms.disableKey({ KeyId });
    expect(await stateOf(KeyId)).to.equal('Disabled');
    const request = { KeyId, Plaintext: bytes('x') };
    expect(await rejection(kms.encrypt(request))).to.equal(
      `DisabledException: ${KeyId} is disabled.`,
    );
    for (let times = 0; times < 2; times++) await kms.enableKey({ KeyId });
    await kms.encrypt(request);
  });

  it('rejects every operation with a disabled key', async () => {
    const { kms } = subject;
    const symmetric = await newKey(kms);
    const { CiphertextBlob } = await kms.encrypt({ KeyId: symmetric, Plaintext: bytes('x') });
    const signing = await newKey(kms, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' });
    const mac = await newKey(kms, { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
    for (const KeyId of [symmetric, signing, mac]) await kms.disableKey({ KeyId });
    const Message = bytes('x');
    const sign = { KeyId: signing, Message, SigningAlgorithm: 'ECDSA_SHA_256' } as const;
    const makeMac = { KeyId: mac, Message, MacAlgorithm: 'HMAC_SHA_256' } as const;
    for (const reason of await rejections([
      kms.decrypt({ CiphertextBlob }),
      kms.decrypt({ CiphertextBlob, KeyId: symmetric }),
      kms.reEncrypt({ CiphertextBlob, DestinationKeyId: symmetric }),
      kms.generateDataKey({ KeyId: symmetric, KeySpec: 'AES_256' }),
      kms.generateDataKeyPair({ KeyId: symmetric, KeyPairSpec: 'ECC_NIST_P256' }),
      kms.sign(sign),
      kms.verify({ ...sign, Signature: bytes('x') }),
      kms.generateMac(makeMac),
      kms.verifyMac({ ...makeMac, Mac: bytes('x') }),
      kms.getPublicKey({ KeyId: signing }),
      kms.enableKeyRotation({ KeyId: symmetric }),
      kms.disableKeyRotation({ KeyId: symmetric }),
      kms.rotateKeyOnDemand({ KeyId: symmetric }),
    ])) {
      expect(reason).to.match(/^DisabledException: arn:.* is disabled\.$/);
    }
  });

  it('is deleted when its waiting period is over, and not before', async () => {
    const { kms } = subject;
    const KeyId = await newKey(kms);
    await kms.createAlias({ AliasName: 'alias/doomed', TargetKeyId: KeyId });
    const scheduled = await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    const DeletionDate = new Date(clock.now().getTime() + 7 * 86400_000);
    expect(scheduled).to.deep.include({
      KeyId,
      DeletionDate,
      KeyState: 'PendingDeletion',
      PendingWindowInDays: 7,
    });
    const { KeyMetadata } = await kms.describeKey({ KeyId });
    expect(KeyMetadata).to.deep.include({ DeletionDate, Enabled: false });
    clock.forward(6);
    expect(await stateOf(KeyId)).to.equal('PendingDeletion');
    clock.forward(1);
    expect(await rejection(kms.describeKey({ KeyId }))).to.match(/^NotFoundException/);
    const { Aliases } = await kms.listAliases({});
    expect(Aliases).to.deep.equal([]);
  });

  it('is disabled when its deletion is cancelled', async () => {
    const { kms } = subject;
    const KeyId = await newKey(kms);
    expect(await rejection(kms.cancelKeyDeletion({ KeyId }))).to.equal(
      `KMSInvalidStateException: ${KeyId} is not pending deletion.`,
    );
    const { PendingWindowInDays } = await kms.scheduleKeyDeletion({ KeyId });
    expect(PendingWindowInDays).to.equal(30);
    expect(await kms.cancelKeyDeletion({ KeyId })).to.include({ KeyId });
    const { KeyMetadata } = await kms.describeKey({ KeyId });
    expect(KeyMetadata?.KeyState).to.equal('Disabled');
    expect(KeyMetadata).not.to.have.property('DeletionDate');
  });

  it('accepts waiting periods of 7 to 30 days', async () => {
    const KeyId = await newKey(subject.kms);
    for (const PendingWindowInDays of [0, 6, 31, 366]) {
      const promise = subject.kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays });
      expect(await rejection(promise)).to.match(/^ValidationException/);
    }
  });

  it('can only be read while it is pending deletion', async () => {
    const { kms } = subject;
    const KeyId = await newKey(kms);
    await kms.scheduleKeyDeletion({ KeyId });
    const problem = `KMSInvalidStateException: ${KeyId} is pending deletion.`;
    for (const reason of await rejections([
      kms.encrypt({ KeyId, Plaintext: bytes('x') }),
      kms.enableKey({ KeyId }),
      kms.disableKey({ KeyId }),
      kms.scheduleKeyDeletion({ KeyId }),
      kms.createAlias({ AliasName: 'alias/late', TargetKeyId: KeyId }),
      kms.tagResource({ KeyId, Tags: [] }),
      kms.untagResource({ KeyId, TagKeys: [] }),
      kms.updateKeyDescription({ KeyId, Description: '' }),
      kms.rotateKeyOnDemand({ KeyId }),
    ])) {
      expect(reason).to.equal(problem);
    }
    await kms.getKeyPolicy({ KeyId });
    await kms.listResourceTags({ KeyId });
    expect(await kms.getKeyRotationStatus({ KeyId })).to.include({ KeyRotationEnabled: false });
  });

  it('rejects an alias where KMS does', async () => {
    const { kms } = subject;
    const arn = await newKey(kms);
    await kms.createAlias({ AliasName: 'alias/name', TargetKeyId: arn });
    const KeyId = 'alias/name';
    for (const reason of await rejections([
      kms.enableKey({ KeyId }),
      kms.enableKeyRotation({ KeyId }),
      kms.getKeyPolicy({ KeyId }),
      kms.listResourceTags({ KeyId }),
      kms.scheduleKeyDeletion({ KeyId }),
    ])) {
      expect(reason).to.equal("NotFoundException: Invalid keyId 'alias/name'");
    }
    const aliasArn = arn.replace(`key/${idOf(arn)}`, KeyId);
    expect(await rejection(kms.enableKey({ KeyId: aliasArn }))).to.match(/^InvalidArnException/);
  });
});

describeWithStores('Regions', (start) => {
  it('have separate keys, by the Region that a request is signed for', async () => {
    await using subject = await start({ account: '123456789012', region: 'eu-central-1' });
    const west = subject.clientFor('us-west-2');
    const arn = await newKey(west);
    expect(arn).to.match(/^arn:aws:kms:us-west-2:123456789012:key\//);
    await west.describeKey({ KeyId: idOf(arn) });
    const east = subject.clientFor('us-east-1');
    expect(await rejection(east.describeKey({ KeyId: idOf(arn) }))).to.match(
      /^NotFoundException: Key 'arn:aws:kms:us-east-1:/,
    );
    expect(await rejection(east.describeKey({ KeyId: arn }))).to.match(/^NotFoundException/);
    const { Keys } = await east.listKeys({});
    expect(Keys).to.deep.equal([]);
  });

  it('are of the partition that they belong to', async () => {
    await using subject = await start();
    expect(await newKey(subject.clientFor('cn-north-1'))).to.match(/^arn:aws-cn:kms:cn-north-1:/);
    expect(await newKey(subject.clientFor('us-gov-west-1'))).to.match(/^arn:aws-us-gov:kms:/);
  });
});
