import { EventEmitter } from 'node:events';
import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { assertPolicy } from '#dist/keys/policy.js';
import type { Region, Regions } from '#dist/regions.js';
import { KmsService } from '#dist/service.js';
import { textOf } from './raw-http.js';
import { CREDENTIALS, post, type Subject, start } from './support.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const policyOf = (Action: unknown) =>
  JSON.stringify({ Statement: { Effect: 'Allow', Principal: '*', Action } });

// The work of a request is bounded, whatever it asks for.
describe('A server under excessive requests', () => {
  let subject: Subject;
  let url: string;
  beforeEach(async () => {
    subject = await start({ keys: [{ alias: 'alias/seed', region: 'us-east-1' }] });
    url = subject.server.url;
  });
  afterEach(() => subject[Symbol.asyncDispose]());

  const send = (operation: string, body: object | string, headers = {}) =>
    post(url, `TrentService.${operation}`, typeof body === 'string' ? body : JSON.stringify(body), {
      ...headers,
    });
  const signedFor = (region: string) => ({
    Authorization: `AWS4-HMAC-SHA256 Credential=${CREDENTIALS.accessKeyId}/20300101/${region}/kms/aws4_request`,
  });

  it('serves every Region that requests name, and keeps all their keys', async () => {
    for (let i = 0; i < 300; i++) {
      expect((await send('ListKeys', {}, signedFor(`eu-west-${i}`))).status).to.equal(200);
    }
    const made = JSON.parse((await send('CreateKey', {}, signedFor('eu-west-7'))).text);
    for (let i = 300; i < 400; i++) await send('ListKeys', {}, signedFor(`eu-west-${i}`));
    const { KeyId } = made.KeyMetadata;
    const described = await send('DescribeKey', { KeyId }, signedFor('eu-west-7'));
    expect(described.status).to.equal(200);
    expect((await send('DescribeKey', { KeyId: 'alias/seed' })).status).to.equal(200);
  });

  it('responds to a megabyte of errors with less than a megabyte', async () => {
    const GrantTokens = Array.from({ length: 300_000 }, () => '');
    const Tags = Array.from({ length: 30_000 }, () => ({ TagKey: '', TagValue: '' }));
    for (const [operation, body] of [
      ['Encrypt', { KeyId: 'a', Plaintext: 'AQID', GrantTokens }],
      ['CreateKey', { Tags }],
    ] as const) {
      const { status, text } = await send(operation, body);
      expect(status).to.equal(400);
      expect(text.length).to.be.lessThan(20_000);
      expect(JSON.parse(text).message).to.match(/^\d{5,6} validation errors detected: /, operation);
    }
  });

  it('rejects JSON that nests too deeply', async () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      const depth = 100_000;
      const body = `{"KeyId":"a","Plaintext":${open.repeat(depth)}1${close.repeat(depth)}}`;
      const { status, text } = await send('Encrypt', body);
      expect([status, JSON.parse(text).__type]).to.deep.equal([400, 'SerializationException']);
      const ignored = await send(
        'ListKeys',
        `{"Unknown":${open.repeat(depth)}1${close.repeat(depth)}}`,
      );
      expect(ignored.status).to.equal(200);
    }
  });

  // A kilobyte that decompresses to a megabyte, of which JSON.parse makes ten.
  it('keeps nothing of a request that waits but what the operation needs', async () => {
    // What can never be resolved would be collected with all that waits for it.
    const resolvers: unknown[] = [];
    const generateKeyPair = () => new Promise((resolve) => resolvers.push(resolve));
    const keyPairs = { for: () => ({ generateKeyPair }) };
    const region = { keyPairs } as unknown as Region;
    const service = new KmsService({
      regions: { peek: () => region } as unknown as Regions,
      defaultRegion: 'us-east-1',
      credentials: [],
      now: () => new Date(),
    });
    const members = '"KeySpec":"RSA_2048","KeyUsage":"SIGN_VERIFY"';
    const body = gzipSync(`{${members},"Unknown":[${'[],'.repeat(300_000)}1]}`);
    const heapUsed = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const wait = () =>
      service.respond({
        method: 'POST',
        path: '/',
        query: new Map(),
        headers: new Map([
          ['x-amz-target', ['TrentService.CreateKey']],
          ['content-encoding', ['gzip']],
        ]),
        body,
        client: Object.assign(new EventEmitter(), { destroyed: false, readableEnded: false }),
      });
    const waiting = [wait()];
    const before = await heapUsed();
    for (let i = 0; i < 8; i++) waiting.push(wait());
    expect((await heapUsed()) - before).to.be.lessThan(5 * 1024 * 1024);
    expect(resolvers).to.have.length(waiting.length);
  });

  it('rejects headers that are too long or too many, in a form that SDKs read', async () => {
    for (const headers of [`X-Long: ${'a'.repeat(100_000)}\r\n`, 'X-Many: 1\r\n'.repeat(20_000)]) {
      const socket = connect(subject.server.port, '127.0.0.1');
      const response = textOf(socket);
      socket.write(`POST / HTTP/1.1\r\nHost: a\r\n${headers}\r\n`);
      expect(await response).to.match(/^HTTP\/1.1 431 .*MalformedHttpRequestException/s);
    }
  });

  // By a regular expression, each of these would take longer than the world is old.
  it('matches the wildcards of a policy in time that grows only with their number', () => {
    for (const action of ['*'.repeat(5000), `${'*?'.repeat(8)}*`, 'KMS:Put*P?licy', '*']) {
      assertPolicy(policyOf(action));
    }
    const never = [
      `${'*'.repeat(30_000)}x`,
      `${'*?'.repeat(5000)}x`,
      '?'.repeat(30_000),
      'kms:',
      '',
    ];
    for (const action of never) {
      expect(() => assertPolicy(policyOf(action)), action.slice(0, 9)).to.throw('will not allow');
    }
    expect(() => assertPolicy(policyOf(Array(4000).fill('*?*x')))).to.throw('will not allow');
  });
});
