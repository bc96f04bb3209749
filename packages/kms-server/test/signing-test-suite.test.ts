import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { type HttpRequest, parseHttpRequest } from '#dist/http/http-request.js';
import { parseAuthorization, parseDetails } from '#dist/sigv4/authorization.js';
import { Signer } from '#dist/sigv4/signer.js';
import { parseTime } from '#dist/sigv4/signing-time.js';

interface Expected {
  readonly canonicalRequest: string;
  readonly signature: string;
  readonly signedRequest: string;
}

interface Case {
  readonly name: string;
  readonly context: {
    readonly credentials: { readonly access_key_id: string; readonly secret_access_key: string };
    readonly region: string;
    readonly service: string;
    readonly timestamp: string;
    /** False for S3, which alone takes paths as they are. */
    readonly normalize: boolean;
    readonly expiration_in_seconds: number;
    /** The token was added after signing. */
    readonly omit_session_token?: boolean;
  };
  readonly header: Expected;
  readonly query: Expected;
}

const { cases } = JSON.parse(
  readFileSync(new URL('../test/vectors/aws-signing-test-suite.json', import.meta.url), 'utf8'),
) as { cases: readonly Case[] };
const CASES = cases.filter(({ context }) => context.normalize);

// The requests that AWS signed, read as the server reads them.
describe("AWS's test suite for Signature Version 4", () => {
  it('has 31 cases for services other than S3', () => {
    expect(CASES).to.have.length(31);
    expect(cases).to.have.length(38);
  });

  for (const form of ['header', 'query'] as const) {
    for (const { name, context, [form]: expected } of CASES) {
      it(`${name}: verifies a signature in the ${form}`, async () => {
        const { request, body } = parse(expected.signedRequest);
        const authorization = parseAuthorization(request);
        if (authorization === undefined) throw new Error('unsigned');
        const { signedHeaders, time, expires } = parseDetails(request, authorization);
        if (signedHeaders === undefined) throw new Error('nothing is signed');
        const { access_key_id: accessKeyId, secret_access_key: secretAccessKey } =
          context.credentials;
        expect(authorization).to.include({
          accessKeyId,
          region: context.region,
          service: context.service,
          date: '20150830',
          isPresigned: form === 'query',
        });
        expect(parseTime(time ?? '')).to.deep.equal(new Date(context.timestamp));
        if (form === 'query') {
          expect(expires).to.equal(String(context.expiration_in_seconds));
        }

        const signed = asSigned(request, context.omit_session_token === true);
        const signer = new Signer({ accessKeyId, secretAccessKey });
        expect(signer.canonicalRequest(signed, signedHeaders, body)).to.equal(
          expected.canonicalRequest,
        );
        const made = await signer.signatureOf(
          signed,
          { ...authorization, signedHeaders },
          new Date(context.timestamp),
          body,
        );
        expect(made).to.equal(expected.signature).and.equal(authorization.signature);
      });
    }
  }
});

/** Takes a request apart as Node.js does; continued lines belong to the header before. */
function parse(text: string): { request: HttpRequest; body: Uint8Array } {
  const [head = '', ...body] = text.split('\n\n');
  const [first = '', ...lines] = head.split(/\n(?![ \t])/).filter((line) => line !== '');
  const [, method, url] = /^(\S+) (.*) HTTP\/1\.1$/.exec(first) ?? [];
  const rawHeaders = lines.flatMap((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return {
    request: parseHttpRequest({ method, url, rawHeaders }),
    body: Buffer.from(body.join('\n\n')),
  };
}

function asSigned(request: HttpRequest, omitToken: boolean): HttpRequest {
  const query = new Map(request.query);
  query.delete('X-Amz-Signature');
  if (omitToken) query.delete('X-Amz-Security-Token');
  return { ...request, query };
}
