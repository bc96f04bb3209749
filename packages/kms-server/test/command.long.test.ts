import { open, stat } from 'node:fs/promises';
import { expect } from 'chai';
import { Run, useFolder } from './run-command.js';
import { contentsOf, makeStore, newKey, PASSPHRASE, start } from './support.js';

describe('keywrap-kms that can not start', () => {
  const { pathOf, file } = useFolder();

  it('reports a problem with its store, and writes nothing', async () => {
    const passphrase = await file('right', PASSPHRASE);
    const wrong = await file('wrong', 'hunter2');
    const data = pathOf('store.db');
    await (await makeStore(data)).close();
    const damaged = pathOf('damaged.db');
    const store = await makeStore(damaged);
    const subject = await start({ store });
    await newKey(subject.kms);
    await subject[Symbol.asyncDispose]();
    await store.close();
    await overwritePages(damaged);
    const foreign = await file('thesis.doc', 'text');
    const missing = pathOf('missing');
    const before = await contentsOf(pathOf());
    const right = ['--passphrase-file', passphrase];
    const starts = [
      [['--data', data, '--passphrase-file', wrong], 4, /passphrase/],
      [['--data', damaged, ...right], 3, /restore the store from a backup/],
      [['--data', foreign, '--create', ...right], 3, /thesis.doc is not a database/],
      [
        ['--data', missing, ...right],
        1,
        /--data names no key store.*check the path, or add --create/,
      ],
      [['--data', data], 2, /--data needs one of --passphrase-file and/],
      [
        ['--data', data, ...right, '--passphrase-env', 'X'],
        2,
        /--data needs one of --passphrase-file and/,
      ],
      [['--data', data, '--passphrase-env', 'KEYWRAP_NOT_SET'], 1, /KEYWRAP_NOT_SET is missing/],
      [['--data', data, ...right, '--trusted-group', 'x'], 2, /must be the number of a group/],
      [['--create'], 2, /are for --data/],
    ] as const;
    await Promise.all(
      starts.map(async ([args, status, problem]) => {
        const run = new Run('--port', '0', ...args);
        expect(await run.exitCode(), run.stderr).to.equal(status);
        expect(run.stderr)
          .to.match(/^keywrap-kms: .*\n$/)
          .and.match(problem);
        expect(run.stderr).not.to.include('hunter2');
        expect(run.stdout).to.equal('');
      }),
    );
    expect(await contentsOf(pathOf())).to.deep.equal(before);
  });

  it('reports wrong arguments in one line, with a hint and status 2', async () => {
    for (const [args, problem] of [
      [['--host', '0.0.0.0'], /--host .* without credentials anyone there could use the keys/],
      [['--port', 'x'], /--port must be a whole number/],
      [['--port', '-1'], /--port needs a value/],
      [['--region', 'nowhere'], /--region must be/],
      [['--account', '1'], /--account must be twelve digits/],
      [['--max-connections', '0'], /--max-connections must be a whole number/],
      [['--unknown'], /--unknown is not an option/],
      [['--create=SECRET'], /--create takes no value/],
      [['SECRET'], /takes options only/],
      [['--workers', '2'], /--workers needs --data/],
    ] as const) {
      const run = new Run(...args);
      expect(await run.exitCode(), run.stderr).to.equal(2);
      expect(run.stderr)
        .to.match(/^keywrap-kms: .*; see keywrap-kms --help\n$/)
        .and.match(problem);
      expect(run.stderr).not.to.include('SECRET');
      expect(run.stdout).to.equal('');
    }
  });

  it('reports a port that is in use', async () => {
    const first = new Run('--port', '0');
    const { port } = new URL(await first.url());
    const second = new Run('--port', port);
    expect(await second.exitCode()).to.equal(1);
    expect(second.stderr).to.equal(
      `keywrap-kms: port ${port} is in use; choose another with --port, 0 takes a free one\n`,
    );
  });

  it('names the file whose contents are wrong', async () => {
    const broken = await file('broken.json', '{"secretAccessKey": "SECRET" nonsense');
    const list = await file('list.json', '[{ "accessKeyId": "a" }]');
    const aliases = await file('aliases.json', '[{ "alias": "orders" }]');
    for (const [args, problem] of [
      [['--seed', pathOf('none')], /--seed .* can not be read/],
      [['--credentials', broken], /--credentials .* is not JSON/],
      [['--credentials', list], /--credentials .*list.json: credentials must be a list/],
      [['--seed', aliases], /--seed .*aliases.json: keys\[0\]/],
    ] as const) {
      const run = new Run(...args);
      expect(await run.exitCode()).to.equal(1);
      expect(run.stderr)
        .to.match(/^keywrap-kms: .*\n$/)
        .and.match(problem);
      expect(run.stderr).not.to.include('SECRET');
      expect(run.stdout).to.equal('');
    }
  });
});
/** Overwrites all pages of a database but the first. */
async function overwritePages(path: string): Promise<void> {
  const { size } = await stat(path);
  const handle = await open(path, 'r+');
  await handle.write(Buffer.alloc(size - 4096, 1), 0, size - 4096, 4096);
  await handle.close();
}
