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
  /** In lower case, each once; undefined if missing. */
  readonly signedHeaders: ReadonlySet<string> | undefined;
  /** Undefined if missing. */
  readonly signature: string | undefined;
  /** The time of the signature, as the request has it; undefined if missing. */
  readonly time: string | undefined;
  /** The session token of temporary credentials; undefined if missing. */
  readonly token: string | undefined;
  /** In a presigned URL: for how many seconds it is valid. */
  readonly expires: string | undefined;
  /** Whether it is in the query. */
  readonly isPresigned: boolean;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const FIELDS = ['Credential', 'SignedHeaders', 'Signature'];
const PARAMETERS = ['Algorithm', 'Date', 'Expires', 'Security-Token', ...FIELDS].map(
  (name) => `X-Amz-${name}`,
);
const TERMINATOR = 'aws4_request';

/**
 * Parses the authorization of a request; it does not verify the signature.
 *
 * @returns `undefined` when there is none, or one of another scheme.
 * @throws KmsError `IncompleteSignatureException` when a part is malformed, repeated or unknown.
 */
export function parseAuthorization(request: HttpRequest): Authorization | undefined {
  const { headers, query } = request;
  if (query === undefined) throw incomplete('The query string is malformed.');
  for (const name of query.keys()) {
    // Signers leave this parameter out, in whatever case.
    if (name.toLowerCase() !== 'x-amz-signature' || name === 'X-Amz-Signature') continue;
    throw incomplete(`The query parameter '${name}' must be 'X-Amz-Signature'.`);
  }
  const header = only(headers, 'authorization', 'header');
  const isPresigned = PARAMETERS.some((name) => query.has(name));
  if (!isPresigned) return header === undefined ? undefined : parseHeader(header, headers);
  if (header === undefined) return parsePresigned(query);
  throw incomplete('A request is signed by its Authorization header or its query, not by both.');
}

function parseHeader(header: string, headers: Values): Authorization | undefined {
  const [, scheme, parameters = ''] = /^(\S+)(.*)$/.exec(header) ?? [];
  if (scheme !== ALGORITHM) return undefined;
  const fields = new Map<string, string>();
  for (const text of parameters.split(',')) {
    const [, name = '', value = ''] = /^\s*([A-Za-z]+)=(\S+)\s*$/.exec(text) ?? [];
    if (!FIELDS.includes(name) || fields.has(name)) {
      throw incomplete(
        `The Authorization header must have ${FIELDS.join(', ')}, each once, separated by commas.`,
      );
    }
    fields.set(name, value);
  }
  return {
    ...parseCredential(fields.get('Credential'), "Authorization header requires 'Credential'"),
    signedHeaders: parseSignedHeaders(fields.get('SignedHeaders')),
    signature: fields.get('Signature'),
    time: only(headers, 'x-amz-date', 'header') ?? only(headers, 'date', 'header'),
    token: only(headers, 'x-amz-security-token', 'header'),
    expires: undefined,
    isPresigned: false,
  };
}

function parsePresigned(query: Values): Authorization {
  const parameter = (name: string) => only(query, `X-Amz-${name}`, 'query parameter');
  if (parameter('Algorithm') !== ALGORITHM) {
    throw incomplete(`The query parameter 'X-Amz-Algorithm' must be ${ALGORITHM}.`);
  }
  return {
    ...parseCredential(parameter('Credential'), "The query requires 'X-Amz-Credential'"),
    signedHeaders: parseSignedHeaders(parameter('SignedHeaders')),
    signature: parameter('Signature'),
    time: parameter('Date'),
    token: parameter('Security-Token'),
    expires: parameter('Expires'),
    isPresigned: true,
  };
}

function parseCredential(credential: string | undefined, requirement: string) {
  if (credential === undefined) throw incomplete(`${requirement} parameter.`);
  const [accessKeyId, date, region, service, terminator, ...more] = credential.split('/');
  if (accessKeyId && date && region && service && terminator === TERMINATOR && !more.length) {
    return { accessKeyId, date, region, service };
  }
  throw incomplete(
    'Credential must have five slash-separated elements: key id, date, region, service and aws4_request.',
  );
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
