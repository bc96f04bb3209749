import { readFileSync } from 'node:fs';
import { KeyWrapError } from '@keywrap/core';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { FileKeyStore } from '@keywrap/provider-local/file-store';
import { JournalWriter, type Outcome, type Step } from './journal.js';

// A process that works on a store at random, and writes down what the store has acknowledged, until it
// is killed.

/** What the driver tells a worker, as JSON in its only argument. */
export interface WorkerOptions {
  readonly folder: string;
  readonly passphraseFile: string;
  readonly journal: string;
  /** Marks the keys and aliases that this worker changes. */
  readonly name: string;
}

interface Key {
  readonly id: string;
  readonly isExternal: boolean;
  state: string;
  aliases: string[];
}

const { folder, passphraseFile, journal, name } = JSON.parse(
  process.argv[2] as string,
) as WorkerOptions;
const lines = new JournalWriter(journal);
const store = await FileKeyStore.open({
  folder,
  protectedBy: { passphrase: readFileSync(passphraseFile) },
  create: true,
  scrypt: { cost: 2, blockSize: 1, parallelization: 1 },
});
const provider = new LocalKeyWrapProvider({ store });
const keys = await findMine();
let aliasCount = Date.now();
lines.write({ ready: true });
for (;;) await step(choose());

async function findMine(): Promise<Key[]> {
  const aliases = await store.listAliases();
  return (await store.listKeys())
    .filter(({ description }) => description === name)
    .map(({ id, keyState: state, origin }) => ({
      id,
      state,
      isExternal: origin === 'EXTERNAL',
      aliases: aliases.filter(([, target]) => target === id).map(([alias]) => alias),
    }));
}

function choose(): Step {
  const key = keys[Math.floor(Math.random() * keys.length)];
  const alias = `alias/${name}/${aliasCount++}`;
  const dice = Math.random();
  if (key === undefined || dice < 0.08) return { do: 'create', alias };
  const { id, state, aliases, isExternal } = key;
  if (dice < 0.12) return { do: 'create-external', alias };
  if (state === 'PendingImport') return { do: 'import', id };
  if (state === 'PendingDeletion') return { do: 'cancel', id };
  if (state === 'Disabled') return { do: 'enable', id };
  if (dice < 0.2) return { do: 'disable', id };
  if (dice < 0.25) return { do: 'delete', id };
  if (dice < 0.35 && !isExternal) return { do: 'rotate', id };
  if (dice < 0.45) return { do: 'add-alias', id, alias };
  const other = keys.find((candidate) => candidate.id !== id && candidate.aliases.length > 0);
  if (dice < 0.5 && other?.aliases[0] !== undefined) {
    return { do: 'move-alias', id, alias: other.aliases[0] };
  }
  if (dice < 0.55 && aliases[0] !== undefined) return { do: 'remove-alias', id, alias: aliases[0] };
  const plaintext = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64');
  return { do: 'encrypt', id, plaintext };
}

async function step(next: Step): Promise<void> {
  lines.write({ begin: next });
  try {
    lines.write({ done: next, ...(await take(next)) });
  } catch (error) {
    if (!(error instanceof KeyWrapError)) throw error;
    lines.write({ failed: next, code: error.code });
    // It may have been made all the same: go by what the store says.
    keys.splice(0, keys.length, ...(await findMine()));
  }
}

async function take(next: Step): Promise<Outcome> {
  const key = 'id' in next ? (keys.find(({ id }) => id === next.id) as Key) : undefined;
  switch (next.do) {
    case 'create':
    case 'create-external': {
      const isExternal = next.do === 'create-external';
      const origin = isExternal ? 'EXTERNAL' : 'AWS_KMS';
      const made = await provider.createKey({ alias: next.alias, origin, description: name });
      const id = made.keyId.slice(made.keyId.indexOf('key/') + 4);
      keys.push({ id, isExternal, state: made.keyState, aliases: [next.alias] });
      return { id };
    }
    case 'import': {
      const keyMaterial = crypto.getRandomValues(new Uint8Array(32));
      return set(key, (await provider.importKeyMaterial({ keyId: next.id, keyMaterial })).keyState);
    }
    case 'enable':
      return set(key, (await provider.enableKey({ keyId: next.id })).keyState);
    case 'disable':
      return set(key, (await provider.disableKey({ keyId: next.id })).keyState);
    case 'rotate':
      return set(key, (await provider.rotateKey({ keyId: next.id })).keyState);
    case 'delete':
      return set(key, (await provider.scheduleKeyDeletion({ keyId: next.id })).keyState);
    case 'cancel':
      return set(key, (await provider.cancelKeyDeletion({ keyId: next.id })).keyState);
    case 'add-alias':
      await provider.createAlias({ alias: next.alias, keyId: next.id });
      key?.aliases.push(next.alias);
      return {};
    case 'move-alias':
      await provider.updateAlias({ alias: next.alias, keyId: next.id });
      forget(next.alias);
      key?.aliases.push(next.alias);
      return {};
    case 'remove-alias':
      await provider.deleteAlias({ alias: next.alias });
      forget(next.alias);
      return {};
    case 'encrypt': {
      const plaintext = Buffer.from(next.plaintext, 'base64');
      const { ciphertext } = await provider.encrypt({ keyId: next.id, plaintext });
      return { ciphertext: Buffer.from(ciphertext).toString('base64') };
    }
  }
}

function set(key: Key | undefined, state: string): Outcome {
  if (key !== undefined) key.state = state;
  return {};
}

function forget(alias: string): void {
  for (const key of keys) key.aliases = key.aliases.filter((candidate) => candidate !== alias);
}
