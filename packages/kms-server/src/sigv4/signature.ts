import { createHash, timingSafeEqual } from 'node:crypto';
import type { HttpRequest } from '../http/http-request.js';
import { KmsError } from '../protocol/kms-error.js';
import { isRegionName } from '../region-name.js';
import {
  type Authorization,
  incomplete,
  parseDetails,
  type SigningDetails,
} from './authorization.js';
import { Signer } from './signer.js';
import { formatTime, parseTime } from './signing-time.js';

/** Credentials that requests may be signed with. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** For temporary credentials: requests must then carry it. */
  readonly sessionToken?: string | undefined;
}

const CLOCK_SKEW = 5 * 60 * 1000;
/** Of a presigned URL: a week, in seconds. */
const LONGEST_EXPIRY = 7 * 24 * 60 * 60;

/**
 * Checks signatures (Signature Version 4) with the SDK's own signer, which makes each one again.
 *
 * The errors are those of AWS
 * ([common errors](https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html)).
 */
export class SignatureVerifier {
  readonly #known: ReadonlyMap<string, Credentials & { readonly signer: Signer }>;
  readonly #now: () => Date;

  constructor(credentials: readonly Credentials[], now: () => Date) {
    this.#known = new Map(
      credentials.map((item) => [item.accessKeyId, { ...item, signer: new Signer(item) }]),
    );
    this.#now = now;
  }

  /**
   * @param authorization That of this request, parsed.
   * @throws KmsError `MissingAuthenticationTokenException`, `IncompleteSignatureException`,
   * `UnrecognizedClientException`, `InvalidSignatureException`
   */
  async verify(
    request: HttpRequest,
    authorization: Authorization | undefined,
    body: Uint8Array,
  ): Promise<void> {
    if (authorization === undefined) {
      throw new KmsError('MissingAuthenticationTokenException', 'Missing Authentication Token');
    }
    const { accessKeyId, signature } = authorization;
    const details = parseDetails(request, authorization);
    const { signedHeaders } = details;
    if (signedHeaders === undefined) throw missing('SignedHeaders');
    if (signature === undefined) throw missing('Signature');
    const { signer } = this.#credentialsOf(accessKeyId, details.token);
    const time = this.#currentTime(details);
    assertScope(authorization, time);
    assertSigned(request, signedHeaders);
    assertBodyHash(request, body);
    const scope = { ...authorization, signedHeaders };
    if (equal(await signer.signatureOf(unsigned(request), scope, time, body), signature)) return;
    throw invalidSignature(
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
    );
  }

  #credentialsOf(accessKeyId: string, token: string | undefined) {
    const credentials = this.#known.get(accessKeyId);
    if (credentials !== undefined && equal(credentials.sessionToken ?? '', token ?? '')) {
      return credentials;
    }
    throw new KmsError(
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
    );
  }

  #currentTime({ time: text, expires }: SigningDetails): Date {
    const isPresigned = expires !== undefined;
    if (text === undefined) {
      throw incomplete(
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
      );
    }
    const time = parseTime(text);
    if (time === undefined) {
      throw incomplete(`Date must be in ISO-8601 'basic format', for example 20260131T235959Z.`);
    }
    const lifetime = isPresigned ? parseExpiry(expires) : CLOCK_SKEW;
    const now = this.#now();
    const earliest = new Date(now.getTime() - lifetime);
    const latest = new Date(now.getTime() + CLOCK_SKEW);
    if (time < earliest) {
      const allowed = isPresigned ? `${expires} sec.` : '5 min.';
      throw invalidSignature(
        `Signature expired: ${formatTime(time)} is now earlier than ${formatTime(earliest)} (${formatTime(now)} - ${allowed})`,
      );
    }
    if (time > latest) {
      throw invalidSignature(
        `Signature not yet current: ${formatTime(time)} is still later than ${formatTime(latest)} (${formatTime(now)} + 5 min.)`,
      );
    }
    return time;
  }
}

/** Returns the lifetime of a presigned URL, in milliseconds. */
function parseExpiry(text: string): number {
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (seconds >= 1 && seconds <= LONGEST_EXPIRY) return seconds * 1000;
  throw incomplete(`The query parameter 'X-Amz-Expires' must be from 1 to ${LONGEST_EXPIRY}.`);
}

function assertScope({ date, region, service }: Authorization, time: Date): void {
  if (service !== 'kms') {
    throw invalidSignature("Credential should be scoped to correct service: 'kms'.");
  }
  if (!isRegionName(region)) {
    throw invalidSignature('Credential should be scoped to a valid region.');
  }
  if (formatTime(time).startsWith(`${date}T`)) return;
  throw invalidSignature(
    'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.',
  );
}

/** Everything that decides what a request means must be signed: the target and other `x-amz-*`. */
function assertSigned({ headers }: HttpRequest, signedHeaders: ReadonlySet<string>): void {
  if (!signedHeaders.has('host')) {
    throw invalidSignature(
      "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    );
  }
  for (const name of headers.keys()) {
    if (!name.startsWith('x-amz-') || signedHeaders.has(name)) continue;
    throw invalidSignature(`The header '${name}' must be signed.`);
  }
  for (const name of signedHeaders) {
    if (headers.has(name)) continue;
    throw invalidSignature(`The signed header '${name}' is not in the request.`);
  }
}

/** AWS compares the hash that a client sends with the body; so no other reader may believe it. */
function assertBodyHash({ headers }: HttpRequest, body: Uint8Array): void {
  const [claimed] = headers.get('x-amz-content-sha256') ?? [];
  if (claimed === undefined || claimed === createHash('sha256').update(body).digest('hex')) return;
  throw invalidSignature("The value of 'x-amz-content-sha256' is not the hash of the body.");
}

/** Returns the request as it was when it was signed. */
function unsigned(request: HttpRequest): HttpRequest {
  if (request.query?.has('X-Amz-Signature') !== true) return request;
  const query = new Map(request.query);
  query.delete('X-Amz-Signature');
  return { ...request, query };
}

function equal(a: string, b: string): boolean {
  const [expected, actual] = [Buffer.from(a), Buffer.from(b)];
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

function missing(name: string): KmsError {
  return incomplete(`Authorization header requires '${name}' parameter.`);
}

function invalidSignature(message: string): KmsError {
  return new KmsError('InvalidSignatureException', message);
}
