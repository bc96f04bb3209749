import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';

/** Prints when `pkcs11js` is imported: a hook of Node.js's loader, which runs in a thread of its own. */
const HOOK = `
  import { writeSync } from 'node:fs';
  export async function resolve(name, context, next) {
    if (name === 'pkcs11js') writeSync(1, name + ' ');
    return next(name, context);
  }`;

const PROGRAM = `
  import { writeSync } from 'node:fs';
  import { register } from 'node:module';
  register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(HOOK)}));
  const { Pkcs11KeyWrapProvider } = await import('@keywrap/provider-pkcs11');
  writeSync(1, 'loaded ');
  const opened = Pkcs11KeyWrapProvider.open({ module: '/nonexistent/library.so' });
  await opened.catch(({ code }) => writeSync(1, code));`;

describe('@keywrap/provider-pkcs11, loaded in a new process', () => {
  it('loads pkcs11js when a token is opened, and not before', async () => {
    const cwd = new URL('..', import.meta.url);
    const args = ['--input-type=module', '-e', PROGRAM];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd });
    // INTERNAL where it is not compiled.
    expect(stdout).to.match(/^loaded pkcs11js (?:INVALID_INPUT|INTERNAL)$/);
  });
});
