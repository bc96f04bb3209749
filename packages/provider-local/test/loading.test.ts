import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';

const run = promisify(execFile);

/** Runs a program in another Node.js process, in this package, and parses the JSON that it prints. */
async function runNode(program: string, type: 'module' | 'commonjs'): Promise<unknown> {
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const { stdout } = await run(process.execPath, [`--input-type=${type}`, '--eval', program], {
    cwd,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  return JSON.parse(stdout);
}

/** Prints which CommonJS modules of node-forge have been loaded; ES modules import them as these. */
const PRINT_FORGE = `
  const { createRequire } = await import('node:module');
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  console.log(JSON.stringify(loaded.some((path) => path.includes('node-forge'))));
`;

describe('The package', () => {
  it('can be required from CommonJS, with its subpaths', async () => {
    const program = `
      const { LocalKeyWrapProvider, MemoryKeyStore, localScheme } = require('@keywrap/provider-local');
      const { readKeyMaterial } = require('@keywrap/provider-local/key-files');
      const { SqlKeyStore } = require('@keywrap/provider-local/store');
      require('reflect-metadata');
      const { localKeyWrapModule } = require('@keywrap/provider-local/inversify');
      const names = [MemoryKeyStore, localKeyWrapModule, readKeyMaterial, SqlKeyStore].map((each) => each.name);
      (async () => {
        const provider = new LocalKeyWrapProvider({ keys: ['alias/a'] });
        const dataKey = await provider.generateDataKey({ keyId: 'alias/a', keySpec: 'AES_256' });
        console.log(JSON.stringify([...names, localScheme.scheme, dataKey.plaintext.length]));
      })();
    `;
    expect(await runNode(program, 'commonjs')).to.deep.equal([
      'MemoryKeyStore',
      'localKeyWrapModule',
      'readKeyMaterial',
      'SqlKeyStore',
      'local',
      32,
    ]);
  });

  it('loads nothing of node-forge where the node engine does the work', async () => {
    const program = `
      const { LocalKeyWrapProvider } = await import('@keywrap/provider-local');
      const provider = new LocalKeyWrapProvider({ keys: ['alias/a'] });
      const { ciphertext } = await provider.encrypt({ keyId: 'alias/a', plaintext: Uint8Array.of(1) });
      await provider.decrypt({ ciphertext });
      await provider.createKey({ keySpec: 'ECC_NIST_P256' });
      await provider.close();
      ${PRINT_FORGE}
    `;
    expect(await runNode(program, 'module')).to.equal(false);
  });

  it('loads node-forge for the forge engine, so that the test above can fail', async () => {
    const program = `
      const { LocalKeyWrapProvider } = await import('@keywrap/provider-local');
      await new LocalKeyWrapProvider({ engine: 'forge' }).listKeys();
      ${PRINT_FORGE}
    `;
    expect(await runNode(program, 'module')).to.equal(true);
  });
});

describe('Where there is no node:crypto', () => {
  /** Takes away node:crypto and what says that this is Node.js; WebCrypto stays, as in a browser. */
  const withoutNodeCrypto = (body: string) => `
    import Module, { register } from 'node:module';
    const hooks = \`export async function resolve(name, context, next) {
      if (/^(node:)?crypto$/.test(name)) throw new Error('there is no node:crypto here');
      return next(name, context);
    }\`;
    register('data:text/javascript,' + encodeURIComponent(hooks));
    const load = Module._load;
    Module._load = function (name, ...rest) {
      if (/^(node:)?crypto$/.test(name)) throw new Error('there is no node:crypto here');
      return load.call(this, name, ...rest);
    };
    globalThis.crypto; // Node.js makes it on first access
    globalThis.self = globalThis; // as in every browser and worker
    process.getBuiltinModule = () => undefined;
    Object.defineProperty(process, 'versions', { value: {} });
    const { LocalKeyWrapProvider } = await import('@keywrap/provider-local');
    ${body}
  `;

  it('the provider does everything with node-forge, by its own choice', async () => {
    const program = withoutNodeCrypto(`
      const { readFile } = await import('node:fs/promises');
      const provider = new LocalKeyWrapProvider({
        keys: [
          'alias/a',
          { keyId: 'alias/rsa', keySpec: 'RSA_2048',
            keyMaterial: await readFile('test/key-files/fixtures/rsa-2048.pem', 'utf8') },
        ],
      });
      const keyId = 'alias/a';
      const pair = await provider.generateDataKeyPair({ keyId, keyPairSpec: 'ECC_NIST_P256' });
      const rsa = { keyId: 'alias/rsa', algorithm: 'RSAES_OAEP_SHA_256' };
      const dataKey = await provider.generateDataKey({ keyId, keySpec: 'AES_256' });
      const moved = await provider.reEncrypt({ ciphertext: dataKey.ciphertext, destination: rsa });
      const opened = await provider.decryptAsymmetric({ ...rsa, ciphertext: moved.ciphertext });
      await provider.rotateKey({ keyId });
      const exported = await provider.exportKeyMaterial({ keyId: 'alias/rsa', format: 'pkcs8-pem' });
      console.log(JSON.stringify([
        pair.privateKey.length > 100,
        Buffer.compare(opened.plaintext, dataKey.plaintext),
        exported.startsWith('-----BEGIN PRIVATE KEY-----'),
      ]));
    `);
    expect(await runNode(program, 'module')).to.deep.equal([true, 0, true]);
  });

  it('the node engine fails, so that the test above can fail', async () => {
    const program = withoutNodeCrypto(`
      const provider = new LocalKeyWrapProvider({ engine: 'node' });
      const { code, cause } = await provider.listKeys().catch((error) => error);
      console.log(JSON.stringify([code, cause.message]));
    `);
    expect(await runNode(program, 'module')).to.deep.equal([
      'INTERNAL',
      'there is no node:crypto here',
    ]);
  });
});
