import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';

/** A TCP proxy in front of a server on this machine. */
export interface Proxy {
  readonly url: string;
  /** Resets all connections, now and later, as long as it is true. */
  resets: boolean;
  close(): Promise<void>;
}

export async function startProxy(target: string): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const upstream = dial(Number(new URL(target).port), '127.0.0.1');
    for (const each of [socket, upstream]) {
      sockets.add(each);
      each.on('error', () => {}).on('close', () => sockets.delete(each));
    }
    socket.on('data', () => {
      if (resets) socket.resetAndDestroy();
    });
    socket.pipe(upstream).pipe(socket);
  });
  let resets = false;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get resets() {
      return resets;
    },
    set resets(value) {
      resets = value;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
