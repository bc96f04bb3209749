import { isUtf8 } from 'node:buffer';
import { isUint8Array, wipe } from '@keywrap/core';
import { decodeBody } from './http/body.js';
import { type HttpRequest, headerOf } from './http/http-request.js';
import type { Client } from './key-pairs.js';
import { HANDLERS, type Handler, type ImplementedOperation } from './operations/index.js';
import { toKmsError } from './protocol/error-map.js';
import { KmsError, serializationError } from './protocol/kms-error.js';
import { isOperation, OPERATIONS, type OperationName } from './protocol/model.js';
import { parseJson } from './protocol/parse-json.js';
import { parseRequest } from './protocol/parse-request.js';
import { type Shape, shapeNamed } from './protocol/shapes.js';
import { isRegionName } from './region-name.js';
import type { Region, Regions } from './regions.js';
import { type Authorization, parseAuthorization } from './sigv4/authorization.js';
import { type Credentials, SignatureVerifier } from './sigv4/signature.js';

/** A request as it came over HTTP. */
export interface KmsRequest extends HttpRequest {
  /** The bytes, or why they were not read. Wiped by their owner. */
  readonly body: Buffer | KmsError;
  readonly client: Client;
}

/** The response to it, and what is logged. */
export interface KmsResponse {
  readonly status: number;
  /** JSON, or empty. */
  readonly body: string;
  /** The operation; undefined if it is not one of KMS's. */
  readonly operation: string | undefined;
  /** The key, as the request names it. */
  readonly key: string | undefined;
  /** `ok`, or the name of the exception. */
  readonly outcome: string;
  /** The error that was thrown, if it was unexpected. */
  readonly failure?: string | undefined;
}

/** The parts of a service. */
export interface ServiceOptions {
  readonly regions: Regions;
  /** For requests without a signature or a valid Region. */
  readonly defaultRegion: string;
  /** If there are any, every request must be signed with one of them. */
  readonly credentials: readonly Credentials[];
  readonly now: () => Date;
}

/** Characters of a path that an error repeats. */
const MAXIMUM_SHOWN = 100;
const TARGET = 'TrentService.';

/** The shapes of all requests that are answered, prepared once. */
const REQUESTS = Object.fromEntries(
  (Object.keys(HANDLERS) as ImplementedOperation[]).map((name): [string, Shape] => [
    name,
    shapeNamed(OPERATIONS[name].input),
  ]),
) as Readonly<Record<ImplementedOperation, Shape>>;

/** KMS without HTTP: checks a request, and calls the operation that it names. */
export class KmsService {
  readonly #options: ServiceOptions;
  readonly #verifier: SignatureVerifier | undefined;

  constructor(options: ServiceOptions) {
    this.#options = options;
    const { credentials, now } = options;
    this.#verifier = credentials.length > 0 ? new SignatureVerifier(credentials, now) : undefined;
  }

  /** Has the requests that have arrived share one look at the store: {@link Regions.lookOnce}. */
  lookOnce(): () => void {
    return this.#options.regions.lookOnce();
  }

  /** Responds to any request. Never rejects. */
  async respond(request: KmsRequest): Promise<KmsResponse> {
    const named = nameOf(request);
    let key: string | undefined;
    let members: object = {};
    try {
      const { body, client } = request;
      if (body instanceof KmsError) throw body;
      assertOneHost(request);
      assertPath(request);
      const authorization = parseAuthorization(request);
      if (this.#verifier === undefined) rejectWebPages(request);
      else await this.#verifier.verify(request, authorization, body);
      const name = operationOf(named);
      members = parse(name, body, headerOf(request, 'content-encoding'));
      key = keyOf(members);
      // A handler takes the request that the operation's shape parses.
      const handle = HANDLERS[name] as Handler<never>;
      const region = this.#regionOf(authorization);
      const response = await handle(members as never, region, client);
      const text = response === undefined ? '' : JSON.stringify(response);
      return { status: 200, body: text, operation: name, key, outcome: 'ok' };
    } catch (error) {
      const operation = isOperation(named) ? named : undefined;
      const { status, body, type: outcome } = documented(toKmsError(error), operation);
      const failure = status === 500 ? String(error) : undefined;
      return { status, body, operation, key, outcome, failure };
    } finally {
      // They may hold plaintexts and key material.
      for (const value of Object.values(members)) if (isUint8Array(value)) wipe(value);
    }
  }

  /** Returns the Region that the request was signed for. */
  #regionOf(authorization: Authorization | undefined): Region {
    const { regions, defaultRegion } = this.#options;
    const region = authorization?.region ?? defaultRegion;
    return regions.peek(region) ?? regions.get(isRegionName(region) ? region : defaultRegion);
  }
}

/**
 * Without credentials, any program on this machine may use the server. A browser is on this machine too, and
 * any web page may have its own name resolve to 127.0.0.1 and then send requests. But every POST of a page
 * has an Origin header (https://fetch.spec.whatwg.org/#origin-header).
 */
function rejectWebPages({ headers }: KmsRequest): void {
  if (!headers.has('origin')) return;
  throw new KmsError(
    'AccessDeniedException',
    'A web page sent this. Pages can only use a server with credentials, where they have to sign.',
  );
}

function nameOf(request: KmsRequest): string {
  const { method, path } = request;
  const target = headerOf(request, 'x-amz-target') ?? presignedTarget(request) ?? '';
  if (method !== 'POST' || path !== '/' || !target.startsWith(TARGET)) return '';
  return target.slice(TARGET.length);
}

/** Who signs a URL may move the header there. */
function presignedTarget({ query }: KmsRequest): string | undefined {
  if (query?.has('X-Amz-Signature') !== true) return undefined;
  const targets = [...query].filter(([name]) => name.toLowerCase() === 'x-amz-target');
  return targets.flatMap(([, values]) => values).join();
}

/** A request with two hosts may be for the other one (RFC 9112 §3.2). */
function assertOneHost({ headers }: KmsRequest): void {
  const hosts = headers.get('host');
  if (hosts === undefined || hosts.length === 1) return;
  throw new KmsError('MalformedHttpRequestException', 'The header host must not be repeated.');
}

/** An endpoint that ends with a path is a mistake in the client's settings, which no operation would show. */
function assertPath({ method, path }: KmsRequest): void {
  if (path === '/' || method !== 'POST') return;
  throw new KmsError(
    'UnknownOperationException',
    `This server is at the path '/' alone, and the request is for '${path.slice(0, MAXIMUM_SHOWN)}'. Take the path out of the endpoint's URL.`,
  );
}

function operationOf(name: string): ImplementedOperation {
  if (Object.hasOwn(HANDLERS, name)) return name as ImplementedOperation;
  if (!isOperation(name)) throw new KmsError('UnknownOperationException');
  throw new KmsError(
    'UnsupportedOperationException',
    `${name} is an operation of AWS KMS that this server does not implement.`,
  );
}

/** Operations that use keys have no InvalidArnException: to them, a malformed ARN is one of no key. */
function documented(error: KmsError, operation: OperationName | undefined): KmsError {
  const { type, message } = error;
  if (operation === undefined || type !== 'InvalidArnException') return error;
  return OPERATIONS[operation].errors.includes(type)
    ? error
    : new KmsError('NotFoundException', message);
}

/**
 * Parses the members of a request. A function of its own: what JSON.parse made stays in memory as long as the
 * function that called it, and an operation may wait for a long time.
 */
function parse(name: ImplementedOperation, body: Buffer, encoding: string | undefined): object {
  return parseRequest(REQUESTS[name], parseBody(body, encoding)) as object;
}

/** An empty body is a request without members. */
function parseBody(body: Buffer, encoding: string | undefined): unknown {
  const decoded = decodeBody(body, encoding);
  if (decoded.length === 0) return {};
  // Bytes that are not UTF-8 would be replaced by other characters, and the request would mean something else.
  if (!isUtf8(decoded)) throw serializationError('The body of the request is not UTF-8.');
  try {
    return parseJson(decoded.toString());
  } catch {
    throw serializationError('The body of the request is not JSON.');
  } finally {
    if (decoded !== body) wipe(decoded);
  }
}

/** Returns the key for the log, as the request names it. */
function keyOf(request: object): string | undefined {
  const { KeyId, DestinationKeyId, TargetKeyId, AliasName } = request as Record<string, unknown>;
  return (KeyId ?? DestinationKeyId ?? TargetKeyId ?? AliasName) as string | undefined;
}
