import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { InvalidInputError, type ProviderScheme } from '@keywrap/core';
import type { TokenName } from './options.js';
import { Pkcs11KeyWrapProvider } from './provider.js';

/** The attributes of a PKCS#11 URI that name a token (RFC 7512 §2.3), and the options they are. */
const TOKEN: ReadonlyMap<string, keyof TokenName> = new Map([
  ['token', 'label'],
  ['serial', 'serial'],
  ['manufacturer', 'manufacturer'],
  ['model', 'model'],
  ['slot-id', 'slot'],
]);

const QUERY: readonly string[] = ['module-path', 'pin-source'];

/**
 * Opens a token by its PKCS#11 URI (RFC 7512): `pkcs11:token=production?module-path=/usr/lib/libhsm.so&pin-source=/run/pin`.
 * The path names the token, by `token`, `serial`, `manufacturer`, `model` and `slot-id`. `module-path` is required;
 * `pin-source` is the path, or a `file:` URI, of a file with the PIN. `pin-value` is rejected: a URL must not contain a
 * secret.
 *
 * Rejects with `InvalidInputError` (field `url`) when anything in the URL is malformed, unknown or repeated.
 *
 * @example
 * ```ts
 * import { openKeyWrapProvider } from '@keywrap/core';
 * import { pkcs11Scheme } from '@keywrap/provider-pkcs11';
 *
 * const url = 'pkcs11:token=production?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=/run/pin';
 * const keys = await openKeyWrapProvider(url, [pkcs11Scheme]);
 * ```
 */
export const pkcs11Scheme: ProviderScheme = Object.freeze({
  scheme: 'pkcs11',
  async open(url: URL): Promise<Pkcs11KeyWrapProvider> {
    if (url.hash !== '' || url.host !== '') throw malformed('must not have a host or a fragment');
    const path = attributesIn(url.pathname, ';', [...TOKEN.keys()]);
    const query = attributesIn(url.search.slice(1), '&', QUERY);
    const module = query.get('module-path');
    if (module === undefined) throw malformed('needs module-path, the path of the library');
    const token = [...path].map(([name, value]) => {
      const option = TOKEN.get(name) as keyof TokenName;
      return [option, option === 'slot' ? slotOf(value) : value] as const;
    });
    const source = query.get('pin-source');
    return Pkcs11KeyWrapProvider.open({
      module,
      token: Object.fromEntries(token),
      pin: source === undefined ? undefined : await readPinFile(source),
    });
  },
});

/** @throws {@link InvalidInputError} for an attribute that is malformed, unknown or repeated. */
export function attributesIn(
  text: string,
  separator: string,
  names: readonly string[],
): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const part of text.split(separator).filter((each) => each !== '')) {
    const [, name = '', value = ''] = /^([a-z-]+)=(.*)$/.exec(part) ?? [];
    if (!names.includes(name)) {
      throw malformed(`has an attribute that is not one of ${names.join(', ')}`);
    }
    if (attributes.has(name)) throw malformed(`has ${name} more than once`);
    attributes.set(name, decoded(value));
  }
  return attributes;
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch (cause) {
    throw malformed('has an escape that is not UTF-8', cause);
  }
}

function slotOf(value: string): number {
  if (!/^\d+$/.test(value)) throw malformed('has a slot-id that is not a number');
  return Number(value);
}

export async function readPinFile(source: string): Promise<string> {
  try {
    const path = source.startsWith('file:') ? fileURLToPath(source) : source;
    return (await readFile(path, 'utf8')).replace(/\r?\n$/, '');
  } catch (cause) {
    // Anything else might be the PIN itself.
    const path = /^(file:)?\//.test(source) ? source : 'which must be an absolute path';
    throw malformed(`has a pin-source that could not be read (${codeOf(cause)}): ${path}`, cause);
  }
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException | undefined)?.code ?? 'no code');
}

function malformed(problem: string, cause?: unknown): InvalidInputError {
  return new InvalidInputError('url', problem, { cause });
}
