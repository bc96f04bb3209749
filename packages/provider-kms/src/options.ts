import type { KMSClient, KMSClientConfig } from '@aws-sdk/client-kms';
import { InvalidInputError, parseGrantTokens, readFields, readSafely } from '@keywrap/core';
import { checkedCredentials, problemOfCredentials } from './credentials.js';
import { isHttpUrl } from './endpoint.js';
import { isRegion } from './region.js';

/** Options to reach AWS KMS. The AWS SDK's defaults apply to every option that is left out, but for `requestTimeout`. */
export interface KmsConnectionOptions {
  /** The region of keys that are not named by ARN. By default `AWS_REGION`, the shared config files', or the instance's. */
  readonly region?: string | undefined;
  /** Another KMS endpoint, used for every region: an `http:` or `https:` URL. */
  readonly endpoint?: string | undefined;
  /** Credentials, or a function that returns them. By default the SDK's credential provider chain. */
  readonly credentials?: KMSClientConfig['credentials'];
  /** The profile in the shared AWS config files to take region and credentials from. */
  readonly profile?: string | undefined;
  /** The maximum number of attempts, the first included. By default `AWS_MAX_ATTEMPTS`, or 3. */
  readonly maxAttempts?: number | undefined;
  /** The time limit for connecting in milliseconds, in each attempt. By default only `requestTimeout` limits it. */
  readonly connectionTimeout?: number | undefined;
  /** Milliseconds from a request to the end of its response, in each attempt. By default 30,000. */
  readonly requestTimeout?: number | undefined;
}

/** Either options to reach AWS KMS or your own client, and the grant tokens of every call. */
export type KmsKeyWrapProviderOptions = {
  /** Sent with every call, before the call's own: together at most 10. */
  readonly grantTokens?: readonly string[] | undefined;
} & (
  | (KmsConnectionOptions & { readonly client?: undefined })
  | ({
      /**
       * Your own client. It makes every call, in its region: KMS rejects a key whose ARN names another
       * region. `close()` does not destroy it.
       */
      readonly client: KMSClient;
    } & { readonly [Name in keyof KmsConnectionOptions]?: undefined })
);

/** The configuration of every client of the provider. The region, if any, is a string. */
export type ClientConfig = KMSClientConfig & { readonly region?: string };

/** The options, checked and in the SDK's form. */
export interface ReadOptions {
  readonly config: ClientConfig;
  readonly client: KMSClient | undefined;
  /** In milliseconds. Undefined with the caller's client, which has its own. */
  readonly requestTimeout: number | undefined;
  readonly grantTokens: readonly string[];
}

type Values = Required<KmsConnectionOptions> & Pick<KmsKeyWrapProviderOptions, 'client'>;
type Check = readonly [isValid: (value: unknown) => boolean, problem: string];

/** In milliseconds. The SDK has no limit. */
const REQUEST_TIMEOUT = 30_000;

// The longest delay that Node's timers take; a longer one would fire at once.
const MAXIMUM = 2 ** 31 - 1;

const COUNT: Check = [
  (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAXIMUM,
  `must be an integer from 1 to ${MAXIMUM}`,
];

const CHECKS: Readonly<Record<keyof Values, Check>> = {
  region: [isRegion, 'must be the name of an AWS region, for example eu-west-1'],
  endpoint: [isHttpUrl, 'must be an http: or https: URL without user and password'],
  credentials: [
    isCredentials,
    'must have accessKeyId and secretAccessKey without spaces and line breaks, and may have sessionToken and a Date as expiration; or be a function that returns these',
  ],
  profile: [isText, 'must be the name of a profile in the shared AWS config files'],
  maxAttempts: COUNT,
  connectionTimeout: COUNT,
  requestTimeout: COUNT,
  client: [
    (value) => isObject(value) && typeof value.send === 'function',
    'must be a KMSClient of @aws-sdk/client-kms',
  ],
};

const NAMES = [...(Object.keys(CHECKS) as (keyof Values)[]), 'grantTokens'] as const;

/**
 * Parses the options, from plain JavaScript too.
 *
 * @throws {@link InvalidInputError} naming the option that is wrong, unknown or excluded by another.
 */
export function readOptions(options: unknown): ReadOptions {
  return readSafely(undefined, 'options', () => readAll(options));
}

function readAll(options: unknown): ReadOptions {
  const { grantTokens, ...values } = readFields(options, 'options', NAMES);
  for (const [name, [isValid, problem]] of Object.entries(CHECKS)) {
    const value = values[name as keyof Values];
    if (value !== undefined && !isValid(value)) {
      throw new InvalidInputError(`options.${name}`, problem);
    }
  }
  const { client, ...connection } = values as Values;
  const extra = Object.entries(connection).find(([, value]) => value !== undefined);
  if (client !== undefined && extra !== undefined) {
    throw new InvalidInputError(
      `options.${extra[0]}`,
      "can't be given together with client, which has its own",
    );
  }
  const { requestTimeout = REQUEST_TIMEOUT } = connection;
  return {
    config: toClientConfig({ ...connection, requestTimeout }),
    client,
    requestTimeout: client === undefined ? requestTimeout : undefined,
    grantTokens: parseGrantTokens(grantTokens) ?? [],
  };
}

/**
 * @param connection Has every member, and so does the result: the SDK would read a missing one, such as the
 * endpoint or the credentials, from a polluted `Object.prototype`.
 */
function toClientConfig(connection: Required<KmsConnectionOptions>): ClientConfig {
  const { connectionTimeout, requestTimeout, ...others } = connection;
  const { credentials } = others;
  const config = { ...others, credentials: credentials && checkedCredentials(credentials) };
  // The SDK's requestTimeout ends when the response's headers arrive, and only logs a warning unless told to throw. The
  // guard of each command bounds the rest.
  const requestHandler = {
    ...(connectionTimeout !== undefined && { connectionTimeout }),
    requestTimeout,
    throwOnRequestTimeout: true,
  };
  return { ...config, requestHandler } as ClientConfig;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0;
}

function isCredentials(value: unknown): boolean {
  return typeof value === 'function' || problemOfCredentials(value) === undefined;
}
