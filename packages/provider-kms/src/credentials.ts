import type { KMSClient, KMSClientConfig } from '@aws-sdk/client-kms';
import {
  AccessDeniedError,
  copyDate,
  credentialErrorOf,
  type KeyWrapError,
  ownFields,
} from '@keywrap/core';
import { toKeyWrapError } from './errors.js';

type Credentials = NonNullable<KMSClientConfig['credentials']>;
type CredentialsFunction = Extract<Credentials, (...args: never[]) => unknown>;

/** What becomes part of a header: a space or line break at the end is the usual mistake. */
const HEADER_TEXT = /^[\x21-\x7e]+$/;

/** Says what is wrong with credentials, without repeating any of it; undefined if nothing is. */
export function problemOfCredentials(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return 'must be an object';
  const { accessKeyId, secretAccessKey } = value as Record<string, unknown>;
  const { sessionToken, expiration } = ownFields(value as Record<string, unknown>);
  const isText = (text: unknown) => typeof text === 'string' && HEADER_TEXT.test(text);
  if (!isText(accessKeyId) || !isText(secretAccessKey)) {
    return 'must have accessKeyId and secretAccessKey, without spaces and line breaks';
  }
  if (sessionToken !== undefined && !isText(sessionToken)) {
    return 'has a sessionToken, which must be text without spaces and line breaks';
  }
  if (expiration !== undefined && !Number.isFinite(copyDate(expiration)?.getTime())) {
    return 'has an expiration, which must be a valid Date, not text';
  }
  return undefined;
}

/** Makes the SDK see checked credentials only: what a function of the user's did wrong is no outage. */
export function checkedCredentials(credentials: Credentials): Credentials {
  if (typeof credentials !== 'function') return credentials;
  const checked: CredentialsFunction = async (...args: Parameters<CredentialsFunction>) => {
    let value: Awaited<ReturnType<CredentialsFunction>>;
    try {
      value = await (credentials as CredentialsFunction)(...args);
    } catch (error) {
      const ofAws = toKeyWrapError(error);
      if (ofAws?.retryable === true) throw ofAws;
      throw credentialErrorOf(error, 'the function options.credentials failed');
    }
    const problem = problemOfCredentials(value);
    if (problem === undefined) return value;
    throw denied(`what the function options.credentials returned ${problem}`);
  };
  return checked;
}

/**
 * Returns the error of a call that failed because the client has no credentials; undefined if it has some. Asked when
 * nothing else explains a failure: the SDK's providers throw what they come across, such as a missing file.
 */
export async function credentialsFailure(
  client: KMSClient,
  cause: unknown,
): Promise<KeyWrapError | undefined> {
  try {
    const problem = problemOfCredentials(await client.config.credentials());
    return problem === undefined ? undefined : denied(`the credentials of the client ${problem}`);
  } catch {
    return denied(
      'there are no credentials: check the options, the files and the variables that they come from',
      cause,
    );
  }
}

function denied(problem: string, cause?: unknown): AccessDeniedError {
  return new AccessDeniedError(problem, { cause });
}
