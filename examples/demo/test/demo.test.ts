import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { KMS } from '@aws-sdk/client-kms';
import { startKmsServer } from '@keywrap/kms-server';
import { expect } from 'chai';

const PROGRAM = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const CREDENTIALS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI' };
const DISABLED = '1234abcd-12ab-34cd-56ef-1234567890ab';

/** What the demo prints, and that it succeeds: anything else rejects. */
async function runDemo(environment: NodeJS.ProcessEnv = {}): Promise<string> {
  const { KEYWRAP_URL: _, ...others } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM], {
    env: { ...others, ...environment },
  });
  return stdout;
}

function expectWholeDemo(output: string): void {
  expect(output.match(/the same 10 bytes: true/g)).to.have.length(2);
  expect(output).to.contain('unwrapped again, the same: true');
  expect(output.match(/^ +-> [A-Z_]+(?=:)/gm)?.map((line) => line.trim())).to.deep.equal([
    '-> INCORRECT_KEY',
    '-> INVALID_CIPHERTEXT',
    '-> KEY_DISABLED',
  ]);
}

describe('the demo', () => {
  it('runs on local keys', async () => {
    expectWholeDemo(await runDemo());
  });

  it('runs the same over HTTP, on keys that an administrator made', async () => {
    await using server = await startKmsServer({
      port: 0,
      keys: [
        { alias: 'alias/keywrap-demo' },
        { alias: 'alias/keywrap-demo-new' },
        { alias: 'alias/keywrap-demo-inbox', keySpec: 'RSA_2048' },
        { alias: 'alias/keywrap-demo-disabled', keyId: DISABLED },
      ],
    });
    const administrator = new KMS({
      region: 'us-east-1',
      endpoint: server.url,
      credentials: CREDENTIALS,
    });
    await administrator.disableKey({ KeyId: DISABLED });
    administrator.destroy();
    expectWholeDemo(
      await runDemo({
        KEYWRAP_URL: `aws-kms://us-east-1?endpoint=${server.url}`,
        AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      }),
    );
  });
});
