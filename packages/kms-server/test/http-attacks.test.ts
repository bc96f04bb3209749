import { expect } from 'chai';
import type { RequestLog } from '#dist/log.js';
import { connectTo, requestText, textOf } from './raw-http.js';
import { post, type Subject, start } from './support.js';

// Whoever can put bytes on a connection can't have them read as a request that nobody sent (RFC 9112 §11.2), and
// whatever is read costs no more than its bytes.
describe('Bytes that are nearly HTTP', () => {
  let subject: Subject;
  const log: RequestLog[] = [];
  beforeEach(async () => {
    log.length = 0;
    subject = await start({ log: (entry) => log.push(entry) });
  });
  afterEach(() => subject[Symbol.asyncDispose]());

  /** Sends this, and returns the statuses of all responses until the server closes the connection. */
  async function statusesOf(text: string | Buffer): Promise<string[]> {
    const socket = await connectTo(subject.server.port);
    const response = textOf(socket);
    socket.write(text);
    return [...(await response).matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status ?? '');
  }

  const smuggled = requestText('CreateKey');
  const head = (...headers: string[]) =>
    `${['POST / HTTP/1.1', 'Host: a', 'X-Amz-Target: TrentService.ListKeys', ...headers].join('\r\n')}\r\n\r\n`;

  for (const [what, text] of [
    [
      'a length and chunks',
      `${head('Content-Length: 2', 'Transfer-Encoding: chunked')}0\r\n\r\n${smuggled}`,
    ],
    [
      'chunks and a length',
      `${head('Transfer-Encoding: chunked', 'Content-Length: 500')}0\r\n\r\n${smuggled}`,
    ],
    ['two lengths', `${head('Content-Length: 2', 'Content-Length: 200')}{}${smuggled}`],
    ['a list of lengths', `${head('Content-Length: 2, 2')}{}${smuggled}`],
    ['a length with a sign', `${head('Content-Length: +2')}{}${smuggled}`],
    ['a length in hexadecimal', `${head('Content-Length: 0x2')}{}${smuggled}`],
    ['a length that overflows', `${head('Content-Length: 18446744073709551618')}{}${smuggled}`],
    ['a space before a colon', `${head('Content-Length : 2')}{}${smuggled}`],
    [
      'an encoding that is nearly chunked',
      `${head('Transfer-Encoding: xchunked')}0\r\n\r\n${smuggled}`,
    ],
    [
      'an encoding after chunked',
      `${head('Transfer-Encoding: chunked, identity')}0\r\n\r\n${smuggled}`,
    ],
    [
      'chunked twice',
      `${head('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')}0\r\n\r\n${smuggled}`,
    ],
    [
      'a size of a chunk that overflows',
      `${head('Transfer-Encoding: chunked')}fffffffffffffffff\r\n${smuggled}`,
    ],
    ['a chunk longer than its size', `${head('Transfer-Encoding: chunked')}2\r\n{}${smuggled}`],
    ['a continued header', `${head('X-A: 1\r\n Content-Length: 2')}{}${smuggled}`],
    ['a header with NUL', head('X-A: \0') + smuggled],
    [
      'a line break without return',
      `${head('Content-Length: 2').replaceAll('\r\n', '\n')}{}${smuggled}`,
    ],
  ] as const) {
    it(`with ${what} are refused, and nothing after them is run`, async () => {
      const statuses = await statusesOf(text);
      expect(statuses.length).to.be.lessThan(2);
      for (const status of statuses) expect(status).to.match(/^4/);
      expect(log.filter(({ operation }) => operation === 'CreateKey')).to.deep.equal([]);
    });
  }

  it('of another protocol are refused', async () => {
    const clientHello = Buffer.from('16030100c8010000c40303', 'hex');
    for (const bytes of [
      clientHello,
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      Buffer.from('POST / HTTP/9.9\r\nHost: a\r\n\r\n'),
      Buffer.from('SSH-2.0-x\r\n'),
    ]) {
      for (const status of await statusesOf(bytes)) expect(status).to.match(/^4/);
    }
    expect((await post(subject.server.url, 'TrentService.ListKeys', '{}')).status).to.equal(200);
  });

  it('with a flood of extensions or trailers are refused within a few kilobytes', async () => {
    const chunked = head('Transfer-Encoding: chunked');
    for (const text of [
      `${chunked}2;${'a=b;'.repeat(50_000)}\r\n{}\r\n0\r\n\r\n`,
      `${chunked}2\r\n{}\r\n0\r\n${'X-A: 1\r\n'.repeat(50_000)}\r\n`,
    ]) {
      for (const status of await statusesOf(text)) expect(status).to.match(/^4/);
    }
  });

  it('with headers named as properties of every object are read as any other', async () => {
    const socket = await connectTo(subject.server.port);
    const response = textOf(socket);
    const names = ['__proto__: a', 'constructor: b', 'toString: c', '__proto__: d'];
    socket.write(requestText('ListKeys', '{}', [...names, 'Connection: close']));
    expect(await response).to.match(/^HTTP\/1\.1 200/);
  });

  it('with trailers named as headers are read without them', async () => {
    const chunked = head('Transfer-Encoding: chunked', 'Connection: close');
    const trailers = 'X-Amz-Target: TrentService.CreateKey\r\nContent-Encoding: gzip\r\n';
    expect(await statusesOf(`${chunked}2\r\n{}\r\n0\r\n${trailers}\r\n`)).to.deep.equal(['200']);
    expect(log.map(({ operation }) => operation)).to.deep.equal(['ListKeys']);
  });

  it('with another path or host in the request line, or with two hosts, are refused', async () => {
    const text = requestText('CreateKey', '{}', ['Connection: close']);
    for (const target of [
      'http://kms.test/',
      'http://a/',
      '//',
      '/./',
      '/%2e',
      '*',
      '/#',
      'kms.test',
    ]) {
      expect(await statusesOf(text.replace('POST /', `POST ${target}`)), target).to.deep.equal([
        '400',
      ]);
    }
    const twoHosts = requestText('CreateKey', '{}', ['Host: other', 'Connection: close']);
    expect(await statusesOf(twoHosts)).to.deep.equal(['400']);
    expect(log.filter(({ outcome }) => outcome === 'ok')).to.deep.equal([]);
  });

  it('that ask to continue get to send their body, and one response', async () => {
    const text = requestText('ListKeys', '{}', ['Expect: 100-continue', 'Connection: close']);
    expect(await statusesOf(text)).to.deep.equal(['100', '200']);
    const odd = requestText('ListKeys', '{}', ['Expect: nothing', 'Connection: close']);
    expect(await statusesOf(odd)).to.deep.equal(['417']);
  });
});

describe('JSON that is nearly a request', () => {
  let subject: Subject;
  before(async () => {
    subject = await start();
  });
  after(() => subject[Symbol.asyncDispose]());

  const outcome = async (operation: string, body: string) => {
    const { status, text } = await post(subject.server.url, `TrentService.${operation}`, body);
    return status === 200 ? 'ok' : JSON.parse(text).__type;
  };

  it('has numbers of any size, which are never taken for others', async () => {
    for (const number of [
      '1e999',
      '-1e999',
      '1e308',
      '1.5',
      '-0.5',
      '9007199254740993',
      '2147483648',
      '-1',
    ]) {
      expect(await outcome('ListKeys', `{"Limit":${number}}`), number).to.be.oneOf([
        'SerializationException',
        'ValidationException',
      ]);
      expect(await outcome('GenerateRandom', `{"NumberOfBytes":${number}}`), number).to.be.oneOf([
        'SerializationException',
        'ValidationException',
      ]);
    }
  });

  it('has a member twice: the last one counts, also in the log', async () => {
    const log: RequestLog[] = [];
    await using other = await start({ log: (entry) => log.push(entry) });
    const body = '{"KeyId":"alias/first","KeyId":"alias/last"}';
    const { text } = await post(other.server.url, 'TrentService.DescribeKey', body);
    expect(JSON.parse(text).message).to.include('alias/last');
    expect(log[0]?.key).to.equal('alias/last');
  });

  it('has members named as properties of every object: they are unknown ones', async () => {
    const members =
      '"__proto__":{"KeyId":"a","DryRun":true},"constructor":{"prototype":{"Limit":1}}';
    expect(await outcome('ListKeys', `{${members}}`)).to.equal('ok');
    expect(await outcome('DescribeKey', `{${members}}`)).to.equal('ValidationException');
  });

  it('nests as deeply as fits into a megabyte', async () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      const depth = Math.floor(900_000 / (open.length + close.length));
      const body = `{"Unknown":${open.repeat(depth)}1${close.repeat(depth)}}`;
      expect(await outcome('ListKeys', body)).to.be.oneOf(['ok', 'SerializationException']);
    }
  });
});
