import { spawnSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatAliasArn, formatKeyArn, parseKeyId } from '@keywrap/core';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { SqlKeyStore } from '@keywrap/provider-local/store';
import { expect } from 'chai';
import type { AliasRecord, KeyRecord } from '#dist/keys/record.js';
import { type ImportFolderOptions, importFolder } from '#dist/store/import-folder.js';
import { CHEAP, PASSPHRASE, rejection } from './support.js';

const FIXTURES = fileURLToPath(new URL('../../test/store/fixtures/first-format/', import.meta.url));
const SCOPE = { partition: 'aws', region: 'eu-central-1', account: '111122223333' };

/** The keys of a fixture as the last release with folders described them. */
interface Expected {
  // biome-ignore lint/suspicious/noExplicitAny: JSON of another release, as it was.
  readonly keys: Readonly<Record<string, any>>;
  // biome-ignore lint/suspicious/noExplicitAny: the same.
  readonly aliases: Readonly<Record<string, any>>;
  /** In base64. */
  readonly ciphertexts: readonly {
    readonly keyId: string;
    readonly ciphertext: string;
    readonly plaintext: string;
    readonly encryptionContext?: Readonly<Record<string, string>>;
  }[];
}

async function expected(name: string): Promise<Expected> {
  return JSON.parse(await readFile(path.join(FIXTURES, `${name}.json`), 'utf8'));
}

/** The key that protects the fixture `by-a-provider`. */
const keyId = 'wraps-stores';
const newWrappingProvider = () =>
  new LocalKeyWrapProvider({ keys: [{ keyId, keyMaterial: new Uint8Array(32).fill(9) }] });

describe('A folder of the first format', () => {
  let parent: string;
  let location: string;
  beforeEach(async () => {
    parent = await mkdtemp(path.join(tmpdir(), 'keywrap-import-'));
    location = path.join(parent, 'keys.db');
  });
  afterEach(() => rm(parent, { recursive: true, force: true }));

  async function copyOf(name: string): Promise<string> {
    const folder = path.join(parent, name);
    await cp(path.join(FIXTURES, name), folder, { recursive: true });
    await chmod(folder, 0o700);
    return folder;
  }

  function importIt(folder: string, options: Partial<ImportFolderOptions> = {}) {
    const protectedBy = { passphrase: PASSPHRASE };
    return importFolder({ folder, location, protectedBy, scope: SCOPE, scrypt: CHEAP, ...options });
  }

  const all = { scope: undefined, after: undefined, limit: 1000 } as const;
  async function keysOf(store: SqlKeyStore): Promise<Map<string, KeyRecord>> {
    const keys = await store.listKeys(all);
    return new Map(keys.map((key) => [formatKeyArn(key.id, key.scope), key]));
  }
  async function aliasesOf(store: SqlKeyStore): Promise<Map<string, AliasRecord>> {
    const aliases = await store.listAliases(all);
    return new Map(aliases.map((of) => [formatAliasArn(of.alias, of.scope), of]));
  }
  /** All files of a folder, with their bytes. */
  async function contentsOf(folder: string): Promise<unknown> {
    const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name));
    return Promise.all(names.sort().map(async (name) => [name, await readFile(name, 'base64')]));
  }

  describe('of provider-local', () => {
    it('keeps every key, in the given scope, and every alias that has a key', async () => {
      const { keys, aliases } = await expected('provider-local');
      await using store = await importIt(await copyOf('provider-local'));
      const imported = await keysOf(store);
      expect([...imported.keys()]).to.have.members(Object.keys(keys));
      for (const [arn, key] of imported) {
        const { keySpec, keyUsage, keyState, origin, description } = keys[arn];
        expect(key).to.include({ keySpec, keyUsage, keyState, origin, description });
        expect(key.creationDate.toJSON()).to.equal(keys[arn].creationDate);
        expect(key.deletionDate?.toJSON()).to.equal(keys[arn].deletionDate);
        expect(key).to.deep.include({
          scope: SCOPE,
          pendingVersion: undefined,
          automaticRotation: undefined,
          primaryRegion: undefined,
          tags: [],
          policy: undefined,
        });
      }
      const importedAliases = await aliasesOf(store);
      expect([...importedAliases.keys()]).to.have.members(Object.keys(aliases));
      for (const [arn, { keyId, scope, creationDate }] of importedAliases) {
        const keyArn = formatKeyArn(keyId, scope);
        expect(keyArn).to.equal(aliases[arn]);
        expect(creationDate).to.deep.equal(imported.get(keyArn)?.creationDate);
      }
    });

    it('keeps all versions of a key with ids of their material, and public keys', async () => {
      await using store = await importIt(await copyOf('provider-local'));
      const keys = [...(await keysOf(store)).values()];
      const byKind = (keySpec: string) => keys.filter((key) => key.keySpec === keySpec);
      const rotated = byKind('SYMMETRIC_DEFAULT').find(({ versions }) => versions.length === 2);
      expect(rotated?.versions.map(({ version }) => version)).to.deep.equal([1, 2]);
      const ids = rotated?.versions.map(({ materialId }) => materialId) ?? [];
      expect(new Set(ids).size).to.equal(2);
      for (const id of ids) expect(id).to.match(/^[0-9a-f]{64}$/);
      for (const [kind, length] of [
        ['RSA_2048', 294],
        ['ECC_NIST_P256', 91],
      ] as const) {
        expect(byKind(kind)[0]?.versions[0]?.publicKey).to.have.lengthOf(length);
      }
      const imported = keys.find(
        ({ origin, versions }) => origin === 'EXTERNAL' && versions.length,
      );
      expect(imported?.versions[0]?.material?.bytes).to.deep.equal(new Uint8Array(32).fill(7));
      const waiting = keys.find(({ keyState }) => keyState === 'PendingImport');
      expect(waiting).to.deep.include({ versions: [], origin: 'EXTERNAL' });
    });
  });

  describe('of keywrap-kms', () => {
    it('keeps keys, versions, tags, policies and aliases under the ARNs that they had', async () => {
      const { keys, aliases } = await expected('keywrap-kms');
      await using store = await importIt(await copyOf('keywrap-kms'));
      const imported = await keysOf(store);
      expect([...imported.keys()]).to.have.members(Object.keys(keys));
      for (const [arn, key] of imported) {
        const { metadata, policy, tags = [], rotations, rotationStatus } = keys[arn];
        expect(key, arn).to.include({
          keySpec: metadata.KeySpec,
          keyUsage: metadata.KeyUsage,
          keyState: metadata.KeyState,
          origin: metadata.Origin,
          description: metadata.Description,
          primaryRegion: metadata.MultiRegion ? key.scope.region : undefined,
        });
        expect(key.creationDate.toJSON()).to.equal(metadata.CreationDate);
        expect(key.deletionDate?.toJSON()).to.equal(metadata.DeletionDate);
        if (policy !== undefined) expect(key.policy).to.equal(policy);
        const shown = key.tags.map(({ key: TagKey, value: TagValue }) => ({ TagKey, TagValue }));
        expect(shown).to.deep.equal(tags);
        if (Array.isArray(rotations)) {
          const versions = [...key.versions, ...(key.pendingVersion ? [key.pendingVersion] : [])];
          const summary = versions.map((version) => ({
            id: version.materialId,
            date: version.rotation?.date.toJSON(),
            type: version.rotation?.type,
            description: version.description,
            validTo: version.validTo?.toJSON(),
          }));
          const wanted = rotations.map((of) => ({
            id: of.KeyMaterialId,
            date: of.RotationDate,
            type: of.RotationType,
            description: of.KeyMaterialDescription,
            validTo: of.ValidTo,
          }));
          expect(summary, arn).to.have.deep.members(wanted);
        }
        const automatic = key.automaticRotation;
        expect(automatic?.periodInDays).to.equal(rotationStatus?.RotationPeriodInDays);
        expect(automatic?.nextDate.toJSON()).to.equal(rotationStatus?.NextRotationDate);
      }
      const importedAliases = await aliasesOf(store);
      expect([...importedAliases.keys()]).to.have.members(Object.keys(aliases));
      for (const [arn, alias] of importedAliases) {
        expect(alias.keyId).to.equal(aliases[arn].TargetKeyId);
        expect(alias.creationDate.toJSON()).to.equal(aliases[arn].CreationDate);
        expect(alias.lastUpdatedDate.toJSON()).to.equal(aliases[arn].LastUpdatedDate);
      }
    });

    it('keeps versions whose material is missing or pending', async () => {
      await using store = await importIt(await copyOf('keywrap-kms'));
      const keys = [...(await keysOf(store)).values()].filter(
        ({ origin }) => origin === 'EXTERNAL',
      );
      const shapes = keys.map(({ keyState, versions, pendingVersion }) => ({
        keyState,
        present: versions.map(({ version, material }) => [version, material !== undefined]),
        pending: pendingVersion && [pendingVersion.version, pendingVersion.material?.bytes[0]],
      }));
      expect(shapes).to.have.deep.members([
        {
          keyState: 'Enabled',
          present: [
            [1, true],
            [2, true],
          ],
          pending: [3, 3],
        },
        { keyState: 'PendingImport', present: [[1, false]], pending: undefined },
        { keyState: 'PendingImport', present: [], pending: undefined },
      ]);
    });
  });

  for (const name of ['provider-local', 'keywrap-kms']) {
    it(`decrypts what ${name} encrypted with it`, async () => {
      const { ciphertexts } = await expected(name);
      await using store = await importIt(await copyOf(name));
      const outcomes = new Map<string, string>();
      for (const { keyId, ciphertext, plaintext, encryptionContext } of ciphertexts) {
        const { partition, region, account } = parseKeyId(keyId) as typeof SCOPE;
        const now = () => new Date('2026-03-03T00:00:00Z');
        await using keys = new LocalKeyWrapProvider({ store, partition, region, account, now });
        const call = { keyId, ciphertext: Buffer.from(ciphertext, 'base64') };
        const outcome = await keys
          .decrypt({ ...call, ...(encryptionContext && { encryptionContext }) })
          .then((result) => Buffer.from(result.plaintext).toString() === plaintext && 'ok')
          .catch((error) => error.code);
        outcomes.set(plaintext, String(outcome));
      }
      const unusable = {
        'sealed by a disabled key': 'KEY_DISABLED',
        'sealed by a key that is pending deletion': 'KEY_STATE',
        'sealed by material that was deleted': 'KEY_STATE',
      } as const;
      expect(outcomes.size).to.be.greaterThan(3);
      for (const [plaintext, outcome] of outcomes) {
        const wanted = unusable[plaintext as keyof typeof unusable] ?? 'ok';
        expect(outcome, plaintext).to.equal(wanted);
      }
    });
  }

  it('is not changed, opens again as a store, and reports progress', async () => {
    const folder = await copyOf('provider-local');
    const before = await contentsOf(folder);
    const progress: string[] = [];
    const onProgress = (done: number, total: number) => progress.push(`${done}/${total}`);
    await (await importIt(folder, { onProgress })).close();
    expect(progress).to.deep.equal(['1/8', '2/8', '3/8', '4/8', '5/8', '6/8', '7/8', '8/8']);
    expect(await contentsOf(folder)).to.deep.equal(before);
    const protectedBy = { passphrase: PASSPHRASE };
    await using again = await SqlKeyStore.open({ location, protectedBy });
    expect(again.generation).to.equal(1);
    expect((await keysOf(again)).size).to.equal(8);
  });

  it('opens with the bytes of a passphrase file that is not UTF-8, which was read with U+FFFD', async () => {
    const passphrase = Uint8Array.of(0x73, 0xff, 0x74);
    await (
      await importIt(await copyOf('replaced-passphrase'), { protectedBy: { passphrase } })
    ).close();
    await using store = await SqlKeyStore.open({ location, protectedBy: { passphrase } });
    expect((await keysOf(store)).size).to.equal(1);
  });

  it('opens only with the key of its provider', async () => {
    const folder = await copyOf('by-a-provider');
    await using provider = newWrappingProvider();
    const withPassphrase = await rejection(importIt(folder));
    expect(withPassphrase).to.include({ code: 'INVALID_INPUT' });
    const other = await copyOf('provider-local');
    const withProvider = await rejection(importIt(other, { protectedBy: { provider, keyId } }));
    expect(withProvider).to.include({ code: 'INVALID_INPUT' });
    await using store = await importIt(folder, { protectedBy: { provider, keyId } });
    expect((await keysOf(store)).size).to.equal(1);
  });

  it('does not open with a wrong passphrase (ACCESS_DENIED)', async () => {
    const folder = await copyOf('provider-local');
    const error = await rejection(importIt(folder, { protectedBy: { passphrase: 'not it' } }));
    expect(error).to.include({ code: 'ACCESS_DENIED' });
    expect(await readdir(parent)).to.deep.equal(['provider-local']);
  });

  it('is not imported over a store, nor from any other folder (INVALID_INPUT)', async () => {
    const folder = await copyOf('provider-local');
    await (await importIt(folder)).close();
    const bytes = await readFile(location, 'base64');
    const again = await rejection(importIt(folder));
    expect(again).to.include({ code: 'INVALID_INPUT' });
    expect(again.message).to.include('holds a key store already');
    expect(await readFile(location, 'base64')).to.equal(bytes);
    await mkdir(path.join(parent, 'empty'));
    for (const name of ['empty', 'missing', 'keys.db']) {
      expect(await rejection(importIt(path.join(parent, name)))).to.include({
        code: 'INVALID_INPUT',
      });
    }
  });

  it('is rejected as a store, with the command that imports it (INVALID_INPUT)', async () => {
    const folder = await copyOf('provider-local');
    const protectedBy = { passphrase: PASSPHRASE };
    for (const create of [true, false]) {
      const error = await rejection(SqlKeyStore.open({ location: folder, protectedBy, create }));
      expect(error).to.include({ code: 'INVALID_INPUT' });
      expect(error.message).to.include(`keywrap-store import ${folder}`);
    }
    const plain = await rejection(SqlKeyStore.open({ location: parent, protectedBy }));
    expect(plain.message).to.match(/is a folder; name a file$/);
  });

  it('leaves no store when the import is killed', async () => {
    const folder = await copyOf('keywrap-kms');
    const program = `
      import { importFolder } from '#dist/store/import-folder.js';
      await importFolder({
        ...${JSON.stringify({ folder, location, scope: SCOPE, scrypt: CHEAP })},
        protectedBy: { passphrase: ${JSON.stringify(PASSPHRASE)} },
        onProgress: (done) => done === 4 && process.kill(process.pid, 'SIGKILL'),
      });`;
    const { signal } = spawnSync(
      process.execPath,
      ['--input-type=module', '--no-warnings', '--eval', program],
      { cwd: fileURLToPath(new URL('../..', import.meta.url)), stdio: 'inherit' },
    );
    expect(signal).to.equal('SIGKILL');
    expect(await SqlKeyStore.isAt(location)).to.equal(false);
    await (await importIt(folder)).close();
  });

  it('leaves nothing when onProgress throws', async () => {
    const folder = await copyOf('provider-local');
    const stop = new Error('stop');
    const onProgress = (done: number) => {
      if (done === 8) throw stop;
    };
    expect(await rejection(importIt(folder, { onProgress }))).to.equal(stop);
    expect(await readdir(parent)).to.deep.equal(['provider-local']);
  });

  describe('that was changed', () => {
    async function expectNothing(folder: string): Promise<Error> {
      const error = await rejection(importIt(folder));
      expect(['DamagedStoreError', 'AccessDeniedError', 'InvalidInputError']).to.include(
        error.name,
      );
      expect((await readdir(parent)).sort()).to.deep.equal([path.basename(folder)]);
      return error;
    }

    it('leaves nothing behind, whichever byte of a record was changed', async () => {
      // By a provider: nothing is derived each time from a passphrase.
      await using provider = newWrappingProvider();
      const folder = await copyOf('by-a-provider');
      const [name = ''] = await readdir(path.join(folder, 'records'));
      const file = path.join(folder, 'records', name);
      const bytes = await readFile(file);
      const expectDamage = async (changed: Uint8Array, what: string) => {
        await writeFile(file, changed);
        const error = await rejection(importIt(folder, { protectedBy: { provider, keyId } }));
        expect(error.name, what).to.equal('DamagedStoreError');
        expect(await readdir(parent)).to.deep.equal(['by-a-provider']);
      };
      for (let at = 0; at < bytes.length; at += 7) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] as number) ^ 1;
        await expectDamage(changed, `byte ${at}`);
      }
      for (const length of [0, 4, 8, 20, bytes.length - 1]) {
        await expectDamage(bytes.subarray(0, length), `${length} bytes`);
      }
    });

    it('leaves nothing behind, whichever byte of the manifest was changed', async () => {
      const folder = await copyOf('replaced-passphrase');
      const name = (await readdir(folder)).find((entry) => entry.startsWith('manifest')) as string;
      const file = path.join(folder, name);
      const bytes = await readFile(file);
      const header = bytes.toString('latin1');
      const salt = header.indexOf('"salt":"') + 9;
      for (const at of [0, 3, 4, 5, 8, 9, salt, bytes.length - 1]) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] as number) ^ 1;
        await writeFile(file, changed);
        await expectNothing(folder);
      }
      for (const [from, to] of [
        ['"cost":16384', '"cost":16385'],
        ['"salt":"', '"salt":7,"x":"'],
        ['"cost":16384', '"cost":8388608'],
        ['"cost":16384', '"cost":"much"'],
        ['"scrypt":', '"script":'],
        ['"protection":', '"protector":'],
        ['"storeId":"', '"storeId":7,"x":"'],
      ] as const) {
        await writeFile(
          file,
          withHeader(bytes, (json) => json.replace(from, to)),
        );
        await expectNothing(folder);
      }
    });

    it('is damaged if a record is missing or replaced by another', async () => {
      const folder = await copyOf('provider-local');
      const records = (await readdir(path.join(folder, 'records'))).map((name) =>
        path.join(folder, 'records', name),
      );
      const [one = '', other = ''] = records;
      const bytes = await readFile(one);
      await writeFile(one, await readFile(other));
      expect((await expectNothing(folder)).message).to.include('is not the newest record of key');
      await rm(one);
      expect((await expectNothing(folder)).message).to.include('is missing');
      await writeFile(one, bytes);
      await (await importIt(folder)).close();
    });

    it('is damaged if an older manifest has the name of a newer one', async () => {
      const folder = await copyOf('provider-local');
      const name = (await readdir(folder)).find((entry) => entry.startsWith('manifest')) as string;
      await cp(path.join(folder, name), path.join(folder, 'manifest-000000000099'));
      expect((await expectNothing(folder)).message).to.include('manifest-000000000099');
    });
  });
});

/** Changes the header of a file, and the length of it. */
function withHeader(bytes: Buffer, change: (json: string) => string): Buffer {
  const end = 9 + bytes.readUInt32BE(5);
  const json = Buffer.from(change(bytes.toString('utf8', 9, end)));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  return Buffer.concat([bytes.subarray(0, 5), length, json, bytes.subarray(end)]);
}
