import type { KMSClient, KMSClientConfig } from '@aws-sdk/client-kms';
import { InvalidInputError, KeyWrapError, parseGrantTokens, readFields } from '@keywrap/core';
import { isRegion } from './region.js';

/** How to reach AWS KMS. What is left out, the AWS SDK decides the way it does for every program. */
export interface KmsConnectionOptions {
  /** For keys that are not named by ARN. By default `AWS_REGION`, the shared config files', or the instance's. */
  readonly region?: string | undefined;
  /** Another KMS endpoint, used for every region: an `http:` or `https:` URL. */
  readonly endpoint?: string | undefined;
  /** Credentials, or a function that gives them. By default the SDK's credential provider chain. */
  readonly credentials?: KMSClientConfig['credentials'];
  /** The profile in the shared AWS config files to take region and credentials from. */
  readonly profile?: string | undefined;
  /** How often the SDK tries a call at most, the first time included. By default `AWS_MAX_ATTEMPTS`, or 3. */
  readonly maxAttempts?: number | undefined;
  /** Milliseconds that connecting may take, in each attempt. By default there is no limit of ours. */
  readonly connectionTimeout?: number | undefined;
  /** Milliseconds from a request to its answer, and of silence in the answer, in each attempt. As above. */
  readonly requestTimeout?: number | undefined;
}

/** Either how to reach AWS KMS or a ready client, and what goes with every call. */
export type KmsKeyWrapProviderOptions = {
  /** Sent with every call, before the call's own: together at most 10. */
  readonly grantTokens?: readonly string[] | undefined;
} & (
  | (KmsConnectionOptions & { readonly client?: undefined })
  | ({
      /**
       * A ready client. It is used for every call, in its own region: a key whose ARN names another
       * region is refused by KMS. `close()` does not destroy it.
       */
      readonly client: KMSClient;
    } & { readonly [Name in keyof KmsConnectionOptions]?: undefined })
);

/** What every client of the provider has in common. The region, where there is one, is plain text. */
export type ClientConfig = KMSClientConfig & { readonly region?: string };

/** The options, checked and in the SDK's form. */
export interface ReadOptions {
  readonly config: ClientConfig;
  readonly client: KMSClient | undefined;
  readonly grantTokens: readonly string[];
}

type Values = Required<KmsConnectionOptions> & Pick<KmsKeyWrapProviderOptions, 'client'>;
type Check = readonly [isValid: (value: unknown) => boolean, problem: string];

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
    'must have accessKeyId and secretAccessKey, or be a function that gives credentials',
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
 * Reads what a caller passed, from plain JavaScript too.
 *
 * @throws {@link InvalidInputError} naming the option that is wrong, unknown or one too many.
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
  return {
    config: toClientConfig(connection),
    client,
    grantTokens: parseGrantTokens(grantTokens) ?? [],
  };
}

/**
 * @param connection Complete, and so is the configuration: the SDK would take a member that is not there from an
 * `Object.prototype` that was polluted, and send requests there or as that.
 */
function toClientConfig(connection: Required<KmsConnectionOptions>): ClientConfig {
  const { connectionTimeout, requestTimeout, ...config } = connection;
  const hasTimeout = connectionTimeout !== undefined || requestTimeout !== undefined;
  // The SDK's requestTimeout ends when the headers of the response are there, and only logs a
  // warning unless told to throw; its socketTimeout bounds the silence after that.
  const requestHandler = hasTimeout
    ? {
        ...(connectionTimeout !== undefined && { connectionTimeout }),
        ...(requestTimeout !== undefined && {
          requestTimeout,
          throwOnRequestTimeout: true,
          socketTimeout: requestTimeout,
        }),
      }
    : undefined;
  return { ...config, requestHandler } as ClientConfig;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0;
}

function isHttpUrl(value: unknown): boolean {
  if (!isText(value) || !URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

function isCredentials(value: unknown): boolean {
  if (typeof value === 'function') return true;
  return isObject(value) && isText(value.accessKeyId) && isText(value.secretAccessKey);
}
