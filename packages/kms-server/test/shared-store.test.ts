import { expect } from 'chai';
import {
  bytes,
  Clock,
  newKey,
  openStore,
  rejection,
  type Subject,
  start,
  useStorePath,
} from './support.js';

// Two servers on one file share nothing but the file, as two processes do.
describe('Two servers with one store', () => {
  const file = useStorePath();
  const clock = new Clock();
  let one: Subject;
  let other: Subject;
  beforeEach(async () => {
    const options = { now: clock.now, store: () => openStore(file.path) };
    [one, other] = [await start(options), await start(options)];
  });
  afterEach(async () => {
    await one[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
  });

  it("see each other's changes at once", async () => {
    const KeyId = await newKey(one.kms);
    await one.kms.createAlias({ AliasName: 'alias/a', TargetKeyId: KeyId });
    const { CiphertextBlob } = await other.kms.encrypt({ KeyId: 'alias/a', Plaintext: bytes('x') });
    await other.kms.rotateKeyOnDemand({ KeyId });
    const { KeyMaterialId } = await other.kms.generateDataKey({ KeyId, KeySpec: 'AES_128' });
    const made = await one.kms.generateDataKey({ KeyId, KeySpec: 'AES_128' });
    expect(made.KeyMaterialId).to.equal(KeyMaterialId);
    await one.kms.decrypt({ CiphertextBlob });
    await other.kms.disableKey({ KeyId });
    expect(await rejection(one.kms.decrypt({ CiphertextBlob }))).to.match(/^DisabledException/);
    await other.kms.deleteAlias({ AliasName: 'alias/a' });
    expect((await one.kms.listAliases({})).Aliases).to.deep.equal([]);
  });

  it('lose no change when both change the same key', async () => {
    const KeyId = await newKey(one.kms);
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? one : other).kms.tagResource({
          KeyId,
          Tags: [{ TagKey: `${index}`, TagValue: '' }],
        }),
      ),
    );
    const { Tags } = await one.kms.listResourceTags({ KeyId });
    expect(Tags).to.have.length(20);
  });

  it('rotate a key once when both find it due', async () => {
    const KeyId = await newKey(one.kms);
    await one.kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 90 });
    clock.forward(90);
    const lists = await Promise.all([one, other].map(({ kms }) => kms.listKeyRotations({ KeyId })));
    const [first, second] = lists.map(({ Rotations }) => Rotations);
    expect(first).to.have.length(1);
    expect(first).to.deep.equal(second);
  });

  it('create an alias once when both try', async () => {
    const keys = [await newKey(one.kms), await newKey(other.kms)];
    const made = await Promise.allSettled(
      keys.map((TargetKeyId, index) =>
        (index === 0 ? one : other).kms.createAlias({ AliasName: 'alias/a', TargetKeyId }),
      ),
    );
    expect(made.map(({ status }) => status).sort()).to.deep.equal(['fulfilled', 'rejected']);
    const winner = keys[made.findIndex(({ status }) => status === 'fulfilled')];
    for (const { kms } of [one, other]) {
      const { KeyMetadata } = await kms.describeKey({ KeyId: 'alias/a' });
      expect(KeyMetadata?.Arn).to.equal(winner);
    }
  });

  it('create at most 50 aliases of a key together', async () => {
    const TargetKeyId = await newKey(one.kms);
    const made = await Promise.allSettled(
      Array.from({ length: 60 }, (_, index) =>
        (index % 2 === 0 ? one : other).kms.createAlias({
          AliasName: `alias/n${index}`,
          TargetKeyId,
        }),
      ),
    );
    const reasons = made.flatMap((each) => (each.status === 'rejected' ? [each.reason.name] : []));
    expect(reasons).to.deep.equal(Array(10).fill('LimitExceededException'));
    const { Aliases } = await other.kms.listAliases({ KeyId: TargetKeyId, Limit: 100 });
    expect(Aliases).to.have.length(50);
  });

  it('rotate on demand at most 25 times together', async () => {
    const KeyId = await newKey(one.kms);
    const rotations = await Promise.allSettled(
      Array.from({ length: 30 }, (_, index) =>
        (index % 2 === 0 ? one : other).kms.rotateKeyOnDemand({ KeyId }),
      ),
    );
    expect(rotations.filter(({ status }) => status === 'fulfilled')).to.have.length(25);
    expect((await one.kms.listKeyRotations({ KeyId })).Rotations).to.have.length(25);
  });
});
