import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests that may wait, on all connections, while another of their connection is in work. SDKs send none. */
const MAXIMUM_WAITING = 10_000;

type Exchange = readonly [request: IncomingMessage, response: ServerResponse];

/** One connection. */
export interface Connection {
  /** There were as many connections as may be when it was accepted. */
  readonly isOverLimit: boolean;
  /** When it was accepted: `performance.now()`. */
  readonly since: number;
  /** A request has arrived whole, so that what is written now would be read as the response to it. */
  readonly isWorking: boolean;
  /** Closes it after the responses to the requests that it has. */
  closeAfterWork(): void;
}

/** Works on a request until its response is written. Never rejects. */
export type Work = (
  request: IncomingMessage,
  response: ServerResponse,
  connection: Connection,
) => Promise<void>;

/**
 * The connections of a server. One request is in work on each: the next is read when the response is written,
 * so a client that sends many without waiting only fills its own buffers.
 */
export class Connections {
  readonly #states = new WeakMap<Socket, State>();
  readonly #limit: number;
  readonly #queue = { length: 0 };
  #size = 0;

  /**
   * @param limit From this number on, connections are over the limit; twice as many are accepted, to be told so.
   */
  constructor(server: Server, limit: number, work: Work) {
    this.#limit = limit;
    server.maxConnections = 2 * limit;
    server.on('connection', (socket) => this.#accept(socket));
    server.on('request', (request, response) => {
      this.#states.get(request.socket)?.add([request, response], work);
    });
  }

  /** Returns the connection of a socket that the server accepted. */
  of(socket: Socket): Connection | undefined {
    return this.#states.get(socket);
  }

  #accept(socket: Socket): void {
    this.#size += 1;
    this.#states.set(socket, new State(socket, this.#size > this.#limit, this.#queue));
    socket.once('close', () => {
      this.#size -= 1;
    });
  }
}

class State implements Connection {
  readonly isOverLimit: boolean;
  readonly since = performance.now();
  readonly #socket: Socket;
  /** Of all connections. */
  readonly #queue: { length: number };
  readonly #waiting: Exchange[] = [];
  /** The request whose body is read, or that is in work. */
  #current: IncomingMessage | undefined;
  #isLast = false;

  constructor(socket: Socket, isOverLimit: boolean, queue: { length: number }) {
    this.#socket = socket;
    this.isOverLimit = isOverLimit;
    this.#queue = queue;
    socket.once('close', () => {
      queue.length -= this.#waiting.length;
      this.#waiting.length = 0;
    });
  }

  get isWorking(): boolean {
    return this.#current?.complete === true;
  }

  add(exchange: Exchange, work: Work): void {
    if (this.#current === undefined) {
      this.#run(exchange, work);
      return;
    }
    this.#socket.pause();
    const [request] = exchange;
    // The chunks of a body that waits would each be an object (RFC 9112 §9.3.2 lets a server close).
    const isChunked = request.headers['transfer-encoding'] !== undefined;
    if (this.#isLast || isChunked || this.#queue.length >= MAXIMUM_WAITING) {
      this.closeAfterWork();
      return;
    }
    this.#waiting.push(exchange);
    this.#queue.length += 1;
  }

  closeAfterWork(): void {
    this.#isLast = true;
    this.#socket.pause();
    if (this.#current === undefined) this.#socket.destroySoon();
  }

  #run(exchange: Exchange, work: Work): void {
    const [request, response] = exchange;
    this.#current = request;
    work(...exchange, this).then(() => {
      // A client that sends many requests and reads no response would fill the memory. Others send one at a time.
      const hasMore = this.#waiting.length > 0 || this.#socket.isPaused();
      if (hasMore && !response.writableFinished) response.once('close', () => this.#next(work));
      else this.#next(work);
    });
  }

  #next(work: Work): void {
    this.#current = undefined;
    const next = this.#waiting.shift();
    if (next !== undefined) {
      this.#queue.length -= 1;
      this.#run(next, work);
    } else if (this.#isLast) this.#socket.destroySoon();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }
}
