import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Batches } from './http/batches.js';
import { readBody } from './http/body.js';
import { ByteBudget } from './http/byte-budget.js';
import { rejectMalformed } from './http/client-error.js';
import { type Connection, Connections } from './http/connections.js';
import { type HttpRequest, headerOf, parseHttpRequest } from './http/http-request.js';
import type { LogRequest } from './log.js';
import { throttling } from './protocol/kms-error.js';
import type { KmsResponse, KmsService } from './service.js';

/** Bytes of large requests that all connections together may have in memory. */
const LARGE_REQUESTS = 64 * 1024 * 1024;

/**
 * Has a service respond to the requests of a server.
 *
 * @param maximumConnections Those beyond it are told so.
 */
export function serveHttp(
  server: Server,
  service: Pick<KmsService, 'respond' | 'lookOnce'>,
  maximumConnections: number,
  log: LogRequest | undefined,
): void {
  // A client may close its side after its last request, and still wait for the response (RFC 9293 §3.6). Not documented:
  // by default Node.js closes the other side at once.
  Object.assign(server, { httpAllowHalfOpen: true });
  const batches = new Batches(() => service.lookOnce());
  const budget = new ByteBudget(LARGE_REQUESTS);
  const connections = new Connections(server, maximumConnections, work);
  const rejected = new WeakSet<Socket>();

  async function work(
    request: IncomingMessage,
    response: ServerResponse,
    connection: Connection,
  ): Promise<void> {
    const started = performance.now();
    const requestId = crypto.randomUUID();
    try {
      const parsed = parseHttpRequest(request);
      if (isHealthCheck(parsed)) return respondHealthy(response);
      const result = await resultOf(parsed, request, connection);
      await batches.end();
      // After a body that was not read to its end, the next request can't be found.
      const isLast = !request.complete || !server.listening || connection.isOverLimit;
      if (isLast) response.setHeader('Connection', 'close');
      response.writeHead(result.status, {
        'Content-Type': 'application/x-amz-json-1.1',
        'Content-Length': Buffer.byteLength(result.body),
        'x-amzn-RequestId': requestId,
      });
      response.end(result.body);
      record(requestId, started, result);
    } catch {
      response.destroy();
      // A request that was malformed or late has its line.
      if (!rejected.has(request.socket)) record(requestId, started, CLOSED);
    }
  }

  async function resultOf(
    parsed: HttpRequest,
    request: IncomingMessage,
    { isOverLimit }: Connection,
  ): Promise<KmsResponse> {
    const refusal = isOverLimit
      ? throttling(`The server has ${maximumConnections} connections, as many as it may have.`)
      : undefined;
    const encoding = headerOf(parsed, 'content-encoding');
    const body = await readBody(request, { budget, encoding, refusal });
    try {
      await batches.begin();
      // Written out: spreading an object takes longer.
      const { method, path, query, headers } = parsed;
      const { socket: client } = request;
      return await service.respond({ method, path, query, headers, body: body.content, client });
    } finally {
      body.release();
    }
  }

  function record(requestId: string, started: number, result: Outcome): void {
    if (log === undefined) return;
    const { operation, key, outcome, failure } = result;
    try {
      log({
        time: new Date().toISOString(),
        operation,
        key,
        outcome,
        failure,
        requestId,
        duration: Math.round((performance.now() - started) * 1000) / 1000,
      });
    } catch {
      // The request is done, whatever becomes of its log.
    }
  }

  server.on('clientError', (error, stream) => {
    const socket = stream as Socket;
    const requestId = crypto.randomUUID();
    const connection = connections.of(socket);
    rejected.add(socket);
    const outcome = rejectMalformed(error, socket, connection, requestId);
    record(requestId, connection?.since ?? performance.now(), withoutRequest(outcome));
  });
  server.on('drop', () => record(crypto.randomUUID(), performance.now(), CLOSED));
}

type Outcome = Pick<KmsResponse, 'operation' | 'key' | 'outcome' | 'failure'>;

/** Makes the outcome of a connection that has no request. */
function withoutRequest(outcome: string): Outcome {
  return { operation: undefined, key: undefined, outcome, failure: undefined };
}

const CLOSED = withoutRequest('closed');

function isHealthCheck({ method, path }: HttpRequest): boolean {
  return method === 'GET' && path === '/health';
}

function respondHealthy(response: ServerResponse): void {
  response.setHeader('Content-Type', 'application/json');
  response.end('{"status":"ok"}');
}
