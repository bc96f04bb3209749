import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type ServerResponse,
  request as send,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

/** The server's response, for a fault to damage. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Damages a response as networks and proxies do. One that does nothing stalls. */
export type Fault = (response: ServerResponse, answer: Answer) => void;

/** A request, for a fault to choose by. */
export type Asked = Omit<Answer, 'status'>;

/** Answers with one of the errors of AWS KMS. */
export const failing =
  (type: string, status = 400): Fault =>
  (response) => {
    response
      .writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
      .end(JSON.stringify({ __type: type, message: 'by a faulty proxy' }));
  };

/** Passes the response on unchanged. */
export const healthy: Fault = (response, { status, headers, body }) => {
  response.writeHead(status, headers).end(body);
};

/** An HTTP proxy before a server, which damages selected responses. */
export class FaultyProxy implements AsyncDisposable {
  /** Chooses the fault of a response, by the number of the request from 0, and what it asks for. */
  faultFor: (request: number, asked: Asked) => Fault = () => healthy;
  readonly #target: string;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((request, response) => {
    // A client that has gone is what many of the faults are about.
    response.on('error', () => {});
    const number = this.#requests++;
    buffer(request)
      .then(async (body) => {
        const fault = this.faultFor(number, { headers: request.headers, body });
        fault(response, await this.#forward(request.headers, body));
      })
      .catch(() => response.destroy());
  });
  #requests = 0;

  private constructor(target: string) {
    this.#target = target;
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(target: string): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The number of requests. */
  get requests(): number {
    return this.#requests;
  }

  /** The number of connections that the client holds, after released ones are gone. */
  async openSockets(): Promise<number> {
    // Closing takes a moment to come over the network.
    for (let waited = 0; this.#sockets.size > 0 && waited < 1000; waited += 5) await sleep(5);
    return this.#sockets.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #forward(headers: IncomingHttpHeaders, body: Buffer): Promise<Answer> {
    // No agent keeps connections, so that the server sees those of this request alone.
    const request = send(this.#target, { method: 'POST', headers, agent: false }).end(body);
    const [response] = await once(request, 'response');
    return {
      status: response.statusCode,
      headers: response.headers,
      body: await buffer(response),
    };
  }
}
