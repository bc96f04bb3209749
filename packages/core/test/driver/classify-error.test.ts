import {
  type Call,
  completeDriver,
  createProvider,
  errorOfStatus,
  failureOf,
  InternalError,
  InvalidCiphertextError,
  type KeyWrapDriver,
  type KeyWrapError,
  NO_OPTIONS,
  ProviderUnavailableError,
  parseKeyId,
  ThrottledError,
  withLayer,
} from '@keywrap/core';
import { expect } from 'chai';
import { expectRejection, rejection } from '../support/failures.js';
import {
  ARN,
  CALLS,
  callMethod,
  METHODS,
  minimalDriver,
  ScriptedProvider,
} from '../support/scripted-driver.js';

const withCode = (code: string) => Object.assign(new Error(`failed: ${code}`), { code });
const describing = (error: unknown, mapError?: KeyWrapDriver['mapError']) =>
  completeDriver(
    minimalDriver({ describeKey: () => Promise.reject(error), ...(mapError && { mapError }) }),
  );
/** Returns the error of a complete driver. */
const named = (error: unknown, mapError?: KeyWrapDriver['mapError']): Promise<KeyWrapError> =>
  rejection(
    (async () => describing(error, mapError).describeKey({ key: parseKeyId(ARN) }, NO_OPTIONS))(),
  );

describe('an unclassified error', () => {
  const OUTAGES: readonly (readonly [string, unknown])[] = [
    ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EHOSTUNREACH', 'ENETUNREACH'].map(
      (code) => [`a socket error (${code})`, withCode(code)] as const,
    ),
    ...['ENOTFOUND', 'EAI_AGAIN'].map((code) => [`a DNS error (${code})`, withCode(code)] as const),
    ...['ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT'].map(
      (code) => [`a time-out (${code})`, withCode(code)] as const,
    ),
    ['a time-out of AbortSignal', new DOMException('too slow', 'TimeoutError')],
    ['a cause of it', new TypeError('fetch failed', { cause: withCode('ECONNREFUSED') })],
    [
      'one of several attempts',
      new AggregateError([new Error('IPv6'), withCode('ECONNREFUSED')], 'all failed'),
    ],
    ['a status of 500', Object.assign(new Error('no'), { status: 500 })],
    ['a status of 503, as other clients have it', Object.assign(new Error(), { statusCode: 503 })],
    ['a status of 502 in the metadata', { $metadata: { httpStatusCode: 502 } }],
  ];
  for (const [what, error] of OUTAGES) {
    it(`is an outage when it is ${what} (UNAVAILABLE)`, async () => {
      const outage = await named(error);
      expect(outage).to.be.instanceOf(ProviderUnavailableError);
      expect(outage).to.include({ code: 'UNAVAILABLE', retryable: true, cause: error });
    });
  }

  it('is what its status says, also in a cause', async () => {
    const failed = (status: number) => Object.assign(new Error('no'), { status });
    for (const status of [401, 403]) {
      expect(await named(failed(status))).to.include({ code: 'ACCESS_DENIED', retryable: false });
    }
    const wrapped = new Error('outer', { cause: failed(429) });
    expect(await named(wrapped)).to.include({ code: 'THROTTLED', retryable: true, cause: wrapped });
  });

  const circle = new Error('round');
  circle.cause = circle;
  const hostile = Object.defineProperty(new Error('x'), 'code', {
    get() {
      throw new Error('from the getter');
    },
  });
  const FAULTS: readonly (readonly [string, unknown])[] = [
    ['a mistake in a program', new TypeError('x is not a function')],
    ['a missing module', withCode('ERR_MODULE_NOT_FOUND')],
    ['a full disk', withCode('ENOSPC')],
    ['a missing file', withCode('ENOENT')],
    ['a certificate that is not trusted', withCode('SELF_SIGNED_CERT_IN_CHAIN')],
    ['a status of 400', Object.assign(new Error('no'), { status: 400 })],
    ['a wrong path (404)', Object.assign(new Error('no'), { status: 404 })],
    ['a method that the server does not have (501)', Object.assign(new Error(), { status: 501 })],
    ['a status that is not one', Object.assign(new Error('no'), { status: '503' })],
    ['a text', 'ECONNRESET'],
    ['nothing', undefined],
    ['null', null],
    ['a cause of itself', circle],
    ['an error whose code can not be read', hostile],
  ];
  for (const [what, error] of FAULTS) {
    it(`is a fault of the provider when it is ${what} (INTERNAL)`, async () => {
      const fault = await named(error);
      expect(fault).to.be.instanceOf(InternalError);
      expect(fault).to.include({ code: 'INTERNAL', retryable: false });
      expect(fault.cause).to.equal(error);
    });
  }

  const refused = (details: object) => Object.assign(withCode('ECONNREFUSED'), details);
  const outages: readonly (readonly [string, object, string])[] = [
    ['an address', { address: '127.0.0.1', port: 8200 }, ' 127.0.0.1:8200'],
    ['an IPv6 address', { address: '::1', port: 8200 }, ' [::1]:8200'],
    ['a name', { hostname: 'vault.example.com' }, ' vault.example.com'],
    ['a port that is none', { address: '10.0.0.1', port: 'secret' }, ' 10.0.0.1'],
    ['the path of a socket', { address: '/run/vault/secret.sock' }, ''],
    ['credentials', { hostname: 'user:secret@vault', port: 1 }, ''],
    ['a text that is too long', { hostname: 'a'.repeat(254) }, ''],
    ['other types', { hostname: ['vault'], address: 7, port: 1 }, ''],
  ];
  for (const [what, details, named] of outages) {
    it(`names ${named === '' ? 'nothing' : 'the host'} that was not reached if it has ${what}`, () => {
      const outage = failureOf(new TypeError('fetch failed', { cause: refused(details) }));
      expect(outage?.message).to.equal(`the backend was not reached (ECONNREFUSED${named})`);
    });
  }

  it('names all addresses of a host that was not reached', () => {
    const attempts = ['::1', '127.0.0.1', '::1'].map((address) => refused({ address, port: 1 }));
    const code = 'ECONNREFUSED';
    const all = Object.assign(new AggregateError([...attempts, 'odd', null]), { code });
    expect(failureOf(all)?.message).to.equal(
      'the backend was not reached (ECONNREFUSED [::1]:1, 127.0.0.1:1)',
    );
  });

  it('is classified by the driver if it knows it, and by core otherwise', async () => {
    const mapError = (error: unknown) =>
      error === 'slow' ? new ThrottledError('slow down') : undefined;
    expect(await named('slow', mapError)).to.include({ code: 'THROTTLED' });
    expect(await named(withCode('EPIPE'), mapError)).to.include({ code: 'UNAVAILABLE' });
    expect(await named('other', mapError)).to.include({ code: 'INTERNAL' });
  });

  it('is a fault where naming it failed (INTERNAL)', async () => {
    const cause = new Error('in mapError');
    const error = await named('x', () => {
      throw cause;
    });
    expect(error).to.include({ code: 'INTERNAL', cause });
  });
});

describe('errorOfStatus', () => {
  const codeOf = (status: number) => errorOfStatus(status)?.code;

  it('tells denied access, too many requests and an outage apart', () => {
    expect([401, 403, 407].map(codeOf)).to.deep.equal(Array(3).fill('ACCESS_DENIED'));
    expect(codeOf(429)).to.equal('THROTTLED');
    const outages = [408, 500, 502, 503, 504, 507, 529, 599];
    expect(outages.map(codeOf)).to.deep.equal(outages.map(() => 'UNAVAILABLE'));
  });

  it('says nothing about other statuses: the driver knows what they mean', () => {
    for (const status of [0, 200, 301, 400, 404, 405, 409, 413, 501, 505, 600, Number.NaN]) {
      expect(codeOf(status), `${status}`).to.equal(undefined);
    }
  });

  it('keeps the cause and the request id', () => {
    const cause = new Error('the response');
    expect(errorOfStatus(503, { cause, requestId: 'r-1' })).to.include({ cause, requestId: 'r-1' });
  });
});

describe('mapError', () => {
  it('is told which function was called, also within another', async () => {
    const steps: string[] = [];
    const failing = () => Promise.reject(new Error('x'));
    const mapError = (_: unknown, step: string) => {
      steps.push(step);
      return undefined;
    };
    const { script } = new ScriptedProvider();
    const all = createProvider(
      minimalDriver({
        ...script,
        encrypt: failing,
        decrypt: failing,
        describeKey: failing,
        mapError,
      }),
    );
    for (const method of METHODS) {
      await callMethod(all, method, CALLS[method]).catch(() => {});
    }
    const sealing = createProvider(minimalDriver({ ...script, encrypt: failing, mapError }));
    await rejection(sealing.reEncrypt(CALLS.reEncrypt));
    expect(steps).to.deep.equal([
      'encrypt',
      'decrypt',
      'decrypt',
      'decrypt', // of reEncrypt
      'encrypt', // of generateDataKey
      'encrypt', // of generateDataKeyWithoutPlaintext
      'describeKey',
      'encrypt', // of reEncrypt, whose ciphertext opened
    ]);
  });

  it('is called for close, and for functions that manage keys', async () => {
    const steps: string[] = [];
    const fail = () => Promise.reject(new Error('x'));
    const driver = completeDriver({
      ...minimalDriver(),
      keys: { rotateKey: (_request: object, _call: Call) => fail() },
      close: fail,
      mapError: (_: unknown, step: string) => void steps.push(step),
    });
    await rejection(driver.keys.rotateKey({}, NO_OPTIONS));
    await rejection(driver.close());
    expect(steps).to.deep.equal(['rotateKey', 'close']);
  });
});

describe('a ciphertext that can not be decrypted', () => {
  it('has one stack, however and wherever it failed', async () => {
    const deep = (levels: number): never => {
      if (levels > 0) return deep(levels - 1);
      throw new InvalidCiphertextError('it can not be decrypted');
    };
    const drivers: Partial<KeyWrapDriver>[] = [
      { decrypt: () => deep(0) },
      { decrypt: () => deep(5) },
      { decrypt: async () => deep(3) },
      {
        decrypt: async () => {
          await new Promise(setImmediate);
          return deep(1);
        },
      },
      {
        decrypt: () => Promise.reject(new Error('from the backend')),
        mapError: () => new InvalidCiphertextError('it can not be decrypted'),
      },
    ];
    const stacks = new Set<string | undefined>();
    const inLayer = withLayer(createProvider(minimalDriver()), (inner) => ({
      ...inner,
      decrypt: () => deep(0),
    }));
    const providers = drivers.map((driver) => createProvider(minimalDriver(driver)));
    for (const provider of [...providers, inLayer]) {
      const error = await expectRejection(provider.decrypt(CALLS.decrypt), InvalidCiphertextError, {
        operation: 'decrypt',
        keyId: 'alias/orders',
      });
      stacks.add(error.stack);
    }
    expect([...stacks]).to.have.length(1);
  });

  it('keeps the cause and the request id that the driver knew', async () => {
    const cause = new Error('from the backend');
    const decrypt = () => {
      throw new InvalidCiphertextError('no', { cause, requestId: 'r-1' });
    };
    const error = await rejection(
      createProvider(minimalDriver({ decrypt })).decrypt(CALLS.decrypt),
    );
    expect(error).to.include({ cause, requestId: 'r-1', message: 'no' });
  });
});
