import { strict as assert } from 'node:assert';
import { connect } from 'node:net';
import type { KmsServer } from '@keywrap/kms-server';
import { type FuzzTarget, utf8 } from '../target.js';
import { assertResponse } from './kms-request.js';
import { startServer } from './kms-server.js';

/** Silence in milliseconds, after which the request is taken to be incomplete. */
const SILENCE = 10;
const LINES = `POST / HTTP/1.1
GET /health HTTP/1.1
CONNECT a:1 HTTP/1.1
OPTIONS * HTTP/1.1
Host: localhost
Content-Length: 2
Transfer-Encoding: chunked
Expect: 100-continue
Upgrade: websocket
Connection: close
Connection: Upgrade
X-Amz-Target: TrentService.ListKeys
Authorization: AWS4-HMAC-SHA256 Credential=a/20260102/eu-west-1/kms/aws4_request
0
2
{}`;
const HEALTHY = '{"status":"ok"}';

/**
 * Whatever it receives, the server responds in HTTP or hangs up, and then serves the next client. An input
 * is what one client sends.
 */
export const kmsHttp: FuzzTarget = {
  name: 'kms-http',
  words: [
    ...LINES.split('\n').map((line) => `${line}\r\n`),
    ...['\r\n', '\r\n\r\n', '\n', ' ', ':', '\x00', '\xff', 'HTTP/1.0', 'f'.repeat(16)],
  ],
  async open() {
    let failure = '';
    const server = await startServer((text) => {
      failure = text;
    });
    return {
      seeds: [
        request('POST', '/', ['X-Amz-Target: TrentService.ListKeys', 'Content-Length: 2'], '{}'),
        request(
          'POST',
          '/',
          ['X-Amz-Target: TrentService.Encrypt', 'Content-Length: 39'],
          '{"KeyId":"alias/aes","Plaintext":"AQID"}',
        ),
        request(
          'POST',
          '/',
          ['X-Amz-Target: TrentService.ListKeys', 'Transfer-Encoding: chunked'],
          '2\r\n{}\r\n0\r\n\r\n',
        ),
        request('GET', '/health?a=b', [], ''),
        request('POST', '/', ['Expect: 100-continue', 'Content-Length: 2'], '{}'),
        request(
          'POST',
          '/',
          ['Authorization: AWS4-HMAC-SHA256 Credential=a/20260102/eu-west-1/kms/aws4_request'],
          '',
        ),
      ].map(utf8),
      async run(input) {
        for (const { status, body } of responsesIn(await exchange(server, input))) {
          if (!isOfNode(status, body)) assertResponse(status, body, failure);
        }
        const health = await fetch(`${server.url}/health`);
        assert.equal(await health.text(), HEALTHY);
        assert.equal(failure, '');
      },
      close: () => server.close(),
    };
  },
};

/** Requests that do not reach the server's handler: expectations, a missing Host, and /health. */
function isOfNode(status: number, body: string): boolean {
  return (body === '' && [400, 417].includes(status)) || body === HEALTHY;
}

function request(method: string, path: string, headers: readonly string[], body: string): string {
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${headers.join('\r\n')}\r\n\r\n${body}`;
}

/** Sends this, and all that the server says until it hangs up. */
function exchange(server: KmsServer, input: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(server.port, '127.0.0.1');
    const hangUp = () => socket.end();
    let silence = setTimeout(hangUp, SILENCE);
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      clearTimeout(silence);
      silence = setTimeout(hangUp, SILENCE);
    });
    // It may have hung up while we were still sending.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.on('close', () => {
      clearTimeout(silence);
      resolve(Buffer.concat(chunks));
    });
    socket.write(input);
  });
}

interface ParsedResponse {
  readonly status: number;
  readonly body: string;
}

/** Parses the responses, in sequence (RFC 9112 §6). */
function responsesIn(bytes: Buffer): ParsedResponse[] {
  const responses: ParsedResponse[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const end = rest.indexOf('\r\n\r\n') + 4;
    const header = rest.toString('latin1', 0, end);
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(header)?.[1]);
    assert.ok(status > 0, `this is not a response: ${rest.toString('latin1', 0, 200)}`);
    const length = /^Content-Length: (\d+)$/im.exec(header)?.[1];
    rest = rest.subarray(end);
    if (status === 100) continue;
    const isChunked = /^Transfer-Encoding: chunked$/im.test(header);
    const [body, after] = isChunked ? dechunked(rest) : cut(rest, Number(length ?? rest.length));
    responses.push({ status, body: body.toString() });
    rest = after;
  }
  return responses;
}

/** The body in chunks, and what follows it. */
function dechunked(bytes: Buffer): [body: Buffer, after: Buffer] {
  const size = Number.parseInt(bytes.toString('latin1', 0, 8), 16);
  const [chunk, after] = cut(bytes.subarray(bytes.indexOf('\r\n') + 2), size);
  if (size === 0) return [chunk, after.subarray(2)];
  const [rest, end] = dechunked(after.subarray(2));
  return [Buffer.concat([chunk, rest]), end];
}

function cut(bytes: Buffer, length: number): [head: Buffer, tail: Buffer] {
  return [bytes.subarray(0, length), bytes.subarray(length)];
}
