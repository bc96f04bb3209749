import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { expect } from 'chai';
import { build } from 'esbuild';
import { fixture } from './support.js';

/** Given, because making one in JavaScript takes long. As an expression of the program. */
const RSA = JSON.stringify(fixture('rsa-2048.pem').toString());

/** In base64, as a page would have them. */
const ENCRYPTED = JSON.stringify(
  [
    ['RSA_2048', 'rsa-2048.p12'],
    ['ECC_NIST_P256', 'p256-pbe-sha1-rc2-40.p12'],
    ['ECC_NIST_P256', 'p256-legacy.pem'],
  ].map(([spec, name]) => [spec, fixture(name as string).toString('base64')]),
);

// The globals of a browser or a worker that the package could use, and none of Node.js.
const GLOBALS = [
  'AbortController',
  'AbortSignal',
  'TextDecoder',
  'TextEncoder',
  'URL',
  'URLSearchParams',
  'atob',
  'btoa',
  'clearTimeout',
  'console',
  'crypto',
  'performance',
  'queueMicrotask',
  'setTimeout',
  'structuredClone',
] as const;

/** Bundles a program into one file for browsers, as a stranger's build would, and runs it. */
async function runInBrowser(body: string): Promise<unknown> {
  const { outputFiles, warnings } = await build({
    stdin: {
      contents: `
        import { openKeyWrapProvider } from '@keywrap/core';
        import { LocalKeyWrapProvider, localScheme } from '@keywrap/provider-local';
        export const result = (async () => { ${body} })();
      `,
      resolveDir: fileURLToPath(new URL('..', import.meta.url)),
    },
    bundle: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'program',
    logLevel: 'silent',
    write: false,
  });
  expect(warnings).to.deep.equal([]);
  const page = createContext(
    Object.fromEntries(GLOBALS.map((name) => [name, Reflect.get(globalThis, name)])),
  );
  runInContext('globalThis.self = globalThis', page);
  runInContext(outputFiles[0]?.text as string, page);
  return JSON.parse(await runInContext('program.result.then(JSON.stringify)', page));
}

describe('In a bundle for browsers', () => {
  it('the forge engine encrypts and decrypts, with AES and with RSA', async () => {
    const given = await runInBrowser(`
      const keys = new LocalKeyWrapProvider({
        keys: [
          'alias/a',
          { keyId: 'alias/rsa', keySpec: 'RSA_2048', keyMaterial: ${RSA} },
        ],
      });
      const dataKey = await keys.generateDataKey({
        keyId: 'alias/a', keySpec: 'AES_256', encryptionContext: { order: '7' },
      });
      const opened = await keys.decrypt({
        ciphertext: dataKey.ciphertext, encryptionContext: { order: '7' },
      });
      const rsa = { keyId: 'alias/rsa', algorithm: 'RSAES_OAEP_SHA_256' };
      const sealed = await keys.encrypt({ ...rsa, plaintext: dataKey.plaintext });
      const unsealed = await keys.decryptAsymmetric({ ...rsa, ciphertext: sealed.ciphertext });
      const same = [opened, unsealed].map(({ plaintext }) => String(plaintext) === String(dataKey.plaintext));
      await keys.close();
      return [typeof process, ...same];
    `);
    expect(given).to.deep.equal(['undefined', true, true]);
  });

  it('encrypted key files are read, RSA and EC', async () => {
    const given = await runInBrowser(`
      const keys = new LocalKeyWrapProvider();
      const specs = [];
      for (const [keySpec, keyMaterial] of ${ENCRYPTED}) {
        const { keyId } = await keys.createKey({ keySpec, origin: 'EXTERNAL' });
        await keys.importKeyMaterial({ keyId, keyMaterial, passphrase: 'correct-horse' });
        const pem = await keys.exportKeyMaterial({ keyId, format: 'pkcs8-pem' });
        specs.push([keySpec, pem.slice(0, 27)]);
      }
      return specs;
    `);
    const begin = '-----BEGIN PRIVATE KEY-----';
    expect(given).to.deep.equal([
      ['RSA_2048', begin],
      ['ECC_NIST_P256', begin],
      ['ECC_NIST_P256', begin],
    ]);
  });

  it('local: keeps keys in memory, and rejects a path', async () => {
    const given = await runInBrowser(`
      const keys = await openKeyWrapProvider('local:?keys=alias/a', [localScheme]);
      const { ciphertext } = await keys.encrypt({ keyId: 'alias/a', plaintext: Uint8Array.of(7) });
      const { plaintext } = await keys.decrypt({ ciphertext });
      const rejected = await openKeyWrapProvider('local:///keys?passphraseEnv=P', [localScheme])
        .catch(({ code }) => code);
      return [...plaintext, rejected];
    `);
    expect(given).to.deep.equal([7, 'UNSUPPORTED']);
  });

  it('the node engine is rejected, and auto chooses forge even if node:crypto exists', async () => {
    const given = await runInBrowser(`
      const rejected = await new LocalKeyWrapProvider({ engine: 'node' }).listKeys()
        .catch(({ code }) => code);
      globalThis.process = { getBuiltinModule: () => ({}) };
      return [rejected, await new LocalKeyWrapProvider().listKeys()];
    `);
    expect(given).to.deep.equal(['UNSUPPORTED', []]);
  });
});
