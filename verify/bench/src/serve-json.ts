import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * Serves JSON with node:http and nothing else, on a free port of this machine, and prints its URL.
 *
 * @param respond Returns the response to the JSON of a request.
 */
export function serveJson(respond: (request: unknown) => unknown): void {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.stringify(respond(JSON.parse(Buffer.concat(chunks).toString())));
      response.writeHead(200, {
        'Content-Type': 'application/x-amz-json-1.1',
        'Content-Length': Buffer.byteLength(body),
      });
      response.end(body);
    });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => {
    console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
}
