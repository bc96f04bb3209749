import type { HttpRequest, Values } from '../http/http-request.js';
import { KmsError } from '../protocol/kms-error.js';

/**
 * What a request says about its signature
 * ([Signature Version 4](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html)),
 * in its Authorization header or its query.
 */
export interface Authorization {
  readonly accessKeyId: string;
  /** The day of the signing key: eight digits. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  /** Names, separated by semicolons; undefined if missing. */
  readonly signedHeaders: string | undefined;
  /** Undefined if missing. */
  readonly signature: string | undefined;
  /** Whether it is in the query. */
  readonly isPresigned: boolean;
}

/** What else a signature depends on; undefined where it is missing. */
export interface SigningDetails {
  /** The time of the signature, as the request has it. */
  readonly time: string | undefined;
  /** The session token of temporary credentials. */
  readonly token: string | undefined;
  /** In a presigned URL: for how many seconds it is valid; empty if missing. */
  readonly expires: string | undefined;
  /** In lower case, each once. */
  readonly signedHeaders: ReadonlySet<string> | undefined;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const FIELDS = ['Credential', 'SignedHeaders', 'Signature'];
const SCHEME = new RegExp(`^${ALGORITHM}(\\s|$)`);
/** A field and the comma after it, unless it is the last. */
const FIELD = new RegExp(`\\s*(${FIELDS.join('|')})=([^\\s,]+)\\s*(?:,(?=\\s*\\S)|$)`, 'y');
const PARAMETERS = ['Algorithm', 'Date', 'Expires', 'Security-Token', ...FIELDS].map(
  (name) => `X-Amz-${name}`,
);
const CREDENTIAL = /^([^/]+)\/([^/]+)\/([^/]+)\/([^/]+)\/aws4_request$/;

/**
 * Parses the authorization of a request; it does not verify the signature.
 *
 * @returns `undefined` when there is none, or one of another scheme.
 * @throws KmsError `IncompleteSignatureException` when a part is malformed, repeated or unknown.
 */
export function parseAuthorization({ headers, query }: HttpRequest): Authorization | undefined {
  const header = only(headers, 'authorization', 'header');
  if (query !== undefined && query.size === 0) return parseHeader(header);
  if (query === undefined) throw incomplete('The query string is malformed.');
  for (const name of query.keys()) {
    // Signers leave this parameter out, in whatever case.
    if (name.toLowerCase() !== 'x-amz-signature' || name === 'X-Amz-Signature') continue;
    throw incomplete(`The query parameter '${name}' must be 'X-Amz-Signature'.`);
  }
  const isPresigned = PARAMETERS.some((name) => query.has(name));
  if (!isPresigned) return parseHeader(header);
  if (header === undefined) return parsePresigned(query);
  throw incomplete('A request is signed by its Authorization header or its query, not by both.');
}

function parseHeader(header = ''): Authorization | undefined {
  if (!SCHEME.test(header)) return undefined;
  // Written out, here and below: spreading an object takes as long as all else.
  const fields: Record<string, string | undefined> = {
    Credential: undefined,
    SignedHeaders: undefined,
    Signature: undefined,
  };
  FIELD.lastIndex = ALGORITHM.length;
  for (let end = FIELD.lastIndex; end < header.length; end = FIELD.lastIndex) {
    const [, name, value] = FIELD.exec(header) ?? [];
    if (name === undefined || fields[name] !== undefined) {
      throw incomplete(
        `The Authorization header must have ${FIELDS.join(', ')}, each once, separated by commas.`,
      );
    }
    fields[name] = value;
  }
  const { Credential, SignedHeaders, Signature } = fields;
  if (Credential === undefined) {
    throw incomplete("Authorization header requires 'Credential' parameter.");
  }
  return authorizationOf(Credential, SignedHeaders, Signature, false);
}

function parsePresigned(query: Values): Authorization {
  const parameter = (name: string) => only(query, `X-Amz-${name}`, 'query parameter');
  if (parameter('Algorithm') !== ALGORITHM) {
    throw incomplete(`The query parameter 'X-Amz-Algorithm' must be ${ALGORITHM}.`);
  }
  const credential = parameter('Credential');
  if (credential === undefined) {
    throw incomplete("The query requires the parameter 'X-Amz-Credential'.");
  }
  return authorizationOf(credential, parameter('SignedHeaders'), parameter('Signature'), true);
}

/**
 * Parses the rest of what a signature depends on, which only a verification needs.
 *
 * @throws KmsError as {@link parseAuthorization}
 */
export function parseDetails(
  { headers, query }: HttpRequest,
  { isPresigned, signedHeaders }: Authorization,
): SigningDetails {
  const header = (name: string) => only(headers, name, 'header');
  const parameter = (name: string) => only(query as Values, `X-Amz-${name}`, 'query parameter');
  return {
    time: isPresigned ? parameter('Date') : (header('x-amz-date') ?? header('date')),
    token: isPresigned ? parameter('Security-Token') : header('x-amz-security-token'),
    expires: isPresigned ? (parameter('Expires') ?? '') : undefined,
    signedHeaders: parseSignedHeaders(signedHeaders),
  };
}

function authorizationOf(
  credential: string,
  signedHeaders: string | undefined,
  signature: string | undefined,
  isPresigned: boolean,
): Authorization {
  const [, accessKeyId, date, region, service] = CREDENTIAL.exec(credential) ?? [];
  if (
    accessKeyId === undefined ||
    date === undefined ||
    region === undefined ||
    service === undefined
  ) {
    throw incomplete(
      'Credential must have five slash-separated elements: key id, date, region, service and aws4_request.',
    );
  }
  return { accessKeyId, date, region, service, signedHeaders, signature, isPresigned };
}

function parseSignedHeaders(text: string | undefined): ReadonlySet<string> | undefined {
  if (text === undefined) return undefined;
  const names = text.split(';');
  const set = new Set(names);
  if (set.size === names.length && !set.has('') && text === text.toLowerCase()) return set;
  throw incomplete(
    'SignedHeaders must be names in lower case, each once, separated by semicolons.',
  );
}

/** Returns the value, which must not be there twice: another reader might take the other one. */
function only(values: Values, name: string, what: string): string | undefined {
  const [value, ...more] = values.get(name) ?? [];
  if (more.length === 0) return value;
  throw incomplete(`The ${what} '${name}' must not be repeated.`);
}

/** Makes the error of AWS for an authorization that lacks something. */
export function incomplete(message: string): KmsError {
  return new KmsError('IncompleteSignatureException', message);
}
