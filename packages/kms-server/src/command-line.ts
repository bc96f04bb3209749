import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { FileKeyStore, passphraseFrom } from '@keywrap/provider-local/file-store';
import type { KmsServerOptions } from './options.js';

/** What `--help` prints. */
export const USAGE = `Usage: keywrap-kms [options]

AWS KMS on this machine: point any AWS SDK at the URL that it prints. Keys are in memory only, unless
--data names a folder for them.

  --port <number>       where to listen, by default 4599; 0 takes a free port
  --host <address>      by default 127.0.0.1; any that others can reach needs --credentials
  --region <name>       of requests and seed keys that do not say theirs, by default us-east-1
  --account <number>    twelve digits, by default 111122223333
  --seed <file>         JSON: a list of keys to begin with,
                        [{ "keyId", "alias", "region", "keySpec", "keyUsage", "description", "keyMaterial" }]
  --credentials <file>  JSON: a list of credentials; requests must be signed with one of them,
                        [{ "accessKeyId", "secretAccessKey", "sessionToken" }]
  --data <folder>       keeps the keys there, encrypted: they survive when it stops, or is killed;
                        keywrap-store looks after the folder
  --create              with --data: makes the store where the folder is missing or empty
  --passphrase-file <file>, --passphrase-env <name>
                        with --data: where the passphrase is, one of the two
  --help, --version

It logs each request to standard error, a line of JSON each. SIGTERM and SIGINT stop it when what is
under way has finished.

Exit status: 0 stopped; 1 could not start, the message says why; 3 a file of the store was changed or is
missing; 4 not allowed: wrong passphrase, or files that are not private or not writable.`;

/** The version of this package. */
export const VERSION: string = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
).version;

/**
 * Reads the arguments of the command, and the files that they name.
 *
 * @throws Error that says which argument or file is wrong.
 */
export async function readCommandLine(
  args: readonly string[],
): Promise<KmsServerOptions | 'help' | 'version'> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: 'string' },
      host: { type: 'string' },
      region: { type: 'string' },
      account: { type: 'string' },
      seed: { type: 'string' },
      credentials: { type: 'string' },
      data: { type: 'string' },
      create: { type: 'boolean' },
      'passphrase-file': { type: 'string' },
      'passphrase-env': { type: 'string' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
    },
  });
  if (values.help) return 'help';
  if (values.version) return 'version';
  const { host, region, account } = values;
  return {
    host,
    region,
    account,
    port: values.port === undefined ? undefined : readNumber(values.port),
    keys: await readJson(values.seed, '--seed'),
    credentials: await readJson(values.credentials, '--credentials'),
    store: readStore(values),
  };
}

interface StoreArguments {
  readonly data?: string | undefined;
  readonly create?: boolean | undefined;
  readonly 'passphrase-file'?: string | undefined;
  readonly 'passphrase-env'?: string | undefined;
}

/** The store is opened when everything else has proved right. */
function readStore({ data: folder, create, ...passphrase }: StoreArguments) {
  const { 'passphrase-file': file, 'passphrase-env': env } = passphrase;
  if (folder === undefined) {
    if (create === undefined && file === undefined && env === undefined) return undefined;
    throw new Error('--create, --passphrase-file and --passphrase-env are for --data');
  }
  if ((file === undefined) === (env === undefined)) {
    throw new Error('--data needs one of --passphrase-file and --passphrase-env');
  }
  return async () => {
    const protectedBy = { passphrase: await passphraseFrom({ file, env }) };
    return FileKeyStore.open({ folder, protectedBy, create });
  };
}

/** What is no number fails later, as every number that is no port does. */
function readNumber(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

/** The contents are checked where they are used. */
async function readJson(file: string | undefined, option: string) {
  if (file === undefined) return undefined;
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    // A parser's message would quote the file, where secrets may be.
    const problem = cause instanceof SyntaxError ? 'is not JSON' : 'can not be read';
    throw new Error(`${option} ${file} ${problem}`, { cause });
  }
}
