import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SqlKeyStore } from '@keywrap/provider-local/store';
import { describeConformance } from '@keywrap/testkit';
import { localSubject } from '../harness.js';
import { PROTECTED } from './support.js';

// What depends on where the keys are: names, states, uses, rotations, imports, and calls at the same time.
const only = ['KID', 'DIS', 'DEL', 'IMP', 'USE', 'ROT', 'SEQ', 'CLO', 'ATO', 'STA', 'ADM'];

/** What depends on a restart, which is a real one here. */
const restarts = ['NON-3', 'RAN-7', 'STA-4', 'STA-5', 'ATO-502'];

const harness = {
  name: 'LocalKeyWrapProvider with an SQLite key store',
  async open() {
    const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-store-'));
    const store = () =>
      SqlKeyStore.open({
        location: path.join(folder, 'keys.db'),
        protectedBy: PROTECTED,
        create: true,
      });
    return {
      ...localSubject({ store }),
      close: () => rm(folder, { recursive: true, force: true }),
    };
  },
};
await describeConformance(harness, globalThis, { only, profile: 'quick' });
await describeConformance({ ...harness, name: `${harness.name}, opened again,` }, globalThis, {
  only: restarts,
  profile: 'full',
});
