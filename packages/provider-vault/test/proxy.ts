import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP proxy in front of a server, which notes what passes and can break. */
export interface FaultyProxy {
  readonly address: string;
  /** The method and path of every request, without `/v1/`. */
  readonly requests: string[];
  /** True to reset every connection. */
  isDown: boolean;
  /** Answers instead of the server; undefined to forward. */
  answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  close(): Promise<void>;
}

export async function startProxy(target: string): Promise<FaultyProxy> {
  const server = createServer((incoming, outgoing) => {
    const { method, headers, url = '' } = incoming;
    proxy.requests.push(`${method} ${url.replace('/v1/', '')}`);
    if (proxy.isDown) return void incoming.socket.destroy();
    if (proxy.answer !== undefined) {
      const { answer } = proxy;
      return void incoming.resume().on('end', () => answer(incoming, outgoing));
    }
    const forwarded = request(new URL(url, target), { method, headers }, (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(outgoing);
    });
    forwarded.on('error', () => incoming.socket.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: FaultyProxy = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    isDown: false,
    answer: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return proxy;
}
