import { assertProvider } from '../provider/assert-provider.js';
import { InvalidInputError } from '../provider/errors.js';
import { ownFields } from '../provider/own-fields.js';
import type { KeyWrapProvider } from '../provider/provider.js';

/** Opens the providers of one URL scheme. Every provider package exports one; you can write your own. */
export interface ProviderScheme {
  /** The part before the colon, in lower case: `local`, `aws-kms`. */
  readonly scheme: string;
  /** The suffixes that {@link open} supports after a `+`: `postgres` for `local+postgres:`. */
  readonly variants?: readonly string[] | undefined;
  /**
   * Opens a provider.
   *
   * @throws {@link InvalidInputError} when the URL is not valid for the scheme. {@link openKeyWrapProvider} gives it the
   * field `url`, where it names an option of the provider.
   */
  open(url: URL): Promise<KeyWrapProvider>;
}

/**
 * Opens the provider that a URL names, so that the deployment chooses it instead of the code.
 *
 * @param url For example `local:?keys=alias/orders` or `aws-kms://eu-west-1`.
 * @param schemes The supported schemes.
 * @throws {@link InvalidInputError} when the URL is malformed or its scheme is not among `schemes`.
 *
 * @example
 * ```ts
 * import { openKeyWrapProvider, type ProviderScheme } from '@keywrap/core';
 *
 * async function open(schemes: ProviderScheme[]) {
 *   return openKeyWrapProvider(process.env['KEYWRAP_URL'] ?? 'local:', schemes);
 * }
 * ```
 */
export async function openKeyWrapProvider(
  url: string | URL,
  schemes: readonly ProviderScheme[],
): Promise<KeyWrapProvider> {
  const known = readSchemes(schemes).flatMap(namesOf);
  // Errors never repeat the URL: it may contain a password.
  // By its tag: test runners with a simulated browser have a URL class of their own.
  const isUrl = typeof url === 'string' || Object.prototype.toString.call(url) === '[object URL]';
  if (!isUrl || !URL.canParse(String(url))) {
    throw new InvalidInputError('url', `is not a URL; it begins with one of ${known.join(', ')}`);
  }
  const parsed = new URL(String(url));
  const match = schemes.find((scheme) => namesOf(scheme).includes(parsed.protocol));
  if (match === undefined) {
    throw new InvalidInputError(
      'url',
      `has the scheme ${parsed.protocol} which is not registered; known: ${known.join(', ')}`,
    );
  }
  let provider: KeyWrapProvider;
  try {
    provider = await match.open(parsed);
  } catch (error) {
    // Who opens by URL doesn't know the option that a part of it became.
    if (!(error instanceof InvalidInputError) || error.field === 'url') throw error;
    throw new InvalidInputError('url', `can not be opened: ${error.message}`, { cause: error });
  }
  assertProvider(provider, `schemes[${schemes.indexOf(match)}]`);
  return provider;
}

function namesOf({ scheme, variants = [] }: ProviderScheme): readonly string[] {
  return [`${scheme}:`, ...variants.map((variant) => `${scheme}+${variant}:`)];
}

function readSchemes(schemes: readonly ProviderScheme[]): readonly ProviderScheme[] {
  const isScheme = (value: ProviderScheme | null | undefined) =>
    typeof value?.scheme === 'string' && typeof value.open === 'function';
  if (!Array.isArray(schemes) || ![...schemes].every(isScheme)) {
    throw new InvalidInputError('schemes', 'must be an array of objects with scheme and open');
  }
  return schemes;
}

/**
 * Parses the query of a provider URL: each parameter at most once, and only known ones. As in the path, a `+` is itself
 * ([RFC 3986 §3.4](https://www.rfc-editor.org/rfc/rfc3986#section-3.4)), not the space of HTML forms: write `%20`.
 *
 * @param names The parameters of the scheme.
 * @throws {@link InvalidInputError} naming the parameter.
 */
export function readUrlParameters<Name extends string>(
  url: URL,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const parameters: Partial<Record<Name, string>> = ownFields({});
  for (const [name, value] of new URLSearchParams(url.search.replaceAll('+', '%2B'))) {
    const known = names.find((candidate) => candidate === name);
    if (known === undefined) {
      throw new InvalidInputError(
        'url',
        `has the parameter ${JSON.stringify(name)}; ${url.protocol} takes ${names.join(', ')}`,
      );
    }
    if (Object.hasOwn(parameters, known)) {
      throw new InvalidInputError('url', `has the parameter ${name} more than once`);
    }
    parameters[known] = value;
  }
  return parameters;
}

/**
 * Reads a parameter that is a number: decimal digits only. Returns NaN, which no option accepts, for other text: `Number`
 * alone would accept `0x10`, `1e3` and the empty text.
 *
 * @param text What {@link readUrlParameters} returned; undefined for a parameter that is not there.
 */
export function readUrlNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

/**
 * Rejects a provider URL with parts that its scheme does not have. The error does not repeat them: one may be a password.
 *
 * @param form A URL of the scheme as it should be, for the error.
 * @throws {@link InvalidInputError}
 */
export function rejectUrlParts(
  url: URL,
  parts: readonly ('username' | 'password' | 'port' | 'pathname' | 'hash')[],
  form: string,
): void {
  for (const part of parts) {
    if (url[part] !== '') {
      throw new InvalidInputError('url', `must not have a ${part}; write ${form}`);
    }
  }
}
