import type { KeyClientOptions } from '@azure/keyvault-keys';
import { InternalError, InvalidInputError, ProviderUnavailableError } from '@keywrap/core';
import { VaultError } from './errors.js';

/** A policy of the client's pipeline, and where it stands. */
export type AdditionalPolicy = NonNullable<KeyClientOptions['additionalPolicies']>[number];

/** The longest answer that is read, in bytes: the largest are pages of a list. */
const MAXIMUM_ANSWER = 4 * 1024 * 1024;

type Answer = Readonly<Record<string, unknown>>;

/**
 * Checks each answer before the client uses it. The client reads bodies of any length, and one that is too long for a string
 * ends the process; it fails with a TypeError at an error that is not JSON; and it takes what was answered for
 * another key for the answer.
 */
export const CHECKED_ANSWERS: AdditionalPolicy = {
  position: 'perCall',
  policy: {
    name: 'checkedAnswers',
    async sendRequest(request, next) {
      const { pathname } = new URL(request.url);
      request.onDownloadProgress = ({ loadedBytes }) => {
        if (loadedBytes > MAXIMUM_ANSWER) throw new Error('the answer is too long');
      };
      const response = await next(request);
      const { status } = response;
      if (status >= 300 && status < 400) {
        throw new InvalidInputError(
          'options.vaultUrl',
          `is not where requests are answered: the server redirects (HTTP ${status})`,
        );
      }
      const answer = parse(response.bodyAsText);
      if (status >= 400) {
        if (answer === undefined) throw new VaultError(status, '');
      } else {
        if (answer === undefined) throw notVault(status);
        assertAnswers(answer, pathname);
      }
      return response;
    },
  },
};

/** Returns undefined for anything but a JSON object. */
function parse(text: string | null | undefined): Answer | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? (value as Answer) : undefined;
  } catch {
    return undefined;
  }
}

/** @param path `/keys/<name>/<version>/<operation>`; version and operation may be missing. */
function assertAnswers(answer: Answer, path: string): void {
  const [, , name = '', version = '', operation] = path.split('/');
  // A page of a list has none.
  const kid = (answer.key as Answer | undefined)?.kid ?? answer.kid;
  if (kid !== undefined && !isOf(String(kid), name, version)) {
    throw new InternalError('the vault answered for another key, or for another version of it');
  }
  if (kid === undefined && version !== 'versions') {
    throw new InternalError('the vault described no key');
  }
  if (operation !== undefined && !isBase64Url(answer.value)) {
    throw new InternalError('the vault returned no bytes');
  }
}

/** Names of keys and versions have no case ([objects](https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates)). */
function isOf(kid: string, name: string, version: string): boolean {
  const end = `/keys/${name}/${version}`.toLowerCase();
  const id = kid.toLowerCase();
  return version === '' ? id.slice(0, id.lastIndexOf('/') + 1).endsWith(end) : id.endsWith(end);
}

/** Without padding (RFC 7515 §2). Node.js decodes what it can of anything else. */
function isBase64Url(value: unknown): boolean {
  return typeof value === 'string' && /^[\w-]*$/.test(value) && value.length % 4 !== 1;
}

function notVault(status: number): ProviderUnavailableError {
  return new ProviderUnavailableError(
    `the answer is not a vault's, or was truncated (HTTP ${status}): check the URL and the proxies on the way`,
  );
}
