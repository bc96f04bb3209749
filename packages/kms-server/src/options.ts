import { type Awaitable, InvalidInputError, readBytes, readFields } from '@keywrap/core';
import { parseStore, type StoreSource } from '@keywrap/provider-local/driver';
import type { KeyStore } from '@keywrap/provider-local/keys';
import type { LogRequest } from './log.js';
import { connectionsOfMachine } from './machine.js';
import type { SeedKey } from './parse-seed.js';
import { isRegionName } from './region-name.js';
import type { Credentials } from './sigv4/signature.js';

/** The settings of a server. All are optional. */
export interface KmsServerOptions {
  /** By default 4599; 0 selects a free port. */
  readonly port?: number | undefined;
  /** The address to listen on, by default 127.0.0.1. One that other machines can reach needs `credentials`. */
  readonly host?: string | undefined;
  /** The Region of requests that name none, and of the keys in `keys`; by default `us-east-1`. */
  readonly region?: string | undefined;
  /** The account in ARNs: twelve digits; by default `111122223333`. */
  readonly account?: string | undefined;
  /** When given, every request must be signed with one of these. */
  readonly credentials?: readonly Credentials[] | undefined;
  /**
   * The key store; by default in memory. A database keeps keys when the server stops, and several servers
   * may share it; all its keys must be of this account. The server closes a store that it opened by a
   * function, not one that was passed in.
   *
   * @example
   * ```ts
   * import { startKmsServer } from '@keywrap/kms-server';
   * import { passphraseFrom, SqlKeyStore } from '@keywrap/provider-local/store';
   *
   * const passphrase = await passphraseFrom({ file: '/run/secrets/kms' });
   * const location = '/var/lib/kms/keys.db';
   * await using server = await startKmsServer({
   *   store: () => SqlKeyStore.open({ location, protectedBy: { passphrase }, create: true }),
   * });
   * ```
   */
  readonly store?: KeyStore | (() => Awaitable<KeyStore>) | undefined;
  /** Keys to start with. Keys that the store already has, by id or else by alias, do not change. */
  readonly keys?: readonly SeedKey[] | undefined;
  /**
   * Connections beyond this number get a `ThrottlingException`, which SDKs retry. By default as many as the
   * memory and the open files of this machine allow.
   */
  readonly maximumConnections?: number | undefined;
  /**
   * 32 bytes, copied: servers with the same key accept each other's import tokens. By default they accept only
   * their own.
   */
  readonly importTokenKey?: Uint8Array | undefined;
  /** Called for each request; by default nothing is logged. */
  readonly log?: LogRequest | undefined;
  /** The clock: for deletions, rotations, expiry and signatures. */
  readonly now?: (() => Date) | undefined;
}

/** In bytes. */
const IMPORT_TOKEN_KEY = 32;

/** The options, checked and complete. */
export interface Settings extends StoreSource {
  readonly port: number;
  readonly host: string;
  readonly region: string;
  readonly account: string;
  readonly credentials: readonly Credentials[];
  readonly keys: readonly SeedKey[];
  readonly maximumConnections: number;
  /** A copy. */
  readonly importTokenKey: Uint8Array | undefined;
  readonly log: LogRequest | undefined;
  readonly now: () => Date;
}

const NAMES = [
  'port',
  'host',
  'region',
  'account',
  'credentials',
  'store',
  'keys',
  'maximumConnections',
  'importTokenKey',
  'log',
  'now',
] as const satisfies readonly (keyof KmsServerOptions)[];

/** @throws InvalidInputError naming the option that is wrong, or not known. */
export function parseOptions(options: KmsServerOptions): Settings {
  const {
    port = 4599,
    host = '127.0.0.1',
    region = 'us-east-1',
    account = '111122223333',
    credentials = [],
    store,
    keys = [],
    maximumConnections = connectionsOfMachine(),
    importTokenKey: tokenKey,
    log,
    now = () => new Date(),
  } = readFields(options, 'options', NAMES) as KmsServerOptions;
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new InvalidInputError('port', 'must be a whole number from 0 to 65535');
  }
  if (typeof region !== 'string' || !isRegionName(region)) {
    throw new InvalidInputError('region', 'must be the name of a Region, for example eu-west-1');
  }
  if (typeof account !== 'string' || !/^\d{12}$/.test(account)) {
    throw new InvalidInputError('account', 'must be twelve digits, in a string');
  }
  if (typeof host !== 'string' || host === '') {
    throw new InvalidInputError('host', 'must be the address to listen on');
  }
  if (!Number.isSafeInteger(maximumConnections) || maximumConnections < 1) {
    throw new InvalidInputError('maximumConnections', 'must be a whole number from 1');
  }
  if (log !== undefined && typeof log !== 'function') {
    throw new InvalidInputError('log', 'must be a function that is called for each request');
  }
  if (typeof now !== 'function') {
    throw new InvalidInputError('now', 'must be a function that returns a Date');
  }
  const importTokenKey = parseTokenKey(tokenKey);
  assertCredentials(credentials);
  if (credentials.length === 0 && !isLoopback(host)) {
    throw new InvalidInputError(
      'host',
      `${host} can be reached from other machines, and without credentials anyone there could use the keys: add credentials, or listen on 127.0.0.1`,
    );
  }
  const source = parseStore(store, 'store');
  const place = { port, host, region, account };
  return { ...place, credentials, keys, maximumConnections, importTokenKey, log, now, ...source };
}

function parseTokenKey(value: Uint8Array | undefined): Uint8Array | undefined {
  if (value === undefined) return undefined;
  const key = readBytes(value, 'importTokenKey', IMPORT_TOKEN_KEY);
  if (key.length === IMPORT_TOKEN_KEY) return key;
  throw new InvalidInputError('importTokenKey', `must be ${IMPORT_TOKEN_KEY} bytes`);
}

function assertCredentials(credentials: unknown): void {
  const isText = (value: unknown) => typeof value === 'string' && value !== '';
  const areCredentials = (value: unknown) => {
    const { accessKeyId, secretAccessKey, sessionToken = 'none' } = Object(value);
    return [accessKeyId, secretAccessKey, sessionToken].every(isText);
  };
  if (!Array.isArray(credentials) || !credentials.every(areCredentials)) {
    throw new InvalidInputError(
      'credentials',
      'must be a list of objects with accessKeyId, secretAccessKey and, optionally, sessionToken',
    );
  }
  if (new Set(credentials.map(({ accessKeyId }) => accessKeyId)).size === credentials.length)
    return;
  throw new InvalidInputError('credentials', 'must have each accessKeyId once');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
