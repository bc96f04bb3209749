import { Agent, request } from 'node:http';
import { expect } from 'chai';
import fc from 'fast-check';
import { HANDLERS, type ImplementedOperation } from '#dist/operations/index.js';
import { isOperation, OPERATIONS as KMS_OPERATIONS, SHAPES } from '#dist/protocol/model.js';
import { type Subject, start } from './support.js';

// Whatever a client sends, it gets a response that an SDK can read, and the server stays up.

const OPERATIONS = Object.keys(HANDLERS) as ImplementedOperation[];
const MEMBERS = [
  ...new Set(
    OPERATIONS.flatMap((name) => Object.keys(SHAPES[KMS_OPERATIONS[name].input]?.members ?? {})),
  ),
  '__proto__',
  'constructor',
];

/** Errors that any operation may have, and which its model therefore does not list. */
const COMMON_ERRORS = [
  'AccessDeniedException',
  'IncompleteSignatureException',
  'MissingAuthenticationTokenException',
  'NotAuthorizedException',
  'RequestEntityTooLargeException',
  'SerializationException',
  'InvalidSignatureException',
  'UnknownOperationException',
  'UnrecognizedClientException',
  'UnsupportedOperationException',
  'ValidationException',
];

interface Malformed {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

const word = fc.oneof(
  fc.string(),
  fc.constantFrom('', 'alias/seed', 'alias/', 'arn:aws:kms', '\ud800', 'AQID', 'RSA_2048'),
  fc.constantFrom('ECDSA_SHA_256', 'HMAC_SHA_256', 'DIGEST', 'a'.repeat(9000), '\u0000'),
  fc.base64String(),
);
const value = fc.oneof(
  word,
  fc.jsonValue({ maxDepth: 3 }),
  fc.dictionary(word, word),
  fc.array(word),
  fc.constantFrom(0, -1, 1.5, 1e308, true, null, [], {}),
);
const text = (chunk: string) => new Uint8Array(Buffer.from(chunk));
const members = fc
  .array(fc.tuple(fc.constantFrom(...MEMBERS), value), { maxLength: 6 })
  // Written by hand, so that keys can be there twice and `__proto__` is one of them.
  .map((pairs) =>
    pairs.map(([name, member]) => `${JSON.stringify(name)}:${JSON.stringify(member)}`),
  )
  .map((pairs) => text(`{${pairs.join(',')}}`));
const body = fc.oneof(
  { weight: 8, arbitrary: members },
  { weight: 2, arbitrary: fc.json().map(text) },
  { weight: 2, arbitrary: fc.string().map(text) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(text('['.repeat(50_000)), text('{"a":'.repeat(20_000)), text('')),
  },
);
const target = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...OPERATIONS).map((name) => `TrentService.${name}`) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '',
      'TrentService',
      'TrentService.__proto__',
      'TrentService.CreateGrant',
    ),
  },
  { weight: 1, arbitrary: fc.stringMatching(/^[\x21-\x7e]{0,80}$/) },
);
const header = fc.oneof(
  fc.stringMatching(/^[\x21-\x7e]{0,120}$/),
  fc.constantFrom(
    'AWS4-HMAC-SHA256 Credential=a/20300101/eu-west-1/kms/aws4_request, SignedHeaders=host, Signature=a',
    'AWS4-HMAC-SHA256 Credential=a/20300101/../kms/aws4_request',
    'AWS4-HMAC-SHA256 Credential=////, SignedHeaders=, Signature=',
    'AWS4-HMAC-SHA256',
  ),
);
const malformed: fc.Arbitrary<Malformed> = fc.record({
  method: fc.constantFrom('POST', 'POST', 'POST', 'POST', 'GET', 'PUT', 'OPTIONS', 'DELETE'),
  path: fc.constantFrom('/', '/', '/', '/', '/?x=1', '//', '/..', '/%00', '/health/'),
  headers: fc.record(
    {
      'X-Amz-Target': target,
      Authorization: header,
      'Content-Type': header,
      'X-Amz-Date': header,
      'X-Amz-Security-Token': header,
      'X-Amz-Content-Sha256': header,
    },
    { requiredKeys: ['X-Amz-Target'] },
  ),
  body,
});

describe('10 000 malformed requests', () => {
  let subject: Subject;
  let signed: Subject;
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  before(async () => {
    const keys = [{ alias: 'alias/seed', region: 'us-east-1' }];
    subject = await start({ keys });
    const credentials = [{ accessKeyId: 'a', secretAccessKey: 'b' }];
    signed = await start({ keys, credentials });
  });
  after(async () => {
    agent.destroy();
    await subject[Symbol.asyncDispose]();
    await signed[Symbol.asyncDispose]();
  });

  const send = ({ method, path, headers, body }: Malformed, port: number) =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      const all = { ...headers, 'Content-Length': body.length };
      const options = { agent, port, method, path, headers: all, timeout: 10_000 };
      const outgoing = request(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
        );
      });
      outgoing.on('timeout', () => outgoing.destroy(new Error('it hangs')));
      outgoing.on('error', reject);
      outgoing.end(body);
    });

  const check = async (sample: Malformed, port: number) => {
    const { status, text: received } = await send(sample, port);
    expect(status).to.be.oneOf([200, 400, 413]);
    expect(received).not.to.match(/\.js:\d+|node:internal|\bat [A-Za-z.]+ \(/);
    if (status === 200) return;
    const { __type, ...rest } = JSON.parse(received);
    expect(__type).to.match(/^[A-Za-z]+Exception$/);
    expect(Object.keys(rest).join()).to.be.oneOf(['', 'message']);
    const name = sample.headers['X-Amz-Target']?.replace('TrentService.', '') ?? '';
    if (!isOperation(name) || /^(GET|PUT)/.test(sample.method)) return;
    expect(__type, name).to.be.oneOf([...KMS_OPERATIONS[name].errors, ...COMMON_ERRORS]);
  };

  const run = async (seed: number, count: number, port: () => number) => {
    const samples = fc.sample(malformed, { seed, numRuns: count });
    for (let i = 0; i < samples.length; i += 16) {
      await Promise.all(samples.slice(i, i + 16).map((sample) => check(sample, port())));
    }
  };

  it('all get a response', async function () {
    this.timeout(300_000);
    await run(20300101, 9_000, () => subject.server.port);
  });

  it('all get a response from a server with credentials', async function () {
    this.timeout(300_000);
    await run(20300102, 1_000, () => signed.server.port);
  });

  it('all get a response with huge bodies', async () => {
    for (const size of [1 << 20, (1 << 20) + 1, 8 << 20]) {
      const headers = { 'X-Amz-Target': 'TrentService.Encrypt' };
      const sample = { method: 'POST', path: '/', headers, body: new Uint8Array(size).fill(0x20) };
      await check(sample, subject.server.port);
    }
  });

  it('do not change the server', async () => {
    const east = subject.clientFor('us-east-1');
    await east.encrypt({ KeyId: 'alias/seed', Plaintext: Uint8Array.of(1) });
  });
});
