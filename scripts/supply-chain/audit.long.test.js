import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';
import { expect } from 'chai';
import { audit, EXIT } from './audit.js';

const LOCKFILE = `packages:
  leaky@1.0.0: {resolution: {}}
  leaky@2.0.0: {resolution: {}}
  '@scope/sound@1.0.0': {resolution: {}}
`;
const ADVISORY = {
  id: 1,
  url: 'https://example.com/advisories/GHSA-leak',
  title: 'it leaks',
  severity: 'high',
  vulnerable_versions: '<2.0.0',
};

describe('npm run audit', () => {
  let server;
  let answer;
  let asked;

  before(async () => {
    server = createServer(async (request, response) => {
      if (request.method === 'GET') {
        // npm's request about a package with an advisory: its versions.
        const versions = { '1.0.0': {}, '2.0.0': {} };
        response.end(JSON.stringify({ name: 'leaky', versions, 'dist-tags': { latest: '2.0.0' } }));
        return;
      }
      asked = JSON.parse(await text(request.pipe(createGunzip())));
      response.writeHead(answer.status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(answer.body));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  after(() => server.close());

  const ask = (explained) =>
    audit(LOCKFILE, explained, {
      npm_config_registry: `http://127.0.0.1:${server.address().port}/`,
      npm_config_fetch_retries: '0',
      npm_config_noproxy: '127.0.0.1',
    });

  it('asks about every version of the lockfile, and is content when there is nothing', async () => {
    answer = { status: 200, body: {} };
    const { code, lines } = await ask();
    expect(asked).to.deep.equal({ leaky: ['1.0.0', '2.0.0'], '@scope/sound': ['1.0.0'] });
    expect(code).to.equal(EXIT.clean);
    expect(lines).to.deep.equal(['3 versions asked about, 0 advisories, 0 unexplained']);
  });

  it('fails for what is known of one of them, and says where to read on', async () => {
    answer = { status: 200, body: { leaky: [ADVISORY] } };
    const { code, lines } = await ask();
    expect(code).to.equal(EXIT.found);
    expect(lines[0]).to.equal(`high: leaky <2.0.0: it leaks: ${ADVISORY.url}`);
  });

  it('ignores an accepted advisory, until it is no longer found', async () => {
    const explained = { 'GHSA-leak': 'only where water is' };
    answer = { status: 200, body: { leaky: [ADVISORY] } };
    expect((await ask(explained)).code).to.equal(EXIT.clean);
    answer = { status: 200, body: {} };
    expect((await ask(explained)).code).to.equal(EXIT.found);
  });

  for (const status of [404, 405, 410]) {
    it(`tells a registry that has no audits (${status}) from a good answer and from a bad one`, async () => {
      answer = { status, body: {} };
      const { code, lines } = await ask();
      expect(code).to.equal(EXIT.unanswered);
      expect(lines[0]).to.match(new RegExp(`^The registry can't tell: .*${status}`));
    });
  }
});
