import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** The action of a proxy on the connection that a commit comes from. */
export type OnCommit = 'pass' | 'lose commit' | 'lose response';

/** A network between a store and PostgreSQL that fails on demand. */
export class TcpProxy {
  onCommit: OnCommit = 'pass';
  /** Drops everything from the server, as a cut network does, without an error. */
  isSilent = false;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(port: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(createServer((client) => proxy.#join(client, port)));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  close(): void {
    this.#server.close();
  }

  #join(client: Socket, port: number): void {
    const server = connect(port, '127.0.0.1');
    const end = () => {
      client.destroy();
      server.end();
    };
    for (const socket of [client, server]) socket.on('error', end).on('close', end);
    let isLost = false;
    client.on('data', (data) => {
      const isCommit = data.includes('commit\0');
      if (isCommit && this.onCommit === 'lose commit') return end();
      server.write(data);
      if (isCommit && this.onCommit === 'lose response') isLost = true;
    });
    server.on('data', (data) => {
      if (isLost && data.includes('COMMIT\0')) end();
      else if (!isLost && !this.isSilent) client.write(data);
    });
  }
}
