import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { KMS } from '@aws-sdk/client-kms';
import { startKmsServer } from '@keywrap/kms-server';
import { expect } from 'chai';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const CREDENTIALS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI' };
const DISABLED = '1234abcd-12ab-34cd-56ef-1234567890ab';

/** Does not block: the server that it talks to may be in this process. */
function demo(env: NodeJS.ProcessEnv = {}) {
  const { KEYWRAP_URL: _, ...clean } = process.env;
  return new Promise<{ stdout: string; stderr: string; status: number | null }>((resolve) => {
    const child = execFile(
      process.execPath,
      [MAIN],
      { env: { ...clean, ...env } },
      (_error, stdout, stderr) => resolve({ stdout, stderr, status: child.exitCode }),
    );
  });
}

function expectAllSteps(stdout: string): void {
  expect(stdout.match(/^\d\. /gm)).to.have.length(6);
  expect(stdout.match(/the same[^:]*: true/g)).to.have.length(3);
  expect(stdout).not.to.include('false');
  for (const code of ['INCORRECT_KEY', 'INVALID_CIPHERTEXT', 'KEY_DISABLED']) {
    expect(stdout).to.include(`-> ${code}: `);
  }
}

describe('demo', () => {
  it('shows each step and what came back, in one screen', async () => {
    const { stdout, stderr, status } = await demo();
    expect(stderr).to.equal('');
    expect(status).to.equal(0);
    expectAllSteps(stdout);
    expect(stdout.trimEnd().split('\n').length).to.be.at.most(32);
  });

  it('takes the provider from KEYWRAP_URL, and says what is missing there', async () => {
    const { stdout, status } = await demo({ KEYWRAP_URL: 'local:?region=eu-west-1' });
    expect(status).to.equal(1);
    expect(stdout).to.include('KEY_NOT_FOUND').and.to.include('alias/keywrap-demo');
  });

  it('does the same over HTTP, with the keys of a KMS server', async () => {
    await using server = await startKmsServer({
      port: 0,
      keys: [
        { alias: 'alias/keywrap-demo' },
        { alias: 'alias/keywrap-demo-new' },
        { alias: 'alias/keywrap-demo-inbox', keySpec: 'RSA_2048' },
        { alias: 'alias/keywrap-demo-disabled', keyId: DISABLED },
      ],
    });
    const region = 'us-east-1';
    const administrator = new KMS({ region, endpoint: server.url, credentials: CREDENTIALS });
    await administrator.disableKey({ KeyId: DISABLED });
    administrator.destroy();
    const { stdout, status } = await demo({
      KEYWRAP_URL: `aws-kms://${region}?endpoint=${server.url}`,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    });
    expect(status, stdout).to.equal(0);
    expectAllSteps(stdout);
  });
});
