import { assertProvider } from '../provider/assert-provider.js';
import { InvalidInputError } from '../provider/errors.js';
import { ownFields } from '../provider/own-fields.js';
import type { KeyWrapProvider } from '../provider/provider.js';

/** Opens the providers of one URL scheme. Every provider package exports one; anybody can write one. */
export interface ProviderScheme {
  /** What comes before the colon, in lower case: `local`, `aws-kms`. */
  readonly scheme: string;
  /** What may follow the scheme after a `+`, each handed to {@link open} too: `postgres` for `local+postgres:`. */
  readonly variants?: readonly string[] | undefined;
  /** @throws {@link InvalidInputError} with the field `url` when the URL is not one of its own. */
  open(url: URL): Promise<KeyWrapProvider>;
}

/**
 * Opens the provider that a URL names, so that a deployment chooses it and not the code.
 *
 * @param url For example `local:?keys=alias/orders` or `aws-kms://eu-west-1`.
 * @param schemes What can be opened.
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
  // The URL is never repeated in an error: somebody will put a password into one.
  const isUrl = typeof url === 'string' || url instanceof URL;
  if (!isUrl || !URL.canParse(String(url))) {
    throw new InvalidInputError('url', `is not a URL; it begins with one of ${known.join(', ')}`);
  }
  const parsed = new URL(url);
  const match = schemes.find((scheme) => namesOf(scheme).includes(parsed.protocol));
  if (match === undefined) {
    throw new InvalidInputError(
      'url',
      `has the scheme ${parsed.protocol} which no provider was registered for; known: ${known.join(', ')}`,
    );
  }
  const provider = await match.open(parsed);
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
 * Reads the query of a provider URL: each parameter at most once, and none that is not known.
 *
 * @param names The parameters that the scheme takes.
 * @throws {@link InvalidInputError} naming the parameter.
 */
export function readUrlParameters<Name extends string>(
  url: URL,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const parameters: Partial<Record<Name, string>> = ownFields({});
  for (const [name, value] of url.searchParams) {
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
