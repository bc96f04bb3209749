import { strict as assert } from 'node:assert';
import { KmsError } from '@keywrap/kms-server';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { parseHttpRequest } from '../../../../packages/kms-server/dist/http/http-request.js';
import { parseAuthorization } from '../../../../packages/kms-server/dist/sigv4/authorization.js';
import { SignatureVerifier } from '../../../../packages/kms-server/dist/sigv4/signature.js';
import { type FuzzTarget, textOf, utf8 } from '../target.js';

const CREDENTIALS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI-K7MDENG',
};
const REGION = 'eu-west-1';
const NOW = new Date('2026-01-02T03:04:05Z');
const REJECTIONS = [
  'MissingAuthenticationTokenException',
  'IncompleteSignatureException',
  'UnrecognizedClientException',
  'InvalidSignatureException',
];
/** Headers that must be signed. */
const SIGNED = ['host', 'x-amz-target', 'x-amz-date'];

const WORDS =
  'Credential= SignedHeaders= Signature= /aws4_request /kms/ ; : __proto__ constructor host ' +
  'authorization x-amz-date 20260102T030405Z x-amz-content-sha256 x-amz-target ' +
  `x-amz-security-token ${CREDENTIALS.accessKeyId}`;

/** A request passes only as it was signed. An input is its headers, a line each, an empty line and the body. */
export const sigv4: FuzzTarget = {
  name: 'sigv4',
  words: [...WORDS.split(' '), 'AWS4-HMAC-SHA256 ', ', ', '\n'],
  async open() {
    const verifier = new SignatureVerifier([CREDENTIALS], () => NOW);
    const genuine = await Promise.all([
      sign('TrentService.ListKeys', '{}'),
      sign('TrentService.Encrypt', '{"KeyId":"a"}'),
    ]);
    return {
      seeds: genuine.map(write),
      async run(input) {
        const { rawHeaders, body } = read(input);
        const request = parseHttpRequest({ method: 'POST', url: '/', rawHeaders });
        let region: string | undefined;
        const passes = await rejection(async () => {
          const authorization = parseAuthorization(request);
          region = authorization?.region;
          await verifier.verify(request, authorization, utf8(body));
        });
        const isGenuine = genuine.some(
          (known) =>
            known.body === body &&
            SIGNED.every(
              (name) => known.headers[name] === request.headers.get(name)?.join().trim(),
            ),
        );
        assert.ok((isGenuine && region === REGION) || !passes, 'it passes what was not signed');
      },
    };
  },
};

interface Message {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

async function sign(target: string, body: string): Promise<Message> {
  const signer = new SignatureV4({
    credentials: CREDENTIALS,
    region: REGION,
    service: 'kms',
    sha256: Sha256,
  });
  const headers = {
    host: 'localhost:4599',
    'x-amz-target': target,
    'content-type': 'application/x-amz-json-1.1',
  };
  const request = {
    method: 'POST',
    protocol: 'http:',
    hostname: 'localhost',
    path: '/',
    headers,
    body,
  };
  const signed = await signer.sign(request, { signingDate: NOW });
  return { headers: signed.headers, body };
}

function write({ headers, body }: Message): Uint8Array {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\n`);
  return utf8(`${lines.join('')}\n${body}`);
}

function read(input: Uint8Array): { rawHeaders: string[]; body: string } {
  const [header = '', ...rest] = textOf(input).split('\n\n');
  const rawHeaders = header.split('\n').flatMap((line) => {
    const [name = '', ...value] = line.split(': ');
    return [name, value.join(': ')];
  });
  return { rawHeaders, body: rest.join('\n\n') };
}

/** Tells whether it was accepted. @throws AssertionError if it was rejected with an error that clients do not know. */
async function rejection(work: () => unknown): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    assert.ok(
      error instanceof KmsError,
      `it threw something other than a KmsError: ${(error as Error).stack}`,
    );
    assert.ok(REJECTIONS.includes(error.type), error.type);
    assert.ok(!error.body.includes(CREDENTIALS.secretAccessKey));
    return false;
  }
}
