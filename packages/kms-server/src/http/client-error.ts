import type { Socket } from 'node:net';
import { KmsError } from '../protocol/kms-error.js';
import type { Connection } from './connections.js';

const MALFORMED = 'MalformedHttpRequestException';
/** By Node.js's code; everything else is malformed. SDKs send a request again after RequestTimeoutException. */
const ANSWERS: Readonly<Record<string, readonly [status: string, error: KmsError]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', new KmsError(MALFORMED)],
  ERR_HTTP_REQUEST_TIMEOUT: [
    '408 Request Timeout',
    new KmsError('RequestTimeoutException', 'The request did not arrive in time.', 408),
  ],
};
const BAD_REQUEST = ['400 Bad Request', new KmsError(MALFORMED)] as const;

/**
 * Rejects a malformed or late request in a form that SDKs read, and closes the connection.
 *
 * Nothing is written where no request has begun, because a client would read it as the response to the one that
 * it is just sending; nor where another is in work, whose response it would be taken for.
 *
 * @returns The name of the exception, or `closed` if nothing was written.
 */
export function rejectMalformed(
  error: Error & { readonly code?: string },
  socket: Socket,
  connection: Connection | undefined,
  requestId: string,
): string {
  if (connection?.isWorking === true) {
    connection.closeAfterWork();
    return 'closed';
  }
  if (!socket.writable || error.code === 'ECONNRESET' || socket.bytesRead === 0) {
    socket.destroy();
    return 'closed';
  }
  const [status, { body, type }] = ANSWERS[error.code ?? ''] ?? BAD_REQUEST;
  const header = [
    `HTTP/1.1 ${status}`,
    'Connection: close',
    'Content-Type: application/x-amz-json-1.1',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `x-amzn-RequestId: ${requestId}`,
  ];
  socket.end(`${header.join('\r\n')}\r\n\r\n${body}`);
  return type;
}
