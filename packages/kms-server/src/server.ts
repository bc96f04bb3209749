import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type KmsServerOptions, parseOptions } from './options.js';
import { parseSeed } from './parse-seed.js';
import { Regions } from './regions.js';
import { plantKeys } from './seed.js';
import { serveHttp } from './serve-http.js';
import { KmsService } from './service.js';

// The platform's, whatever a test puts in their place later.
const { clearTimeout, setTimeout } = globalThis;

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
/** In milliseconds: for a client that does not read its response. */
const SILENCE = 120_000;
const CLOSE_TIMEOUT = 10_000;

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
  const server = createServer(TIMEOUTS);
  server.timeout = SILENCE;
  serveHttp(server, service, settings.maximumConnections, log);
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
