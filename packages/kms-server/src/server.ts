import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { batchResponses } from './http/batch-responses.js';
import { readBody } from './http/body.js';
import { rejectMalformed } from './http/client-error.js';
import { parseHttpRequest } from './http/http-request.js';
import type { LogRequest } from './log.js';
import { type KmsServerOptions, parseOptions } from './options.js';
import { parseSeed } from './parse-seed.js';
import { Regions } from './regions.js';
import { plantKeys } from './seed.js';
import { type KmsResponse, KmsService } from './service.js';

/** A server that is listening. */
export interface KmsServer extends AsyncDisposable {
  /** The endpoint for SDKs, for example `http://127.0.0.1:4599`. */
  readonly url: string;
  readonly port: number;
  /** Waits up to ten seconds for running requests, and wipes all keys from memory. */
  close(): Promise<void>;
}

/** In milliseconds: for a client's headers, for a whole request, and between two requests. */
const TIMEOUTS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 20_000,
  connectionsCheckingInterval: 5_000,
};
const CLOSE_TIMEOUT = 10_000;
/** Connections over the limit are closed at once. An SDK opens some fifty for each client. */
export const MAXIMUM_CONNECTIONS = 500;

/**
 * Starts AWS KMS on this machine: its HTTP protocol, over keys in memory or in a store. For tests and
 * development, in any language that has an AWS SDK.
 *
 * Rejects with `InvalidInputError` if an option is wrong or the store has keys of another account, with errors
 * of opening the store, and with the system's error if it can't listen.
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
  const { port, host, region, keys, credentials, log, ...settings } = parseOptions(options);
  const seed = parseSeed(keys, { region, account: settings.account });
  const regions = await Regions.open(settings);
  const service = new KmsService({ regions, defaultRegion: region, credentials, ...settings });
  const server = createServer(TIMEOUTS, (request, response) => {
    serve(service, log, () => server.listening, request, response).catch(() => response.destroy());
  });
  // Each may have a body in memory.
  server.maxConnections = MAXIMUM_CONNECTIONS;
  server.on('clientError', rejectMalformed);
  try {
    await plantKeys(seed, regions);
    await listen(server, port, host);
  } catch (error) {
    await regions.close();
    throw error;
  }
  const { port: actualPort } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= stop(server).then(() => regions.close());
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
  const parsed = parseHttpRequest(request);
  const { method, path } = parsed;
  if (method === 'GET' && path === '/health') {
    response.setHeader('Content-Type', 'application/json');
    response.end('{"status":"ok"}');
    return;
  }
  const started = performance.now();
  const requestId = crypto.randomUUID();
  const body = await readBody(request);
  const result = await service.respond({ ...parsed, body });
  await batchResponses();
  // After a body that was not read to its end, the next request can't be found.
  if (!request.complete || !isOpen()) response.setHeader('Connection', 'close');
  response.writeHead(result.status, {
    'Content-Type': 'application/x-amz-json-1.1',
    'Content-Length': Buffer.byteLength(result.body),
    'x-amzn-RequestId': requestId,
  });
  response.end(result.body);
  log?.({ ...logged(result), requestId, duration: performance.now() - started });
}

function logged({ operation, key, outcome, failure }: KmsResponse) {
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

/** Node.js closes idle connections at once; the others get some time. */
async function stop(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const timer = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT);
  await closed;
  clearTimeout(timer);
}
