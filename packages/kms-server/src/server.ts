import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readBody } from './http/body.js';
import { answerClientError } from './http/client-error.js';
import { endOfTurn } from './http/end-of-turn.js';
import type { LogRequest } from './log.js';
import { type KmsServerOptions, readOptions } from './options.js';
import { Regions } from './region.js';
import { plantKeys } from './seed.js';
import { type KmsAnswer, KmsService } from './service.js';

/** A server that is listening. */
export interface KmsServer extends AsyncDisposable {
  /** What to give to SDKs as the endpoint, for example `http://127.0.0.1:4599`. */
  readonly url: string;
  readonly port: number;
  /** Lets the requests that are under way finish, for up to ten seconds, and wipes all keys from memory. */
  close(): Promise<void>;
}

/** How long a client may take: for its headers, for the whole request, and to say goodbye. */
const TIMEOUTS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 20_000,
  connectionsCheckingInterval: 5_000,
};
const CLOSE_TIMEOUT = 10_000;
/** More are hung up on. An SDK opens some fifty for each client. */
export const MAXIMUM_CONNECTIONS = 500;

/**
 * Starts AWS KMS on this machine: its HTTP protocol, in front of keys in memory or in a store. For tests
 * and development, in whatever language has an AWS SDK.
 *
 * Rejects with `InvalidInputError` when an option is wrong or the store is of another account, with
 * whatever opening the store throws, and with the system's error when it can't listen there.
 *
 * @example
 * ```ts
 * import { startKmsServer } from '@keywrap/kms-server';
 *
 * await using server = await startKmsServer({ port: 0, keys: [{ alias: 'alias/orders' }] });
 * server.url; // 'http://127.0.0.1:49152'
 * ```
 */
export async function startKmsServer(options: KmsServerOptions = {}): Promise<KmsServer> {
  const { port, host, region, keys, credentials, log, ...settings } = readOptions(options);
  const regions = await Regions.open(settings);
  const service = new KmsService({ regions, defaultRegion: region, credentials, ...settings });
  const server = createServer(TIMEOUTS, (request, response) => {
    serve(service, log, () => server.listening, request, response).catch(() => response.destroy());
  });
  // A body of each may be in memory.
  server.maxConnections = MAXIMUM_CONNECTIONS;
  server.on('clientError', answerClientError);
  try {
    await plantKeys(keys, regions, { region, ...settings });
    await listen(server, port, host);
  } catch (error) {
    await regions.close();
    throw error;
  }
  const { port: actualPort } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= stop(server).then(() => {
      service.close();
      return regions.close();
    });
    return closing;
  };
  const urlHost = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${urlHost}:${actualPort}`,
    port: actualPort,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function serve(
  service: KmsService,
  log: LogRequest | undefined,
  isOpen: () => boolean,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = '', url = '', headers } = request;
  const [path = ''] = url.split('?', 1);
  if (method === 'GET' && path === '/health') {
    response.setHeader('Content-Type', 'application/json');
    response.end('{"status":"ok"}');
    return;
  }
  const started = performance.now();
  const requestId = crypto.randomUUID();
  const body = await readBody(request);
  const answer = await service.answer({ method, path, headers, body });
  await endOfTurn();
  // Nothing sensible comes after a body that was not read to its end, and nothing at all at the end.
  if (!request.complete || !isOpen()) response.setHeader('Connection', 'close');
  response.writeHead(answer.status, {
    'Content-Type': 'application/x-amz-json-1.1',
    'Content-Length': Buffer.byteLength(answer.body),
    'x-amzn-RequestId': requestId,
  });
  response.end(answer.body);
  log?.({ ...logged(answer), requestId, duration: performance.now() - started });
}

function logged({ operation, key, outcome, failure }: KmsAnswer) {
  const time = new Date().toISOString();
  return {
    time,
    operation,
    key,
    outcome,
    ...(failure !== undefined && { failure: String(failure) }),
  };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Node.js closes connections when they are idle, and the others are given some time. */
async function stop(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const timer = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT);
  await closed;
  clearTimeout(timer);
}
