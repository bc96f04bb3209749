import { createHash } from 'node:crypto';
import { Sha256 } from '@smithy/core/checksum';
import {
  ALGORITHM_IDENTIFIER,
  createScope,
  getCanonicalHeaders,
  SignatureV4,
} from '@smithy/signature-v4';
import type { HttpRequest } from '../http/http-request.js';
import type { Authorization } from './authorization.js';

/** What a signature depends on, apart from the request. */
export type Scope = Pick<Authorization, 'region' | 'service'> & {
  readonly signedHeaders: ReadonlySet<string>;
};

/**
 * Makes the signature of a request as it came. It is the SDK's own signer: its `sign` and `presign` would
 * replace the headers of the time and the query, so only its canonical request and what follows are used.
 */
export class Signer extends SignatureV4 {
  constructor(credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }) {
    super({ credentials, region: '', service: '', sha256: Sha256 });
  }

  /**
   * @param request All headers of `signedHeaders` must be there.
   * @returns The signature, in lower-case hex.
   */
  async signatureOf(
    request: HttpRequest,
    { region, service, signedHeaders }: Scope,
    time: Date,
    body: Uint8Array,
  ): Promise<string> {
    const { longDate, shortDate } = this.formatDate(time);
    const toSign = await this.createStringToSign(
      longDate,
      createScope(shortDate, region, service),
      this.canonicalRequest(request, signedHeaders, body),
      ALGORITHM_IDENTIFIER,
    );
    return this.sign(toSign, {
      signingDate: time,
      signingRegion: region,
      signingService: service,
    });
  }

  /** Makes the [canonical request](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#create-canonical-request). */
  canonicalRequest(
    { method, path, query, headers }: HttpRequest,
    signedHeaders: ReadonlySet<string>,
    body: Uint8Array,
  ): string {
    const request = {
      method,
      path,
      protocol: 'http:',
      hostname: '',
      query: Object.fromEntries([...(query ?? [])].map(([name, values]) => [name, [...values]])),
      headers: Object.fromEntries(
        [...signedHeaders].map((name) => [name, headers.get(name)?.join(',') ?? '']),
      ),
    };
    const signed = getCanonicalHeaders(request, undefined, new Set(signedHeaders));
    const hash = createHash('sha256').update(body).digest('hex');
    return this.createCanonicalRequest(request, signed, hash);
  }
}
