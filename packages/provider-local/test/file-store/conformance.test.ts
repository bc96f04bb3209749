import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { withAuditLog } from '@keywrap/provider-local/file-store';
import { describeConformance } from '@keywrap/testkit';
import { withReadyKeys } from '../ready-keys.js';
import { openStore } from './support.js';

await describeConformance({
  name: 'LocalKeyWrapProvider with a key store on disk and an audit log',
  async open() {
    const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-store-'));
    const store = await openStore(folder);
    const log = await store.openAuditLog();
    const provider = withAuditLog(new LocalKeyWrapProvider({ store: () => store }), log);
    return {
      provider,
      keys: withReadyKeys(provider),
      close: () => rm(folder, { recursive: true, force: true }),
    };
  },
});
