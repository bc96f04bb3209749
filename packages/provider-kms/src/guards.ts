import type {
  $Command,
  KMSClientResolvedConfig,
  ServiceInputTypes,
  ServiceOutputTypes,
} from '@aws-sdk/client-kms';
import { isUint8Array, platformTimers } from '@keywrap/core';

/** The longest response that is read, in bytes: KMS's have some kilobytes, and the SDK would read one without end. */
const MAXIMUM_RESPONSE = 1024 * 1024;

/**
 * Limits the response to a command, and takes out of its error what a server may repeat of the request.
 *
 * @param requestTimeout In milliseconds, for each attempt.
 */
export function guard<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
  {
    middlewareStack: stack,
  }: $Command<Input, Output, KMSClientResolvedConfig, ServiceInputTypes, ServiceOutputTypes>,
  requestTimeout: number | undefined,
): void {
  stack.add(
    (next) => async (args) => {
      const start = platformTimers.now();
      const result = await next(args);
      const { body } = Object(result.response) as { readonly body?: unknown };
      if (isStream(body)) {
        limitLength(body);
        if (requestTimeout !== undefined) limitTime(body, start, requestTimeout);
      }
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'limitResponse' },
  );
  stack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        hide(error, args.request as Request);
        throw error;
      }
    },
    { step: 'deserialize', priority: 'high', name: 'hideRequest' },
  );
}

/** The parts of a stream of Node.js that are used. Those of browsers are not limited. */
interface NodeStream {
  push(chunk: Uint8Array | null): boolean;
  destroy(error: Error): unknown;
  once(event: 'close', listener: () => void): unknown;
}

function isStream(body: unknown): body is NodeStream {
  const { push, destroy, once } = Object(body) as Readonly<Record<string, unknown>>;
  return [push, destroy, once].every((method) => typeof method === 'function');
}

/** Ends a stream that takes too long. */
function limitTime(stream: NodeStream, start: number, milliseconds: number): void {
  const late = Object.assign(new Error(`the response took longer than ${milliseconds} ms`), {
    name: 'TimeoutError',
  });
  const left = Math.max(0, start + milliseconds - platformTimers.now());
  const timer = platformTimers.setTimeout(() => stream.destroy(late), left);
  stream.once('close', () => platformTimers.clearTimeout(timer));
}

/** Ends a stream that gets too long. Without a stream in between: this package has no part of Node.js. */
function limitLength(stream: NodeStream): void {
  const push = stream.push.bind(stream);
  let length = 0;
  stream.push = (chunk) => {
    length += chunk?.length ?? 0;
    if (length <= MAXIMUM_RESPONSE) return push(chunk);
    stream.destroy(new Error('the response is too long'));
    return false;
  };
}

interface Request {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** The members of a request that no error may show. */
const SECRETS = /"(?:Plaintext|CiphertextBlob)":"([^"]+)"/g;

/** Replaces in the texts of an error the session token, the signature, the plaintext and the ciphertext of its request. */
function hide(error: unknown, { headers = {}, body }: Request): void {
  if (typeof error !== 'object' || error === null) return;
  const text = isUint8Array(body) ? new TextDecoder().decode(body) : String(body);
  const members = [...text.matchAll(SECRETS)];
  const secrets = [
    headers['x-amz-security-token'],
    headers.authorization,
    ...members.map(([, value]) => value),
  ].filter((secret) => secret !== undefined && secret !== '');
  const { $metadata } = error as { readonly $metadata?: object };
  for (const holder of [error, $metadata ?? {}]) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(holder))) {
      if (typeof value !== 'string') continue;
      let safe = value;
      for (const secret of secrets) safe = safe.replaceAll(secret as string, '(hidden)');
      if (safe !== value) Reflect.set(holder, name, safe);
    }
  }
}
