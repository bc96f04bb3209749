import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { open, seal } from '@keywrap/envelope';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { expect } from 'chai';
import { build } from 'esbuild';
import { hex, randomBytes, textOf } from './support.js';

// The globals of a browser that the packages could use, and none of Node.js.
const GLOBALS = [
  'AbortController',
  'AbortSignal',
  'ReadableStream',
  'TextDecoder',
  'TextEncoder',
  'TransformStream',
  'URL',
  'WritableStream',
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

const KEY = randomBytes(32);
const keysOf = () => new LocalKeyWrapProvider({ keys: [{ keyId: 'key-1', keyMaterial: KEY }] });
const encryptionContext = { page: '7', ü: 'ß' };

/**
 * Bundles a program for browsers, as a stranger's build would, and runs it: with Web Crypto, and keys of the forge
 * engine.
 */
async function runInBrowser(body: string): Promise<unknown> {
  const { outputFiles, warnings } = await build({
    stdin: {
      contents: `
        import { open, openStream, seal, sealFields, openFields, sealStream } from '@keywrap/envelope';
        import { LocalKeyWrapProvider } from '@keywrap/provider-local';
        const keyMaterial = Uint8Array.from([${KEY}]);
        const keys = new LocalKeyWrapProvider({ keys: [{ keyId: 'key-1', keyMaterial }] });
        const encryptionContext = ${JSON.stringify(encryptionContext)};
        const trusted = { trustedKeys: ['key-1'], encryptionContext };
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
  for (const signed of [false, true]) {
    const title = signed ? 'signed messages' : 'messages';

    it(`${title} of Node.js are opened, and damaged ones rejected`, async () => {
      await using keys = keysOf();
      const plaintext = randomBytes(10_000);
      const sealing = { keyId: 'key-1', encryptionContext, signed };
      const message = await seal(keys, sealing, plaintext);
      const given = await runInBrowser(`
        const message = Uint8Array.from([${message}]);
        const { plaintext, algorithmSuite } = await open(keys, message, trusted);
        const codes = [];
        for (const at of [9000, 60, 1].map((end) => message.length - end)) {
          const damaged = message.slice();
          damaged[at] ^= 1;
          codes.push(await open(keys, damaged, trusted).then(() => 'opened', ({ code }) => code));
        }
        return [typeof process, algorithmSuite, [...plaintext], codes];
      `);
      const [none, suite, opened, codes] = given as [string, string, number[], string[]];
      expect(none).to.equal('undefined');
      expect(suite.endsWith('ECDSA_P384')).to.equal(signed);
      expect(hex(Uint8Array.from(opened))).to.equal(hex(plaintext));
      expect(codes).to.deep.equal(Array(3).fill('INVALID_CIPHERTEXT'));
    });

    it(`${title} are sealed, in one call and as a stream, which Node.js opens`, async () => {
      const given = await runInBrowser(`
        const plaintext = new TextEncoder().encode('x'.repeat(10_000));
        const options = { keyId: 'key-1', encryptionContext, signed: ${signed} };
        const whole = await seal(keys, options, plaintext);
        const source = () => new ReadableStream({
          start(controller) {
            for (let i = 0; i < 10_000; i += 700) controller.enqueue(plaintext.slice(i, i + 700));
            controller.close();
          },
        });
        const read = async (stream) => {
          const parts = [];
          await stream.pipeTo(new WritableStream({ write: (part) => { parts.push(...part); } }));
          return parts;
        };
        const streamed = await read(source().pipeThrough(sealStream(keys, options)));
        const opened = await read(
          source().pipeThrough(sealStream(keys, options)).pipeThrough(openStream(keys, trusted)),
        );
        return [[...whole], streamed, opened.length];
      `);
      const [whole, streamed, length] = given as [number[], number[], number];
      expect(length).to.equal(10_000);
      await using keys = keysOf();
      for (const message of [whole, streamed]) {
        using opened = await open(keys, Uint8Array.from(message), {
          trustedKeys: ['key-1'],
          encryptionContext,
          signature: signed ? 'required' : 'forbidden',
        });
        expect(textOf(opened.plaintext)).to.equal('x'.repeat(10_000));
      }
    });
  }

  it('fields of a record go in and out', async () => {
    const given = await runInBrowser(`
      const fields = ['/a'];
      const row = await sealFields(keys, { keyId: 'key-1', encryptionContext, fields }, { a: [1], b: 2 });
      return [typeof row.a, await openFields(keys, row, { ...trusted, fields })];
    `);
    expect(given).to.deep.equal(['string', { a: [1], b: 2 }]);
  });
});
