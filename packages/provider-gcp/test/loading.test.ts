import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';

/** Prints what is imported, when it is: a hook of Node.js's loader, which runs in a thread of its own. */
const hook = (isThere: boolean) => `
  import { writeSync } from 'node:fs';
  export async function resolve(name, context, next) {
    if (!name.startsWith('@google-cloud/')) return next(name, context);
    writeSync(1, name + ' ');
    return next(${isThere} ? name : 'a-package-that-is-not-there', context);
  }`;

const program = (isThere: boolean) => `
  import { writeSync } from 'node:fs';
  import { register } from 'node:module';
  register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hook(isThere))}));
  const { GcpKeyWrapProvider } = await import('@keywrap/provider-gcp');
  const keys = new GcpKeyWrapProvider({
    project: 'my-project',
    location: 'global',
    keyRing: 'my-ring',
    endpoint: 'http://127.0.0.1:1',
    clientRetries: false,
  });
  writeSync(1, 'made ');
  await keys.describeKey({ keyId: 'a' })
    .catch(({ code, message }) => writeSync(1, code + ' ' + message));`;

async function run(isThere: boolean): Promise<string> {
  const cwd = new URL('..', import.meta.url);
  const args = ['--input-type=module', '-e', program(isThere)];
  return (await promisify(execFile)(process.execPath, args, { cwd })).stdout;
}

describe('@keywrap/provider-gcp, loaded in a new process', () => {
  it("loads Google's client with the first call only", async () => {
    expect(await run(true)).to.match(/^made @google-cloud\/kms .*UNAVAILABLE/);
  });

  it("says that Google's client is missing (INTERNAL)", async () => {
    const missing = /^made @google-cloud\/kms INTERNAL .*@google-cloud\/kms .*install it/;
    expect(await run(false)).to.match(missing);
  });
});
