import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { SqlKeyStore } from '@keywrap/provider-local/store';
import { describeConformance } from '@keywrap/testkit';
import { withReadyKeys } from '../ready-keys.js';
import { CHEAP, PASSPHRASE } from './support.js';

// What depends on where the keys are: names, states, uses, rotations, imports, and calls at the same time.
const only = ['KID', 'DIS', 'DEL', 'IMP', 'USE', 'ROT', 'LIF', 'CLO', 'CON'];

const harness = {
  name: 'LocalKeyWrapProvider with an SQLite key store',
  async open() {
    const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-store-'));
    const store = () =>
      SqlKeyStore.open({
        location: path.join(folder, 'keys.db'),
        protectedBy: { passphrase: PASSPHRASE },
        create: true,
        scrypt: CHEAP,
      });
    const provider = new LocalKeyWrapProvider({ store });
    return {
      provider,
      keys: withReadyKeys(provider),
      close: () => rm(folder, { recursive: true, force: true }),
    };
  },
};
await describeConformance(harness, globalThis, { only, profile: 'quick' });
