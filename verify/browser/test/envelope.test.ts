import { randomBytes } from 'node:crypto';
import { type OpenOptions, open, openFields, seal, sealFields } from '@keywrap/envelope';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { expect } from 'chai';
import { CHROMIUM } from '#dist/chromium.js';
import { Page } from '#dist/page.js';

const MISSING =
  'Chromium is not installed (.ci/install-chromium does it); or set KEYWRAP_TEST_CHROMIUM';
if (CHROMIUM === undefined && process.env.CI === 'true') throw new Error(MISSING);

const KEY = randomBytes(32);
const encryptionContext = { page: '7', ü: 'ß' };
const OPEN: OpenOptions = { trustedKeys: ['key-1'], encryptionContext };

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const keysHere = () => new LocalKeyWrapProvider({ keys: [{ keyId: 'key-1', keyMaterial: KEY }] });

/** The same keys, in the page: made by the forge engine. */
const IN_PAGE = `
  import * as envelope from '@keywrap/envelope';
  import { LocalKeyWrapProvider } from '@keywrap/provider-local';

  const decode = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const encode = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  const keys = new LocalKeyWrapProvider({
    keys: [{ keyId: 'key-1', keyMaterial: decode('${base64(KEY)}') }],
  });
  const encryptionContext = ${JSON.stringify(encryptionContext)};
  const sealing = { keyId: 'key-1', encryptionContext };
  const trusted = { trustedKeys: ['key-1'], encryptionContext };
`;

const suite = CHROMIUM === undefined ? describe.skip : describe;
suite(`In Chromium${CHROMIUM === undefined ? ` - not run: ${MISSING}` : ''}`, () => {
  const plaintext = randomBytes(10_000);
  let page: Page;
  let keys: LocalKeyWrapProvider;

  before(async () => {
    page = await Page.open(CHROMIUM as string);
    keys = keysHere();
  });

  after(async () => {
    await page.close();
    await keys.close();
  });

  const run = (body: string) => page.run(IN_PAGE, body);

  it('is a browser, with Web Crypto and without Node.js', async () => {
    const found = await run(
      'return [typeof process, typeof Buffer, typeof crypto.subtle, navigator.userAgent]',
    );
    expect(found).to.deep.include.members(['undefined', 'undefined', 'object']);
    expect(String(found)).to.include('Chrome');
  });

  for (const signed of [false, true]) {
    it(`a page seals what Node.js opens${signed ? ', signed' : ''}`, async () => {
      const message = await run(`
        return encode(await envelope.seal(keys, { ...sealing, signed: ${signed} }, decode('${base64(plaintext)}')));
      `);
      using opened = await open(keys, Buffer.from(String(message), 'base64'), OPEN);
      expect(base64(opened.plaintext)).to.equal(base64(plaintext));
    });

    it(`a page opens what Node.js sealed${signed ? ', signed' : ''}`, async () => {
      const options = { keyId: 'key-1', encryptionContext, signed };
      const message = await seal(keys, options, plaintext);
      const opened = await run(`
        const { plaintext } = await envelope.open(keys, decode('${base64(message)}'), trusted);
        return encode(plaintext);
      `);
      expect(opened).to.equal(base64(plaintext));
    });
  }

  it('a page seals and opens the fields of a record', async () => {
    const options = { keyId: 'key-1', encryptionContext, fields: ['/iban'] };
    const record = { id: 7, iban: 'DE02120300000000202051' };
    const sealed = await sealFields(keys, options, record);
    const [opened, again] = (await run(`
      const options = ${JSON.stringify(options)};
      const opened = await envelope.openFields(keys, ${JSON.stringify(sealed)}, { ...trusted, fields: options.fields });
      return [opened, await envelope.sealFields(keys, options, opened)];
    `)) as [object, Record<string, unknown>];
    expect(opened).to.deep.equal(record);
    expect(await openFields(keys, again, { ...OPEN, fields: options.fields })).to.deep.equal(
      record,
    );
  });

  it('a page rejects a damaged message, and releases nothing of it', async () => {
    const message = await seal(keys, { keyId: 'key-1', encryptionContext }, plaintext);
    message[message.length - 1] = (message.at(-1) as number) ^ 1;
    const code = await run(`
      return envelope.open(keys, decode('${base64(message)}'), trusted).then(() => 'opened', ({ code }) => code);
    `);
    expect(code).to.equal('INVALID_CIPHERTEXT');
  });

  it('a page streams a file of 32 MiB in and out', async () => {
    const found = await run(`
      const block = crypto.getRandomValues(new Uint8Array(65536));
      const file = new Blob(Array(512).fill(block));
      const message = file.stream().pipeThrough(envelope.sealStream(keys, { ...sealing, frameLength: 65536 }));
      const opened = message.pipeThrough(envelope.openStream(keys, trusted));
      const bytes = await new Response(opened).arrayBuffer();
      const hash = async (data) => encode(new Uint8Array(await crypto.subtle.digest('SHA-256', data)));
      return [bytes.byteLength, (await hash(bytes)) === (await hash(await file.arrayBuffer()))];
    `);
    expect(found).to.deep.equal([32 * 2 ** 20, true]);
  });

  it('a page seals with a public key, and opens with the private key', async () => {
    const { keyId } = await keys.createKey({ keySpec: 'RSA_2048' });
    const { publicKey } = await keys.getPublicKey({ keyId });
    const privateKey = await keys.exportKeyMaterial({ keyId, format: 'pkcs8-pem' });
    const [message, opened] = (await run(`
      const raw = { namespace: 'partners', name: 'inbox' };
      const key = { ...raw, publicKey: decode('${base64(publicKey)}') };
      const message = await envelope.sealForPublicKey(key, { encryptionContext }, decode('${base64(plaintext)}'));
      const holder = new LocalKeyWrapProvider({
        keys: [{ keyId: 'rsa', keySpec: 'RSA_2048', keyMaterial: ${JSON.stringify(privateKey)} }],
      });
      const trustedKeys = [{ ...raw, keyId: 'rsa' }];
      const { plaintext } = await envelope.open(holder, message, { trustedKeys, encryptionContext });
      return [encode(message), encode(plaintext)];
    `)) as [string, string];
    expect(opened).to.equal(base64(plaintext));
    const trustedKeys = [{ namespace: 'partners', name: 'inbox', keyId }];
    using here = await open(keys, Buffer.from(message, 'base64'), {
      trustedKeys,
      encryptionContext,
    });
    expect(base64(here.plaintext)).to.equal(base64(plaintext));
  });

  describe('with @aws-crypto/client-browser', () => {
    const SDK = `
      import { buildClient, CommitmentPolicy, MultiKeyringWebCrypto } from '@aws-crypto/client-browser';
      import { KeyWrapKeyringBrowser } from '@keywrap/envelope/client-browser';
      const { encrypt, decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
    `;

    // The SDK's signatures need more than browsers have.
    const runWithSdk = (body: string) => page.run(`${SDK}${IN_PAGE}`, body, { likeNode: true });

    it('the keyring seals what open opens', async () => {
      const message = await runWithSdk(`
          const keyring = new KeyWrapKeyringBrowser(keys, { keyId: 'key-1' });
          const { result } = await encrypt(keyring, decode('${base64(plaintext)}'), { encryptionContext });
          return encode(result);
        `);
      using opened = await open(keys, Buffer.from(String(message), 'base64'), OPEN);
      expect(base64(opened.plaintext)).to.equal(base64(plaintext));
    });

    for (const signed of [false, true]) {
      it(`the keyring opens what seal sealed${signed ? ', signed' : ''}`, async () => {
        const options = { keyId: 'key-1', encryptionContext, signed };
        const message = await seal(keys, options, plaintext);
        const opened = await runWithSdk(`
            const keyring = new KeyWrapKeyringBrowser(keys, { keyId: 'key-1' });
            return encode((await decrypt(keyring, decode('${base64(message)}'))).plaintext);
          `);
        expect(opened).to.equal(base64(plaintext));
      });
    }

    it('the keyring stands beside others', async () => {
      const opened = await runWithSdk(`
          const other = new LocalKeyWrapProvider({ keys: ['alias/other'] });
          const generator = new KeyWrapKeyringBrowser(keys, { keyId: 'key-1' });
          const child = new KeyWrapKeyringBrowser(other, { keyId: 'alias/other' });
          const several = new MultiKeyringWebCrypto({ generator, children: [child] });
          const { result } = await encrypt(several, Uint8Array.of(1, 2, 3), { encryptionContext });
          const opened = [];
          for (const keyring of [generator, child]) opened.push([...(await decrypt(keyring, result)).plaintext]);
          return opened;
        `);
      expect(opened).to.deep.equal([
        [1, 2, 3],
        [1, 2, 3],
      ]);
    });
  });
});
