import type { ServerResponse } from 'node:http';
import { inspect } from 'node:util';
import { KmsKeyWrapProvider } from '@keywrap/provider-kms';
import { expect } from 'chai';
import { CREDENTIALS, KEY_ARN, rejection, withEnvironment, withServer } from './support.js';

const ciphertext = Uint8Array.of(1, 2, 3);
const CONNECTION = { region: 'eu-west-1', credentials: CREDENTIALS, maxAttempts: 1 };
const JSON_TYPE = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-RequestId': 'r-1' };

async function answerTo(
  endpoint: string,
  options: { requestTimeout?: number; signal?: AbortSignal } = {},
) {
  const { signal, ...others } = options;
  await using keys = new KmsKeyWrapProvider({ ...CONNECTION, endpoint, ...others });
  return await rejection(keys.decrypt({ ciphertext }, { signal }));
}

describe('KmsKeyWrapProvider over the network', () => {
  it('reaches a server, and reads its response', async () => {
    let target: unknown;
    await withServer(
      (request, response) => {
        target = request.headers['x-amz-target'];
        response.writeHead(200, JSON_TYPE);
        response.end(JSON.stringify({ Plaintext: 'BQY=', KeyId: KEY_ARN }));
      },
      async (endpoint) => {
        await using keys = new KmsKeyWrapProvider({ ...CONNECTION, endpoint });
        using result = await keys.decrypt({ ciphertext });
        expect(result.plaintext).to.deep.equal(Uint8Array.of(5, 6));
      },
    );
    expect(target).to.equal('TrentService.Decrypt');
  });

  it('reports that nothing listens (UNAVAILABLE)', async () => {
    // One that was free a moment ago may be another test's by now; on this one nothing ever listens.
    const error = await answerTo('http://127.0.0.1:1');
    expect(error).to.include({ code: 'UNAVAILABLE', retryable: true, operation: 'decrypt' });
    expect(error.message).to.contain('ECONNREFUSED');
  });

  it('reports that the connection was cut (UNAVAILABLE)', async () => {
    await withServer(
      ({ socket }) => socket.destroy(),
      async (endpoint) => {
        const error = await answerTo(endpoint);
        expect(error).to.include({ code: 'UNAVAILABLE' });
        expect(error.message).to.contain('ECONNRESET');
      },
    );
  });

  const beginResponse = (response: ServerResponse) => {
    response.writeHead(200, JSON_TYPE);
    response.write('{"Plaintext":"');
  };

  const beginSlowResponse = (response: ServerResponse) => {
    beginResponse(response);
    const timer = setInterval(() => response.write('A'), 5);
    response.on('close', () => clearInterval(timer));
  };

  it('waits no longer than requestTimeout for a response that comes slowly', async () => {
    await withServer(
      (_request, response) => beginSlowResponse(response),
      async (endpoint) => {
        const error = await answerTo(endpoint, { requestTimeout: 100 });
        expect(error).to.include({ code: 'UNAVAILABLE' });
        expect(error.message).to.contain('took longer than 100 ms');
      },
    );
  });

  for (const [when, stall] of [
    ['before its response', () => {}],
    ['in the middle of its response', beginResponse],
  ] as const) {
    it(`waits no longer than requestTimeout for a server that stalls ${when}`, async () => {
      await withServer(
        (_request, response) => stall(response),
        async (endpoint) => {
          const start = performance.now();
          const error = await answerTo(endpoint, { requestTimeout: 100 });
          expect(error).to.include({ code: 'UNAVAILABLE' });
          expect(performance.now() - start).to.be.within(90, 2000);
        },
      );
    });

    it(`closes the connection when a call is aborted, ${when}`, async () => {
      const controller = new AbortController();
      let closed: Promise<unknown> | undefined;
      await withServer(
        ({ socket }, response) => {
          // Not `once`: a socket that is reset says so with an error first, which is a closing too.
          closed = new Promise((resolve) => socket.on('error', () => {}).on('close', resolve));
          stall(response);
          setTimeout(() => controller.abort(new Error('enough')), 20);
        },
        async (endpoint) => {
          const error = await answerTo(endpoint, { signal: controller.signal });
          expect(error).to.include({ code: 'ABORTED', cause: controller.signal.reason });
          await closed;
        },
      );
      expect(closed).to.be.a('promise');
    });
  }

  it('leaves the attempts to the SDK, with the given maximum', async () => {
    let attempts = 0;
    await withServer(
      (_request, response) => {
        attempts++;
        response.writeHead(500, JSON_TYPE).end('{"__type":"KMSInternalException"}');
      },
      async (endpoint) => {
        await using keys = new KmsKeyWrapProvider({ ...CONNECTION, endpoint, maxAttempts: 2 });
        expect(await rejection(keys.decrypt({ ciphertext }))).to.include({
          code: 'UNAVAILABLE',
          requestId: 'r-1',
        });
      },
    );
    expect(attempts).to.equal(2);
  });

  // The JSON parser quotes what it could not parse, and SDK errors carry request and response.
  for (const [title, status, body] of [
    ['a truncated response', 200, '{"Plaintext":"c2VjcmV0IQ==","Ke'],
    ['a response that is not JSON', 200, 'c2VjcmV0IQ=='],
    ['a response with broken base64', 200, '{"Plaintext":"*c2VjcmV0IQ==","KeyId":"x"}'],
    ['a page of a proxy', 502, '<html>c2VjcmV0IQ==</html>'],
    ['an error of KMS', 400, '{"__type":"InvalidCiphertextException"}'],
  ] as const) {
    it(`keeps plaintext and credentials out of the error for ${title}`, async () => {
      await withServer(
        (_request, response) => response.writeHead(status, JSON_TYPE).end(body),
        async (endpoint) => {
          const error = await answerTo(endpoint);
          expect(error.requestId).to.equal('r-1');
          const shown = `${inspect(error, { depth: Infinity })}${JSON.stringify(error)}`;
          for (const secret of [
            'c2VjcmV0IQ',
            Buffer.from(ciphertext).toString('base64'),
            CREDENTIALS.secretAccessKey,
            CREDENTIALS.sessionToken,
          ]) {
            expect(shown).not.to.contain(secret);
          }
        },
      );
    });
  }

  it('says that there are no credentials (ACCESS_DENIED)', async () => {
    await withEnvironment({}, async () => {
      await using keys = new KmsKeyWrapProvider({ region: 'eu-west-1', maxAttempts: 1 });
      expect(await rejection(keys.decrypt({ ciphertext }))).to.include({ code: 'ACCESS_DENIED' });
    });
  });

  it('says that the profile does not exist (ACCESS_DENIED)', async () => {
    await withEnvironment({}, async () => {
      await using keys = new KmsKeyWrapProvider({ region: 'eu-west-1', profile: 'nobody' });
      expect(await rejection(keys.decrypt({ ciphertext }))).to.include({ code: 'ACCESS_DENIED' });
    });
  });
});
