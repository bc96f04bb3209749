import type { KeyManagementServiceClient } from '@google-cloud/kms';
import {
  type AliasLookup,
  InvalidInputError,
  readAliases,
  readBackendUrl,
  readDelay,
  readFields,
  readSafely,
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
  /**
   * How long a request may take, with the client's retries, in milliseconds: by default 10 000. As long may the loading
   * of credentials take, before the first.
   */
  readonly requestTimeout?: number | undefined;
  /**
   * Whether the client repeats a request that did not reach the service, until `requestTimeout`. By default true; false
   * where a layer of `@keywrap/resilience` does it.
   */
  readonly clientRetries?: boolean | undefined;
  /** Options of the client, such as `keyFilename` and `credentials`. By default Application Default Credentials. */
  readonly clientOptions?: ClientOptions | undefined;
}

/** The options, checked and complete. */
export interface ReadOptions extends Place {
  readonly aliases: AliasLookup;
  readonly endpoint: URL | undefined;
  readonly requestTimeout: number;
  readonly clientRetries: boolean;
  readonly clientOptions: ClientOptions;
}

const NAMES = [
  'project',
  'location',
  'keyRing',
  'aliases',
  'endpoint',
  'requestTimeout',
  'clientRetries',
  'clientOptions',
] as const;

/**
 * Parses the options, from plain JavaScript too.
 *
 * @throws {@link InvalidInputError} naming the option that is wrong, unknown or missing.
 */
export function readOptions(options: unknown): ReadOptions {
  return readSafely(undefined, 'options', () => readAll(options));
}

function readAll(options: unknown): ReadOptions {
  const given = readFields(options, 'options', NAMES);
  const { project, location, keyRing, clientRetries = true, clientOptions = {} } = given;
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
  if (typeof clientRetries !== 'boolean') throw wrong('clientRetries', 'must be true or false');
  if (typeof clientOptions !== 'object' || clientOptions === null) {
    throw wrong('clientOptions', 'must be an object');
  }
  const place = { project, location, keyRing };
  return {
    ...place,
    aliases: readAliases(given.aliases ?? {}, (name) => resourceOf(name, place) !== undefined),
    endpoint: given.endpoint === undefined ? undefined : readEndpoint(given.endpoint),
    requestTimeout: readDelay(given.requestTimeout ?? 10_000, 'options.requestTimeout'),
    clientRetries,
    clientOptions: clientOptions as ClientOptions,
  };
}

function readEndpoint(value: unknown): URL {
  const url = readBackendUrl(value, 'options.endpoint');
  if (url.pathname !== '/') throw wrong('endpoint', 'must have no path');
  return url;
}

function wrong(option: string, problem: string): InvalidInputError {
  return new InvalidInputError(`options.${option}`, problem);
}
