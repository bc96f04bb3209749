import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { Signer } from '#dist/sigv4/signer.js';
import { CREDENTIALS, REGION } from './support.js';

type Value = string | readonly string[] | undefined;

/** A call that a test signs, or changes after it was signed. */
export interface HttpCall {
  readonly headers: Readonly<Record<string, Value>>;
  readonly query?: Readonly<Record<string, Value>>;
  /** A query that is not encoded. */
  readonly rawQuery?: string;
  readonly body: string;
}

export const CALL = {
  headers: {
    host: 'kms.test',
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'TrentService.ListKeys',
  },
  body: '{}',
} as const satisfies HttpCall;

/** The hash of its body. */
export const HASH = createHash('sha256').update(CALL.body).digest('hex');

type Secrets = typeof CREDENTIALS & { readonly sessionToken?: string };

const signerOf = (credentials: Secrets) =>
  new SignatureV4({
    credentials,
    region: REGION,
    service: 'kms',
    sha256: Sha256,
    applyChecksum: false,
  });

/** What the signer takes and returns; it joins repeated headers itself. */
function toSign({ headers, query = {}, body }: HttpCall) {
  const all = Object.entries(headers).map(([name, value]) => [name, [value].flat().join(',')]);
  return {
    method: 'POST',
    protocol: 'http:',
    hostname: 'kms.test',
    path: '/',
    headers: Object.fromEntries(all) as Record<string, string>,
    query: query as Record<string, string | string[]>,
    body,
  };
}

/** Signs a call in its Authorization header. */
export async function signed(
  changes: Partial<HttpCall> = {},
  credentials: Secrets = CREDENTIALS,
): Promise<HttpCall> {
  const call: HttpCall = { ...CALL, ...changes };
  const { headers } = await signerOf(credentials).sign(toSign(call));
  return { ...call, headers: { ...headers, ...call.headers } };
}

/** Signs a call by its `Date`, as clients without `X-Amz-Date` do. */
export async function signedByDate(): Promise<HttpCall> {
  const time = new Date(Math.floor(Date.now() / 1000) * 1000);
  const day = time.toISOString().slice(0, 10).replaceAll('-', '');
  const headers = { ...CALL.headers, date: time.toUTCString() };
  const signedHeaders = new Set(Object.keys(headers).sort());
  const signature = await new Signer(CREDENTIALS).signatureOf(
    {
      method: 'POST',
      path: '/',
      query: new Map(),
      headers: new Map(Object.entries(headers).map(([name, value]) => [name, [value]])),
    },
    { region: REGION, service: 'kms', signedHeaders },
    time,
    Buffer.from(CALL.body),
  );
  const credential = `${CREDENTIALS.accessKeyId}/${day}/${REGION}/kms/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${[...signedHeaders].join(';')}, Signature=${signature}`;
  return { ...CALL, headers: { ...headers, authorization } };
}

/** Signs a call in its URL. */
export async function presigned(
  changes: Partial<HttpCall> = {},
  credentials: Secrets = CREDENTIALS,
  options: { expiresIn?: number; signingDate?: Date } = {},
): Promise<HttpCall> {
  const call: HttpCall = { ...CALL, ...changes };
  const { headers, query } = await signerOf(credentials).presign(toSign(call), options);
  return { headers, query: query as HttpCall['query'] & object, body: call.body };
}

/** Sends a call, and returns the name of the exception, or `ok`. */
export async function outcomeOf(call: HttpCall, port: number): Promise<string> {
  const { headers, query = {}, rawQuery, body } = call;
  const given = Object.entries(query).filter(([, values]) => values !== undefined);
  const encoded = given.flatMap(([name, values]) =>
    [values]
      .flat()
      .map((value) => `${encodeURIComponent(name)}=${encodeURIComponent(value ?? '')}`),
  );
  const search = [...encoded, ...(rawQuery === undefined ? [] : [rawQuery])].join('&');
  const path = search === '' ? '/' : `/?${search}`;
  const present = Object.entries(headers).filter(([, value]) => value !== undefined);
  // A list, so that headers can be there twice.
  const list = present.flatMap(([name, value]) => [value].flat().flatMap((one) => [name, one]));
  const length = String(Buffer.byteLength(body));
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    const all = [...list, 'Content-Length', length] as unknown as string[];
    request({ port, host: '127.0.0.1', method: 'POST', path, headers: all as never }, resolve)
      .on('error', reject)
      .end(body);
  });
  const answer = await text(response);
  return response.statusCode === 200 ? 'ok' : JSON.parse(answer).__type;
}
