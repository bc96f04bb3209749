import { KMS } from '@aws-sdk/client-kms';
import { expect } from 'chai';
import { Clock, CREDENTIALS, post, REGION, rejection, type Subject, start } from './support.js';

const TEMPORARY = {
  accessKeyId: 'ASIATEMPORARY',
  secretAccessKey: 'another secret',
  sessionToken: 'token',
};

describe('Signatures', () => {
  let subject: Subject;
  before(async () => {
    subject = await start({ credentials: [CREDENTIALS, TEMPORARY] });
  });
  after(() => subject[Symbol.asyncDispose]());

  const withCredentials = async (credentials: typeof CREDENTIALS & { sessionToken?: string }) => {
    const options = { region: REGION, endpoint: subject.server.url, maxAttempts: 1 };
    const client = new KMS({ ...options, credentials });
    try {
      return await client.listKeys({});
    } finally {
      client.destroy();
    }
  };

  it('are accepted from a client that has the secret', async () => {
    await subject.kms.createKey({ Description: 'näme' });
    await withCredentials(TEMPORARY);
  });

  it('are rejected from any other, as by AWS', async () => {
    const wrongSecret = { ...CREDENTIALS, secretAccessKey: 'wrong' };
    expect(await rejection(withCredentials(wrongSecret))).to.match(
      /^InvalidSignatureException: The request signature we calculated does not match/,
    );
    const unknown =
      'UnrecognizedClientException: The security token included in the request is invalid.';
    const wrongKey = { ...CREDENTIALS, accessKeyId: 'AKIAUNKNOWN' };
    expect(await rejection(withCredentials(wrongKey))).to.equal(unknown);
    const wrongToken = { ...TEMPORARY, sessionToken: 'wrong' };
    expect(await rejection(withCredentials(wrongToken))).to.equal(unknown);
  });

  it('are required, complete and of this request', async () => {
    const { url } = subject.server;
    const target = 'TrentService.ListKeys';
    const send = async (headers: Record<string, string> = {}) =>
      JSON.parse((await post(url, target, '{}', headers)).text).__type;
    expect(await send()).to.equal('MissingAuthenticationTokenException');
    expect(await send({ Authorization: 'Basic abc' })).to.equal(
      'MissingAuthenticationTokenException',
    );
    const credential = (service: string) =>
      `Credential=${CREDENTIALS.accessKeyId}/20300101/${REGION}/${service}/aws4_request`;
    for (const rest of [
      '',
      'Credential=a/b',
      credential('kms'),
      `${credential('kms')}, SignedHeaders=host`,
      `${credential('kms')}, SignedHeaders=host, Signature=abc`,
    ]) {
      expect(await send({ Authorization: `AWS4-HMAC-SHA256 ${rest}` })).to.equal(
        'IncompleteSignatureException',
      );
    }
    const now = new Date().toISOString().replace(/\.\d+|[:-]/g, '');
    const sign = (service: string, signed: string, signature: string) => ({
      'X-Amz-Date': now,
      Authorization: `AWS4-HMAC-SHA256 ${credential(service).replace('20300101', now.slice(0, 8))}, SignedHeaders=${signed}, Signature=${signature}`,
    });
    for (const headers of [
      sign('kms', 'host;x-amz-date', 'abc'),
      sign('s3', 'host;x-amz-date;x-amz-target', 'abc'),
      sign('kms', 'host;x-amz-date;x-amz-target', 'abc'),
      sign('kms', 'host;x-amz-date;x-amz-target', 'é'.repeat(64)),
      sign('kms', 'host;x-amz-date;x-amz-target;x-not-there', 'a'.repeat(64)),
      {
        ...sign('kms', 'host;x-amz-content-sha256;x-amz-date;x-amz-target', 'a'.repeat(64)),
        'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD',
      },
    ]) {
      expect(await send(headers)).to.equal('InvalidSignatureException');
    }
  });

  it('must not be more than five minutes old or early', async () => {
    const clock = new Clock();
    await using there = await start({ credentials: [CREDENTIALS], now: clock.now });
    // The SDK's clock is the real one; the server's is years ahead.
    expect(await rejection(there.kms.listKeys({}))).to.match(
      /^InvalidSignatureException: Signature expired: \d{8}T\d{6}Z is now earlier than 20291231T235500Z \(20300101T000000Z - 5 min\.\)$/,
    );
    clock.forward(-20 * 365);
    expect(await rejection(there.kms.listKeys({}))).to.match(
      /^InvalidSignatureException: Signature not yet current: /,
    );
  });

  it('are required if other machines can reach the server', async () => {
    try {
      await start({ host: '0.0.0.0' });
      expect.fail('it listened');
    } catch (error) {
      expect(String(error)).to.match(/without credentials anyone there could use the keys/);
    }
    await using open = await start({ host: '0.0.0.0', credentials: [CREDENTIALS] });
    expect(open.server.url).to.match(/^http:\/\/0\.0\.0\.0:\d+$/);
  });
});
