import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';

/** Prints what is imported, when it is: a hook of Node.js's loader, which runs in a thread of its own. */
const HOOK = `
  import { writeSync } from 'node:fs';
  export async function resolve(name, context, next) {
    if (name.startsWith('@google-cloud/')) writeSync(1, name + ' ');
    return next(name, context);
  }`;

const PROGRAM = `
  import { writeSync } from 'node:fs';
  import { register } from 'node:module';
  register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(HOOK)}));
  const { GcpKeyWrapProvider } = await import('@keywrap/provider-gcp');
  const keys = new GcpKeyWrapProvider({
    project: 'my-project',
    location: 'global',
    keyRing: 'my-ring',
    endpoint: 'http://127.0.0.1:1',
    requestTimeout: 1,
  });
  writeSync(1, 'made ');
  await keys.describeKey({ keyId: 'a' }).catch(({ code }) => writeSync(1, code));`;

describe('@keywrap/provider-gcp, loaded in a new process', () => {
  it("loads Google's client with the first call only", async () => {
    const cwd = new URL('..', import.meta.url);
    const args = ['--input-type=module', '-e', PROGRAM];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd });
    expect(stdout).to.match(/^made @google-cloud\/kms .*UNAVAILABLE$/);
  });
});
