import { expect } from 'chai';
import {
  ACCOUNT,
  describeWithStores,
  idOf,
  newKey,
  post,
  REGION,
  rejection,
  type Subject,
  start,
} from './support.js';

let subject: Subject;
let KeyId: string;

function withNewSubject(start: () => Promise<Subject>) {
  before(async () => {
    subject = await start();
    KeyId = await newKey(subject.kms);
  });
  after(() => subject[Symbol.asyncDispose]());
}

describeWithStores('Aliases', (start) => {
  withNewSubject(start);
  const arnOf = (alias: string) => `arn:aws:kms:${REGION}:${ACCOUNT}:${alias}`;

  it('are made, listed, moved and deleted', async () => {
    const { kms } = subject;
    const AliasName = 'alias/one';
    await kms.createAlias({ AliasName, TargetKeyId: idOf(KeyId) });
    const { Aliases: [alias] = [] } = await kms.listAliases({ KeyId });
    const { CreationDate, LastUpdatedDate, ...rest } = alias ?? {};
    expect(rest).to.deep.equal({
      AliasName,
      AliasArn: arnOf(AliasName),
      TargetKeyId: idOf(KeyId),
    });
    expect(LastUpdatedDate).to.deep.equal(CreationDate);
    const other = await newKey(kms);
    await kms.updateAlias({ AliasName, TargetKeyId: other });
    expect((await kms.describeKey({ KeyId: AliasName })).KeyMetadata?.Arn).to.equal(other);
    expect((await kms.listAliases({ KeyId })).Aliases).to.deep.equal([]);
    await kms.deleteAlias({ AliasName });
    expect(await rejection(kms.deleteAlias({ AliasName }))).to.equal(
      `NotFoundException: Alias ${arnOf(AliasName)} is not found.`,
    );
    const update = kms.updateAlias({ AliasName, TargetKeyId: other });
    expect(await rejection(update)).to.match(/^NotFoundException/);
  });

  it('are unique by name', async () => {
    const AliasName = 'alias/taken';
    await subject.kms.createAlias({ AliasName, TargetKeyId: KeyId });
    expect(await rejection(subject.kms.createAlias({ AliasName, TargetKeyId: KeyId }))).to.equal(
      `AlreadyExistsException: An alias with the name ${arnOf(AliasName)} already exists`,
    );
  });

  it('must have a valid name', async () => {
    const create = (AliasName: string) =>
      subject.kms.createAlias({ AliasName, TargetKeyId: KeyId });
    expect(await rejection(create('orders'))).to.equal(
      'ValidationException: Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html',
    );
    expect(await rejection(create('alias/aws/ebs'))).to.equal('NotAuthorizedException');
    expect(await rejection(create('alias/my-alias!'))).to.equal(
      "ValidationException: 1 validation error detected: Value 'alias/my-alias!' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$",
    );
    expect(await rejection(create('alias/my:alias'))).to.equal(
      'ValidationException: alias/my:alias contains invalid characters for an alias',
    );
    expect(await rejection(create(`alias/${'a'.repeat(251)}`))).to.match(
      /Member must have length less than or equal to 256$/,
    );
    await create(`alias/${'a'.repeat(250)}`);
    await create('alias/my-alias_/');
  });

  it('name keys, not aliases, and move between keys of the same kind', async () => {
    const { kms } = subject;
    const AliasName = 'alias/kind';
    await kms.createAlias({ AliasName, TargetKeyId: KeyId });
    for (const TargetKeyId of [AliasName, arnOf(AliasName)]) {
      expect(await rejection(kms.createAlias({ AliasName: 'alias/b', TargetKeyId }))).to.equal(
        'ValidationException: Aliases must refer to keys. Not aliases',
      );
    }
    const rsa = await newKey(kms, { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' });
    const update = kms.updateAlias({ AliasName, TargetKeyId: rsa });
    expect(await rejection(update)).to.match(/^ValidationException/);
  });

  it('are at most 50 per key', async () => {
    const TargetKeyId = await newKey(subject.kms);
    const create = (n: number) =>
      subject.kms.createAlias({ AliasName: `alias/n${n}`, TargetKeyId });
    for (let n = 0; n < 50; n++) await create(n);
    expect(await rejection(create(50))).to.match(/^LimitExceededException/);
  });
});

describeWithStores('Tags', (start) => {
  withNewSubject(start);
  const tag = (TagKey: string, TagValue = 'value') => ({ TagKey, TagValue });

  it('are added, replaced, listed and removed', async () => {
    const { kms } = subject;
    const arn = await newKey(kms, { Tags: [tag('a'), tag('b', '')] });
    await kms.tagResource({ KeyId: arn, Tags: [tag('b', 'new'), tag('c')] });
    const { Tags, Truncated } = await kms.listResourceTags({ KeyId: arn });
    expect(Tags).to.deep.equal([tag('a'), tag('b', 'new'), tag('c')]);
    expect(Truncated).to.equal(false);
    await kms.untagResource({ KeyId: arn, TagKeys: ['a', 'c', 'never there'] });
    const { Tags: left } = await kms.listResourceTags({ KeyId: arn });
    expect(left).to.deep.equal([tag('b', 'new')]);
  });

  it('are at most 50, and must be valid', async () => {
    const { kms } = subject;
    const Tags = Array.from({ length: 51 }, (_, index) => tag(`key${index}`));
    expect(await rejection(kms.createKey({ Tags }))).to.equal('TagException: Too many tags');
    await kms.tagResource({ KeyId, Tags: Tags.slice(1) });
    expect(await rejection(kms.tagResource({ KeyId, Tags: [tag('more')] }))).to.equal(
      'TagException: Too many tags',
    );
    expect(await rejection(kms.tagResource({ KeyId, Tags: [tag('a'), tag('a')] }))).to.equal(
      'TagException: Duplicate tag keys',
    );
    for (const key of ['aws:key1', 'AWS:key1']) {
      expect(await rejection(kms.createKey({ Tags: [tag(key)] }))).to.equal(
        'TagException: Tags beginning with aws: are reserved',
      );
    }
    expect(await rejection(kms.tagResource({ KeyId, Tags: [tag('semi;colon')] }))).to.match(
      /^TagException/,
    );
    const long = 'a'.repeat(129);
    expect(await rejection(kms.createKey({ Tags: [tag(long)] }))).to.equal(
      `ValidationException: 1 validation error detected: Value '${long}' at 'tags.1.member.tagKey' failed to satisfy constraint: Member must have length less than or equal to 128`,
    );
  });
});

describeWithStores('Key policies', (start) => {
  withNewSubject(start);

  it('begin as the default policy', async () => {
    const { Policy = '', PolicyName } = await subject.kms.getKeyPolicy({ KeyId });
    expect(PolicyName).to.equal('default');
    expect(JSON.parse(Policy)).to.deep.equal({
      Version: '2012-10-17',
      Id: 'key-default-1',
      Statement: [
        {
          Sid: 'Enable IAM User Permissions',
          Effect: 'Allow',
          Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
          Action: 'kms:*',
          Resource: '*',
        },
      ],
    });
    const { PolicyNames, Truncated } = await subject.kms.listKeyPolicies({ KeyId });
    expect(PolicyNames).to.deep.equal(['default']);
    expect(Truncated).to.equal(false);
  });

  const policy = (Action: string | string[], more: object = {}) =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Principal: '*', Action, Resource: '*', ...more },
    });

  it('are returned exactly as they were put', async () => {
    const { kms } = subject;
    for (const Policy of [policy('kms:*'), policy(['kms:Put?eyPolicy']), policy('*')]) {
      await kms.putKeyPolicy({ KeyId, Policy });
      expect((await kms.getKeyPolicy({ KeyId, PolicyName: 'default' })).Policy).to.equal(Policy);
    }
    const Policy = policy('kms:Encrypt');
    await kms.createKey({ Policy, BypassPolicyLockoutSafetyCheck: true });
  });

  it('are rejected when malformed, or when no one could change them again', async () => {
    const { kms } = subject;
    for (const Policy of [
      'my policy',
      '[]',
      '{}',
      policy('kms:*', { Effect: 'Perhaps' }),
      policy('kms:*', { Principal: undefined }),
      policy('kms:Encrypt'),
      policy('kms:*', { Effect: 'Deny' }),
    ]) {
      expect(await rejection(kms.putKeyPolicy({ KeyId, Policy }))).to.match(
        /^MalformedPolicyDocumentException/,
      );
      expect(await rejection(kms.createKey({ Policy }))).to.match(/^MalformedPolicy/);
    }
    const Policy = policy('kms:*', { Sid: 'a'.repeat(40000) });
    expect(await rejection(kms.putKeyPolicy({ KeyId, Policy }))).to.match(/^LimitExceeded/);
    expect(await rejection(kms.getKeyPolicy({ KeyId, PolicyName: 'other' }))).to.equal(
      'NotFoundException: No such policy exists',
    );
  });
});

describeWithStores('Pages', (start) => {
  withNewSubject(start);

  it('return every item of a list once', async () => {
    const { kms } = subject;
    for (let n = 0; n < 6; n++) {
      const TargetKeyId = await newKey(kms);
      await kms.createAlias({ AliasName: `alias/n${n}`, TargetKeyId });
      await kms.tagResource({ KeyId, Tags: [{ TagKey: `n${n}`, TagValue: '' }] });
      await kms.rotateKeyOnDemand({ KeyId });
    }
    const Limit = 2;
    const lists: Record<string, (Marker?: string) => Promise<Page>> = {
      keys: async (Marker) => page(await kms.listKeys({ Limit, Marker }), 'Keys', 'KeyId'),
      aliases: async (Marker) =>
        page(await kms.listAliases({ Limit, Marker }), 'Aliases', 'AliasName'),
      tags: async (Marker) =>
        page(await kms.listResourceTags({ KeyId, Limit, Marker }), 'Tags', 'TagKey'),
      rotations: async (Marker) =>
        page(await kms.listKeyRotations({ KeyId, Limit, Marker }), 'Rotations', 'KeyMaterialId'),
    };
    for (const [name, list] of Object.entries(lists)) {
      const found: unknown[] = [];
      let marker: string | undefined;
      let pages = 0;
      do {
        const { items, next } = await list(marker);
        expect(items.length).to.be.at.most(Limit);
        found.push(...items);
        marker = next;
        pages++;
      } while (marker !== undefined);
      expect(new Set(found).size, name).to.equal(name === 'keys' ? 7 : 6);
      expect(pages, name).to.equal(name === 'keys' ? 4 : 3);
    }
  });

  it('reject a marker of a different list', async () => {
    const { NextMarker: Marker } = await subject.kms.listKeys({ Limit: 1 });
    expect(await rejection(subject.kms.listAliases({ Marker }))).to.match(
      /^InvalidMarkerException/,
    );
    expect(await rejection(subject.kms.listKeys({ Marker: 'x' }))).to.match(/^InvalidMarker/);
    for (const Limit of [0, 1001]) {
      expect(await rejection(subject.kms.listKeys({ Limit }))).to.match(/at 'limit' failed/);
    }
  });
});

describe('The owners of listed keys', () => {
  let own: Subject;
  before(async () => {
    own = await start({ region: REGION });
    await newKey(own.kms);
  });
  after(() => own[Symbol.asyncDispose]());

  // Not through the SDK: older ones leave out the member.
  const list = async (body: object) => {
    const { text } = await post(own.server.url, 'TrentService.ListKeys', JSON.stringify(body));
    return JSON.parse(text);
  };

  it('are this account alone: no other shares keys with it', async () => {
    const other = 'OTHER_ACCOUNTS_VIA_RAM';
    for (const ResourceOwners of [undefined, ['SELF'], ['SELF', other], [other, 'SELF']]) {
      expect((await list({ ResourceOwners })).Keys).to.have.length(1);
    }
    expect(await list({ ResourceOwners: [other] })).to.deep.equal({ Keys: [], Truncated: false });
    for (const ResourceOwners of [[], ['x'], [other, other, other]]) {
      expect((await list({ ResourceOwners })).__type).to.equal('ValidationException');
    }
  });
});

interface Page {
  readonly items: readonly unknown[];
  readonly next: string | undefined;
}

function page(response: object, member: string, name: string): Page {
  const { [member]: items, NextMarker, Truncated } = response as Record<string, unknown>;
  expect(Truncated).to.equal(NextMarker !== undefined);
  return {
    items: (items as Record<string, unknown>[]).map((item) => item[name]),
    next: NextMarker as string | undefined,
  };
}
