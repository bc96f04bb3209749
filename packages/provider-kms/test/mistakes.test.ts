import { inspect } from 'node:util';
import * as sdk from '@aws-sdk/client-kms';
import { createProvider, ThrottledError } from '@keywrap/core';
import { KmsKeyWrapProvider, type KmsKeyWrapProviderOptions } from '@keywrap/provider-kms';
import { expect } from 'chai';
import type { Sdk } from '#dist/clients.js';
import { kmsDriver } from '#dist/driver.js';
import { readOptions } from '#dist/options.js';
import {
  CREDENTIALS,
  KEY_ARN,
  KEY_ID,
  OTHER_ARN,
  rejection,
  stubbedClient,
  withEnvironment,
  withServer,
} from './support.js';

// Nothing listens there: a call that got as far would be an outage.
const UNREACHED = { region: 'eu-west-1', maxAttempts: 1, endpoint: 'http://127.0.0.1:1' };
const SECRETS = ['wJalrXUtnFEMI-bPxRfiCYEXAMPLEKEY', 'AQoDYXdzEJrEXAMPLETOKEN'];

async function failureWith(options: object) {
  await using keys = new KmsKeyWrapProvider(options as KmsKeyWrapProviderOptions);
  return await rejection(keys.describeKey({ keyId: 'alias/a' }));
}

describe('mistakes, which are no outage', () => {
  const fails = (error: unknown) => async () => {
    throw error;
  };
  const returns = (value: unknown) => async () => value;
  const without = (name: string) => ({ ...CREDENTIALS, [name]: undefined });

  for (const [what, credentials] of [
    ['throws', fails(new Error('no vault'))],
    ['throws at once', () => fails(undefined)()],
    ['returns undefined', returns(undefined)],
    ['returns {}', returns({})],
    ['returns a text', returns('AKIA')],
    ['returns no secret', returns(without('secretAccessKey'))],
    ['returns an empty id', returns({ ...CREDENTIALS, accessKeyId: '' })],
    ['returns a token with a line break', returns({ ...CREDENTIALS, sessionToken: 'a\n' })],
    ['returns an expiration as text', returns({ ...CREDENTIALS, expiration: '2040-01-01' })],
    ['returns an invalid expiration', returns({ ...CREDENTIALS, expiration: new Date('x') })],
  ] as const) {
    it(`a credentials function that ${what} is ACCESS_DENIED, and not retryable`, async () => {
      const error = await failureWith({ ...UNREACHED, credentials });
      expect(error).to.include({ code: 'ACCESS_DENIED', retryable: false });
      expect(error.message).to.contain('options.credentials');
      for (const secret of SECRETS) expect(inspect(error, { depth: 9 })).not.to.contain(secret);
    });

    // The SDK sends these to AWS KMS, which rejects them.
    if (/an empty id|an invalid expiration/.test(what)) continue;
    it(`a client of the caller's, whose credentials function ${what}, is ACCESS_DENIED`, async () => {
      const client = new sdk.KMSClient({ ...UNREACHED, credentials: credentials as never });
      const error = await failureWith({ client });
      client.destroy();
      expect(error).to.include({ code: 'ACCESS_DENIED', retryable: false });
    });
  }

  const named = (name: string, fields: object) =>
    Object.assign(new Error('the server of the credentials'), { name, ...fields });
  const OUTAGES: readonly (readonly [what: string, error: Error, code: string])[] = [
    ['a refused connection', named('Error', { code: 'ECONNREFUSED' }), 'UNAVAILABLE'],
    ['a time-out', named('TimeoutError', {}), 'UNAVAILABLE'],
    ['a failed server', named('Unknown', { $metadata: { httpStatusCode: 503 } }), 'UNAVAILABLE'],
    // STS reports these with the status 400.
    ['too many requests', named('Throttling', { $metadata: { httpStatusCode: 400 } }), 'THROTTLED'],
    [
      'an identity provider that is not reached',
      named('IDPCommunicationErrorException', { $metadata: { httpStatusCode: 400 } }),
      'UNAVAILABLE',
    ],
    ['an outage of another provider', new ThrottledError('later'), 'THROTTLED'],
  ];
  for (const [what, error, code] of OUTAGES) {
    it(`a credentials function that meets ${what} is ${code}, and retryable`, async () => {
      const failure = await failureWith({ ...UNREACHED, credentials: fails(error) });
      expect(failure).to.include({ code, retryable: true });
    });
  }

  it('a credentials function with a bug is INTERNAL, and not retryable', async () => {
    const credentials = () => (undefined as unknown as { readonly a: never }).a;
    const error = await failureWith({ ...UNREACHED, credentials });
    expect(error).to.include({ code: 'INTERNAL', retryable: false });
  });

  it('credentials that expire, at a date, are used', async () => {
    const credentials = async () => ({ ...CREDENTIALS, expiration: new Date('2040-01-01') });
    expect(await failureWith({ ...UNREACHED, credentials })).to.include({ code: 'UNAVAILABLE' });
  });

  for (const credentials of [
    { ...CREDENTIALS, expiration: '2040-01-01' },
    { ...CREDENTIALS, sessionToken: 'a\nb' },
    { ...CREDENTIALS, secretAccessKey: 'a ' },
  ]) {
    it(`credentials of the options are checked at once: ${inspect(Object.values(credentials).at(-1))}`, () => {
      expect(() => new KmsKeyWrapProvider({ credentials } as never)).to.throw(
        /^options\.credentials must/,
      );
    });
  }

  it('a token file that is not there is ACCESS_DENIED, with its path in the cause', async () => {
    const variables = {
      AWS_WEB_IDENTITY_TOKEN_FILE: '/nonexistent/token',
      AWS_ROLE_ARN: 'arn:aws:iam::111122223333:role/orders',
    };
    await withEnvironment(variables, async () => {
      const error = await failureWith(UNREACHED);
      expect(error).to.include({ code: 'ACCESS_DENIED', retryable: false });
      expect(inspect(error.cause)).to.contain('/nonexistent/token');
    });
  });

  for (const [variable, value] of [
    ['AWS_ENDPOINT_URL_KMS', '127.0.0.1:4599'],
    ['AWS_ENDPOINT_URL_KMS', 'localhost:4599'],
    ['AWS_ENDPOINT_URL', 'kms.example'],
    ['AWS_ENDPOINT_URL', 'http://user:hunter2@kms.example'],
  ] as const) {
    it(`${variable}=${value} is INVALID_INPUT, and names the variable`, async () => {
      await withEnvironment({ [variable]: value }, async () => {
        const error = await failureWith({ region: 'eu-west-1', credentials: CREDENTIALS });
        expect(error).to.include({ code: 'INVALID_INPUT', field: variable, retryable: false });
        expect(error.message).not.to.contain('hunter2');
      });
    });
  }

  for (const [what, status, headers] of [
    ['redirects', 301, { location: 'http://127.0.0.1:1/' }],
    ['has no such page', 404, { 'content-type': 'text/html' }],
    ['takes no POST', 405, {}],
    ['is a proxy that wants a password', 407, {}],
  ] as const) {
    it(`an endpoint that ${what} is INVALID_INPUT, and not retryable`, async () => {
      const page = '<html>not AWS</html>';
      await withServer(
        (_request, response) => response.writeHead(status, headers).end(page),
        async (endpoint) => {
          const error = await failureWith({ ...UNREACHED, credentials: CREDENTIALS, endpoint });
          const wanted = { code: 'INVALID_INPUT', field: 'options.endpoint', retryable: false };
          expect(error).to.include(wanted);
          expect(error.message).to.contain(`HTTP ${status}`);
        },
      );
    });
  }

  it('an endpoint of the environment that the options replace is not looked at', async () => {
    await withEnvironment({ AWS_ENDPOINT_URL_KMS: '127.0.0.1:4599' }, async () => {
      const error = await failureWith({ ...UNREACHED, credentials: CREDENTIALS });
      expect(error).to.include({ code: 'UNAVAILABLE' });
    });
  });

  for (const [what, load] of [
    ['missing', fails(Object.assign(new Error('no'), { code: 'ERR_MODULE_NOT_FOUND' }))],
    ['behind a network that fails', fails(Object.assign(new Error('no'), { code: 'ETIMEDOUT' }))],
    ['throwing while it loads', fails(new SyntaxError('Unexpected token'))],
    ['empty', returns({})],
    ['without a command', returns({ ...sdk, DescribeKeyCommand: undefined })],
  ] as const) {
    it(`an AWS SDK that is ${what} has an error of its own, and is not retryable`, async () => {
      const options = readOptions({ ...UNREACHED, credentials: CREDENTIALS });
      const keys = createProvider(kmsDriver(options, load as () => Promise<Sdk>));
      const error = await rejection(keys.describeKey({ keyId: 'alias/a' }));
      expect(error).to.include({ code: 'INTERNAL', name: 'SdkNotLoadedError', retryable: false });
      expect(error.message).to.contain('@aws-sdk/client-kms');
    });
  }
});

describe('an answer for another key', () => {
  const answers = (KeyId: string) => ({
    CiphertextBlob: Uint8Array.of(1),
    Plaintext: Uint8Array.of(1),
    PrivateKeyPlaintext: Uint8Array.of(1),
    PrivateKeyCiphertextBlob: Uint8Array.of(1),
    PublicKey: Uint8Array.of(1),
    SourceKeyId: KeyId,
    KeyId,
    KeySpec: 'RSA_2048',
    KeyUsage: 'ENCRYPT_DECRYPT',
    KeyMetadata: {
      Arn: KeyId,
      CreationDate: new Date(),
      KeySpec: 'SYMMETRIC_DEFAULT',
      KeyUsage: 'ENCRYPT_DECRYPT',
      KeyState: 'Enabled',
      Origin: 'AWS_KMS',
    },
  });
  const bytes = Uint8Array.of(1);
  const CALLS: Record<string, (keys: KmsKeyWrapProvider, keyId: string) => Promise<unknown>> = {
    encrypt: (keys, keyId) => keys.encrypt({ keyId, plaintext: bytes }),
    decrypt: (keys, keyId) => keys.decrypt({ keyId, ciphertext: bytes }),
    reEncrypt: (keys, keyId) => keys.reEncrypt({ ciphertext: bytes, destination: { keyId } }),
    'reEncrypt, of the source': (keys, keyId) =>
      keys.reEncrypt({
        ciphertext: bytes,
        source: { keyId },
        destination: { keyId: 'alias/archive' },
      }),
    generateDataKey: (keys, keyId) => keys.generateDataKey({ keyId, numberOfBytes: 1 }),
    generateDataKeyWithoutPlaintext: (keys, keyId) =>
      keys.generateDataKeyWithoutPlaintext({ keyId, numberOfBytes: 1 }),
    generateDataKeyPair: (keys, keyId) =>
      keys.generateDataKeyPair({ keyId, keyPairSpec: 'RSA_2048' }),
    generateDataKeyPairWithoutPlaintext: (keys, keyId) =>
      keys.generateDataKeyPairWithoutPlaintext({ keyId, keyPairSpec: 'RSA_2048' }),
    getPublicKey: (keys, keyId) => keys.getPublicKey({ keyId }),
    describeKey: (keys, keyId) => keys.describeKey({ keyId }),
  };
  const elsewhere = KEY_ARN.replace('eu-west-1', 'us-east-1');

  for (const [operation, call] of Object.entries(CALLS)) {
    it(`is refused whatever form the key id has (INTERNAL): ${operation}`, async () => {
      for (const [keyId, answer] of [
        [KEY_ID, OTHER_ARN],
        [KEY_ARN, OTHER_ARN],
        [KEY_ARN, elsewhere],
        ['arn:aws:kms:eu-west-1:111122223333:alias/orders', elsewhere],
        ['arn:aws:kms:eu-west-1:444455556666:alias/orders', KEY_ARN],
      ] as const) {
        const { client } = stubbedClient(answers(answer));
        const error = await rejection(call(new KmsKeyWrapProvider({ client }), keyId));
        expect(error, keyId).to.include({ code: 'INTERNAL', retryable: false });
      }
    });

    it(`is none when the key itself answers: ${operation}`, async () => {
      const alias = 'arn:aws:kms:eu-west-1:111122223333:alias/orders';
      for (const keyId of [KEY_ID, KEY_ARN, 'alias/orders', alias]) {
        const { client } = stubbedClient(answers(KEY_ARN));
        await call(new KmsKeyWrapProvider({ client }), keyId);
      }
    });
  }
});

describe('errors of AWS KMS, printed', () => {
  const page = `does not match.\n\nThe Canonical String:\nx-amz-security-token:${CREDENTIALS.sessionToken}\n`;
  for (const [status, type, message] of [
    [400, 'NotFoundException', 'x'],
    [400, 'InvalidSignatureException', page],
    [403, 'SignatureDoesNotMatch', page],
    [500, 'KMSInternalException', 'x'],
    [418, 'SomethingNew', page],
  ] as const) {
    it(`show no credentials in any formatting: ${type}`, async () => {
      const body = JSON.stringify({ __type: type, message });
      await withServer(
        (_request, response) => {
          response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(body);
        },
        async (endpoint) => {
          const error = await failureWith({ ...UNREACHED, endpoint, credentials: CREDENTIALS });
          const cause = error.cause as Error;
          const everything = { depth: Number.POSITIVE_INFINITY, showHidden: true };
          const shown = [
            ...[inspect(error), inspect(error, everything), inspect(cause, everything)],
            ...[JSON.stringify(error), JSON.stringify(cause), `${cause.stack}`, `${cause}`],
          ];
          expect(shown[0]).to.contain(type);
          for (const text of shown) {
            for (const secret of SECRETS) expect(text).not.to.contain(secret);
          }
        },
      );
    });
  }

  it('repeat nothing of the request, nor more than a line of what was answered', async () => {
    const plaintext = Buffer.from('a plaintext to look for');
    await withServer(
      async (request, response) => {
        let body = '';
        for await (const chunk of request) body += chunk;
        const { authorization, 'x-amz-security-token': token } = request.headers;
        const message = `no: ${token} ${authorization} ${body}\u001b[2J\u2028${'x'.repeat(100_000)}`;
        response
          .writeHead(400, {
            'content-type': 'application/x-amz-json-1.1',
            'x-amzn-requestid': `${token}`,
            'x-request': `${token} ${authorization} ${body}`,
          })
          .end(
            JSON.stringify({
              __type: 'ValidationException',
              message,
              request: { headers: request.headers, body: { Plaintext: body, parts: [body] } },
              lines: [body, message],
              line: body,
            }),
          );
      },
      async (endpoint) => {
        await using keys = new KmsKeyWrapProvider({
          ...UNREACHED,
          endpoint,
          credentials: CREDENTIALS,
        });
        for (const call of [
          keys.encrypt({ keyId: KEY_ARN, plaintext }),
          keys.decrypt({ keyId: KEY_ARN, ciphertext: plaintext }),
        ]) {
          const error = await rejection(call);
          const shown = inspect(error, { depth: 10, showHidden: true, maxStringLength: null });
          for (const secret of [...SECRETS, plaintext.toString('base64'), 'Signature=']) {
            expect(shown).not.to.include(secret);
          }
          expect(error.message).not.to.match(/[\p{Cc}\u2028]/u);
          expect(error.message.length).to.be.lessThan(1000);
        }
      },
    );
  });

  it('come of a response that does not end, which is not kept in memory (UNAVAILABLE)', async () => {
    const block = Buffer.alloc(65_536, 'a');
    await withServer(
      (_request, response) => {
        const more = () => {
          while (!response.destroyed && response.write(block));
        };
        response.on('drain', more);
        more();
      },
      async (endpoint) => {
        const error = await failureWith({ ...UNREACHED, endpoint, credentials: CREDENTIALS });
        expect(error).to.include({ code: 'UNAVAILABLE', retryable: true });
      },
    );
  });
});
