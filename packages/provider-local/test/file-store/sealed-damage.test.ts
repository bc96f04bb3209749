import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { DamagedStoreError, FileKeyStore } from '@keywrap/provider-local/file-store';
import { expect } from 'chai';
import { AuditChain } from '#dist/audit/audit-chain.js';
import { verifyAuditLogs } from '#dist/audit/audit-verify.js';
import { openManifest, parseManifest } from '#dist/file-store/manifest-file.js';
import { decodeRecord, digestOf } from '#dist/file-store/record-file.js';
import {
  type FileKind,
  lengthPrefixed,
  openFile,
  parseFile,
  sealFile,
} from '#dist/file-store/sealed-file.js';
import { StoreKey } from '#dist/file-store/store-key.js';
import {
  manifestFile,
  newRecord,
  openStore,
  PASSPHRASE,
  recordFile,
  rejection,
  useFolder,
} from './support.js';

// What authenticates was written by somebody who has the key of the store: a release with a mistake in it,
// perhaps. It is damage like any other, and never a TypeError.

const utf8 = (text: string) => new TextEncoder().encode(text);

describe('a file that is sealed with the key of the store, but holds what no store writes', () => {
  const folder = useFolder();
  const protectedBy = { passphrase: PASSPHRASE };
  const id = 'a';

  async function sample() {
    const store = await openStore(folder.path);
    await store.changeKey(id, () => newRecord(id));
    const path = await manifestFile(folder.path);
    const file = parseManifest(path, await readFile(path), 2);
    const { storeId, protection } = file.header;
    const { files: key } = await StoreKey.unwrap(storeId, protectedBy, protection);
    const seal = (kind: FileKind, header: object, content: Uint8Array | string) =>
      sealFile(key, kind, header, typeof content === 'string' ? utf8(content) : content);
    return { store, path, header: file.header, manifest: openManifest(key, file), key, seal };
  }

  const entry = { file: '000000000002-0123456789abcdef', generation: 2, digest: 'AA==' };
  const withKeys = (...keys: unknown[]) => JSON.stringify({ keys, aliases: [] });
  for (const content of [
    'null',
    '[]',
    '{}',
    '{"keys":7,"aliases":[]}',
    '{"keys":[],"aliases":{}}',
    '{"keys":[],"aliases":["alias/a"]}',
    '{"keys":[],"aliases":[["alias/a",7]]}',
    withKeys(7),
    withKeys(['a']),
    withKeys([7, entry]),
    withKeys(['a', null]),
    withKeys(['a', { ...entry, file: 7 }]),
    withKeys(['a', { ...entry, file: '../../elsewhere' }]),
    withKeys(['a', { ...entry, generation: '2' }]),
    withKeys(['a', { ...entry, digest: undefined }]),
  ]) {
    it(`a manifest that is ${content}`, async () => {
      const { path, header, seal } = await sample();
      await writeFile(path, seal('manifest', header, content));
      const error = await rejection(openStore(folder.path));
      expect(error).to.be.instanceOf(DamagedStoreError).with.property('file', path);
    });
  }

  for (const [what, fields] of [
    ['no date', { creationDate: undefined }],
    ['a date that is none', { creationDate: 'yesterday' }],
    ['a date of deletion that is none', { deletionDate: 7 }],
    ['no list of materials', { materials: undefined }],
    ['a material that is none', { materials: [null] }],
    ['a material without a version', { materials: [{}] }],
    ['a version that is none', { materials: [{ version: 0 }] }],
    ['a public key that is none', { materials: [{ version: 1, publicKey: 7 }] }],
    ['a public key that is not base64', { materials: [{ version: 1, publicKey: 'a' }] }],
    ['a public key that is empty', { materials: [{ version: 1, publicKey: '' }] }],
    ['more materials than there are secrets', { materials: [{ version: 1 }, { version: 2 }] }],
    ['fewer materials than there are secrets', { materials: [] }],
    ['a description that is none', { description: null }],
    ['a state that is none', { keyState: 7 }],
    ['no generation', { generation: undefined }],
    ['a name for its spec that no spec has', { keySpec: undefined }],
  ] as const) {
    it(`a record with ${what}`, async () => {
      const { key, seal, manifest } = await sample();
      const bytes = await readFile(await recordFile(folder.path));
      const file = parseFile({ path: 'record' }, 'record', bytes);
      const header = { ...(file.header as object), ...fields };
      const sealed = seal('record', header, openFile(key, file));
      const named = { file: 'record', generation: 2, digest: digestOf(sealed) };
      const read = () => decodeRecord(key, 'record', sealed, manifest.storeId, id, named);
      expect(read).to.throw(DamagedStoreError, 'key a: record ');
    });
  }

  for (const secrets of [[0], [0, 0, 0, 2, 1], [0xff, 0xff, 0xff, 0xff, 1]]) {
    it(`a record whose secrets are ${secrets.join(' ')}`, async () => {
      const { key, seal, manifest } = await sample();
      const bytes = await readFile(await recordFile(folder.path));
      const { header } = parseFile({ path: 'record' }, 'record', bytes);
      const sealed = seal('record', header as object, Uint8Array.from(secrets));
      const named = { file: 'record', generation: 2, digest: digestOf(sealed) };
      const read = () => decodeRecord(key, 'record', sealed, manifest.storeId, id, named);
      expect(read).to.throw(DamagedStoreError);
    });
  }

  for (const before of [7, {}, [7], [['log']], [['log', 7]]]) {
    it(`an audit log that begins after ${JSON.stringify(before)}`, async () => {
      const key = crypto.getRandomValues(new Uint8Array(32));
      const line = { seq: 0, time: '2026-01-02T03:04:05.678Z', operation: 'audit.open', before };
      await mkdir(folder.path);
      const log = '20260102T030405678Z-1-00000000.jsonl';
      await writeFile(`${folder.path}/${log}`, new AuditChain(key, 'store', log).next(line).text);
      const reports = await verifyAuditLogs({ folder: folder.path, key, storeId: 'store' });
      const problem = 'begins with a line that this release of keywrap does not write';
      expect(reports).to.deep.equal([
        { log, lines: 1, closed: false, generation: undefined, problem },
      ]);
    });
  }

  it('a backup with other parts than its manifest says', async () => {
    const { path, header, seal } = await sample();
    const manifest = await readFile(path);
    const record = await readFile(await recordFile(folder.path));
    for (const content of [
      new Uint8Array(),
      Uint8Array.of(0, 0, 1),
      lengthPrefixed([manifest]),
      lengthPrefixed([manifest, record, record]),
    ]) {
      const backup = seal('backup', header, content);
      const restore = FileKeyStore.restore({ folder: `${folder.path}-new`, backup, protectedBy });
      expect(await rejection(restore)).to.be.instanceOf(DamagedStoreError);
    }
  });
});
