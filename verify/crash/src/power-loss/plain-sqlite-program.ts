import { openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadSqlite } from '../../../../packages/provider-local/dist/store/dialects/sqlite-binding.js';

// Inserts rows, and adds a byte to a journal for each once SQLite has acknowledged it.

const [, , folder = '', journalMode, synchronous, changes] = process.argv;
const { DatabaseSync } = await loadSqlite();
const file = pathToFileURL(path.join(folder, 'plain.db'));
const handle = new DatabaseSync(file, { timeout: 0 });
handle.exec(`pragma journal_mode = ${journalMode}; pragma synchronous = ${synchronous}`);
handle.exec('create table rows (id integer primary key, filling blob)');
const insert = handle.prepare('insert into rows (filling) values (randomblob(1500))');
const journal = openSync(path.join(folder, 'journal'), 'a');
for (let count = 0; count < Number(changes); count++) {
  insert.all();
  writeSync(journal, '.');
}
handle.close();
