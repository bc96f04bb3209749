import type { KeyManagementServiceClient } from '@google-cloud/kms';
import {
  type AliasLookup,
  InvalidInputError,
  KeyWrapError,
  readAliases,
  readFields,
} from '@keywrap/core';
import { isId, type Place, resourceOf } from './names.js';

/** Options of `KeyManagementServiceClient`, such as `keyFilename` and `credentials`. */
export type ClientOptions = NonNullable<
  ConstructorParameters<typeof KeyManagementServiceClient>[0]
>;

/** Options of {@link GcpKeyWrapProvider}. */
export interface GcpKeyWrapProviderOptions {
  /** The id of the project that has the keys. */
  readonly project: string;
  /** Where the keys are: `europe-west1`, `eur4`, `global`. */
  readonly location: string;
  /** The key ring of keys that are named without one. By default each name contains its ring: `ring/key`. */
  readonly keyRing?: string | undefined;
  /**
   * The name of the key that an alias stands for: `{ 'alias/orders': 'orders-2026' }`, or a function that returns it.
   * By default there are no aliases.
   */
  readonly aliases?:
    | Readonly<Record<string, string>>
    | ((alias: string) => string | undefined)
    | undefined;
  /**
   * Where the service is, by default `https://cloudkms.googleapis.com`. An `http:` URL is that of an emulator on this
   * machine (`localhost`, `127.0.0.1`, `[::1]`), which gets no credentials.
   */
  readonly endpoint?: string | undefined;
  /** How long a request may take, with the client's retries, in milliseconds: 1 to 600 000, by default 10 000. */
  readonly requestTimeout?: number | undefined;
  /** Options of the client, such as `keyFilename` and `credentials`. By default Application Default Credentials. */
  readonly clientOptions?: ClientOptions | undefined;
}

/** The options, checked and complete. */
export interface ReadOptions extends Place {
  readonly aliases: AliasLookup;
  readonly endpoint: URL | undefined;
  readonly requestTimeout: number;
  readonly clientOptions: ClientOptions;
}

const NAMES = [
  'project',
  'location',
  'keyRing',
  'aliases',
  'endpoint',
  'requestTimeout',
  'clientOptions',
] as const;

const MAXIMUM_TIMEOUT = 600_000;

/**
 * Parses the options, from plain JavaScript too.
 *
 * @throws {@link InvalidInputError} naming the option that is wrong, unknown or missing.
 */
export function readOptions(options: unknown): ReadOptions {
  try {
    return readAll(options);
  } catch (cause) {
    if (cause instanceof KeyWrapError) throw cause;
    throw new InvalidInputError('options', 'could not be read: a getter or proxy threw', { cause });
  }
}

function readAll(options: unknown): ReadOptions {
  const given = readFields(options, 'options', NAMES);
  const { project, location, keyRing, requestTimeout = 10_000, clientOptions = {} } = given;
  // With the domain of a domain-scoped project in front: example.com:my-project.
  if (typeof project !== 'string' || !/^[a-z0-9][a-z0-9.:-]*$/.test(project)) {
    throw wrong('project', 'must be the id of a project: my-project');
  }
  if (typeof location !== 'string' || !/^[a-z0-9-]+$/.test(location)) {
    throw wrong('location', 'must be the name of a location: europe-west1, or global');
  }
  if (keyRing !== undefined && !isId(keyRing)) {
    throw wrong('keyRing', 'must be the name of a key ring: letters, digits, _ and -, at most 63');
  }
  if (
    typeof requestTimeout !== 'number' ||
    !(requestTimeout >= 1 && requestTimeout <= MAXIMUM_TIMEOUT)
  ) {
    throw wrong('requestTimeout', `must be 1 to ${MAXIMUM_TIMEOUT} milliseconds`);
  }
  if (typeof clientOptions !== 'object' || clientOptions === null) {
    throw wrong('clientOptions', 'must be an object');
  }
  const place = { project, location, keyRing };
  return {
    ...place,
    aliases: readAliases(given.aliases ?? {}, (name) => resourceOf(name, place) !== undefined),
    endpoint: given.endpoint === undefined ? undefined : readEndpoint(given.endpoint),
    requestTimeout,
    clientOptions: clientOptions as ClientOptions,
  };
}

function readEndpoint(value: unknown): URL {
  const url = new URL(typeof value === 'string' && URL.canParse(value) ? value : 'none:');
  const isPlain = url.username === '' && url.password === '' && url.pathname === '/';
  if (!/^https?:$/.test(url.protocol) || !isPlain || url.search !== '' || url.hash !== '') {
    throw wrong(
      'endpoint',
      'must be an http: or https: URL without user, password, path and query',
    );
  }
  if (url.protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)) {
    throw wrong('endpoint', 'must be https: requests contain plaintexts');
  }
  return url;
}

function wrong(option: string, problem: string): InvalidInputError {
  return new InvalidInputError(`options.${option}`, problem);
}
