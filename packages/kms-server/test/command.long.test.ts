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
      [['--data', missing, ...right], 1, /missing is not a key store.*check the path/],
      [['--data', data], 1, /passphrase needs exactly one source/],
      [['--data', data, ...right, '--passphrase-env', 'X'], 1, /needs exactly one source/],
      [['--data', data, '--passphrase-env', 'KEYWRAP_NOT_SET'], 1, /KEYWRAP_NOT_SET is missing/],
      [['--data', data, ...right, '--trusted-group', 'x'], 1, /must be the number of a group/],
      [['--create'], 1, /are for --data/],
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

  it('reports wrong arguments in one line', async () => {
    const broken = await file('broken.json', '{"secretAccessKey": "SECRET" nonsense');
    const list = await file('list.json', '[{ "accessKeyId": "a" }]');
    for (const [args, problem] of [
      [['--host', '0.0.0.0'], /without credentials anyone there could use the keys/],
      [['--port', 'x'], /port must be a whole number/],
      [['--port', '-1'], /Option '--port' argument is ambiguous/],
      [['--region', 'nowhere'], /region must be/],
      [['--account', '1'], /account must be twelve digits/],
      [['--seed', pathOf('none')], /--seed .* can not be read/],
      [['--credentials', broken], /--credentials .* is not JSON/],
      [['--credentials', list], /credentials must be a list/],
      [['--unknown'], /Unknown option '--unknown'/],
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
