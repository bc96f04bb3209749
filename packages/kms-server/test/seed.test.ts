import { execFile } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { InvalidInputError } from '@keywrap/core';
import { type SeedKey, startKmsServer } from '@keywrap/kms-server';
import { expect } from 'chai';
import {
  ACCOUNT,
  bytes,
  Clock,
  openStore,
  REGION,
  rejection,
  type Subject,
  start,
  useStorePath,
} from './support.js';

const ID = '1234abcd-12ab-34cd-56ef-1234567890ab';
const ARN = `arn:aws:kms:${REGION}:${ACCOUNT}:key/${ID}`;

describe('Seed keys', () => {
  it('have the names of production, and the same material at every start', async () => {
    const keyMaterial = randomBytes(32).toString('base64');
    const keys = [{ keyId: ARN, alias: 'alias/orders', description: 'orders', keyMaterial }];
    await using first = await start({ keys });
    const { CiphertextBlob } = await first.kms.encrypt({ KeyId: ARN, Plaintext: bytes('x') });
    await using second = await start({ keys });
    const opened = await second.kms.decrypt({ CiphertextBlob, KeyId: 'alias/orders' });
    expect(opened.KeyId).to.equal(ARN);
    const { KeyMetadata } = await second.kms.describeKey({ KeyId: 'alias/orders' });
    expect(KeyMetadata).to.include({ Description: 'orders', Origin: 'AWS_KMS' });
  });

  it('are of any kind, in PEM or DER, in any region', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    const der = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
    await using subject = await start({
      keys: [
        { alias: 'alias/pem', region: REGION, keySpec: 'ECC_NIST_P256', keyMaterial: pem },
        { alias: 'alias/der', region: REGION, keySpec: 'ECC_NIST_P256', keyMaterial: der },
        { alias: 'alias/new', region: 'us-west-2', keySpec: 'HMAC_256' },
        { alias: 'alias/here' },
      ],
    });
    const publicKeyOf = async (KeyId: string) =>
      (await subject.kms.getPublicKey({ KeyId })).PublicKey;
    expect(await publicKeyOf('alias/pem')).to.deep.equal(await publicKeyOf('alias/der'));
    await subject.clientFor('us-west-2').describeKey({ KeyId: 'alias/new' });
    await subject.clientFor('us-east-1').describeKey({ KeyId: 'alias/here' });
  });

  it('have material in every form that provider-local reads', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    const der = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
    const forms = [
      `\n\n${pem}`,
      `  ${pem}`,
      `\ufeff${pem}`,
      `Bag Attributes\n    friendlyName: orders\nKey Attributes: <No Attributes>\n${pem}`,
      pem.replaceAll('\n', '\r\n'),
      pem.replaceAll('\n', '\\n'),
      Buffer.from(pem).toString('base64'),
      `${der.replace(/.{64}/g, '$&\n')}\n`,
    ];
    const keySpec = 'ECC_NIST_P256';
    const keys = forms.map((keyMaterial, index) => ({
      ...{ alias: `alias/${index}`, region: REGION, keySpec, keyMaterial },
    })) as SeedKey[];
    const secret = randomBytes(32).toString('base64');
    keys.push({
      alias: 'alias/secret',
      keyMaterial: ` ${secret.slice(0, 20)}\n${secret.slice(20)}\n`,
    });
    await using subject = await start({ keys });
    const expected = createPublicKey(pem).export({ format: 'der', type: 'spki' });
    for (const index of forms.keys()) {
      const { PublicKey } = await subject.kms.getPublicKey({ KeyId: `alias/${index}` });
      expect(expected.equals(PublicKey ?? new Uint8Array()), `form ${index}`).to.equal(true);
    }
  });

  const NEEDED = 'must be base64 of 32 bytes for SYMMETRIC_DEFAULT; it is';
  const BYTES = randomBytes(32);
  const wrongMaterials: [string, string, string][] = [
    ['hexadecimal digits', BYTES.toString('hex'), `${NEEDED} 64 hexadecimal digits; convert them`],
    ['base64 of other bytes', 'AQID', `${NEEDED} base64 of 3 bytes`],
    [
      'a sign that base64 lacks',
      `AQ*ID${BYTES.toString('base64')}`,
      `${NEEDED} not base64: character 3`,
    ],
    [
      'base64 that is cut off',
      BYTES.toString('base64').slice(0, -1),
      `${NEEDED} not base64: it is cut off`,
    ],
    ['base64url', Buffer.alloc(32, 0xfb).toString('base64url'), `${NEEDED} base64url`],
    ['PEM for a symmetric key', '-----BEGIN PRIVATE KEY-----', `${NEEDED} PEM`],
    ['nothing', '', `${NEEDED} empty`],
  ];
  for (const [what, keyMaterial, message] of wrongMaterials) {
    it(`are rejected with ${what} as material, and the error says so`, async () => {
      const error = await start({ keys: [{ keyMaterial }] }).catch((reason) => reason);
      expect(error).to.be.instanceOf(InvalidInputError);
      expect(error.message).to.include(`keys[0].keyMaterial ${message}`);
      if (keyMaterial.length > 40) expect(error.message).not.to.include(keyMaterial.slice(5, 25));
    });
  }

  it('of an asymmetric key without a key say what arrived', async () => {
    const keys = [{ keySpec: 'RSA_2048', keyMaterial: `${BYTES.toString('hex')}*` }] as const;
    const error = await start({ keys }).catch((reason) => reason);
    expect(error.message).to.match(/^keys\[0\].keyMaterial holds no key: .* character 65 is not/);
  });

  it('do not blame the key when a module does not load', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const keyMaterial = privateKey.export({ format: 'pem', type: 'pkcs8' });
    const program = `
      import { register } from 'node:module';
      const hooks = \`export async function resolve(name, context, next) {
        if (name === 'node-forge') throw new Error('node-forge is not installed');
        return next(name, context);
      }\`;
      register('data:text/javascript,' + encodeURIComponent(hooks));
      const { startKmsServer } = await import('@keywrap/kms-server');
      const keys = [${JSON.stringify({ keySpec: 'ECC_NIST_P256', keyMaterial })}];
      const error = await startKmsServer({ port: 0, keys }).catch((reason) => reason);
      console.log(error.message);
    `;
    const cwd = fileURLToPath(new URL('..', import.meta.url));
    const args = ['--input-type=module', '--eval', program];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd });
    expect(stdout.trim()).to.equal('node-forge is not installed');
  });

  it('with one id of a multi-Region key are a primary key and its replicas, with one material', async () => {
    const id = 'mrk-1234abcd12ab34cd56ef1234567890ab';
    const inRegion = (region: string) => ARN.replace(REGION, region).replace(ID, id);
    const regions = ['us-east-1', 'eu-west-1', 'ap-south-1'];
    const keys = regions.map((region) => ({ keyId: inRegion(region) }));
    await using subject = await start({ keys });
    const clients = regions.map((region) => subject.clientFor(region));
    const sealed = await clients[0]?.encrypt({ KeyId: id, Plaintext: bytes('x') });
    for (const [index, kms] of clients.entries()) {
      const { KeyMetadata } = await kms.describeKey({ KeyId: id });
      expect(KeyMetadata).to.deep.include({
        MultiRegion: true,
        MultiRegionConfiguration: {
          MultiRegionKeyType: index === 0 ? 'PRIMARY' : 'REPLICA',
          PrimaryKey: { Arn: inRegion('us-east-1'), Region: 'us-east-1' },
          ReplicaKeys: [
            { Arn: inRegion('ap-south-1'), Region: 'ap-south-1' },
            { Arn: inRegion('eu-west-1'), Region: 'eu-west-1' },
          ],
        },
      });
      const opened = await kms.decrypt({ CiphertextBlob: sealed?.CiphertextBlob });
      expect(opened.Plaintext).to.deep.equal(bytes('x'));
      expect(opened.KeyId).to.equal(inRegion(regions[index] as string));
    }
  });

  it('that are replicas rotate with their primary key only', async () => {
    const id = 'mrk-1234abcd12ab34cd56ef1234567890ab';
    const keys = ['us-east-1', 'eu-west-1'].map((region) => ({ keyId: id, region }));
    await using subject = await start({ keys });
    const [primary, replica] = [subject.clientFor('us-east-1'), subject.clientFor('eu-west-1')];
    for (const change of [
      () => replica.rotateKeyOnDemand({ KeyId: id }),
      () => replica.enableKeyRotation({ KeyId: id }),
      () => replica.disableKeyRotation({ KeyId: id }),
    ]) {
      expect(await rejection(change())).to.match(
        /^UnsupportedOperationException: .* is a replica key; rotate its primary key in us-east-1/,
      );
    }
    await primary.rotateKeyOnDemand({ KeyId: id });
    const { CiphertextBlob, KeyMaterialId } = await primary.generateDataKey({
      KeyId: id,
      KeySpec: 'AES_256',
    });
    expect((await replica.decrypt({ CiphertextBlob })).KeyMaterialId).to.equal(KeyMaterialId);
    const { KeyMetadata } = await replica.describeKey({ KeyId: id });
    expect(KeyMetadata?.CurrentKeyMaterialId).to.equal(KeyMaterialId);
  });

  it('that have replicas are deleted after them', async () => {
    const KeyId = 'mrk-1234abcd12ab34cd56ef1234567890ab';
    const keys = ['us-east-1', 'eu-west-1'].map((region) => ({ keyId: KeyId, region }));
    const clock = new Clock();
    await using subject = await start({ keys, now: clock.now });
    const [primary, replica] = [subject.clientFor('us-east-1'), subject.clientFor('eu-west-1')];
    await primary.enableKeyRotation({ KeyId });
    const PendingWindowInDays = 7;
    const scheduled = await primary.scheduleKeyDeletion({ KeyId, PendingWindowInDays });
    const KeyState = 'PendingReplicaDeletion';
    expect(scheduled).to.include({ KeyState, PendingWindowInDays });
    expect(scheduled).not.to.have.property('DeletionDate');
    const { KeyMetadata } = await primary.describeKey({ KeyId });
    expect(KeyMetadata).to.include({ KeyState, PendingDeletionWindowInDays: PendingWindowInDays });
    expect(KeyMetadata).not.to.have.property('DeletionDate');
    for (const use of [
      () => primary.encrypt({ KeyId, Plaintext: bytes('x') }),
      () => primary.enableKey({ KeyId }),
      () => primary.scheduleKeyDeletion({ KeyId }),
    ]) {
      expect(await rejection(use())).to.match(
        /^KMSInvalidStateException: arn:.* is pending replica deletion/,
      );
    }
    const { KeyRotationEnabled } = await primary.getKeyRotationStatus({ KeyId });
    expect(KeyRotationEnabled).to.equal(false);
    await replica.encrypt({ KeyId, Plaintext: bytes('x') });
    const { DeletionDate } = await replica.scheduleKeyDeletion({ KeyId, PendingWindowInDays });
    clock.forward(7);
    const described = (await primary.describeKey({ KeyId })).KeyMetadata;
    expect(described?.KeyState).to.equal('PendingDeletion');
    expect(described).not.to.have.property('PendingDeletionWindowInDays');
    expect(Number(described?.DeletionDate)).to.equal(Number(DeletionDate) + 7 * 86_400_000);
    await primary.cancelKeyDeletion({ KeyId });
    await primary.enableKey({ KeyId });
    await primary.encrypt({ KeyId, Plaintext: bytes('x') });
  });

  const rejected: [string, unknown, string][] = [
    ['no list', {}, 'keys'],
    ['no object', ['alias/orders'], 'keys[0]'],
    ['a field that is not known', [{ name: 'alias/orders' }], 'keys[0].name'],
    ['a field of another type', [{ keyId: 1 }], 'keys[0].keyId'],
    ['an alias for an id', [{ keyId: 'alias/orders' }], 'keys[0].keyId'],
    ['an id that no ARN can hold', [{ keyId: 'orders.key' }], 'keys[0].keyId'],
    ['an id that is too long for an ARN', [{ keyId: 'k'.repeat(2048) }], 'keys[0].keyId'],
    [
      'an ARN of a region that is none',
      [{ keyId: ARN.replace(REGION, `${'a'.repeat(32)}-1`) }],
      'keys[0].keyId',
    ],
    ['an ARN of another partition', [{ keyId: ARN.replace('aws', 'aws-cn') }], 'keys[0].keyId'],
    ['another account', [{ keyId: ARN.replace(ACCOUNT, '999999999999') }], 'keys[0].keyId'],
    ['a repeated id', [{ keyId: ID }, { keyId: ID }], 'keys[1].keyId'],
    ['an alias twice', [{ alias: 'alias/a' }, { alias: 'alias/a' }], 'keys[1].alias'],
    ['an alias that is none', [{ alias: 'orders' }], 'keys[0].alias'],
    ['a region that is none', [{ region: 'here' }], 'keys[0].region'],
    ['a spec that is not known', [{ keySpec: 'AES' }], 'keys[0].keySpec'],
    ['a use that does not fit', [{ keyUsage: 'SIGN_VERIFY' }], 'keys[0].keyUsage'],
    ['material of the wrong length', [{ keyMaterial: 'AQID' }], 'keys[0].keyMaterial'],
  ];
  for (const [what, keys, field] of rejected) {
    it(`are rejected with ${what}`, async () => {
      try {
        await using _ = await startKmsServer({ port: 0, keys: keys as SeedKey[] });
        expect.fail('it started');
      } catch (error) {
        expect(error).to.be.instanceOf(InvalidInputError);
        expect(error).to.have.property('field', field);
      }
    });
  }
});

describe('Seed keys and a store that has them already', () => {
  const file = useStorePath();
  const store = () => openStore(file.path);
  const generation = async () => {
    await using opened = await store();
    return opened.generation;
  };
  const startWith = (...keys: SeedKey[]) => start({ keys, store, region: REGION });
  const arnOf = async ({ kms }: Subject, KeyId: string) =>
    (await kms.describeKey({ KeyId })).KeyMetadata?.Arn;

  it('stay as they are, found by their id or else by their alias', async () => {
    const keyMaterial = randomBytes(32).toString('base64');
    const seed: SeedKey[] = [
      { alias: 'alias/orders' },
      { keyId: ID, alias: 'alias/archive', keyMaterial },
    ];
    const first = await startWith(...seed);
    const orders = await arnOf(first, 'alias/orders');
    const { CiphertextBlob } = await first.kms.encrypt({
      KeyId: 'alias/orders',
      Plaintext: bytes('x'),
    });
    await first.kms.rotateKeyOnDemand({ KeyId: ARN });
    await first.kms.disableKey({ KeyId: ARN });
    await first.kms.updateAlias({ AliasName: 'alias/archive', TargetKeyId: orders });
    await first[Symbol.asyncDispose]();
    const before = await generation();

    await using second = await startWith(...seed);
    expect(await generation(), 'nothing was written').to.equal(before);
    expect(await arnOf(second, 'alias/orders')).to.equal(orders);
    expect(await arnOf(second, 'alias/archive')).to.equal(orders);
    await second.kms.decrypt({ CiphertextBlob });
    const { KeyMetadata } = await second.kms.describeKey({ KeyId: ARN });
    expect(KeyMetadata?.KeyState).to.equal('Disabled');
    expect((await second.kms.listKeys({})).Keys).to.have.length(2);
  });

  it('are created again if they are missing', async () => {
    const seed = { keyId: ID, alias: 'alias/orders' };
    const first = await startWith(seed);
    await first.kms.deleteAlias({ AliasName: 'alias/orders' });
    await first[Symbol.asyncDispose]();
    await using second = await startWith(seed);
    expect(await arnOf(second, 'alias/orders')).to.equal(ARN);
  });

  it('are rejected when the store has another key under the name', async () => {
    const first = await startWith({ keyId: ID }, { alias: 'alias/orders' });
    await first[Symbol.asyncDispose]();
    const keyMaterial = randomBytes(32).toString('base64');
    for (const [entry, field] of [
      [{ keyId: ID, keySpec: 'HMAC_256' }, 'keys[0]'],
      [{ alias: 'alias/orders', keySpec: 'RSA_2048' }, 'keys[0]'],
      [{ keyId: ID, keyMaterial }, 'keys[0].keyMaterial'],
    ] as const) {
      const error = await startWith(entry).catch((thrown) => thrown);
      expect(error).to.be.instanceOf(InvalidInputError);
      expect(error).to.have.property('field', field);
      expect(error.message).to.include('under that name').and.not.include(keyMaterial);
    }
  });

  it('are rejected for a new replica of a primary key that is pending deletion', async () => {
    const KeyId = 'mrk-1234abcd12ab34cd56ef1234567890ab';
    const [here, there] = ['us-east-1', 'eu-west-1'].map((region) => ({ keyId: KeyId, region }));
    const first = await startWith(here as SeedKey);
    await first.clientFor('us-east-1').scheduleKeyDeletion({ KeyId });
    await first[Symbol.asyncDispose]();
    const error = await startWith(here as SeedKey, there as SeedKey).catch((thrown) => thrown);
    expect(error).to.be.instanceOf(InvalidInputError);
    expect(error).to.have.property('field', 'keys[1]');
    expect(error.message).to.include('cancel its deletion');
    await using second = await startWith(here as SeedKey);
    await second.clientFor('us-east-1').cancelKeyDeletion({ KeyId });
  });

  it('are created once by servers that start at the same time', async () => {
    const seed = Array.from({ length: 5 }, (_, index) => ({ alias: `alias/n${index}` }));
    const subjects = await Promise.all([1, 2, 3].map(() => startWith(...seed)));
    try {
      for (const { kms } of subjects) {
        expect((await kms.listKeys({})).Keys).to.have.length(5);
        expect((await kms.listAliases({})).Aliases).to.have.length(5);
      }
    } finally {
      for (const subject of subjects) await subject[Symbol.asyncDispose]();
    }
  });
});
