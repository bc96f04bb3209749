import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { argumentProblem, InvalidInputError, readUrlNumber } from '@keywrap/core';
import { openWithPassphrase, SqlKeyStore } from '@keywrap/provider-local/store';
import { type KmsServerOptions, parseOptions } from './options.js';
import { parseSeed, type SeedKey } from './parse-seed.js';
import { readJson } from './read-json.js';
import type { Credentials } from './sigv4/signature.js';

/** The text of `--help`. */
export const USAGE = `Usage: keywrap-kms [options]

AWS KMS on this machine: point any AWS SDK at the URL that it prints. Keys are in memory only, unless
--data names a store for them.

  --port <number>       the port to listen on, by default 4599; 0 takes a free port
  --host <address>      by default 127.0.0.1; one that other machines can reach needs --credentials
  --region <name>       for requests and seed keys that name none, by default us-east-1
  --account <number>    twelve digits, by default 111122223333
  --seed <file>         JSON: a list of keys to start with,
                        [{ "keyId", "alias", "region", "keySpec", "keyUsage", "description", "keyMaterial" }]
  --credentials <file>  JSON: a list of credentials; requests must be signed with one of them,
                        [{ "accessKeyId", "secretAccessKey", "sessionToken" }]
  --data <store>        keeps the keys there, encrypted: the path of a file, or postgres://...;
                        they survive a stop or a crash; keywrap-store manages the store
  --create              with --data: creates the store where there is none
  --trusted-group <id>  with --data: a group that may read and write the file, by its number
  --passphrase-file <file>, --passphrase-env <name>
                        with --data: where the passphrase is; one of the two
  --max-connections <number>
                        those beyond it get a ThrottlingException; by default as many as the memory
                        and the open files of this machine allow
  --workers <number>    with --data: as many processes on the port, by default 1; one for each core
                        serves most requests
  --help, --version

It logs each request to standard error, one line of JSON each. SIGTERM and SIGINT stop it when the
requests under way have finished.

Exit status: 0 stopped; 1 could not start, the message says why; 2 wrong usage; 3 the store is damaged;
4 not allowed: wrong passphrase, or files that are not private or not writable.`;

const MAXIMUM_WORKERS = 256;

/** The version of this package. */
export const VERSION: string = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
).version;

const OPTIONS = {
  port: { type: 'string' },
  host: { type: 'string' },
  region: { type: 'string' },
  account: { type: 'string' },
  seed: { type: 'string' },
  credentials: { type: 'string' },
  data: { type: 'string' },
  create: { type: 'boolean' },
  'trusted-group': { type: 'string' },
  'passphrase-file': { type: 'string' },
  'passphrase-env': { type: 'string' },
  'max-connections': { type: 'string' },
  workers: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

/** Reports wrong arguments. */
export class UsageError extends Error {
  constructor(problem: string) {
    super(`${problem}; see keywrap-kms --help`);
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    throw new UsageError(argumentProblem(error));
  }
}

type Values = ReturnType<typeof parse>;

/** What the command line asks for. */
export interface Command {
  /** They can be sent to another process. */
  readonly options: Omit<KmsServerOptions, 'store' | 'log' | 'now' | 'importTokenKey'>;
  readonly store: KmsServerOptions['store'];
  /** The number of processes. */
  readonly workers: number;
}

/**
 * Parses the arguments of the command, and reads the files that they name.
 *
 * @throws {@link UsageError} naming the wrong argument, and `Error` naming the wrong file.
 */
export async function readCommandLine(
  args: readonly string[],
): Promise<Command | 'help' | 'version'> {
  const values = parse(args);
  if (values.help) return 'help';
  if (values.version) return 'version';
  const { host, region, account } = values;
  const workers = parseWorkers(values);
  const options = {
    host,
    region,
    account,
    port: readUrlNumber(values.port),
    maximumConnections: readUrlNumber(values['max-connections']),
    keys: await readJson<readonly SeedKey[]>(values.seed, '--seed'),
    credentials: await readJson<readonly Credentials[]>(values.credentials, '--credentials'),
  };
  const store = parseStore(values);
  assertOptions(options, values);
  return { options, store, workers };
}

/** Checks the options as the server does, so that messages name the arguments of the command. */
function assertOptions(options: Command['options'], { seed, credentials }: Values): void {
  const { keys, region, account } = explaining(
    () => parseOptions(options),
    (error) => {
      if (error.field === 'credentials') return wrongFile(`--credentials ${credentials}`, error);
      const name = error.field === 'maximumConnections' ? 'max-connections' : error.field;
      return new UsageError(`--${name}${error.message.slice(error.field.length)}`);
    },
  );
  explaining(
    () => parseSeed(keys, { region, account }),
    (error) => wrongFile(`--seed ${seed}`, error),
  );
}

/** Throws something else for invalid input. */
function explaining<Result>(
  parseInput: () => Result,
  explain: (error: InvalidInputError) => Error,
): Result {
  try {
    return parseInput();
  } catch (error) {
    throw error instanceof InvalidInputError ? explain(error) : error;
  }
}

/** Names the file whose contents are wrong. */
function wrongFile(file: string, cause: InvalidInputError): Error {
  return new Error(`${file}: ${cause.message}`, { cause });
}

/** Returns the store of the same command line, for a process that is told the other options. */
export function storeOf(args: readonly string[]): KmsServerOptions['store'] {
  return parseStore(parse(args));
}

function parseWorkers({ workers, data }: Values): number {
  const count = readUrlNumber(workers) ?? 1;
  if (!(count >= 1 && count <= MAXIMUM_WORKERS)) {
    throw new UsageError(`--workers must be a number from 1 to ${MAXIMUM_WORKERS}`);
  }
  if (count === 1 || data !== undefined) return count;
  throw new UsageError(
    '--workers needs --data: keys in memory are those of one process, and the others would not have them',
  );
}

/** The store is opened after everything else has been checked. */
function parseStore(values: Values) {
  const { data: location, create, 'trusted-group': group } = values;
  const passphrase = { file: values['passphrase-file'], env: values['passphrase-env'] };
  if (location === undefined) {
    const { file, env } = passphrase;
    if ([create, group, file, env].every((value) => value === undefined)) return undefined;
    throw new UsageError('--create, --trusted-group and --passphrase-... are for --data');
  }
  const trustedGroup = readUrlNumber(group);
  if (Number.isNaN(trustedGroup)) {
    throw new UsageError('--trusted-group must be the number of a group');
  }
  if ((passphrase.file === undefined) === (passphrase.env === undefined)) {
    throw new UsageError('--data needs one of --passphrase-file and --passphrase-env');
  }
  return async () => {
    if (!create && !(await SqlKeyStore.isAt(location, { trustedGroup }))) {
      throw new InvalidInputError(
        '--data',
        'names no key store: it does not exist, or is empty; check the path, or add --create',
      );
    }
    return openWithPassphrase({ location, create, trustedGroup, passphrase });
  };
}
