import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { MAXIMUM_BODY, MAXIMUM_TINY } from '#dist/http/body.js';
import type { RequestLog } from '#dist/log.js';
import { serveHttp } from '#dist/serve-http.js';
import type { KmsRequest, KmsResponse } from '#dist/service.js';
import { arrived, connectTo, requestText, textOf } from './raw-http.js';
import { type Subject, start } from './support.js';

const OK: KmsResponse = {
  status: 200,
  body: '{}',
  operation: undefined,
  key: undefined,
  outcome: 'ok',
};

describe('Connections', () => {
  let subject: Subject;
  const log: RequestLog[] = [];
  beforeEach(async () => {
    log.length = 0;
    subject = await start({ maximumConnections: 3, log: (entry) => log.push(entry) });
  });
  afterEach(() => subject[Symbol.asyncDispose]());

  it('over the limit get an error that SDKs retry, and those within it go on', async () => {
    const { port } = subject.server;
    const within = await Promise.all([1, 2, 3].map(() => connectTo(port)));
    const over = await connectTo(port);
    over.write(requestText('ListKeys'));
    const text = await textOf(over);
    expect(text).to.match(/^HTTP\/1\.1 400 .*Connection: close.*"ThrottlingException"/is);
    for (const socket of within) {
      const response = arrived(socket, /HTTP\/1\.1 200/);
      socket.write(requestText('ListKeys'));
      await response;
    }
    const [first] = within;
    first?.destroy();
    while ((await answerOf(port)).includes('ThrottlingException'));
    expect(log.map(({ outcome }) => outcome)).to.include.members(['ThrottlingException', 'ok']);
    for (const socket of within) socket.destroy();
  });

  it('that are more than twice the limit are closed, with a line in the log', async () => {
    const { port } = subject.server;
    const sockets = await Promise.all(Array.from({ length: 6 }, () => connectTo(port)));
    expect(await textOf(await connectTo(port))).to.equal('');
    expect(log.map(({ outcome }) => outcome)).to.deep.equal(['closed']);
    for (const socket of sockets) socket.destroy();
  });

  it('by default are as many as the machine holds, more than one client has', async () => {
    await using other = await start();
    const sockets = await Promise.all(
      Array.from({ length: 600 }, () => connectTo(other.server.port)),
    );
    const responses = sockets.map((socket) => arrived(socket, /HTTP\/1\.1 200/));
    for (const socket of sockets) socket.write(requestText('ListKeys'));
    await Promise.all(responses);
    for (const socket of sockets) socket.destroy();
  });

  async function answerOf(port: number): Promise<string> {
    const socket = await connectTo(port);
    socket.write(requestText('ListKeys', '{}', ['Connection: close']));
    return textOf(socket);
  }
});

describe('A connection', () => {
  let server: Server;
  const log: RequestLog[] = [];
  /** The requests in work, each with the function that ends it. */
  const working: ((response?: KmsResponse) => void)[] = [];
  const seen: KmsRequest[] = [];
  let most = 0;

  beforeEach(async () => {
    for (const list of [log, working, seen]) list.length = 0;
    most = 0;
    server = createServer({ connectionsCheckingInterval: 20 });
    const respond = (request: KmsRequest) => {
      seen.push(request);
      return new Promise<KmsResponse>((resolve) => {
        working.push((response = OK) => {
          working.splice(0, 1);
          resolve(response);
        });
        most = Math.max(most, working.length);
        server.emit('working');
      });
    };
    serveHttp(server, { respond, lookOnce: () => () => {} }, 1000, (entry) => {
      log.push(entry);
      server.emit('logged');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  /** The time for a request ends at once. */
  const soon = () => {
    server.headersTimeout = 100;
    server.requestTimeout = 100;
  };
  const connect = () => connectTo((server.address() as AddressInfo).port);

  it('has one request in work, and its responses come in turn', async () => {
    const socket = await connect();
    const responses = arrived(socket, /HTTP\/1\.1 200/, 300);
    socket.write(requestText('ListKeys').repeat(300));
    for (let i = 0; i < 300; i++) {
      if (working.length === 0) await once(server, 'working');
      working[0]?.({ ...OK, body: `{"i":${i}}` });
    }
    const numbers = [...(await responses).matchAll(/\{"i":(\d+)\}/g)].map(([, i]) => Number(i));
    expect(numbers).to.deep.equal(Array.from({ length: 300 }, (_, i) => i));
    expect(most).to.equal(1);
  });

  it('is not read on while a request is in work: a client only fills its own buffers', async () => {
    const socket = await connect();
    const large = requestText('ListKeys', `{"a":"${'a'.repeat(MAXIMUM_BODY - 100)}"}`);
    for (let i = 0; i < 64; i++) socket.write(large);
    for (let i = 0; i < 8; i++) {
      if (working.length === 0) await once(server, 'working');
      // One body is in memory, and of the next what Node.js had read.
      expect(socket.bytesWritten - socket.writableLength).to.be.lessThan((i + 16) * large.length);
      expect(seen).to.have.length(i + 1);
      working[0]?.();
    }
    socket.destroy();
  });

  it('has no more in work for a client that does not read its responses', async () => {
    const [silent, other] = [await connect(), await connect()];
    // More than the buffers of the system hold.
    const [count, length] = [100, MAXIMUM_BODY];
    const isLarge = (request?: KmsRequest) => request?.headers.has('x-large') === true;
    server.on('working', () => {
      working[0]?.(isLarge(seen.at(-1)) ? { ...OK, body: 'a'.repeat(length) } : OK);
    });
    silent.write(requestText('ListKeys', '{}', ['X-Large: 1']).repeat(count));
    // Many more turns of the loop than the server needs for all of them.
    for (let i = 0; i < 3 * count; i++) {
      other.write(requestText('ListKeys'));
      await once(other, 'data');
    }
    expect(seen.filter(isLarge).length).to.be.within(1, count - 1);
    let received = 0;
    await new Promise<void>((resolve) => {
      silent.on('data', (chunk) => {
        received += chunk.length;
        if (received > count * length) resolve();
      });
    });
    expect(seen.filter(isLarge)).to.have.length(count);
    for (const socket of [silent, other]) socket.destroy();
  });

  it('that sends nothing is closed without a word: a client may just be sending', async () => {
    soon();
    const text = await textOf(await connect());
    expect(text).to.equal('');
    expect(log.map(({ outcome }) => outcome)).to.deep.equal(['closed']);
  });

  for (const [what, sent] of [
    ['half a header', 'POST / HTTP/1.1\r\nHost: a\r\nX-Amz'],
    ['half a body', requestText('ListKeys', '{}').slice(0, -1)],
    ['one byte', 'P'],
  ] as const) {
    it(`that sends ${what} gets RequestTimeoutException, which SDKs retry`, async () => {
      soon();
      const socket = await connect();
      socket.write(sent);
      const text = await textOf(socket);
      expect(text).to.match(/^HTTP\/1\.1 408 .*\{"__type":"RequestTimeoutException",/s);
      const [, requestId] = /x-amzn-RequestId: (\S+)/.exec(text) ?? [];
      expect(log).to.have.length(1);
      expect(log[0]).to.include({ requestId, outcome: 'RequestTimeoutException' });
    });
  }

  it('gets no other response while a request is in work, whatever it sends next', async () => {
    soon();
    for (const next of ['nonsense\r\n\r\n', 'POST / HTTP/1.1\r\nHost']) {
      const socket = await connect();
      const text = textOf(socket);
      socket.write(`${requestText('ListKeys')}${next}`);
      if (working.length === 0) await once(server, 'working');
      if (!log.some(({ outcome }) => outcome === 'closed')) await once(server, 'logged');
      working[0]?.();
      expect(await text, next).to.match(/^HTTP\/1\.1 200 .*\{\}$/s);
      log.length = 0;
    }
  });

  it('shares a budget for large bodies with all others; short ones always pass', async () => {
    const large = requestText('ListKeys', `{"a":"${'a'.repeat(MAXIMUM_BODY - 100)}"}`);
    const sockets = await Promise.all(Array.from({ length: 80 }, connect));
    for (const socket of sockets) socket.write(large);
    while (seen.length < sockets.length) await once(server, 'working');
    const kept = seen.filter(({ body }) => body instanceof Uint8Array);
    expect(kept).to.have.length.within(60, 65);
    const refused = seen.find(({ body }) => !(body instanceof Uint8Array));
    expect(refused?.body).to.include({ type: 'ThrottlingException' });
    const another = await connect();
    another.write(requestText('ListKeys', `{"a":"${'a'.repeat(15_000)}"}`));
    await once(server, 'working');
    expect(seen.at(-1)?.body).to.have.length(15_008);
    // They are given back: as many pass again.
    while (working.length > 0) working[0]?.();
    for (const socket of sockets) socket.destroy();
    seen.length = 0;
    const next = await connect();
    next.write(large);
    await once(server, 'working');
    expect(seen[0]?.body).to.be.instanceOf(Uint8Array);
    for (const socket of [another, next]) socket.destroy();
  });

  it('has a compressed body count for what it may have decompressed', async () => {
    const sockets = await Promise.all(Array.from({ length: 80 }, connect));
    for (const socket of sockets) {
      socket.write(requestText('ListKeys', 'x', ['Content-Encoding: gzip']));
    }
    while (seen.length < sockets.length) await once(server, 'working');
    expect(seen.filter(({ body }) => body instanceof Uint8Array)).to.have.length(64);
    for (const socket of sockets) socket.destroy();
  });

  it('keeps a body of many chunks in the memory of its bytes', async () => {
    const socket = await connect();
    const head = requestText('ListKeys', '').replace(
      'Content-Length: 0',
      'Transfer-Encoding: chunked',
    );
    const chunks =
      '1\r\na\r\n'.repeat(MAXIMUM_TINY / 2) + `100\r\n${'a'.repeat(256)}\r\n`.repeat(2000);
    socket.write(`${head}${chunks}0\r\n\r\n`);
    await once(server, 'working');
    const bytes = seen[0]?.body;
    expect(bytes).to.have.length(MAXIMUM_TINY / 2 + 2000 * 256);
    expect(bytes instanceof Uint8Array && bytes.buffer.byteLength).to.be.within(1, MAXIMUM_BODY);
    socket.destroy();
  });

  it('is not read to the end of a body that is too long in tiny chunks, each of which takes time', async () => {
    const socket = await connect();
    const head = requestText('ListKeys', '').replace(
      'Content-Length: 0',
      'Transfer-Encoding: chunked',
    );
    const size = MAXIMUM_BODY + 1;
    socket.write(`${head}${size.toString(16)}\r\n${'a'.repeat(size)}\r\n`);
    socket.write('1\r\na\r\n'.repeat(MAXIMUM_TINY + 1));
    await once(server, 'working');
    expect(seen[0]?.body).to.have.property('type', 'RequestEntityTooLargeException');
    socket.destroy();
  });

  it('is not read to the end of a body in very many tiny chunks, and is closed', async () => {
    const socket = await connect();
    const text = textOf(socket);
    const head = requestText('ListKeys', '').replace(
      'Content-Length: 0',
      'Transfer-Encoding: chunked',
    );
    socket.write(`${head}${'1\r\na\r\n'.repeat(MAXIMUM_TINY + 1)}`);
    await once(server, 'working');
    const [{ body } = expect.fail()] = seen;
    expect(body).to.include({ type: 'RequestEntityTooLargeException', status: 413 });
    working[0]?.();
    expect(await text).to.match(/^HTTP\/1\.1 200 .*Connection: close/s);
  });

  describe('whose client has closed its side', () => {
    const ended = async () => {
      const [socket] = await once(server, 'connection');
      await once(socket, 'end');
    };

    it('gets the response to its request, and is closed then', async () => {
      const end = ended();
      const socket = await connect();
      const text = textOf(socket);
      socket.end(requestText('ListKeys'));
      await end;
      if (working.length === 0) await once(server, 'working');
      working[0]?.({ ...OK, body: '{"late":1}' });
      expect(await text).to.match(/^HTTP\/1\.1 200 .*\{"late":1\}$/s);
      expect(log.map(({ outcome }) => outcome)).to.deep.equal(['ok']);
    });

    it('gets all responses to several, in turn', async () => {
      const socket = await connect();
      const text = textOf(socket);
      socket.end(requestText('ListKeys').repeat(3));
      for (let i = 0; i < 3; i++) {
        if (working.length === 0) await once(server, 'working');
        working[0]?.({ ...OK, body: `{"i":${i}}` });
      }
      expect((await text).match(/\{"i":\d\}/g)).to.deep.equal(['{"i":0}', '{"i":1}', '{"i":2}']);
    });

    it('is closed at once if it has sent no request, or half of one', async () => {
      for (const sent of ['', requestText('ListKeys').slice(0, -1)]) {
        const socket = await connect();
        const text = textOf(socket);
        socket.end(sent);
        expect(await text).to.match(sent === '' ? /^$/ : /^HTTP\/1\.1 400 /);
      }
      expect(seen).to.deep.equal([]);
    });

    it('is counted until it is closed', async () => {
      const [end, socket] = [ended(), await connect()];
      socket.end(requestText('ListKeys'));
      await end;
      const count = () => new Promise((resolve) => server.getConnections((_, n) => resolve(n)));
      if (working.length === 0) await once(server, 'working');
      expect(await count()).to.equal(1);
      const closed = once(socket, 'close');
      socket.resume();
      working[0]?.();
      await closed;
      while ((await count()) !== 0);
    });
  });

  it('is closed when it sends a body in chunks before the response to another request', async () => {
    const socket = await connect();
    const text = textOf(socket);
    const chunked = requestText('ListKeys', '').replace(
      'Content-Length: 0',
      'Transfer-Encoding: chunked',
    );
    socket.write(`${requestText('ListKeys')}${chunked}${'1\r\na\r\n'.repeat(1000)}`);
    await once(server, 'working');
    working[0]?.();
    expect((await text).match(/HTTP\/1\.1 \d+/g)).to.deep.equal(['HTTP/1.1 200']);
    expect(seen).to.have.length(1);
  });
});
