import { chmod } from 'node:fs/promises';
import { expect } from 'chai';
import { Run, useFolder } from './run-command.js';
import { CREDENTIALS, makeStore, PASSPHRASE, post } from './support.js';

describe('keywrap-kms', () => {
  const { pathOf, file } = useFolder();

  it('prints its URL in one line, serves its seed, logs each request, and stops on SIGTERM', async () => {
    const seed = await file('keys.json', '[{ "alias": "alias/orders" }]');
    const run = new Run(
      '--port',
      '0',
      '--seed',
      seed,
      '--region',
      'eu-west-3',
      '--account',
      '123456789012',
    );
    const url = await run.url();
    expect(run.stdout).to.match(/^keywrap-kms is listening on http:\/\/127\.0\.0\.1:\d+\n$/);
    const body = '{"KeyId":"alias/orders","Plaintext":"c2VjcmV0"}';
    const response = await post(url, 'TrentService.Encrypt', body);
    const { KeyId } = JSON.parse(response.text);
    expect(KeyId).to.match(/^arn:aws:kms:eu-west-3:123456789012:key\//);
    await post(url, 'TrentService.Encrypt', '{"KeyId":"none","Plaintext":"c2VjcmV0"}');
    run.child.kill('SIGTERM');
    expect(await run.exitCode()).to.equal(0);
    const [first, second, ...more] = run.stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(more).to.deep.equal([]);
    expect(first).to.include({ operation: 'Encrypt', key: 'alias/orders', outcome: 'ok' });
    expect(first.requestId).to.equal(response.headers.get('x-amzn-requestid'));
    expect(String(first.duration)).to.match(/^\d+(\.\d{1,3})?$/);
    expect(second).to.include({ key: 'none', outcome: 'NotFoundException' });
    expect(run.stderr).not.to.include('c2VjcmV0');
  });

  it('finishes running requests before it stops', async () => {
    const run = new Run('--port', '0');
    const url = await run.url();
    const create = post(
      url,
      'TrentService.CreateKey',
      '{"KeySpec":"RSA_3072","KeyUsage":"SIGN_VERIFY"}',
    );
    while (!run.stderr.includes('ListKeys')) await post(url, 'TrentService.ListKeys', '{}');
    run.child.kill('SIGINT');
    expect((await create).status).to.equal(200);
    expect(await run.exitCode()).to.equal(0);
  });

  it('reads credentials from a file, and then may listen for other machines', async () => {
    const credentials = await file('credentials.json', JSON.stringify([CREDENTIALS]));
    const run = new Run('--port', '0', '--host', '0.0.0.0', '--credentials', credentials);
    const { port } = new URL(await run.url());
    const response = await post(`http://127.0.0.1:${port}`, 'TrentService.ListKeys', '{}');
    expect(JSON.parse(response.text).__type).to.equal('MissingAuthenticationTokenException');
    run.child.kill();
    expect(await run.exitCode()).to.equal(0);
  });

  it('keeps its keys in a store, even when it is killed', async () => {
    const passphrase = await file('passphrase', 'correct horse\n');
    const data = pathOf('data.db');
    const args = ['--port', '0', '--data', data, '--passphrase-file', passphrase];
    const first = new Run(...args, '--create');
    const url = await first.url();
    const { KeyMetadata } = JSON.parse((await post(url, 'TrentService.CreateKey', '{}')).text);
    const { KeyId } = KeyMetadata;
    const body = JSON.stringify({ KeyId, Plaintext: 'c2VjcmV0' });
    const { CiphertextBlob } = JSON.parse((await post(url, 'TrentService.Encrypt', body)).text);
    first.child.kill('SIGKILL');
    await first.exitCode();

    const second = new Run(...args);
    const again = await second.url();
    const response = await post(again, 'TrentService.Decrypt', JSON.stringify({ CiphertextBlob }));
    expect(JSON.parse(response.text).Plaintext).to.equal('c2VjcmV0');
    second.child.kill('SIGTERM');
    expect(await second.exitCode()).to.equal(0);
  });

  it('opens a store that a group may read where the group is named', async function () {
    if (process.getegid === undefined) this.skip();
    const passphrase = await file('passphrase', PASSPHRASE);
    const data = pathOf('group.db');
    await (await makeStore(data)).close();
    await chmod(data, 0o660);
    const args = ['--port', '0', '--data', data, '--passphrase-file', passphrase];
    const refused = new Run(...args);
    expect(await refused.exitCode()).to.equal(4);
    expect(refused.stderr).to.include('can be read or changed by others');
    const run = new Run(...args, '--trusted-group', `${process.getegid()}`);
    await run.url();
    run.child.kill('SIGTERM');
    expect(await run.exitCode()).to.equal(0);
  });

  it('prints its usage and its version', async () => {
    const help = new Run('--help');
    expect(await help.exitCode()).to.equal(0);
    expect(help.stdout).to.match(/^Usage: keywrap-kms /);
    const version = new Run('--version');
    expect(await version.exitCode()).to.equal(0);
    expect(version.stdout).to.match(/^\d+\.\d+\.\d+\n$/);
  });
});
