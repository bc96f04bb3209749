import { createPublicKey, randomBytes } from 'node:crypto';
import type { CreateKeyCommandInput, KeyMetadata, KMS, Tag } from '@aws-sdk/client-kms';
import { expect } from 'chai';
import { FOREVER, importInto } from './import-material.js';
import { bytes, Clock, rejection, type Subject, start } from './support.js';

// The calls that Terraform's provider for AWS (internal/service/kms) and CloudFormation's handlers
// (aws-cloudformation-resource-providers-kms) make for their resources, in their sequence. Both read back what they
// have written, until it is there, and stop at any error that they do not expect.

/** What both read of a key; undefined when they take it for deleted. */
async function read(kms: KMS, KeyId: string) {
  const { KeyMetadata: metadata = {} as KeyMetadata } = await kms.describeKey({ KeyId });
  if (metadata.KeyState === 'PendingDeletion') return undefined;
  const { Policy = '' } = await kms.getKeyPolicy({ KeyId, PolicyName: 'default' });
  const isOurs = metadata.Origin === 'AWS_KMS';
  const rotation = isOurs ? await kms.getKeyRotationStatus({ KeyId }) : undefined;
  return {
    metadata,
    policy: JSON.parse(Policy),
    rotates: rotation?.KeyRotationEnabled,
    period: rotation?.RotationPeriodInDays,
    tags: await tagsOf(kms, KeyId),
  };
}

async function tagsOf(kms: KMS, KeyId: string): Promise<Tag[]> {
  const tags: Tag[] = [];
  let Marker: string | undefined;
  do {
    const page = await kms.listResourceTags({ KeyId, ...(Marker !== undefined && { Marker }) });
    tags.push(...(page.Tags ?? []));
    Marker = page.Truncated ? page.NextMarker : undefined;
  } while (Marker !== undefined);
  return tags;
}

/** Finds an alias among all, as both do: neither asks for one. */
async function aliasNamed(kms: KMS, name: string) {
  let Marker: string | undefined;
  do {
    const page = await kms.listAliases({ ...(Marker !== undefined && { Marker }) });
    const found = page.Aliases?.find(({ AliasName }) => AliasName === name);
    if (found !== undefined) return found;
    Marker = page.Truncated ? page.NextMarker : undefined;
  } while (Marker !== undefined);
  return undefined;
}

const policyFor = (actions: readonly string[], Id = 'kms-tf-1') => ({
  Version: '2012-10-17',
  Id,
  Statement: [
    {
      Sid: 'Enable IAM User Permissions',
      Effect: 'Allow',
      Principal: { AWS: '*' },
      Action: actions,
      Resource: '*',
    },
  ],
});

describe('Terraform and CloudFormation', () => {
  const clock = new Clock();
  let subject: Subject;
  let kms: KMS;
  before(async () => {
    subject = await start({ now: clock.now });
    kms = subject.kms;
  });
  after(() => subject[Symbol.asyncDispose]());

  const create = async (input: CreateKeyCommandInput = {}) => {
    const BypassPolicyLockoutSafetyCheck = false;
    const made = await kms.createKey({ BypassPolicyLockoutSafetyCheck, ...input });
    return made.KeyMetadata?.KeyId as string;
  };

  for (const [KeySpec, KeyUsage] of [
    ['SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT'],
    ['ECC_NIST_P384', 'SIGN_VERIFY'],
    ['HMAC_256', 'GENERATE_VERIFY_MAC'],
    ['ECC_NIST_P256', 'KEY_AGREEMENT'],
  ] as const) {
    it(`make, read, import and delete a key of ${KeySpec} for ${KeyUsage}`, async () => {
      const KeyId = await create({ KeySpec, KeyUsage });
      const key = await read(kms, KeyId);
      expect(key).to.deep.include({ rotates: false, period: undefined, tags: [] });
      expect(key?.metadata).to.include({ KeySpec, KeyUsage, MultiRegion: false, Enabled: true });
      expect(key?.policy.Statement[0].Sid).to.equal('Enable IAM User Permissions');
      // An import begins with the id, or the ARN, and must find the same.
      expect(await read(kms, key?.metadata.Arn as string)).to.deep.equal(key);

      await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
      expect(await read(kms, KeyId)).to.equal(undefined);
      // Taken for done, by these words.
      expect(await rejection(kms.scheduleKeyDeletion({ KeyId }))).to.match(
        /^KMSInvalidStateException: .*is pending deletion/,
      );
      clock.forward(7);
      for (const call of [kms.describeKey({ KeyId }), kms.scheduleKeyDeletion({ KeyId })]) {
        expect(await rejection(call)).to.match(/^NotFoundException/);
      }
    });
  }

  it('enable a key before they change it, and disable it after that', async () => {
    const KeyId = await create();
    const state = async () => {
      const { metadata, rotates, period } = (await read(kms, KeyId)) ?? {};
      return [metadata?.Enabled, rotates, period];
    };
    await kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 91 });
    expect(await state()).to.deep.equal([true, true, 91]);
    await kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 180 });
    expect(await state()).to.deep.equal([true, true, 180]);
    await kms.disableKeyRotation({ KeyId });
    await kms.disableKey({ KeyId });
    expect(await state()).to.deep.equal([false, false, undefined]);
    // Terraform tries again at this error, and at no other.
    expect(await rejection(kms.enableKeyRotation({ KeyId }))).to.match(/^DisabledException/);
    await kms.enableKey({ KeyId });
    await kms.enableKeyRotation({ KeyId });
    expect(await state()).to.deep.equal([true, true, 365]);
  });

  it('change the description, policy and tags of a key that is disabled', async () => {
    const KeyId = await create({ Description: 'before' });
    await kms.disableKey({ KeyId });
    await kms.updateKeyDescription({ KeyId, Description: '' });
    const policy = policyFor(['kms:*']);
    await kms.putKeyPolicy({ KeyId, PolicyName: 'default', Policy: JSON.stringify(policy) });
    await kms.tagResource({ KeyId, Tags: [{ TagKey: 'a', TagValue: '' }] });
    const key = await read(kms, KeyId);
    expect(key).to.deep.include({ policy, tags: [{ TagKey: 'a', TagValue: '' }] });
    expect(key?.metadata).to.include({ Description: '', KeyState: 'Disabled' });
  });

  it('set a policy that no one can change again only when told to', async () => {
    const lockout = policyFor(['kms:CreateKey', 'kms:Describe*', 'kms:ScheduleKeyDeletion']);
    const Policy = JSON.stringify(lockout);
    const message = /The new key policy will not allow you to update the key policy in the future/;
    expect(await rejection(create({ Policy }))).to.match(message);
    const KeyId = await create({ Policy, BypassPolicyLockoutSafetyCheck: true });
    expect((await read(kms, KeyId))?.policy).to.deep.equal(lockout);
    const put = { KeyId, PolicyName: 'default', Policy };
    expect(await rejection(kms.putKeyPolicy(put))).to.match(message);
    await kms.putKeyPolicy({ ...put, BypassPolicyLockoutSafetyCheck: true });
    // Removing aws_kms_key_policy puts the default policy back.
    const Principal = { AWS: 'arn:aws:iam::111122223333:root' };
    const [statement] = policyFor(['kms:*']).Statement;
    const restored = { ...policyFor([]), Statement: [{ ...statement, Principal }] };
    await kms.putKeyPolicy({ ...put, Policy: JSON.stringify(restored) });
    expect((await read(kms, KeyId))?.policy).to.deep.equal(restored);
  });

  it('remove old tags before they add new ones', async () => {
    const tag = (TagKey: string, TagValue: string) => ({ TagKey, TagValue });
    const KeyId = await create({ Tags: [tag('key1', 'value1'), tag('key2', 'value2')] });
    expect(await tagsOf(kms, KeyId)).to.have.deep.members([
      tag('key1', 'value1'),
      tag('key2', 'value2'),
    ]);
    await kms.untagResource({ KeyId, TagKeys: ['key1'] });
    await kms.tagResource({ KeyId, Tags: [tag('key2', 'updated'), tag('key3', 'é / +')] });
    expect(await tagsOf(kms, KeyId)).to.have.deep.members([
      tag('key2', 'updated'),
      tag('key3', 'é / +'),
    ]);
    await kms.untagResource({ KeyId, TagKeys: ['key2', 'key3'] });
    expect(await tagsOf(kms, KeyId)).to.deep.equal([]);
  });

  it('import material, and the same again with another date', async () => {
    const KeyId = await create({ KeyUsage: 'ENCRYPT_DECRYPT', Origin: 'EXTERNAL' });
    const stateOf = async () => {
      const { KeyState, ExpirationModel, ValidTo } = (await read(kms, KeyId))?.metadata ?? {};
      return [KeyState, ExpirationModel, ValidTo];
    };
    expect(await stateOf()).to.deep.equal(['PendingImport', undefined, undefined]);
    expect(await rejection(kms.disableKey({ KeyId }))).to.match(
      /^KMSInvalidStateException: .* is pending import\.$/,
    );
    await kms.tagResource({ KeyId, Tags: [{ TagKey: 'a', TagValue: 'b' }] });

    const material = randomBytes(32);
    const until = (hours: number) => new Date(clock.now().getTime() + hours * 3_600_000);
    const ExpirationModel = 'KEY_MATERIAL_EXPIRES';
    for (const ValidTo of [until(1), undefined, until(1), until(2)]) {
      const more = ValidTo === undefined ? FOREVER : { ExpirationModel, ValidTo };
      await importInto(kms, KeyId, material, more as typeof FOREVER);
      expect(await stateOf()).to.deep.equal(['Enabled', more.ExpirationModel, ValidTo]);
    }
    await kms.disableKey({ KeyId });
    expect(await stateOf()).to.deep.equal(['Disabled', ExpirationModel, until(2)]);
    await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 30 });
    expect(await read(kms, KeyId)).to.equal(undefined);
  });

  it('look for an alias before they make it, and find it among many', async () => {
    const [first, second] = [await create(), await create()];
    const AliasName = 'alias/infrastructure/zz';
    // CloudFormation takes any other answer for an alias that exists.
    expect(await rejection(kms.describeKey({ KeyId: AliasName }))).to.match(/^NotFoundException/);
    for (let i = 0; i < 49; i++) {
      await kms.createAlias({ AliasName: `alias/infrastructure/${i}`, TargetKeyId: second });
    }
    await kms.createAlias({ AliasName, TargetKeyId: first });
    expect(await aliasNamed(kms, AliasName)).to.include({ TargetKeyId: first });
    expect(await rejection(kms.createAlias({ AliasName, TargetKeyId: first }))).to.match(
      /^AlreadyExistsException/,
    );
    const { Arn = '' } = (await read(kms, second))?.metadata ?? {};
    await kms.updateAlias({ AliasName, TargetKeyId: Arn });
    const alias = await aliasNamed(kms, AliasName);
    expect(alias).to.include({ TargetKeyId: second });
    expect(alias?.AliasArn?.replace(/alias\/.*/, `key/${second}`)).to.equal(Arn);
    // A data source reads the key through the alias.
    expect((await kms.describeKey({ KeyId: AliasName })).KeyMetadata?.Arn).to.equal(Arn);
    await kms.deleteAlias({ AliasName });
    expect(await aliasNamed(kms, AliasName)).to.equal(undefined);
    expect(await rejection(kms.deleteAlias({ AliasName }))).to.match(/^NotFoundException/);
  });

  it('read public keys, and ciphertexts with and without a context', async () => {
    const rsa = await create({ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' });
    const { PublicKey = new Uint8Array(), KeyId: arn } = await kms.getPublicKey({ KeyId: rsa });
    const der = { key: Buffer.from(PublicKey), format: 'der', type: 'spki' } as const;
    expect(createPublicKey(der).asymmetricKeyType).to.equal('rsa');
    expect(arn).to.equal((await read(kms, rsa))?.metadata.Arn);

    const KeyId = await create();
    const Plaintext = bytes('Super secret data');
    for (const EncryptionContext of [undefined, { name: 'value' }]) {
      const context = EncryptionContext && { EncryptionContext };
      const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext, ...context });
      const opened = await kms.decrypt({ CiphertextBlob, ...context, GrantTokens: ['token'] });
      expect(opened.Plaintext).to.deep.equal(Plaintext);
    }
  });

  it('list multi-Region primary keys with all others', async () => {
    const KeyId = await create({ MultiRegion: true });
    expect((await read(kms, KeyId))?.metadata).to.include({ MultiRegion: true });
    const { Keys = [] } = await kms.listKeys({ Limit: 1000 });
    const listed = Keys.filter((key) => key.KeyId === KeyId);
    expect(listed).to.have.length(1);
    const { KeyMetadata } = await kms.describeKey({ KeyId: listed[0]?.KeyArn });
    expect(KeyMetadata?.MultiRegionConfiguration?.MultiRegionKeyType).to.equal('PRIMARY');
  });
});
