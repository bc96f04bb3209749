import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { passphraseFrom, SqlKeyStore } from '@keywrap/provider-local/store';
import { isRefused } from './every-call.js';

/** Does with a key store what its operator does, with the options that must be given and no others. */
export async function administerStore(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-attacks-'));
  const at = (name: string) => path.join(folder, name);
  await writeFile(at('passphrase'), 'correct horse');
  const protectedBy = { passphrase: await passphraseFrom({ file: at('passphrase') }) };
  const scrypt = { cost: 2 ** 14, blockSize: 8, parallelization: 1 };
  const location = at('keys.db');
  const store = await SqlKeyStore.create({ location, protectedBy, scrypt });
  await using keys = new LocalKeyWrapProvider({ store, keys: ['alias/first'] });
  await keys.describeKey({ keyId: 'alias/first' });
  (await store.openAuditLog({ folder: at('logs') })).close();
  await store.verifyAuditLogs(at('logs'));
  await store.verify();
  await store.backup(at('backup.db'));
  await using root = new LocalKeyWrapProvider({ keys: ['alias/root'] });
  const byProvider = { provider: root, keyId: 'alias/root' };
  await store.protect(byProvider);
  await store.close();
  await isRefused(SqlKeyStore.open({ location, protectedBy }));
  await (await SqlKeyStore.open({ location, protectedBy: byProvider })).close();
  const restored = { location: at('restored.db'), protectedBy };
  await isRefused(
    SqlKeyStore.restore({ ...restored, protectedBy: { passphrase: 'x' } }, at('backup.db')),
  );
  await (await SqlKeyStore.restore(restored, at('backup.db'))).close();
  if (!(await SqlKeyStore.isAt(restored.location))) throw new Error('it was not restored');
  await rm(folder, { recursive: true });
}
