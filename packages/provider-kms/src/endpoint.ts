import { InvalidInputError } from '@keywrap/core';

/** The variables that name the endpoint, the more specific one first (docs.aws.amazon.com/sdkref, "Service-specific endpoints"). */
const VARIABLES = ['AWS_ENDPOINT_URL_KMS', 'AWS_ENDPOINT_URL'] as const;

/** Returns true for an `http:` or `https:` URL without user and password. */
export function isHttpUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

/**
 * Checks the endpoint that the environment names, which the SDK parses during the first call: without a scheme, it would
 * be another host, or fail like an outage.
 *
 * @param option The endpoint of the options, which comes first.
 * @throws {@link InvalidInputError}
 */
export function assertConfiguredEndpoint(option: unknown): void {
  const { env = {} } = globalThis.process ?? {};
  if (option !== undefined || env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS === 'true') return;
  const variable = VARIABLES.find((name) => env[name]);
  if (variable === undefined || isHttpUrl(env[variable])) return;
  throw new InvalidInputError(
    variable,
    'must be an http: or https: URL without user and password, for example http://127.0.0.1:4599',
  );
}
