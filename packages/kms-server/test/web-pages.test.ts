import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import { expect } from 'chai';
import { CREDENTIALS, post, REGION, type Subject, start } from './support.js';

// Requests that any web page can make a browser on this machine send (Fetch §3.2, Origin).
describe('Web pages', () => {
  let subject: Subject;
  before(async () => {
    subject = await start({ keys: [{ alias: 'alias/orders' }] });
  });
  after(() => subject[Symbol.asyncDispose]());

  for (const [what, headers] of [
    ['another origin', { Origin: 'https://attacker.example' }],
    ['an undisclosed origin', { Origin: 'null' }],
    [
      'an origin whose name resolves to this machine',
      { Origin: 'http://attacker.example:4599', Host: 'attacker.example:4599' },
    ],
  ] as const) {
    it(`cannot use the keys from ${what}`, async () => {
      const { port } = subject.server;
      const { status, body } = await send(port, 'POST', {
        ...headers,
        'X-Amz-Target': 'TrentService.ListKeys',
      });
      expect(status).to.equal(400);
      expect(body.__type).to.equal('AccessDeniedException');
      expect(body.message).to.contain('credentials');
    });
  }

  it('get no CORS headers', async () => {
    const { status, headers } = await send(subject.server.port, 'OPTIONS', {
      Origin: 'https://attacker.example',
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'x-amz-target',
    });
    expect(status).to.equal(400);
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).to.deep.equal(
      [],
    );
  });

  it('can use the keys if they sign with credentials', async () => {
    await using signing = await start({ credentials: [CREDENTIALS] });
    signing.kms.middlewareStack.add(
      (next) => (call) => {
        Object.assign(Object(call.request).headers, { origin: 'https://ours.example' });
        return next(call);
      },
      { step: 'build' },
    );
    expect((await signing.kms.listKeys({})).Keys).to.deep.equal([]);
    const unsigned = await post(signing.server.url, 'TrentService.ListKeys', '{}', {
      Origin: 'https://ours.example',
    });
    expect(JSON.parse(unsigned.text).__type).to.equal('MissingAuthenticationTokenException');
  });

  it('are the only senders of Origin: programs send none', async () => {
    expect((await subject.clientFor(REGION).listKeys({})).Keys).to.have.length(0);
    expect((await subject.clientFor('us-east-1').listKeys({})).Keys).to.have.length(1);
  });
});

/** With `fetch`, as in a page, the name in `Host` can't be chosen. */
async function send(port: number, method: string, headers: Record<string, string>) {
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    request({ port, host: '127.0.0.1', method, headers }, resolve).on('error', reject).end('{}');
  });
  const body = (await json(response)) as { __type: string; message: string };
  return { status: response.statusCode, headers: response.headers, body };
}
