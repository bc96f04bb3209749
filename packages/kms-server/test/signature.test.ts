import { KMS } from '@aws-sdk/client-kms';
import { expect } from 'chai';
import {
  CALL,
  HASH,
  type HttpCall,
  outcomeOf,
  presigned,
  signed,
  signedByDate,
} from './signed-calls.js';
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

  const send = (call: HttpCall, port = subject.server.port) => outcomeOf(call, port);

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

  it('are verified as AWS does: over Date, over repeated headers, over the query, in a URL', async () => {
    const repeated = { 'x-note': ['b', 'a  c'] };
    for (const request of [
      await signed(),
      await signed({ headers: { ...CALL.headers, ...repeated } }),
      await signed({ query: { b: 'x y', a: ['2', '1'] } }),
      await signed({ headers: { ...CALL.headers, 'x-amz-content-sha256': HASH } }),
      await signed({}, TEMPORARY),
      await signedByDate(),
      await presigned(),
      await presigned({ query: { a: '1' } }, TEMPORARY),
    ]) {
      expect(await send(request)).to.equal('ok');
    }
  });

  // Whoever captures a request may change everything that is not verified.
  it('do not cover another Region, operation, query, header or body', async () => {
    const request = await signed();
    const { authorization = '' } = request.headers as Record<string, string>;
    const withHeaders = (headers: HttpCall['headers']) => ({
      ...request,
      headers: { ...request.headers, ...headers },
    });
    const [scheme, rest] = authorization.split(/ (.*)/);
    const presignedCall = await presigned();
    const attacks: Record<string, HttpCall> = {
      'another Region before the real one': withHeaders({
        authorization: `${scheme} X=Credential=x/1/eu-west-1/, ${rest}`,
      }),
      'another Region after it': withHeaders({
        authorization: `${authorization}, X=Credential=x/1/us-west-2/kms/aws4_request`,
      }),
      'a second credential': withHeaders({
        authorization: `${authorization}, ${rest?.split(',')[0]?.replace(REGION, 'us-west-2')}`,
      }),
      'another Region': withHeaders({
        authorization: authorization.replace(REGION, 'us-west-2'),
      }),
      'two Authorization headers': withHeaders({
        authorization: [authorization, authorization.replace(REGION, 'us-west-2')],
      }),
      'a query that is not signed': { ...request, query: { 'X-Extra': '1' } },
      'a name that decodes to nothing': { ...request, rawQuery: '%ff=1' },
      'a signature in another case': { ...request, query: { 'x-amz-signature': '1' } },
      'a Region in the query, too': {
        ...request,
        query: { 'X-Amz-Credential': 'x/20300101/us-west-2/kms/aws4_request' },
      },
      'a target that is there twice': withHeaders({
        'x-amz-target': [CALL.headers['x-amz-target'], 'TrentService.CreateKey'],
      }),
      'an x-amz- header that is not signed': withHeaders({ 'x-amz-extra': '1' }),
      'a token of nobody': withHeaders({ 'x-amz-security-token': 'token' }),
      'a header that is signed and absent': {
        ...request,
        headers: { ...request.headers, 'content-type': undefined },
      },
      'a header that is signed, there twice': withHeaders({
        'content-type': ['application/x-amz-json-1.1', 'text/plain'],
      }),
      'another body': { ...request, body: '{ }' },
      'a URL with another Region': {
        ...presignedCall,
        query: {
          ...presignedCall.query,
          'X-Amz-Credential': String(presignedCall.query?.['X-Amz-Credential']).replace(
            REGION,
            'us-west-2',
          ),
        },
      },
      'a URL that lives longer': {
        ...presignedCall,
        query: { ...presignedCall.query, 'X-Amz-Expires': '604800' },
      },
      'a URL that never expires': {
        ...presignedCall,
        query: { ...presignedCall.query, 'X-Amz-Expires': undefined },
      },
      'a URL with two signatures': {
        ...presignedCall,
        query: {
          ...presignedCall.query,
          'X-Amz-Signature': [String(presignedCall.query?.['X-Amz-Signature']), 'a'],
        },
      },
      'a URL with another parameter': {
        ...presignedCall,
        query: { ...presignedCall.query, a: '1' },
      },
    };
    for (const [what, attack] of Object.entries(attacks)) {
      expect(await send(attack), what).to.be.oneOf([
        'IncompleteSignatureException',
        'InvalidSignatureException',
        'UnrecognizedClientException',
      ]);
    }
    expect(await send(request), 'as it was captured').to.equal('ok');
  });

  it('of a URL end when they expire', async () => {
    const clock = new Clock();
    await using there = await start({ credentials: [CREDENTIALS], now: clock.now });
    const url = await presigned({}, CREDENTIALS, { expiresIn: 600, signingDate: clock.now() });
    expect(await send(url, there.server.port)).to.equal('ok');
    clock.forward(0, 600);
    expect(await send(url, there.server.port)).to.equal('ok');
    clock.forward(0, 1);
    expect(await send(url, there.server.port)).to.equal('InvalidSignatureException');
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
