import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { KMS } from '@aws-sdk/client-kms';
import { expect } from 'chai';
import { CREDENTIALS, post, REGION, rejection, type Subject, start } from './support.js';

describe('The protocol', () => {
  let subject: Subject;
  let url: string;
  before(async () => {
    subject = await start();
    url = subject.server.url;
  });
  after(() => subject[Symbol.asyncDispose]());

  const send = (operation: string, body: string | Uint8Array = '{}') =>
    post(url, `TrentService.${operation}`, body);
  const typeOf = ({ text }: { text: string }) => JSON.parse(text).__type;

  it('responds as KMS does: JSON 1.1, a request id, times as numbers, bytes in base64', async () => {
    const created = await send('CreateKey');
    expect(created.status).to.equal(200);
    expect(created.headers.get('content-type')).to.equal('application/x-amz-json-1.1');
    expect(created.headers.get('x-amzn-requestid')).to.match(/^[0-9a-f-]{36}$/);
    const { KeyMetadata } = JSON.parse(created.text);
    expect(KeyMetadata.CreationDate).to.be.closeTo(Date.now() / 1000, 10);
    const KeyId = KeyMetadata.KeyId;
    const sealed = await send('Encrypt', JSON.stringify({ KeyId, Plaintext: 'AQID' }));
    const { CiphertextBlob } = JSON.parse(sealed.text);
    const opened = await send('Decrypt', JSON.stringify({ CiphertextBlob }));
    expect(JSON.parse(opened.text).Plaintext).to.equal('AQID');
  });

  it('returns an empty body where KMS returns no members', async () => {
    const { KeyMetadata } = JSON.parse((await send('CreateKey')).text);
    const disabled = await send('DisableKey', JSON.stringify({ KeyId: KeyMetadata.KeyId }));
    expect(disabled).to.include({ status: 200, text: '' });
    expect(disabled.headers.get('content-length')).to.equal('0');
  });

  it("distinguishes KMS's operations from others", async () => {
    for (const operation of ['CreateGrant', 'ReplicateKey', 'DescribeCustomKeyStores']) {
      const response = await send(operation);
      expect(response.status).to.equal(400);
      expect(typeOf(response)).to.equal('UnsupportedOperationException');
    }
    for (const target of [
      'TrentService.Nonsense',
      'TrentService.',
      'TrentService.toString',
      'DynamoDB_20120810.Encrypt',
      'Encrypt',
      undefined,
    ]) {
      const response = await post(url, target, '{}');
      expect(response.status).to.equal(400);
      expect(typeOf(response)).to.equal('UnknownOperationException');
    }
    expect((await fetch(url)).status).to.equal(400);
    expect((await fetch(`${url}/other`, { method: 'POST' })).status).to.equal(400);
  });

  it('takes numbers and booleans of an encryption context as strings', async () => {
    const { KeyMetadata } = JSON.parse((await send('CreateKey')).text);
    const EncryptionContext = { order: 4711, isPaid: true };
    const request = { KeyId: KeyMetadata.KeyId, Plaintext: 'AQID', EncryptionContext };
    const { CiphertextBlob } = JSON.parse((await send('Encrypt', JSON.stringify(request))).text);
    const decrypt = async (EncryptionContext: object) => {
      const response = await send('Decrypt', JSON.stringify({ CiphertextBlob, EncryptionContext }));
      return response.status === 200 ? JSON.parse(response.text).Plaintext : typeOf(response);
    };
    expect(await decrypt({ order: '4711', isPaid: 'true' })).to.equal('AQID');
    expect(await decrypt({ order: 4711, isPaid: true })).to.equal('AQID');
    expect(await decrypt({ order: 4711, isPaid: 1 })).to.equal('InvalidCiphertextException');
  });

  it('takes numbers of an encryption context as they are written', async () => {
    const { KeyMetadata } = JSON.parse((await send('CreateKey')).text);
    const members = [
      ['1.0', '1.0'],
      ['-1.50e+3', '-1.50e+3'],
      ['12345678901234567891', '12345678901234567891'],
      ['"\\"{1}"', '"{1}'],
    ] as const;
    for (const [written, text] of members) {
      const sealed = await send(
        'Encrypt',
        `{"EncryptionContext" : {"a\\":1":2,"b": ${written} },"KeyId":"${KeyMetadata.KeyId}","Plaintext":"AQID"}`,
      );
      const { CiphertextBlob } = JSON.parse(sealed.text);
      const EncryptionContext = { 'a":1': '2', b: text };
      const opened = await send('Decrypt', JSON.stringify({ CiphertextBlob, EncryptionContext }));
      expect(JSON.parse(opened.text).Plaintext, written).to.equal('AQID');
    }
  });

  it('rejects malformed JSON with SerializationException', async () => {
    for (const body of [
      '{',
      'nonsense',
      '[]',
      'null',
      '"text"',
      '1',
      '{"KeyId":1}',
      '{"KeyId":{}}',
      '{"KeyId":["a"]}',
      '{"KeyId":"a","Plaintext":1}',
      '{"KeyId":"a","Plaintext":"not base64!"}',
      '{"KeyId":"a","Plaintext":"AQI"}',
      '{"KeyId":"a","Plaintext":"AQID","EncryptionContext":[]}',
      '{"KeyId":"a","Plaintext":"AQID","EncryptionContext":{"a":null}}',
      '{"KeyId":"a","Plaintext":"AQID","EncryptionContext":{"a":["b"]}}',
      '{"KeyId":"a","Plaintext":"AQID","GrantTokens":"a"}',
      '{"KeyId":"a","Plaintext":"AQID","DryRun":"true"}',
      Uint8Array.of(0xff, 0xfe, 0x00),
      Uint8Array.of(0x22, 0xff, 0x22),
    ]) {
      const response = await send('Encrypt', body);
      expect(response.status, String(body)).to.equal(400);
      expect(typeOf(response), String(body)).to.equal('SerializationException');
    }
  });

  it('treats null as a missing member, and ignores unknown members', async () => {
    const body = '{"Description":null,"Unknown":{"a":[1]},"Limit":null}';
    expect(await send('ListKeys', body)).to.include({ status: 200 });
    expect(await send('ListKeys', '')).to.include({ status: 200 });
    const response = await send('Encrypt', '{"KeyId":null}');
    expect(JSON.parse(response.text).message).to.equal(
      "2 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null; Value null at 'plaintext' failed to satisfy constraint: Member must not be null",
    );
  });

  it('keeps __proto__ in an encryption context, without any effect', async () => {
    const { KeyMetadata } = JSON.parse((await send('CreateKey')).text);
    const request = (context: string) =>
      `{"KeyId":"${KeyMetadata.KeyId}","Plaintext":"AQID","EncryptionContext":${context}}`;
    const response = await send('Encrypt', request('{"__proto__":"x"}'));
    expect(typeOf(response)).to.equal('ValidationException');
    expect({}).not.to.have.property('x');
    const harmless = await send('Encrypt', request('{"constructor":"x","toString":"y"}'));
    expect(harmless.status).to.equal(200);
  });

  it('rejects bodies that are too long with RequestEntityTooLargeException', async () => {
    const response = await send('Encrypt', `{"KeyId":"${'a'.repeat(2_000_000)}"}`);
    expect(response.status).to.equal(413);
    expect(typeOf(response)).to.equal('RequestEntityTooLargeException');
    const longPolicy = 'ÿ'.repeat(131073);
    const policy = await send('CreateKey', JSON.stringify({ Policy: longPolicy }));
    expect(typeOf(policy)).to.equal('ValidationException');
  });

  it('reads a gzip body, within the same bounds', async () => {
    const sendEncoded = (body: Uint8Array, encoding: string) =>
      post(url, 'TrentService.ListKeys', body, { 'Content-Encoding': encoding });
    const body = gzipSync('{"Limit":1}');
    for (const encoding of ['gzip', 'GZIP', 'x-gzip']) {
      expect(await sendEncoded(body, encoding)).to.include({ status: 200 });
    }
    // Names that AWS's clients have sent, over a body that is as it is.
    for (const encoding of ['identity', 'amz-1.0', 'utf-8']) {
      expect(await sendEncoded(Buffer.from('{}'), encoding)).to.include({ status: 200 });
    }
    expect(typeOf(await sendEncoded(Buffer.from('{}'), 'gzip'))).to.equal('SerializationException');
    expect(typeOf(await sendEncoded(body.subarray(0, -9), 'gzip'))).to.equal(
      'SerializationException',
    );
    const megabyte = gzipSync(' '.repeat(1024 * 1024));
    // A kilobyte that decompresses to a megabyte and one byte, and one to a gigabyte in many members.
    for (const bomb of [
      gzipSync(' '.repeat(1024 * 1024 + 1)),
      Buffer.concat(Array(500).fill(megabyte)),
    ]) {
      const response = await sendEncoded(bomb, 'gzip');
      expect([response.status, typeOf(response)]).to.deep.equal([
        413,
        'RequestEntityTooLargeException',
      ]);
    }
  });

  it('says what is wrong with an endpoint that has a path', async () => {
    for (const path of ['/kms', '/kms/', '//', '/2014-11-01/', `/${'x'.repeat(2000)}`]) {
      const response = await post(`${url}${path}`, 'TrentService.ListKeys', '{}');
      expect(response.status).to.equal(400);
      expect(typeOf(response)).to.equal('UnknownOperationException');
      expect(JSON.parse(response.text).message, path)
        .to.include(`'${path.slice(0, 100)}'`)
        .and.include("Take the path out of the endpoint's URL.");
    }
    const client = new KMS({
      endpoint: `${url}/kms`,
      region: REGION,
      credentials: CREDENTIALS,
      maxAttempts: 1,
    });
    expect(await rejection(client.listKeys({}))).to.match(/the request is for '\/kms\/?'/);
    client.destroy();
  });

  it('responds to health checks', async () => {
    const response = await fetch(`${url}/health`);
    expect(response.status).to.equal(200);
    expect(await response.json()).to.deep.equal({ status: 'ok' });
  });

  it('rejects malformed HTTP and headers that are too long', async () => {
    const responseTo = (text: string) =>
      new Promise<string>((resolve, reject) => {
        let response = '';
        const socket = connect(subject.server.port, '127.0.0.1', () => socket.write(text));
        socket.on('data', (chunk) => {
          response += chunk;
        });
        socket.on('close', () => resolve(response));
        socket.on('error', reject);
      });
    const malformed = await responseTo('nonsense\r\n\r\n');
    expect(malformed).to.match(/^HTTP\/1\.1 400 /);
    expect(malformed).to.match(/\{"__type":"MalformedHttpRequestException"\}$/);
    const long = await responseTo(`POST / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`);
    expect(long).to.match(/^HTTP\/1\.1 431 /);
  });

  it('survives clients that go away in the middle', async () => {
    for (const text of [
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"Key',
      'POST / HTTP/1.1\r\nHost',
      'nonsense\r\n\r\n',
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connect(subject.server.port, '127.0.0.1', () => {
          socket.write(text, () => socket.destroy());
        });
        socket.on('close', () => resolve());
        socket.on('error', () => {});
      });
    }
    expect(await send('ListKeys')).to.include({ status: 200 });
  });
});
