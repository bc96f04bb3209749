import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Connects to a port of this machine. */
export async function connectTo(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** The bytes of a request, as they are sent. */
export function requestText(
  operation: string,
  body = '{}',
  headers: readonly string[] = [],
): string {
  const all = [
    'POST / HTTP/1.1',
    'Host: kms.test',
    `X-Amz-Target: TrentService.${operation}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
  ];
  return `${all.join('\r\n')}\r\n\r\n${body}`;
}

/** All that a server sends until it closes the connection. */
export async function textOf(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => {});
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

/** Resolves when this has arrived as often as it should; returns all that arrived. */
export function arrived(socket: Socket, pattern: RegExp, times = 1): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
      if ((text.match(new RegExp(pattern, 'g')) ?? []).length >= times) resolve(text);
    });
    socket.on('close', () => reject(new Error(`it was closed after: ${text}`)));
  });
}
