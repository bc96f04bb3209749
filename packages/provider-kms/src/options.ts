import type { KMSClient, KMSClientConfig } from '@aws-sdk/client-kms';
import { InvalidInputError, KeyWrapError, LIMITS, ownFields } from '@keywrap/core';
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

type Values = KmsConnectionOptions & Pick<KmsKeyWrapProviderOptions, 'client' | 'grantTokens'>;
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
  grantTokens: [
    isGrantTokens,
    `must be an array of at most ${LIMITS.grantTokens} strings of 1 to ${LIMITS.grantToken} characters`,
  ],
  client: [
    (value) => isObject(value) && typeof value.send === 'function',
    'must be a KMSClient of @aws-sdk/client-kms',
  ],
};

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
  if (!isObject(options)) throw new InvalidInputError('options', 'must be an object');
  const read: Record<string, unknown> = ownFields({});
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(CHECKS, name)) {
      const known = Object.keys(CHECKS).join(', ');
      throw new InvalidInputError(`options.${name}`, `is not known here; the options are ${known}`);
    }
    const value = options[name];
    if (value === undefined) continue;
    const [isValid, problem] = CHECKS[name as keyof Values];
    if (!isValid(value)) throw new InvalidInputError(`options.${name}`, problem);
    read[name] = value;
  }
  const { client, grantTokens = [], ...connection } = read as Values;
  const [extra] = Object.keys(connection);
  if (client !== undefined && extra !== undefined) {
    throw new InvalidInputError(
      `options.${extra}`,
      "can't be given together with client, which has its own",
    );
  }
  return { config: toClientConfig(connection), client, grantTokens: [...grantTokens] };
}

/**
 * What decides where the SDK sends a request and as whom. Said in any case: the SDK would take it from an
 * `Object.prototype` that somebody has polluted.
 */
const UNSET = {
  region: undefined,
  endpoint: undefined,
  credentials: undefined,
  profile: undefined,
  maxAttempts: undefined,
  requestHandler: undefined,
} as const satisfies { readonly [Name in keyof ClientConfig]?: undefined };

/** @param connection Without members that are undefined. */
function toClientConfig(connection: KmsConnectionOptions): ClientConfig {
  const { connectionTimeout, requestTimeout, ...others } = ownFields(connection);
  const config = Object.assign<object, ClientConfig>({ ...UNSET }, others as ClientConfig);
  if (connectionTimeout === undefined && requestTimeout === undefined) return config;
  return {
    ...config,
    requestHandler: {
      ...(connectionTimeout !== undefined && { connectionTimeout }),
      // The SDK's requestTimeout ends when the headers of the answer are there, and only logs a
      // warning unless told to throw; its socketTimeout bounds the silence after that.
      ...(requestTimeout !== undefined && {
        requestTimeout,
        throwOnRequestTimeout: true,
        socketTimeout: requestTimeout,
      }),
    },
  };
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

function isGrantTokens(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length <= LIMITS.grantTokens &&
    value.every((token) => isText(token) && token.length <= LIMITS.grantToken)
  );
}
