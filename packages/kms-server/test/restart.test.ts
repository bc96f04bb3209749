import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { KMS } from '@aws-sdk/client-kms';
import { deletionCancelled, Keys } from '@keywrap/provider-local/keys';
import { expect } from 'chai';
import { importerInto, importInto, wrap } from './import-material.js';
import {
  ACCOUNT,
  bytes,
  Clock,
  idOf,
  newKey,
  openStore,
  REGION,
  rejection,
  start,
  useStorePath,
} from './support.js';

const DAY = 86400_000;
const POLICY = JSON.stringify({
  Statement: { Effect: 'Allow', Principal: 'nobody-else', Action: 'kms:*', Resource: '*' },
});

/** All that KMS tells of the keys and aliases of a region. */
async function everythingOf(kms: KMS): Promise<unknown> {
  const told = async (response: Promise<object>) => {
    const { $metadata: _, ...members } = (await response) as Record<string, unknown>;
    return members;
  };
  const orRejected = (response: Promise<object>) => told(response).catch((error) => error.name);
  const { Keys = [] } = await kms.listKeys({});
  const keys = await Promise.all(
    Keys.map(async ({ KeyId }) => ({
      ...(await told(kms.describeKey({ KeyId }))),
      ...(await told(kms.listResourceTags({ KeyId }))),
      ...(await told(kms.getKeyPolicy({ KeyId }))),
      rotation: await orRejected(kms.getKeyRotationStatus({ KeyId })),
      rotations: await orRejected(
        kms.listKeyRotations({ KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }),
      ),
      publicKey: await orRejected(kms.getPublicKey({ KeyId })),
    })),
  );
  return { keys, ...(await told(kms.listAliases({}))) };
}

describe('A server that starts again with the keys on disk', () => {
  const file = useStorePath();
  let clock: Clock;
  beforeEach(() => {
    clock = new Clock();
  });

  const startAgain = (at = file.path) => start({ now: clock.now, store: () => openStore(at) });

  /** Keys of every kind and in every state, each change on a different day. */
  async function makeKeys(kms: KMS): Promise<void> {
    const later = () => clock.forward(1, 1);
    const rotated = await newKey(kms, {
      Description: 'ünïcode',
      Policy: POLICY,
      Tags: [{ TagKey: 'team', TagValue: 'the secret team' }],
    });
    await kms.createAlias({ AliasName: 'alias/rotated', TargetKeyId: rotated });
    later();
    await kms.rotateKeyOnDemand({ KeyId: rotated });
    await kms.enableKeyRotation({ KeyId: rotated, RotationPeriodInDays: 400 });
    later();
    const multiRegion = await newKey(kms, { MultiRegion: true });
    await kms.updateAlias({ AliasName: 'alias/rotated', TargetKeyId: multiRegion });
    await kms.createAlias({ AliasName: 'alias/another', TargetKeyId: rotated });
    later();
    const imported = await newKey(kms, { Origin: 'EXTERNAL' });
    const validTo = new Date(clock.now().getTime() + 100 * DAY);
    const importIt = await importerInto(kms, imported);
    const first = await importIt(randomBytes(32), { ValidTo: validTo });
    await importIt(randomBytes(32), {
      ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      ImportType: 'NEW_KEY_MATERIAL',
      KeyMaterialDescription: 'second',
    });
    await kms.rotateKeyOnDemand({ KeyId: imported });
    await importIt(randomBytes(32), {
      ValidTo: validTo,
      ImportType: 'NEW_KEY_MATERIAL',
      KeyMaterialDescription: 'third.pending',
    });
    const incomplete = await newKey(kms, { Origin: 'EXTERNAL' });
    await importInto(kms, incomplete, randomBytes(32));
    await kms.deleteImportedKeyMaterial({ KeyId: incomplete });
    expect(first.KeyMaterialId).to.match(/^[0-9a-f]{64}$/);
    later();
    await kms.disableKey({ KeyId: await newKey(kms, { KeySpec: 'HMAC_256', ...MAC }) });
    await kms.scheduleKeyDeletion({ KeyId: await newKey(kms, { KeySpec: 'RSA_2048', ...SIGN }) });
    await newKey(kms, { KeySpec: 'ECC_SECG_P256K1', ...SIGN });
    later();
  }
  const MAC = { KeyUsage: 'GENERATE_VERIFY_MAC' } as const;
  const SIGN = { KeyUsage: 'SIGN_VERIFY' } as const;

  it('describes every key and alias as before, in every Region', async () => {
    let before: unknown[];
    {
      await using subject = await startAgain();
      const other = subject.clientFor('cn-north-1');
      await makeKeys(subject.kms);
      await other.createAlias({ AliasName: 'alias/rotated', TargetKeyId: await newKey(other) });
      before = [await everythingOf(subject.kms), await everythingOf(other)];
    }
    await using subject = await startAgain();
    const after = [
      await everythingOf(subject.kms),
      await everythingOf(subject.clientFor('cn-north-1')),
    ];
    expect(after).to.deep.equal(before);
    expect(await everythingOf(subject.clientFor('us-west-2'))).to.deep.equal({
      keys: [],
      Aliases: [],
      Truncated: false,
    });
  });

  it('describes them as before after a restore from a backup', async () => {
    await using subject = await startAgain();
    await makeKeys(subject.kms);
    const store = await openStore(file.path);
    const report = await store.verify();
    expect(report).to.deep.include({ keys: 7, damaged: [] });
    await store.backup(`${file.path}-again`);
    await store.close();
    await using again = await startAgain(`${file.path}-again`);
    expect(await everythingOf(again.kms)).to.deep.equal(await everythingOf(subject.kms));
  });

  it('decrypts what it encrypted, and verifies what it signed', async () => {
    const Message = bytes('message');
    const rsa = { EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' } as const;
    const ecdsa = { SigningAlgorithm: 'ECDSA_SHA_256', Message } as const;
    const hmac = { MacAlgorithm: 'HMAC_SHA_256', Message } as const;
    const before = await startAgain();
    const { kms } = before;
    const KeyId = await newKey(kms);
    const old = await kms.encrypt({ KeyId, Plaintext: bytes('old') });
    await kms.rotateKeyOnDemand({ KeyId });
    const newer = await kms.generateDataKey({ KeyId, KeySpec: 'AES_256' });
    const rsaKey = await newKey(kms, { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' });
    const sealed = await kms.encrypt({ KeyId: rsaKey, Plaintext: bytes('rsa'), ...rsa });
    const ecKey = await newKey(kms, { KeySpec: 'ECC_NIST_P256', ...SIGN });
    const { Signature } = await kms.sign({ KeyId: ecKey, ...ecdsa });
    const macKey = await newKey(kms, { KeySpec: 'HMAC_256', ...MAC });
    const { Mac } = await kms.generateMac({ KeyId: macKey, ...hmac });
    await before[Symbol.asyncDispose]();

    await using after = await startAgain();
    const open = async (CiphertextBlob: Uint8Array | undefined) =>
      (await after.kms.decrypt({ CiphertextBlob })).Plaintext;
    expect(await open(old.CiphertextBlob)).to.deep.equal(bytes('old'));
    expect(await open(newer.CiphertextBlob)).to.deep.equal(newer.Plaintext);
    const { CiphertextBlob } = sealed;
    const opened = await after.kms.decrypt({ KeyId: rsaKey, CiphertextBlob, ...rsa });
    expect(opened.Plaintext).to.deep.equal(bytes('rsa'));
    await after.kms.verify({ KeyId: ecKey, Signature, ...ecdsa });
    await after.kms.verifyMac({ KeyId: macKey, Mac, ...hmac });
  });

  it('rotates to material that was imported before, and requires a new import token', async () => {
    const before = await startAgain();
    const KeyId = await newKey(before.kms, { Origin: 'EXTERNAL' });
    const [first, second] = [randomBytes(32), randomBytes(32)];
    const forever = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' } as const;
    await importInto(before.kms, KeyId, first);
    const { CiphertextBlob } = await before.kms.encrypt({ KeyId, Plaintext: bytes('old') });
    const isNew = { ...forever, ImportType: 'NEW_KEY_MATERIAL' } as const;
    const pending = await importInto(before.kms, KeyId, second, isNew);
    const request = { KeyId, ...(await wrap(before.kms, KeyId, first)), ...forever };
    await before[Symbol.asyncDispose]();

    await using after = await startAgain();
    expect(await rejection(after.kms.importKeyMaterial(request))).to.equal(
      'InvalidImportTokenException',
    );
    await after.kms.rotateKeyOnDemand({ KeyId });
    const made = await after.kms.generateDataKey({ KeyId, KeySpec: 'AES_256' });
    expect(made.KeyMaterialId).to.equal(pending.KeyMaterialId);
    for (const blob of [CiphertextBlob, made.CiphertextBlob]) {
      await after.kms.decrypt({ CiphertextBlob: blob });
    }
    // The same material again is known by its id.
    expect((await importInto(after.kms, KeyId, second)).KeyMaterialId).to.equal(
      pending.KeyMaterialId,
    );
  });

  it('makes changes that fell due while it was stopped, once', async () => {
    const before = await startAgain();
    const { kms } = before;
    const rotating = await newKey(kms);
    await kms.enableKeyRotation({ KeyId: rotating, RotationPeriodInDays: 90 });
    const expiring = await newKey(kms, { Origin: 'EXTERNAL' });
    const ValidTo = new Date(clock.now().getTime() + 100 * DAY);
    const imported = await importInto(kms, expiring, randomBytes(32), { ValidTo });
    const doomed = await newKey(kms);
    await kms.createAlias({ AliasName: 'alias/doomed', TargetKeyId: doomed });
    await kms.scheduleKeyDeletion({ KeyId: doomed });
    await before[Symbol.asyncDispose]();
    clock.forward(200);

    let rotations: unknown;
    {
      await using after = await startAgain();
      ({ Rotations: rotations } = await after.kms.listKeyRotations({ KeyId: rotating }));
      expect(rotations).to.have.length(2);
      const { KeyMetadata } = await after.kms.describeKey({ KeyId: expiring });
      expect(KeyMetadata).to.include({
        KeyState: 'PendingImport',
        CurrentKeyMaterialId: imported.KeyMaterialId,
      });
      expect(await rejection(after.kms.describeKey({ KeyId: doomed }))).to.match(/^NotFound/);
      expect((await after.kms.listAliases({})).Aliases).to.deep.equal([]);
    }
    await using last = await startAgain();
    const { Rotations } = await last.kms.listKeyRotations({ KeyId: rotating });
    expect(Rotations).to.deep.equal(rotations);
    await using store = await openStore(file.path);
    expect(await store.verify(), 'the deleted key is gone').to.deep.include({ keys: 2 });
  });

  it('sets new dates when an alias is created again, even for the same key', async () => {
    await using subject = await startAgain();
    const alias = { AliasName: 'alias/a', TargetKeyId: await newKey(subject.kms) };
    await subject.kms.createAlias(alias);
    await subject.kms.deleteAlias({ AliasName: alias.AliasName });
    clock.forward(1);
    await subject.kms.createAlias(alias);
    const { Aliases: [made] = [] } = await subject.kms.listAliases({});
    expect(made).to.deep.include({ CreationDate: clock.now(), LastUpdatedDate: clock.now() });
  });

  it('stores neither policies nor tags in clear', async () => {
    await using subject = await startAgain();
    const Tags = [{ TagKey: 'team', TagValue: 'the secret team' }];
    await newKey(subject.kms, { Policy: POLICY, Tags });
    const folder = path.dirname(file.path);
    const names = await readdir(folder);
    expect(names).to.include(path.basename(file.path));
    for (const name of names) {
      const text = await readFile(path.join(folder, name), 'latin1');
      for (const hidden of ['nobody-else', 'the secret team']) {
        expect(text).not.to.include(hidden);
      }
    }
  });

  it('finds a key pending import when another program cancelled its deletion and material is missing', async () => {
    await using subject = await startAgain();
    const { kms } = subject;
    const KeyId = await newKey(kms, { Origin: 'EXTERNAL' });
    const { KeyMaterialId } = await importInto(kms, KeyId, randomBytes(32));
    const isNew = {
      ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      ImportType: 'NEW_KEY_MATERIAL',
    } as const;
    await importInto(kms, KeyId, randomBytes(32), isNew);
    await kms.rotateKeyOnDemand({ KeyId });
    await kms.deleteImportedKeyMaterial({ KeyId, KeyMaterialId });
    await kms.scheduleKeyDeletion({ KeyId });
    const store = await openStore(file.path);
    const scope = { partition: 'aws', region: REGION, account: ACCOUNT };
    const keys = new Keys(store, scope, clock.now);
    const key = await store.loadKey(KeyId);
    if (key !== undefined) await keys.change(key, deletionCancelled);
    await store.close();
    const { KeyMetadata } = await kms.describeKey({ KeyId: idOf(KeyId) });
    expect(KeyMetadata?.KeyState).to.equal('PendingImport');
  });
});
