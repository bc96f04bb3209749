import type { IncomingMessage } from 'node:http';
import { wipe } from '@keywrap/core';

/** Longest body in bytes: several times the largest request of KMS. */
export const MAXIMUM_BODY = 1024 * 1024;

/** Bytes of a longer body that are read and dropped, so that the client finishes sending and reads the response. */
const MAXIMUM_DRAINED = 16 * MAXIMUM_BODY;

/**
 * Reads the body of a request.
 *
 * @returns `undefined` when it is too long. Rejects when the client goes away.
 */
export function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= MAXIMUM_BODY) chunks.push(chunk);
      else chunks.length = 0;
      if (length > MAXIMUM_DRAINED) {
        request.pause();
        resolve(undefined);
      }
    });
    request.on('end', () => {
      const [first, ...more] = chunks;
      const body = first !== undefined && more.length === 0 ? first : Buffer.concat(chunks);
      if (body !== first) for (const chunk of chunks) wipe(chunk);
      resolve(length > MAXIMUM_BODY ? undefined : body);
    });
    // Also when the client goes away before the end.
    request.on('error', reject);
  });
}
