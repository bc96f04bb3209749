import cluster, { type Worker } from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { Command } from './command-line.js';
import { type LogRequest, passOnLines } from './log.js';
import type { KmsServerOptions } from './options.js';
import { type KmsServer, startKmsServer } from './server.js';

// Processes that share one port (node:cluster) and one store. The primary has neither: it starts the workers,
// writes their log, and ends with them.

/** What the primary tells a worker. */
interface Orders {
  /** Import tokens of one worker are valid at the others. */
  readonly importTokenKey: string;
  readonly options: Command['options'];
}

/** What a worker tells the primary. */
type Report = 'ready' | { readonly url: string };

/**
 * Starts the workers, and waits until all listen. The first one creates the keys of the seed, before there are
 * others. A worker that ends by itself is replaced, and so is one that is killed before it listens.
 *
 * @param log Takes what the workers write to standard error.
 * @param ended Called when this process was told to stop, or a worker could not start, and all have ended.
 * @returns The URL; undefined if a worker could not start, after which this process exits with its status.
 */
export async function startWorkers(
  { options, workers: count }: Command,
  log: Writable,
  ended: () => void,
): Promise<string | undefined> {
  const importTokenKey = randomBytes(32).toString('base64');
  const { maximumConnections } = options;
  // A port of node:cluster is free again when the last worker has ended, and the next ones would get another.
  const port = options.port === 0 ? await freePort() : options.port;
  const share = maximumConnections && Math.ceil(maximumConnections / count);
  const withoutSeed = { ...options, port, keys: undefined, maximumConnections: share };
  let isStopping = false;
  cluster.setupPrimary({ stdio: ['inherit', 'inherit', 'pipe', 'ipc'] });
  const stop = () => {
    isStopping = true;
    const running = Object.values(cluster.workers ?? {}).filter((worker) => !worker?.isDead());
    for (const worker of running) worker?.process.kill('SIGTERM');
    void Promise.all(running.map((worker) => worker && once(worker, 'exit'))).then(ended);
  };
  const start = async (given: Command['options'] = withoutSeed): Promise<string> => {
    const worker = cluster.fork();
    worker.on('message', (message: Report) => {
      // What is sent to a worker that does not listen yet is lost.
      if (message === 'ready') worker.send({ importTokenKey, options: given } satisfies Orders);
    });
    passOnLines(worker.process.stderr as Readable, log);
    const url = await urlOf(worker);
    worker.once('exit', restart);
    return url;
  };
  const restart = () => {
    if (isStopping) return;
    // One that can't even start again, by itself, would end for ever.
    start().catch((error) => (error.signal ? restart() : fail(error)));
  };
  const fail = (error: { readonly exitCode?: number }) => {
    if (!isStopping) process.exitCode = error.exitCode || 1;
    stop();
    return undefined;
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
  try {
    const url = await start({ ...withoutSeed, keys: options.keys });
    await Promise.all(Array.from({ length: count - 1 }, () => start()));
    return url;
  } catch (error) {
    return fail(error as object);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function urlOf(worker: Worker): Promise<string> {
  const failed = once(worker, 'exit').then(([exitCode, signal]) => {
    throw Object.assign(new Error('a worker could not start'), { exitCode, signal });
  });
  const listening = new Promise<string>((resolve) => {
    worker.on('message', (message: Report) => {
      if (message !== 'ready' && 'url' in message) resolve(message.url);
    });
  });
  failed.catch(() => {});
  return Promise.race([listening, failed]);
}

/** Starts the server of this worker, as the primary orders, with a store of its own. */
export async function startWorker(
  store: KmsServerOptions['store'],
  log: LogRequest,
): Promise<KmsServer> {
  const ordered = once(process, 'message');
  report('ready');
  const [{ importTokenKey, options }] = (await ordered) as [Orders];
  const server = await startKmsServer({
    ...options,
    store,
    importTokenKey: Buffer.from(importTokenKey, 'base64'),
    log,
  });
  report({ url: server.url });
  return server;
}

function report(what: Report): void {
  if (process.connected) process.send?.(what);
}
