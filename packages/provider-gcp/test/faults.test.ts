import { createPublicKey } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { inspect } from 'node:util';
import { credentials, ServerCredentials } from '@grpc/grpc-js';
import type { KeyWrapErrorCode } from '@keywrap/core';
import { GcpKeyWrapProvider } from '@keywrap/provider-gcp';
import { expect } from 'chai';
import { crc32c } from '#dist/crc32c.js';
import { type CloudKms, type Fault, type Message, startCloudKms } from './cloud-kms.js';
import { CloudKmsError, code } from './cloud-kms-errors.js';
import { startProxy } from './proxy.js';
import { SELF_SIGNED } from './self-signed.js';
import { isReal, KEY_RING, PLACE, startServer, withDouble } from './server.js';
import { rejection } from './support.js';

const PLAINTEXT = Uint8Array.from({ length: 32 }, (_, i) => i);
const ALGORITHM = 'RSAES_OAEP_SHA_256';
const RSA_KEY = {
  purpose: 'ASYMMETRIC_DECRYPT',
  versionTemplate: { algorithm: 'RSA_DECRYPT_OAEP_2048_SHA256' },
} as const;

const INPUT = { plaintext: PLAINTEXT, encryptionContext: { order: '7' } };

/** A key of each kind, and what their uses are. */
interface Fixture {
  readonly double: CloudKms;
  readonly uses: Readonly<Record<Use, () => Promise<unknown>>>;
  readonly ciphertext: Uint8Array;
  close(): Promise<void>;
}

type Use = 'encrypt' | 'decrypt' | 'encryptRsa' | 'decryptRsa' | 'getPublicKey' | 'describeKey';

async function openFixture(): Promise<Fixture> {
  const { double, open, create, close } = await startServer();
  const [keyId, rsa] = [await create(), await create(RSA_KEY)];
  const underRsa = { keyId: rsa, algorithm: ALGORITHM } as const;
  const { encryptionContext, plaintext } = INPUT;
  const { ciphertext } = await open().encrypt({ keyId, ...INPUT });
  const sealed = await open().encrypt({ ...underRsa, plaintext });
  // Each with a new provider, which remembers nothing.
  const uses: Fixture['uses'] = {
    encrypt: () => open().encrypt({ keyId, ...INPUT }),
    decrypt: () => open().decrypt({ keyId, ciphertext, encryptionContext }),
    encryptRsa: () => open().encrypt({ ...underRsa, plaintext }),
    decryptRsa: () => open().decryptAsymmetric({ ...underRsa, ciphertext: sealed.ciphertext }),
    getPublicKey: () => open().getPublicKey({ keyId: rsa }),
    describeKey: () => open().describeKey({ keyId }),
  };
  return { double: double as CloudKms, uses, ciphertext, close };
}

/** Tests of the double alone: a real service can't be told to fail. */
const describeFaults = (title: string, tests: (fixture: () => Fixture) => void) =>
  describe(title, () => {
    let fixture: Fixture;
    before(async function () {
      if (isReal) this.skip();
      fixture = await openFixture();
    });
    afterEach(() => {
      fixture.double.fault = undefined;
    });
    after(() => fixture?.close());
    tests(() => fixture);
  });

describeFaults('Failures of Cloud KMS', (fixture) => {
  const CODES: Readonly<Partial<Record<keyof typeof code, KeyWrapErrorCode>>> = {
    CANCELLED: 'UNAVAILABLE',
    UNKNOWN: 'UNAVAILABLE',
    DEADLINE_EXCEEDED: 'UNAVAILABLE',
    PERMISSION_DENIED: 'ACCESS_DENIED',
    RESOURCE_EXHAUSTED: 'THROTTLED',
    ABORTED: 'UNAVAILABLE',
    UNIMPLEMENTED: 'UNSUPPORTED',
    INTERNAL: 'UNAVAILABLE',
    UNAVAILABLE: 'UNAVAILABLE',
    DATA_LOSS: 'UNAVAILABLE',
    // Of a token that has expired.
    UNAUTHENTICATED: 'ACCESS_DENIED',
  };
  for (const [name, expected] of Object.entries(CODES)) {
    it(`${name} is ${expected}, never a bad ciphertext, and shows nothing of the request`, async () => {
      const { double, uses, ciphertext } = fixture();
      const text = Buffer.from(ciphertext).toString('base64');
      double.fault = () => new CloudKmsError(code[name as keyof typeof code], text);
      for (const use of Object.values(uses)) {
        const error = await rejection(use());
        expect(error.code).to.equal(expected);
        expect(inspect(error, { depth: 10, showHidden: true })).not.to.include(text.slice(0, 16));
      }
      double.fault = undefined;
      await uses.decrypt();
    });
  }
});

(isReal ? describe.skip : describe)('The network to Cloud KMS', () => {
  it('a connection that is reset is UNAVAILABLE, and the next call connects again', () =>
    withDouble(async ({ create, open, endpoint }) => {
      const proxy = await startProxy(endpoint);
      try {
        const keyId = await create();
        const keys = open({ endpoint: proxy.url, clientRetries: true, requestTimeout: 60_000 });
        const { ciphertext } = await keys.encrypt({ keyId, plaintext: PLAINTEXT });
        proxy.resets = true;
        const once = open({ endpoint: proxy.url });
        for (const call of [
          () => once.decrypt({ keyId, ciphertext }),
          () => once.encrypt({ keyId, plaintext: PLAINTEXT }),
        ]) {
          expect((await rejection(call())).code).to.equal('UNAVAILABLE');
        }
        proxy.resets = false;
        // The client's own retries wait for the connection.
        expect((await keys.decrypt({ keyId, ciphertext })).plaintext).to.deep.equal(PLAINTEXT);
        await keys.close();
        await once.close();
      } finally {
        await proxy.close();
      }
    }));

  it('a server that stalls is UNAVAILABLE after requestTimeout', () =>
    withDouble(async ({ create, open }, double) => {
      const keyId = await create();
      const { ciphertext } = await open().encrypt({ keyId, plaintext: PLAINTEXT });
      double.stalls = true;
      const keys = open({ requestTimeout: 100 });
      for (const call of [
        () => keys.decrypt({ keyId, ciphertext }),
        () => keys.encrypt({ keyId, plaintext: PLAINTEXT }),
        () => keys.describeKey({ keyId }),
      ]) {
        expect((await rejection(call())).code).to.equal('UNAVAILABLE');
      }
    }));

  it('a request is cancelled when its caller aborts (ABORTED)', () =>
    withDouble(async (server, double) => {
      const rsa = { keyId: await server.create(RSA_KEY), algorithm: ALGORITHM } as const;
      const keyId = await server.create();
      const { ciphertext } = await server.open().encrypt({ keyId, plaintext: PLAINTEXT });
      double.stalls = true;
      for (const clientRetries of [false, true]) {
        const keys = server.open({ clientRetries, requestTimeout: 60_000 });
        const calls: readonly ((options: { readonly signal: AbortSignal }) => Promise<unknown>)[] =
          [
            (options) => keys.encrypt({ keyId, plaintext: PLAINTEXT }, options),
            (options) => keys.decrypt({ keyId, ciphertext }, options),
            (options) => keys.describeKey({ keyId }, options),
            (options) => keys.encrypt({ ...rsa, plaintext: PLAINTEXT }, options),
            (options) =>
              keys.decryptAsymmetric({ ...rsa, ciphertext: new Uint8Array(256) }, options),
          ];
        for (const call of calls) {
          const abort = new AbortController();
          double.onRequest = () => abort.abort();
          const cancelled = new Promise<void>((resolve) => {
            double.onCancelled = resolve;
          });
          const { signal } = abort;
          expect((await rejection(call({ signal }))).code).to.equal('ABORTED');
          await cancelled;
          expect(getEventListeners(signal, 'abort')).to.have.length(0);
        }
        await keys.close();
      }
    }));

  it('a server that is not there is UNAVAILABLE', () =>
    withDouble(async ({ open, endpoint }) => {
      const { url, close } = await startProxy(endpoint);
      await close();
      const keys = open({ endpoint: url });
      const error = await rejection(keys.encrypt({ keyId: 'orders', plaintext: PLAINTEXT }));
      expect(error.code).to.equal('UNAVAILABLE');
    }));

  it("an outage that ends is not seen: Google's client tries again", () =>
    withDouble(async ({ create, open }, double) => {
      const keyId = await create();
      const keys = open({ clientRetries: true, requestTimeout: 60_000 });
      let failures = 2;
      double.fault = () =>
        failures-- > 0 ? new CloudKmsError(code.UNAVAILABLE, 'try again') : undefined;
      await keys.encrypt({ keyId, plaintext: PLAINTEXT });
      expect(failures).to.equal(-2);
    }));

  it('a response that is too long is not kept in memory (UNAVAILABLE)', () =>
    withDouble(async ({ create, open }, double) => {
      const keyId = await create();
      double.fault = (_method, _request, response) =>
        response && { ...response, ciphertext: Buffer.alloc(5 * 2 ** 20) };
      const error = await rejection(open().encrypt({ keyId, plaintext: PLAINTEXT }));
      expect(error.code).to.equal('UNAVAILABLE');
      expect(inspect(error)).to.include('RESOURCE_EXHAUSTED');
    }));

  it('a list that does not end is a fault (INTERNAL)', () =>
    withDouble(async ({ create, open }, double) => {
      const keyId = await create(RSA_KEY);
      double.fault = (method) =>
        method === 'ListCryptoKeyVersions'
          ? { cryptoKeyVersions: [], nextPageToken: 'more' }
          : undefined;
      const error = await rejection(open().getPublicKey({ keyId }));
      expect(error.code).to.equal('INTERNAL');
    }));

  it('an RSA ciphertext is tried with 64 versions at most (INVALID_CIPHERTEXT)', () =>
    withDouble(async ({ create, open }, double) => {
      const keyId = await create(RSA_KEY);
      double.fault = (method, _request, response) => {
        if (method !== 'ListCryptoKeyVersions' || response === undefined) return undefined;
        const [version] = response.cryptoKeyVersions;
        const name = (i: number) => `${keyId}/cryptoKeyVersions/${i + 2}`;
        const more = Array.from({ length: 100 }, (_, i) => ({ ...version, name: name(i) }));
        return { cryptoKeyVersions: more };
      };
      const input = { keyId, algorithm: ALGORITHM, ciphertext: new Uint8Array(256) } as const;
      const error = await rejection(open().decryptAsymmetric(input));
      expect(error.code).to.equal('INVALID_CIPHERTEXT');
      const tries = double.requests.filter((each) => each === 'AsymmetricDecrypt');
      expect(tries).to.have.length(64);
    }));

  it('a caller that gives up ends the tries of an RSA ciphertext', () =>
    withDouble(async ({ create, open, rotate }, double) => {
      const keyId = await create(RSA_KEY);
      await rotate(keyId);
      const keys = open();
      const abort = new AbortController();
      double.fault = (method) => {
        if (method === 'AsymmetricDecrypt') abort.abort();
        return undefined;
      };
      const input = { keyId, algorithm: ALGORITHM, ciphertext: new Uint8Array(256) } as const;
      const error = await rejection(keys.decryptAsymmetric(input, { signal: abort.signal }));
      expect(error.code).to.equal('ABORTED');
      await keys.close();
      expect(double.requests.filter((each) => each === 'AsymmetricDecrypt')).to.have.length(1);
    }));
});

describe('Credentials of Cloud KMS', () => {
  const never = () => new Promise<never>(() => {});
  const lookedFor = (error: Error) => {
    const fails = () => Promise.reject(error);
    return { auth: { getUniverseDomain: fails, getClient: fails } as never };
  };
  const fail = (message: string) => async () => {
    throw new Error(`${message} of the secret s3cret`);
  };
  for (const [title, getRequestHeaders, expected, requestTimeout] of [
    ['were revoked', fail('invalid_grant'), 'ACCESS_DENIED', 60_000],
    ['are asked of a server that is down', fail('connect ECONNREFUSED'), 'UNAVAILABLE', 60_000],
    [
      'are asked of a server that fails',
      fail('Request failed with status code 503'),
      'UNAVAILABLE',
      60_000,
    ],
    ['are asked of a server that stalls', never, 'UNAVAILABLE', 200],
  ] as const) {
    it(`that ${title} are ${expected}, and never shown`, async () => {
      const { key, cert } = SELF_SIGNED;
      const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) };
      const double = await startCloudKms(ServerCredentials.createSsl(null, [pair]));
      const keys = new GcpKeyWrapProvider({
        ...PLACE,
        endpoint: double.url.replace('http://127.0.0.1', 'https://localhost'),
        requestTimeout,
        clientOptions: {
          sslCreds: credentials.combineChannelCredentials(
            credentials.createSsl(Buffer.from(cert)),
            credentials.createFromGoogleCredential({ getRequestHeaders } as never),
          ),
          authClient: { universeDomain: 'googleapis.com' } as never,
        },
      });
      try {
        const error = await rejection(keys.describeKey({ keyId: 'orders' }));
        expect(error.code).to.equal(expected);
        expect(inspect(error, { depth: 10, showHidden: true })).not.to.include('s3cret');
        expect(double.requests).to.deep.equal([]);
      } finally {
        await keys.close();
        await double.close();
      }
    });
  }

  for (const [title, clientOptions, expected, requestTimeout] of [
    ['whose file is not there', { keyFilename: '/nonexistent/key.json' }, 'ACCESS_DENIED', 60_000],
    [
      'that are looked for without end',
      { auth: { getUniverseDomain: never, getClient: never } as never },
      'UNAVAILABLE',
      200,
    ],
    [
      'whose server fails',
      lookedFor(Object.assign(new Error('s3cret'), { status: 503 })),
      'UNAVAILABLE',
      60_000,
    ],
    [
      'whose server is not there',
      lookedFor(Object.assign(new Error('s3cret'), { code: 'ECONNREFUSED' })),
      'UNAVAILABLE',
      60_000,
    ],
    ['that are malformed', lookedFor(new SyntaxError('s3cret')), 'ACCESS_DENIED', 60_000],
    ['whose code has a bug', lookedFor(new TypeError('no such function')), 'INTERNAL', 60_000],
  ] as const) {
    it(`${title} are ${expected}`, async () => {
      const keys = new GcpKeyWrapProvider({ ...PLACE, requestTimeout, clientOptions });
      const error = await rejection(keys.describeKey({ keyId: 'orders' }));
      expect(error.code).to.equal(expected);
      await keys.close();
    });
  }
});

describeFaults('Checksums of Cloud KMS', (fixture) => {
  /** Changes a field of the response of a method. */
  const inResponse =
    (method: string, change: (response: Message) => void): Fault =>
    (called, _request, response) => {
      if (called !== method || response === undefined) return undefined;
      change(response);
      return response;
    };
  /** Changes a field of a request, before the server sees it. */
  const inRequest =
    (method: string, field: string): Fault =>
    (called, request, response) => {
      if (called === method && response === undefined) request[field][0] ^= 1;
      return undefined;
    };
  const FAULTS: readonly (readonly [title: string, use: Use, fault: Fault])[] = [
    ['a damaged plaintext of a request', 'encrypt', inRequest('Encrypt', 'plaintext')],
    [
      'a damaged context of a request',
      'encrypt',
      inRequest('Encrypt', 'additionalAuthenticatedData'),
    ],
    ['a damaged ciphertext of a request', 'decrypt', inRequest('Decrypt', 'ciphertext')],
    [
      'a damaged context of a decryption',
      'decrypt',
      inRequest('Decrypt', 'additionalAuthenticatedData'),
    ],
    [
      'a damaged RSA ciphertext of a request',
      'decryptRsa',
      inRequest('AsymmetricDecrypt', 'ciphertext'),
    ],
    [
      'a damaged ciphertext',
      'encrypt',
      inResponse('Encrypt', ({ ciphertext }) => {
        ciphertext[40] ^= 1;
      }),
    ],
    [
      'a ciphertext without a checksum',
      'encrypt',
      inResponse('Encrypt', (response) => {
        response.ciphertextCrc32c = undefined;
      }),
    ],
    [
      'a plaintext that the server did not check',
      'encrypt',
      inResponse('Encrypt', (response) => {
        response.verifiedPlaintextCrc32c = false;
      }),
    ],
    [
      'a context that the server did not check',
      'encrypt',
      inResponse('Encrypt', (response) => {
        response.verifiedAdditionalAuthenticatedDataCrc32c = false;
      }),
    ],
    [
      'a damaged plaintext',
      'decrypt',
      inResponse('Decrypt', ({ plaintext }) => {
        plaintext[0] ^= 1;
      }),
    ],
    [
      'a plaintext without a checksum',
      'decrypt',
      inResponse('Decrypt', (response) => {
        response.plaintextCrc32c = undefined;
      }),
    ],
    [
      'a damaged plaintext of RSA',
      'decryptRsa',
      inResponse('AsymmetricDecrypt', ({ plaintext }) => {
        plaintext[0] ^= 1;
      }),
    ],
    [
      'an RSA ciphertext that the server did not check',
      'decryptRsa',
      inResponse('AsymmetricDecrypt', (response) => {
        response.verifiedCiphertextCrc32c = false;
      }),
    ],
    [
      'a damaged public key',
      'getPublicKey',
      inResponse('GetPublicKey', (response) => {
        response.pem = response.pem.replace('MIIB', 'MIIC');
      }),
    ],
  ];
  for (const [title, use, fault] of FAULTS) {
    it(`report ${title} (UNAVAILABLE), and never use it`, async () => {
      const { double, uses } = fixture();
      double.fault = fault;
      expect(await rejection(uses[use]())).to.include({ code: 'UNAVAILABLE', retryable: true });
      double.fault = undefined;
      await uses[use]();
    });
  }

  it('hold for no bytes too, which nobody can encrypt (INVALID_CIPHERTEXT)', async () => {
    const { double, uses } = fixture();
    double.fault = inResponse('Decrypt', (response) => {
      response.plaintext = Buffer.alloc(0);
      response.plaintextCrc32c = { value: '0' };
    });
    expect((await rejection(uses.decrypt())).code).to.equal('INVALID_CIPHERTEXT');
  });
});

describeFaults('Answers for another key', (fixture) => {
  const ANOTHER = `${KEY_RING}/cryptoKeys/another`;
  const VERSION = `${ANOTHER}/cryptoKeyVersions/1`;
  const ANSWERS: readonly (readonly [method: string, use: Use, answer: object])[] = [
    ['Encrypt', 'encrypt', { name: VERSION }],
    ['GetCryptoKey', 'describeKey', { name: ANOTHER }],
    ['GetPublicKey', 'encryptRsa', { name: VERSION }],
    ['ListCryptoKeyVersions', 'decryptRsa', { cryptoKeyVersions: [{ name: VERSION }] }],
  ];
  for (const [method, use, answer] of ANSWERS) {
    it(`of ${method} are a fault, and not used (INTERNAL)`, async () => {
      const { double, uses } = fixture();
      double.fault = (called, _request, response) =>
        called === method && response !== undefined ? { ...response, ...answer } : undefined;
      expect((await rejection(uses[use]())).code).to.equal('INTERNAL');
    });
  }

  it('that are a public key which does not encrypt are a fault, and not used (INTERNAL)', async () => {
    const { double, uses } = fixture();
    for (const e of ['AQ', 'Ag', '']) {
      double.fault = (called, _request, response) => {
        if (called !== 'GetPublicKey' || response === undefined) return undefined;
        const jwk = { ...createPublicKey(response.pem).export({ format: 'jwk' }), e };
        const pem = createPublicKey({ key: jwk, format: 'jwk' }).export({
          type: 'spki',
          format: 'pem',
        });
        return { ...response, pem, pemCrc32c: { value: `${crc32c(Buffer.from(pem))}` } };
      };
      for (const use of ['encryptRsa', 'getPublicKey'] as const) {
        expect((await rejection(uses[use]())).code, `e = ${e}`).to.equal('INTERNAL');
      }
    }
  });
});
