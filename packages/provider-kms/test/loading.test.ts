import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';

/** Runs a CommonJS program in a separate process, in this package, and parses its output as JSON. */
async function run(program: string): Promise<unknown> {
  const cwd = new URL('..', import.meta.url);
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', program], { cwd });
  return JSON.parse(stdout);
}

describe('@keywrap/provider-kms, loaded in a new process', () => {
  it('is required from CommonJS, and loads the AWS SDK with the first call only', async () => {
    // The SDK is CommonJS, so its loaded modules are in require.cache.
    const program = `
      const { KmsKeyWrapProvider, kmsScheme } = require('@keywrap/provider-kms');
      const loaded = () => Object.keys(require.cache).some((file) => /@aws-sdk|@smithy/.test(file));
      const keys = new KmsKeyWrapProvider({
        region: 'eu-west-1',
        endpoint: 'http://127.0.0.1:1',
        credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
        maxAttempts: 1,
      });
      const before = loaded();
      keys.describeKey({ keyId: 'a' }).catch(({ code }) => {
        console.log(JSON.stringify({ scheme: kmsScheme.scheme, before, code, after: loaded() }));
      });`;
    expect(await run(program)).to.deep.equal({
      scheme: 'aws-kms',
      before: false,
      code: 'UNAVAILABLE',
      after: true,
    });
  });
});
