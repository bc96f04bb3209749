import { copyFile, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { DamagedStoreError, type SqlKeyStore } from '@keywrap/provider-local/store';
import { expect } from 'chai';
import fc from 'fast-check';
import sinon from 'sinon';
import type { Script, Statement } from '#dist/store/dialect.js';
import type { SqliteHandle } from '#dist/store/dialects/sqlite-binding.js';
import { SqliteConnection } from '#dist/store/dialects/sqlite-connection.js';
import { KEYS, selectRow } from '#dist/store/schema.js';
import {
  aliasArnOf,
  arnOf,
  newAlias,
  newKey,
  openRaw,
  putAlias,
  putKey,
  rejection,
  removeKey,
  tamper,
  useStoreFile,
} from './support.js';

const A = arnOf('a');
const B = arnOf('b');

describe('A key store that was changed without its key', () => {
  const file = useStoreFile();
  let store: SqlKeyStore;
  beforeEach(async () => {
    store = await file.open();
    for (const id of ['a', 'b', 'c']) await putKey(store, newKey(id));
    await putAlias(store, newAlias('x', 'a'));
    await putAlias(store, newAlias('y', 'b'));
  });

  /** Opens a store and returns the report of a check. */
  async function damageOf(): Promise<string[]> {
    const { damaged } = await (await file.open()).verify();
    for (const error of damaged) {
      expect(error).to.be.instanceOf(DamagedStoreError);
      expect(error).to.include({ code: 'UNAVAILABLE', retryable: false, location: file.path });
      expect(error.message).to.include('restore the store from a backup');
    }
    return damaged.map(({ message }) => message);
  }

  it('is undamaged if nothing was changed', async () => {
    expect(await store.verify()).to.deep.equal({
      generation: 5,
      keys: 3,
      aliases: 2,
      damaged: [],
    });
    expect(await damageOf()).to.deep.equal([]);
  });

  const swapped = (column: string, table: string, [one, other]: readonly [string, string]) => [
    `create temp table t as select * from ${table}`,
    `update ${table} set ${column} = (select ${column} from t where arn = '${other}') where arn = '${one}'`,
    `update ${table} set ${column} = (select ${column} from t where arn = '${one}') where arn = '${other}'`,
  ];
  const ALIASES = [aliasArnOf('x'), aliasArnOf('y')] as const;

  /** Changes a bit of the byte at this place of the sealed key. */
  async function flip(at: number): Promise<string> {
    const raw = await openRaw(file.path);
    const row = raw.prepare(`select sealed from keywrap_keys where arn = '${A}'`).get();
    raw.close();
    const sealed = Buffer.from(row?.sealed as Uint8Array);
    const place = (at + sealed.length) % sealed.length;
    sealed.writeUInt8(sealed.readUInt8(place) ^ 1, place);
    return `update keywrap_keys set sealed = x'${sealed.toString('hex')}' where arn = '${A}'`;
  }

  for (const [what, at] of [
    ['nonce', 0],
    ['ciphertext', 40],
    ['tag', -1],
  ] as const) {
    it(`is damaged: a changed ${what}`, async () => {
      await store.close();
      await tamper(file.path, await flip(at));
      const messages = await damageOf();
      expect(messages).to.have.length(1);
      expect(messages[0]).to.include(A);
    });
  }

  for (const [what, sql, damaged] of [
    ['a row cut short', [`update keywrap_keys set sealed = x'00' where arn = '${A}'`], [A]],
    ['swapped keys', swapped('sealed', 'keywrap_keys', [A, B]), [A, B]],
    ['swapped aliases', swapped('sealed', 'keywrap_aliases', ALIASES), ALIASES],
    [
      'an alias that points to another key',
      [`update keywrap_aliases set key_arn = '${B}'`],
      [ALIASES[0]],
    ],
    ['a changed id', [`update keywrap_keys set id = 'z' where arn = '${A}'`], [A]],
    [
      'an id with a NUL',
      [`update keywrap_keys set id = cast(x'6100' as text) where arn = '${A}'`],
      [A],
    ],
    ['a changed version', [`update keywrap_keys set version = 4 where arn = '${A}'`], [A]],
    [
      'a renamed key',
      [`update keywrap_keys set arn = '${arnOf('z')}' where arn = '${A}'`],
      [arnOf('z')],
    ],
    [
      'a copied key',
      [
        `insert into keywrap_keys select '${arnOf('z')}', 'z', version, sealed from keywrap_keys where arn = '${A}'`,
      ],
      [arnOf('z'), 'rows were removed, added or replaced by old copies'],
    ],
    ['a removed key', [`delete from keywrap_keys where arn = '${A}'`], ['rows were removed']],
    [
      'a removed alias',
      [`delete from keywrap_aliases where arn = '${ALIASES[0]}'`],
      ['rows were removed'],
    ],
  ] as const) {
    it(`is damaged: ${what}`, async () => {
      await store.close();
      await tamper(file.path, ...sql);
      const messages = await damageOf();
      expect(messages).to.have.length(damaged.length);
      for (const part of damaged)
        expect(
          messages.some((text) => text.includes(part)),
          part,
        ).to.equal(true);
    });
  }

  it('rejects a changed row by name when it is read, and still reads the others', async () => {
    await store.close();
    await tamper(file.path, await flip(40));
    const again = await file.open();
    const error = await rejection(again.loadKey(A));
    expect(error).to.be.instanceOf(DamagedStoreError).and.to.include({ keyId: A });
    expect(error.message).to.include(`the row "${A}" in keys was changed`);
    expect((await again.loadKey(B))?.id).to.equal('b');
    const change = again.change({ keys: [A], aliases: [] }, ({ removeKey: remove }) => remove(A));
    expect(await rejection(change)).to.be.instanceOf(DamagedStoreError);
  });

  for (const [what, later] of [
    ['', async () => {}],
    [
      ', also when it was honestly replaced later',
      async () => putKey(await file.open(), newKey('a')),
    ],
    [', also when it was removed later', async () => removeKey(await file.open(), A)],
  ] as const) {
    it(`is damaged: an older row of the same key was put back${what}`, async () => {
      const raw = await openRaw(file.path);
      raw.exec('create temp table old as select * from keywrap_keys');
      await putKey(store, newKey('a', { description: 'newer' }));
      await store.close();
      raw.exec('insert or replace into keywrap_keys select * from old');
      raw.close();
      await later();
      expect((await damageOf()).join()).to.include(
        'rows were removed, added or replaced by old copies',
      );
    });
  }

  it('is damaged: a removed key was put back', async () => {
    const raw = await openRaw(file.path);
    raw.exec('create temp table old as select * from keywrap_keys');
    await removeKey(store, A);
    await store.close();
    raw.exec('insert or ignore into keywrap_keys select * from old');
    raw.close();
    expect((await damageOf()).join()).to.include(
      '3 keys and 1 aliases are there, 2 and 1 were written',
    );
  });

  it('is damaged: an older store row under newer keys', async () => {
    const raw = await openRaw(file.path);
    raw.exec('create temp table old as select * from keywrap_store');
    await putKey(store, newKey('d'));
    await store.close();
    raw.exec('delete from keywrap_store; insert into keywrap_store select * from old');
    raw.close();
    expect((await damageOf()).join()).to.include(
      'rows were removed, added or replaced by old copies',
    );
  });

  for (const [what, sql] of [
    ['generation', 'update keywrap_store set generation = generation + 1'],
    ['id', `update keywrap_store set id = '00000000-0000-4000-8000-000000000000'`],
    ['set hash', 'update keywrap_store set sealed = zeroblob(length(sealed))'],
    ['protection', `update keywrap_store set protection = replace(protection, 'A', 'B')`],
    ['protection that is not JSON', `update keywrap_store set protection = '{'`],
    ['format', 'update keywrap_store set format = 3'],
    ['row, which is missing', 'delete from keywrap_store'],
    ['table, which is missing', 'drop table keywrap_store'],
  ] as const) {
    it(`does not open with a different ${what} in the store row`, async () => {
      await store.close();
      await tamper(file.path, sql);
      const { code } = await rejection(file.open());
      expect(code).to.be.oneOf(['UNAVAILABLE', 'ACCESS_DENIED', 'INVALID_CIPHERTEXT']);
      // Nothing was made in its place.
      expect((await rejection(file.open())).code).to.equal(code);
    });
  }

  /** A handle that takes the table of keys for one that is not STRICT: to write what SQLite would reject. */
  async function lenient(): Promise<SqliteHandle> {
    const schema = await openRaw(file.path);
    (schema as { enableDefensive?(enabled: boolean): void }).enableDefensive?.(false);
    schema.exec('pragma writable_schema = on');
    const { sql } =
      schema.prepare("select sql from sqlite_schema where name = 'keywrap_keys'").get() ?? {};
    const change = schema.prepare("update sqlite_schema set sql = ?1 where name = 'keywrap_keys'");
    change.run(String(sql).replaceAll('not null', '').replace('strict', ''));
    const raw = await openRaw(file.path);
    raw.prepare('select count(*) from keywrap_keys').get();
    change.run(String(sql));
    schema.close();
    return raw;
  }

  for (const [what, sql] of [
    ['a trigger', 'create trigger t before insert on keywrap_keys begin select raise(ignore); end'],
    ['an index', 'create index t on keywrap_keys (hex(zeroblob(9)))'],
    ['a column', 'alter table keywrap_keys add column t text as (hex(zeroblob(9)))'],
    ['a table', 'create table t (a)'],
    [
      'a view in the place of a table',
      'alter table keywrap_keys rename to t; create view keywrap_keys as select * from t',
    ],
    [
      'a table without constraints',
      'create table t as select * from keywrap_keys; drop table keywrap_keys; alter table t rename to keywrap_keys',
    ],
  ] as const) {
    it(`is damaged: ${what} that was added, which SQLite would run or obey`, async () => {
      await store.loadKey(A);
      await tamper(file.path, sql);
      for (const rejected of [
        store.loadKey(arnOf('z')),
        putKey(store, newKey('z')),
        store.verify(),
        store.backup(path.join(file.folder, 'copy.db')),
        file.open(),
      ]) {
        const error = await rejection(rejected);
        expect(error).to.be.instanceOf(DamagedStoreError).and.to.include({ retryable: false });
        expect(error.message).to.include('has another schema than a key store');
      }
    });
  }

  for (const [what, sql] of [
    ['index', 'drop index keywrap_keys_by_id'],
    ['table', 'drop table keywrap_aliases'],
    ['column', 'alter table keywrap_store drop column generation'],
  ] as const) {
    it(`is damaged: a dropped ${what}`, async () => {
      await tamper(file.path, sql);
      expect(await rejection(store.verify())).to.be.instanceOf(DamagedStoreError);
      expect((await rejection(file.open())).message).to.match(
        /"keywrap_\w+" was added, changed or dropped/,
      );
    });
  }

  it('is damaged: an index without what its table has', async () => {
    await store.close();
    const raw = await openRaw(file.path);
    (raw as { enableDefensive?(enabled: boolean): void }).enableDefensive?.(false);
    raw.exec(`pragma writable_schema = on;
      update sqlite_schema set sql = sql || ' where 0' where name = 'keywrap_keys_by_id'`);
    const other = await openRaw(file.path);
    other.exec('reindex keywrap_keys_by_id');
    other.close();
    raw.exec(
      `update sqlite_schema set sql = replace(sql, ' where 0', '') where name = 'keywrap_keys_by_id'`,
    );
    raw.close();
    expect((await damageOf()).join()).to.include('keywrap_keys_by_id');
    const copy = path.join(file.folder, 'copy.db');
    expect(await rejection((await file.open()).backup(copy))).to.be.instanceOf(DamagedStoreError);
  });

  for (const [what, sql] of [
    ['protection', `update keywrap_store set protection = printf('%.*c', 120000000, '[')`],
    ['seal of the store', 'update keywrap_store set sealed = zeroblob(120000000)'],
    ['id', `update keywrap_store set id = printf('%.*c', 120000000, 'a')`],
  ] as const) {
    it(`is rejected without being read: a ${what} of 120 MB`, async () => {
      await store.close();
      await tamper(file.path, sql);
      const before = process.resourceUsage().maxRSS;
      expect(await rejection(file.open())).to.be.instanceOf(DamagedStoreError);
      expect((process.resourceUsage().maxRSS - before) / 1024).to.be.below(100);
    });
  }

  it('rejects a row of 120 MB without reading it', async () => {
    await tamper(
      file.path,
      `update keywrap_keys set sealed = zeroblob(120000000) where arn = '${A}'`,
    );
    const again = await file.open();
    const before = process.resourceUsage().maxRSS;
    expect(await rejection(again.loadKey(A))).to.be.instanceOf(DamagedStoreError);
    expect((await again.verify()).damaged).to.have.length(1);
    expect((process.resourceUsage().maxRSS - before) / 1024).to.be.below(100);
  });

  it('rejects a record that is longer than what it reads (INVALID_INPUT)', async () => {
    const change = putKey(store, newKey('long', { policy: 'x'.repeat(2 ** 20) }));
    expect(await rejection(change)).to.include({ code: 'INVALID_INPUT' });
  });

  it('rejects a row that was changed while it is in memory, before a change takes it for its own', async () => {
    await store.loadKey(A);
    await tamper(file.path, await flip(40));
    expect(await rejection(putKey(store, newKey('a')))).to.be.instanceOf(DamagedStoreError);
    await tamper(file.path, await flip(40));
    await putKey(store, newKey('a'));
    expect((await store.verify()).damaged).to.deep.equal([]);
  });

  it('rejects an alias that was pointed elsewhere while it is in memory', async () => {
    await store.loadAlias(aliasArnOf('x'));
    await tamper(
      file.path,
      `update keywrap_aliases set key_arn = '${B}' where arn = '${aliasArnOf('x')}'`,
    );
    expect(await rejection(putAlias(store, newAlias('x', 'c')))).to.be.instanceOf(
      DamagedStoreError,
    );
  });

  it('rejects a row that is authentic, and not the one that was asked for', async () => {
    const other = selectRow(KEYS, B);
    const run = SqliteConnection.prototype.read;
    const swapped = sinon.stub(SqliteConnection.prototype, 'read').callsFake(function (
      this: SqliteConnection,
      script,
    ) {
      return run.call(this, swap(script)) as never;
    });
    /** As a server or an index that finds B where A is asked for. */
    function* swap<Result>(script: Script<Result>): Script<Result> {
      let step = script.next();
      while (step.done !== true) {
        const isA = (one: Statement) => one.parameters[0] === A;
        step = script.next(yield step.value.map((one) => (isA(one) ? other : one)));
      }
      return step.value;
    }
    const error = await rejection(store.loadKey(A));
    swapped.restore();
    expect(error).to.be.instanceOf(DamagedStoreError);
    expect(error.message).to.include(`returns the row "${B}" in keys for "${A}"`);
  });

  it('has seen no generation that is not authentic', async () => {
    await tamper(file.path, 'update keywrap_store set generation = generation + 1000');
    expect(await rejection(store.loadKey(arnOf('z')))).to.be.instanceOf(DamagedStoreError);
    expect(store.generation).to.equal(5);
    await tamper(file.path, 'update keywrap_store set generation = generation - 1000');
    expect(await store.loadKey(arnOf('z'))).to.equal(undefined);
  });

  it('rejects rows of any type and text with a typed error', async () => {
    await store.close();
    const raw = await lenient();
    raw.exec('create temp table written as select * from keywrap_keys');
    const again = await file.open();
    const value = fc.oneof(
      fc.constantFrom(
        'null',
        '77',
        '-1',
        '1.5',
        '9223372036854775807',
        `''`,
        `x''`,
        `x'ff'`,
        `cast(x'ff' as text)`,
        `cast(x'6100' as text)`,
      ),
      fc.string().map((text) => `'!${text.replaceAll("'", "''").replaceAll('\0', '')}'`),
    );
    const column = fc.constantFrom('id', 'version', 'sealed');
    await fc.assert(
      fc.asyncProperty(column, value, async (name, sql) => {
        raw.exec('begin; delete from keywrap_keys; insert into keywrap_keys select * from written');
        raw.exec(`update keywrap_keys set ${name} = ${sql} where arn = '${A}'; commit`);
        expect(await rejection(again.loadKey(A))).to.be.instanceOf(DamagedStoreError);
        expect((await again.verify()).damaged).not.to.deep.equal([]);
      }),
      { numRuns: 40 },
    );
    raw.close();
  });
});

describe('A key store whose file was replaced under a running process', () => {
  const file = useStoreFile();
  let store: SqlKeyStore;
  let copy: string;
  beforeEach(async () => {
    store = await file.open();
    await putKey(store, newKey('a'));
    copy = path.join(file.folder, 'backup.db');
    await store.backup(copy);
    await putKey(store, newKey('b'));
  });

  it('rejects every call after another file was moved there', async () => {
    await store.loadKey(A);
    await rename(copy, file.path);
    const write = await rejection(putKey(store, newKey('c')));
    expect(write).to.be.instanceOf(DamagedStoreError);
    expect(write.message).to.include('another file was put in its place');
    expect(write.message).to.include('restart the process');
    expect(await rejection(store.loadKey(arnOf('d')))).to.equal(write);
    expect(store.peekKey(A)).to.equal(undefined);
    expect(await rejection(store.verify())).to.equal(write);
  });

  for (const suffix of ['-wal', '-shm']) {
    it(`rejects every call after its ${suffix} was removed: processes would not see each other's changes`, async () => {
      await rm(file.path + suffix);
      const write = await rejection(putKey(store, newKey('c')));
      expect(write).to.be.instanceOf(DamagedStoreError);
      expect(write.message).to.include('its -wal or -shm was removed');
      expect(await rejection(store.loadKey(arnOf('d')))).to.equal(write);
    });
  }

  it('leaves the WAL alone when it is closed, which may be in use for the other file', async () => {
    const { size } = await stat(`${file.path}-wal`);
    await rename(copy, file.path);
    await rejection(store.loadKey(A));
    await store.close();
    expect(size).to.be.greaterThan(0);
    expect((await stat(`${file.path}-wal`)).size).to.equal(size);
  });

  it('rejects every call after it was removed', async () => {
    await rm(file.path);
    expect(await rejection(store.loadKey(A))).to.be.instanceOf(DamagedStoreError);
  });

  it('is reported by a check when an older copy was written over it in place', async () => {
    await tamper(file.path); // what is in the WAL is in the file
    await copyFile(copy, file.path);
    const report = await store.verify().catch((error: Error) => ({ damaged: [error] }));
    expect(report.damaged[0]).to.be.instanceOf(DamagedStoreError);
    expect((await readFile(copy)).equals(await readFile(file.path))).to.equal(true);
  });
});
