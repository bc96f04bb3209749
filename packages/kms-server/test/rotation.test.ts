import { expect } from 'chai';
import {
  bytes,
  Clock,
  describeWithStores,
  idOf,
  newKey,
  rejection,
  rejections,
  type Subject,
} from './support.js';

describeWithStores('Rotation', (start) => {
  const clock = new Clock();
  let subject: Subject;
  before(async () => {
    subject = await start({ now: clock.now });
  });
  after(() => subject[Symbol.asyncDispose]());

  const currentOf = async (KeyId: string) =>
    (await subject.kms.describeKey({ KeyId })).KeyMetadata?.CurrentKeyMaterialId;

  it('on demand makes new material, and old ciphertexts still decrypt', async () => {
    const { kms } = subject;
    const KeyId = await newKey(kms);
    const before = await currentOf(KeyId);
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: bytes('old') });
    expect(await kms.rotateKeyOnDemand({ KeyId: idOf(KeyId) })).to.include({ KeyId });
    expect(await currentOf(KeyId)).not.to.equal(before);
    const opened = await kms.decrypt({ CiphertextBlob });
    expect(opened.Plaintext).to.deep.equal(bytes('old'));
    expect(opened.KeyMaterialId).to.equal(before);
    const { Rotations } = await kms.listKeyRotations({ KeyId });
    expect(Rotations).to.deep.equal([
      {
        KeyId: idOf(KeyId),
        KeyMaterialId: await currentOf(KeyId),
        KeyMaterialState: 'CURRENT',
        RotationDate: clock.now(),
        RotationType: 'ON_DEMAND',
      },
    ]);
    const IncludeKeyMaterial = 'ALL_KEY_MATERIAL';
    const { Rotations: all = [] } = await kms.listKeyRotations({ KeyId, IncludeKeyMaterial });
    expect(all[0]).to.deep.equal({
      KeyId: idOf(KeyId),
      KeyMaterialId: before,
      KeyMaterialState: 'NON_CURRENT',
    });
  });

  it('on demand is possible 25 times', async () => {
    const KeyId = await newKey(subject.kms);
    for (let times = 0; times < 25; times++) await subject.kms.rotateKeyOnDemand({ KeyId });
    expect(await rejection(subject.kms.rotateKeyOnDemand({ KeyId }))).to.equal(
      `LimitExceededException: The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: ${KeyId}`,
    );
  });

  it('is enabled and disabled, and has a date for the next one', async () => {
    const { kms } = subject;
    const KeyId = await newKey(kms);
    const statusOf = async () => {
      const { $metadata: _, ...status } = await kms.getKeyRotationStatus({ KeyId });
      return status;
    };
    expect(await statusOf()).to.deep.equal({ KeyId, KeyRotationEnabled: false });
    await kms.enableKeyRotation({ KeyId });
    expect(await statusOf()).to.deep.equal({
      KeyId,
      KeyRotationEnabled: true,
      RotationPeriodInDays: 365,
      NextRotationDate: new Date(clock.now().getTime() + 365 * 86400_000),
    });
    await kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
    expect(await statusOf()).to.include({ RotationPeriodInDays: 90 });
    await kms.disableKeyRotation({ KeyId });
    expect(await statusOf()).to.deep.equal({ KeyId, KeyRotationEnabled: false });
    for (const RotationPeriodInDays of [89, 2561]) {
      const promise = kms.enableKeyRotation({ KeyId, RotationPeriodInDays });
      expect(await rejection(promise)).to.match(/at 'rotationPeriodInDays' failed/);
    }
  });

  it('happens when it is due, several times if several are due', async () => {
    const { kms } = subject;
    const KeyId = await newKey(kms);
    await kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
    const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: bytes('old') });
    clock.forward(89);
    expect((await kms.listKeyRotations({ KeyId })).Rotations).to.deep.equal([]);
    clock.forward(91);
    const { Rotations = [] } = await kms.listKeyRotations({ KeyId });
    expect(Rotations.map(({ RotationType }) => RotationType)).to.deep.equal([
      'AUTOMATIC',
      'AUTOMATIC',
    ]);
    await kms.decrypt({ CiphertextBlob });
  });

  it('waits while the key is disabled', async () => {
    const { kms } = subject;
    const KeyId = await newKey(kms);
    await kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
    await kms.disableKey({ KeyId });
    clock.forward(100);
    expect((await kms.listKeyRotations({ KeyId })).Rotations).to.have.length(0);
    await kms.enableKey({ KeyId });
    expect((await kms.listKeyRotations({ KeyId })).Rotations).to.have.length(1);
  });

  it('is for symmetric keys without imported material only', async () => {
    const { kms } = subject;
    const rsa = await newKey(kms, { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' });
    for (const reason of await rejections([
      kms.rotateKeyOnDemand({ KeyId: rsa }),
      kms.enableKeyRotation({ KeyId: rsa }),
      kms.disableKeyRotation({ KeyId: rsa }),
      kms.listKeyRotations({ KeyId: rsa }),
    ])) {
      expect(reason).to.equal('UnsupportedOperationException');
    }
    const external = await newKey(kms, { Origin: 'EXTERNAL' });
    const hmac = await newKey(kms, { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
    for (const KeyId of [rsa, external, hmac]) {
      const { $metadata: _, ...status } = await kms.getKeyRotationStatus({ KeyId });
      expect(status).to.deep.equal({ KeyId, KeyRotationEnabled: false });
    }
    expect(await rejection(kms.enableKeyRotation({ KeyId: external }))).to.equal(
      `UnsupportedOperationException: ${external} origin is EXTERNAL which is not valid for this operation.`,
    );
    await kms.disableKey({ KeyId: rsa });
    expect(await rejection(kms.rotateKeyOnDemand({ KeyId: rsa }))).to.equal(
      `DisabledException: ${rsa} is disabled.`,
    );
  });
});
