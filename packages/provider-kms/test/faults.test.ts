import type { ServerResponse } from 'node:http';
import type { DecryptInput, KeyWrapError, KeyWrapErrorCode } from '@keywrap/core';
import { type KmsServer, startKmsServer } from '@keywrap/kms-server';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
import { expect } from 'chai';
import { type Answer, type Fault, FaultyProxy, healthy } from './faulty-proxy.js';
import { CREDENTIALS, rejection } from './support.js';

const REQUEST_TIMEOUT = 500;
const ATTEMPTS = 2;
// The SDK waits a random time before it tries again: at most this long when throttled, else 100 ms.
const LONGEST_PAUSE = 500;
const SLACK = 1000;

/** A fault, and the outcome of a call when every attempt has it. */
interface FaultCase {
  readonly title: string;
  readonly fault: Fault;
  readonly code: KeyWrapErrorCode;
  /** True if the SDK retries; it does not retry a malformed response. */
  readonly isRetried: boolean;
}

const CASES: readonly FaultCase[] = [
  {
    title: 'a connection that is reset',
    fault: ({ socket }) => socket?.resetAndDestroy(),
    code: 'UNAVAILABLE',
    isRetried: true,
  },
  {
    title: 'a connection that is closed without a response',
    fault: ({ socket }) => socket?.end(),
    code: 'UNAVAILABLE',
    isRetried: true,
  },
  {
    title: 'half a response, then a reset',
    fault: (response, answer) => {
      writeHalf(response, answer, () => response.socket?.resetAndDestroy());
    },
    code: 'UNAVAILABLE',
    isRetried: true,
  },
  {
    title: 'half a response, then the end of the connection',
    fault: (response, answer) => writeHalf(response, answer, () => response.socket?.end()),
    code: 'UNAVAILABLE',
    isRetried: true,
  },
  {
    title: 'a truncated response without a length',
    fault: (response, { status, headers, body }) => {
      const { 'content-length': _, ...others } = headers;
      response.writeHead(status, { ...others, connection: 'close' });
      response.end(body.subarray(0, body.length / 2));
    },
    code: 'UNAVAILABLE',
    isRetried: false,
  },
  {
    title: 'a stall before the response',
    fault: () => {},
    code: 'UNAVAILABLE',
    isRetried: true,
  },
  {
    title: 'a stall in the middle of the response',
    fault: (response, answer) => writeHalf(response, answer),
    code: 'UNAVAILABLE',
    isRetried: true,
  },
  {
    title: 'a failure inside (500)',
    fault: (response) => fail(response, 500, 'KMSInternalException'),
    code: 'UNAVAILABLE',
    isRetried: true,
  },
  {
    title: 'the page of a gateway (503)',
    fault: (response) => response.writeHead(503).end('<html>try again later</html>'),
    code: 'UNAVAILABLE',
    isRetried: true,
  },
  {
    title: 'throttling',
    fault: (response) => fail(response, 400, 'ThrottlingException'),
    code: 'THROTTLED',
    isRetried: true,
  },
  {
    title: 'garbage instead of JSON',
    fault: (response, { headers }) =>
      response.writeHead(200, headers).end('\u0000{'.padEnd(Number(headers['content-length']))),
    code: 'UNAVAILABLE',
    isRetried: false,
  },
  {
    title: 'a response without content',
    fault: (response) => response.writeHead(200).end(),
    code: 'UNAVAILABLE',
    isRetried: false,
  },
  {
    title: 'something that is not HTTP',
    fault: ({ socket }) => socket?.end('SSH-2.0-OpenSSH_9.2\r\n'),
    code: 'UNAVAILABLE',
    isRetried: false,
  },
];

describe('KmsKeyWrapProvider on a network that misbehaves', () => {
  const plaintext = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 0);
  let server: KmsServer;
  let wrapped: DecryptInput;

  // Mocha does not look for these in the workers of its parallel mode.
  const unhandled: unknown[] = [];
  const recordUnhandled = (reason: unknown) => unhandled.push(reason);

  before(async () => {
    process.on('unhandledRejection', recordUnhandled);
    server = await startKmsServer({ port: 0, keys: [{ alias: 'alias/orders' }] });
    await using keys = open(server.url);
    const { ciphertext } = await keys.encrypt({ keyId: 'alias/orders', plaintext });
    wrapped = { ciphertext };
  });

  afterEach(async () => {
    // Node.js reports them when the microtasks are done.
    await new Promise(setImmediate);
    expect(unhandled).to.deep.equal([]);
  });

  after(async () => {
    process.off('unhandledRejection', recordUnhandled);
    await server.close();
  });

  for (const { title, fault, code, isRetried } of CASES) {
    const attempts = isRetried ? ATTEMPTS : 1;

    it(`rejects with ${code} when every response is ${title}, and works afterwards`, async () => {
      await using proxy = await FaultyProxy.start(server.url);
      await using keys = open(proxy.url);
      proxy.faultFor = () => fault;
      const started = performance.now();
      const error = await rejection(keys.decrypt(wrapped));
      expect(error).to.include({ code, retryable: true, operation: 'decrypt' });
      expect(performance.now() - started).to.be.below(
        ATTEMPTS * REQUEST_TIMEOUT + LONGEST_PAUSE + SLACK,
      );
      expect(proxy.requests).to.equal(attempts);

      proxy.faultFor = () => healthy;
      await expectPlaintext(keys);
      await keys.close();
      expect(await proxy.openSockets()).to.equal(0);
    });

    if (!isRetried) continue;
    it(`tries again after ${title}`, async () => {
      await using proxy = await FaultyProxy.start(server.url);
      await using keys = open(proxy.url);
      proxy.faultFor = (request) => (request === 0 ? fault : healthy);
      await expectPlaintext(keys);
      expect(proxy.requests).to.equal(2);
      await keys.close();
      expect(await proxy.openSockets()).to.equal(0);
    });
  }

  it('returns each concurrent call its own plaintext or a retryable error, whatever the fault', async () => {
    await using proxy = await FaultyProxy.start(server.url);
    await using keys = open(proxy.url);
    // Every fault in turn, with a healthy response after each.
    proxy.faultFor = (request) =>
      request % 2 === 0 ? (CASES[(request / 2) % CASES.length] as FaultCase).fault : healthy;
    const calls = Array.from({ length: 52 }, async (_, index) => {
      const own = Uint8Array.of(index + 1, 7);
      const { ciphertext } = await keys.encrypt({ keyId: 'alias/orders', plaintext: own });
      using opened = await keys.decrypt({ ciphertext });
      expect(opened.plaintext).to.deep.equal(own);
    });
    const failures = (await Promise.allSettled(calls)).flatMap((result) =>
      result.status === 'rejected' ? [result.reason] : [],
    );
    for (const failure of failures) {
      expect(failure.code, failure.stack).to.be.oneOf(['UNAVAILABLE', 'THROTTLED']);
      expect(failure.retryable).to.equal(true);
    }
    // A machine may be so slow that all ran out of time: in the end one does not.
    proxy.faultFor = () => healthy;
    while (!(await expectPlaintext(keys).then(() => true, assertRetryable)));
    await keys.close();
    expect(await proxy.openSockets()).to.equal(0);
  });

  it('releases the connection of a call in progress when it closes', async () => {
    await using proxy = await FaultyProxy.start(server.url);
    const keys = open(proxy.url);
    proxy.faultFor = () => () => {};
    const call = rejection(keys.decrypt(wrapped));
    await keys.close();
    expect(await call).to.have.property('code', 'UNAVAILABLE');
    expect(await proxy.openSockets()).to.equal(0);
  });

  async function expectPlaintext(keys: KmsKeyWrapProvider): Promise<void> {
    using opened = await keys.decrypt(wrapped);
    expect(opened.plaintext).to.deep.equal(plaintext);
  }
});

/** Throws an error that is not worth a retry; false for one that is. */
function assertRetryable(error: KeyWrapError): false {
  if (!error.retryable) throw error;
  return false;
}

function open(endpoint: string): KmsKeyWrapProvider {
  return new KmsKeyWrapProvider({
    region: 'us-east-1',
    endpoint,
    credentials: CREDENTIALS,
    maxAttempts: ATTEMPTS,
    requestTimeout: REQUEST_TIMEOUT,
    connectionTimeout: REQUEST_TIMEOUT,
  });
}

/** Writes the response's headers, with the full length, and half of the body. */
function writeHalf(
  response: ServerResponse,
  { status, headers, body }: Answer,
  then?: () => void,
): void {
  response.writeHead(status, headers);
  response.write(body.subarray(0, body.length / 2), () => then?.());
}

function fail(response: ServerResponse, status: number, type: string): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify({ __type: type, message: 'not now' }));
}
