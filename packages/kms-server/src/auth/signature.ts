import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { KmsError } from '../protocol/kms-error.js';
import { type Authorization, parseAuthorization } from './authorization.js';

/** Credentials that requests may be signed with. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** For temporary credentials: requests must then carry it. */
  readonly sessionToken?: string | undefined;
}

/** The parts of a request that are signed. */
export interface SignedRequest {
  readonly method: string;
  /** The path, without a query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

const CLOCK_SKEW = 5 * 60 * 1000;

/** Unless these are signed, a request could be changed on the way, or replayed later. */
const MUST_BE_SIGNED = ['host', 'x-amz-target'];

/**
 * Checks signatures (Signature Version 4) with the SDK's own signer, which makes each one again.
 *
 * The errors are those of AWS
 * ([common errors](https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html)).
 */
export class SignatureVerifier {
  readonly #credentials: ReadonlyMap<string, Credentials>;
  readonly #now: () => Date;

  constructor(credentials: readonly Credentials[], now: () => Date) {
    this.#credentials = new Map(credentials.map((item) => [item.accessKeyId, item]));
    this.#now = now;
  }

  /**
   * @throws KmsError `MissingAuthenticationTokenException`, `IncompleteSignatureException`,
   * `UnrecognizedClientException`, `InvalidSignatureException`
   */
  async verify(request: SignedRequest): Promise<void> {
    const authorization = parseAuthorization(request.headers.authorization);
    if (authorization === undefined) {
      throw new KmsError('MissingAuthenticationTokenException', 'Missing Authentication Token');
    }
    const credentials = this.#credentialsOf(authorization, request);
    const signingDate = this.#signingDate(authorization, request);
    if (authorization.service !== 'kms') {
      throw invalidSignature("Credential should be scoped to correct service: 'kms'.");
    }
    assertBodyHash(request);
    const signature = await sign(request, authorization, credentials, signingDate);
    if (!equal(signature, authorization.signature)) {
      throw invalidSignature(
        'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
      );
    }
  }

  #credentialsOf({ accessKeyId }: Authorization, { headers }: SignedRequest): Credentials {
    const credentials = this.#credentials.get(accessKeyId);
    const token = headers['x-amz-security-token'];
    const isTokenRight =
      credentials?.sessionToken === undefined || token === credentials.sessionToken;
    if (credentials !== undefined && isTokenRight) return credentials;
    throw new KmsError(
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
    );
  }

  #signingDate({ date, signedHeaders }: Authorization, { headers }: SignedRequest): Date {
    const text = headers['x-amz-date'];
    const signed = typeof text === 'string' ? parseDate(text) : undefined;
    if (signed === undefined || !signedHeaders.includes('x-amz-date')) {
      throw new KmsError(
        'IncompleteSignatureException',
        "Authorization header requires existence of a signed 'X-Amz-Date' header.",
      );
    }
    for (const name of MUST_BE_SIGNED) {
      if (headers[name] !== undefined && signedHeaders.includes(name)) continue;
      throw invalidSignature(`'${name}' must be a signed header.`);
    }
    this.#assertCurrent(signed);
    if (formatDate(signed).startsWith(`${date}T`)) return signed;
    throw invalidSignature(
      'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.',
    );
  }

  #assertCurrent(signed: Date): void {
    const now = this.#now();
    const earliest = new Date(now.getTime() - CLOCK_SKEW);
    const latest = new Date(now.getTime() + CLOCK_SKEW);
    if (signed < earliest) {
      throw invalidSignature(
        `Signature expired: ${formatDate(signed)} is now earlier than ${formatDate(earliest)} (${formatDate(now)} - 5 min.)`,
      );
    }
    if (signed > latest) {
      throw invalidSignature(
        `Signature not yet current: ${formatDate(signed)} is still later than ${formatDate(latest)} (${formatDate(now)} + 5 min.)`,
      );
    }
  }
}

async function sign(
  { method, path, headers, body }: SignedRequest,
  { region, service, signedHeaders }: Authorization,
  credentials: Credentials,
  signingDate: Date,
): Promise<string | undefined> {
  const { accessKeyId, secretAccessKey } = credentials;
  const signer = new SignatureV4({
    credentials: { accessKeyId, secretAccessKey },
    region,
    service,
    sha256: Sha256,
    applyChecksum: false,
  });
  const signed = await signer.sign(
    {
      method,
      protocol: 'http:',
      hostname: '',
      path,
      headers: Object.fromEntries(signedHeaders.map((name) => [name, String(headers[name])])),
      body,
    },
    { signingDate, signableHeaders: new Set(signedHeaders) },
  );
  return parseAuthorization(signed.headers.authorization)?.signature;
}

function equal(a: string | undefined, b: string): boolean {
  const [expected, actual] = [Buffer.from(a ?? ''), Buffer.from(b)];
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/** The signer trusts the hash of the body that the client sends, if there is one. */
function assertBodyHash({ headers, body }: SignedRequest): void {
  const claimed = headers['x-amz-content-sha256'];
  if (claimed === undefined || claimed === createHash('sha256').update(body).digest('hex')) return;
  throw invalidSignature("The value of 'x-amz-content-sha256' is not the hash of the body.");
}

/** `20260131T235959Z` */
function parseDate(text: string): Date | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

function formatDate(date: Date): string {
  return date.toISOString().replace(/\.\d+|[:-]/g, '');
}

function invalidSignature(message: string): KmsError {
  return new KmsError('InvalidSignatureException', message);
}
