import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { VaultKeyWrapProvider } from '@keywrap/provider-vault';
import { expect } from 'chai';
import { rejection } from './support.js';

// A server that is broken or hostile, which a real one can't be made to be.

const TOKEN = 'hvs.a-token-to-look-for';
const PLAINTEXT = Buffer.from('a plaintext to look for, 32 long');
const sealedOf = (length: number) =>
  `vault:v1:${Buffer.alloc(12 + 16 + length, 1).toString('base64')}`;
const CIPHERTEXT = Buffer.from(sealedOf(32));

describe('Answers that are not what was asked for', () => {
  let server: Server;
  let address: string;
  /** What the server answers: a status and a body. */
  let answer: (request: IncomingMessage, body: string) => readonly [status: number, body: object];
  before(async () => {
    server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const isLookUp = request.url?.endsWith('/lookup-self') === true;
      const [status, answered] = isLookUp ? [200, { data: { ttl: 0 } }] : answer(request, body);
      response.writeHead(status).end(JSON.stringify(answered));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const open = (options: object = {}) =>
    new VaultKeyWrapProvider({ address, token: TOKEN, ...options });
  const answerWith = (data: object) => {
    answer = () => [200, { data }];
  };
  const decrypt = () => open().decrypt({ keyId: 'orders', ciphertext: CIPHERTEXT });

  it('with a plaintext that is not base64 are a fault, and no key of zeros (INTERNAL)', async () => {
    const zeros = `${'*'.repeat(43)}=`;
    const url = Buffer.alloc(32, 0xff).toString('base64url');
    for (const plaintext of [undefined, null, 5, zeros, '****', url, `${url}=`, ['AA==']]) {
      answerWith({ plaintext, ciphertext: sealedOf(32) });
      const errors = [
        await rejection(decrypt()),
        await rejection(open().generateDataKey({ keyId: 'orders', keySpec: 'AES_256' })),
      ];
      for (const { code } of errors) expect(code, String(plaintext)).to.equal('INTERNAL');
    }
  });

  it('of another key, or halves of one, are a fault (INTERNAL)', async () => {
    const pem = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
      type: 'spki',
      format: 'pem',
    });
    const keys = { 1: { public_key: pem } };
    for (const data of [
      {},
      { type: 'rsa-2048' },
      { type: 'rsa-2048', latest_version: 'x', keys },
      { type: 'rsa-2048', latest_version: 0, keys },
      { type: 'rsa-2048', latest_version: {}, keys },
      { latest_version: 1, keys },
      { name: 'others', type: 'rsa-2048', latest_version: 1, keys },
    ]) {
      answerWith(data);
      const errors = [
        await rejection(open().describeKey({ keyId: 'orders' })),
        await rejection(open().getPublicKey({ keyId: 'orders' })),
      ];
      for (const { code } of errors) expect(code, JSON.stringify(data)).to.equal('INTERNAL');
    }
    answerWith({ name: 'orders', type: 'rsa-4096', latest_version: 1, keys });
    expect((await rejection(open().getPublicKey({ keyId: 'orders' }))).code).to.equal('INTERNAL');
    answerWith({ type: 'aes256-gcm96', latest_version: 1, keys: { 1: { creation_time: 'x' } } });
    const { creationDate } = await open().describeKey({ keyId: 'orders' });
    expect(creationDate).to.equal(undefined);
  });

  it('with a ciphertext of another length are a fault (INTERNAL)', async () => {
    for (const length of [31, 33, 228]) {
      answerWith({ ciphertext: sealedOf(length) });
      const key = { keyId: 'orders' };
      const call = open().reEncrypt({ ciphertext: CIPHERTEXT, source: key, destination: key });
      expect((await rejection(call)).code).to.equal('INTERNAL');
    }
  });

  it('that repeat the request show nothing of it, nor more than a few lines', async () => {
    const calls = [
      () => open().encrypt({ keyId: 'orders', plaintext: PLAINTEXT }),
      decrypt,
      () =>
        open().decryptAsymmetric({
          keyId: 'orders',
          ciphertext: Buffer.alloc(256, 1),
          algorithm: 'RSAES_OAEP_SHA_256',
        }),
    ];
    const secrets = [TOKEN, PLAINTEXT.toString('base64'), CIPHERTEXT.toString(), 'AQEBAQEB'];
    const batchOf = (error: string) => Array.from({ length: 16 }, () => ({ error }));
    for (const call of calls) {
      for (const answered of [
        (text: string) => [400, { errors: [text, { text }] }] as const,
        (text: string) => [400, { data: { batch_results: batchOf(text) } }] as const,
        (text: string) => [200, { data: { batch_results: batchOf(text) } }] as const,
      ]) {
        answer = ({ headers }, body) =>
          answered(`${headers['x-vault-token']} ${body}\n\u001b[2J\u2028${'x'.repeat(100_000)}`);
        const error = await rejection(call());
        const text = inspect(error, { depth: 10, showHidden: true, maxStringLength: null });
        for (const secret of secrets) expect(text).not.to.include(secret);
        expect(error.message).not.to.match(/[\p{Cc}\u2028]/u);
        expect(error.message.length).to.be.lessThan(2000);
      }
    }
  });

  it('are not waited for without a token: its function has requestTimeout (UNAVAILABLE)', async () => {
    const token = () => new Promise<string>(() => {});
    const call = open({ token, requestTimeout: 20 }).describeKey({ keyId: 'orders' });
    expect(await rejection(call)).to.include({ code: 'UNAVAILABLE', retryable: true });
  });
});
