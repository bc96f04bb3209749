import type { Duplex } from 'node:stream';
import { KmsError } from '../protocol/kms-error.js';

/** The status by Node.js's code; everything else is malformed. */
const STATUS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** Rejects malformed or timed-out requests in a form that SDKs read, and closes the connection. */
export function rejectMalformed(error: Error & { readonly code?: string }, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const { body } = new KmsError('MalformedHttpRequestException');
  const header = [
    `HTTP/1.1 ${STATUS[error.code ?? ''] ?? '400 Bad Request'}`,
    'Connection: close',
    'Content-Type: application/x-amz-json-1.1',
    `Content-Length: ${body.length}`,
  ];
  socket.end(`${header.join('\r\n')}\r\n\r\n${body}`);
}
