import { KmsError } from '../protocol/kms-error.js';

/** The Authorization header of a request, parsed ([Signature Version 4](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html)). */
export interface Authorization {
  readonly accessKeyId: string;
  /** The day of the signing key: eight digits. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  /** In lower case. */
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';

/**
 * Parses the header; it does not verify the signature.
 *
 * @returns `undefined` when it is missing, or of another scheme.
 * @throws KmsError `IncompleteSignatureException` when a part is missing or malformed.
 */
export function parseAuthorization(header: string | undefined): Authorization | undefined {
  if (header?.startsWith(ALGORITHM) !== true) return undefined;
  const fields = new Map(
    header
      .slice(ALGORITHM.length)
      .split(',')
      .map((field) => {
        const [name = '', value = ''] = field.trim().split('=', 2);
        return [name, value] as const;
      }),
  );
  const [credential, signedHeaders, signature] = ['Credential', 'SignedHeaders', 'Signature'].map(
    (name) => {
      const value = fields.get(name);
      if (value === undefined || value === '') {
        throw incomplete(`Authorization header requires '${name}' parameter.`);
      }
      return value;
    },
  ) as [string, string, string];
  const [accessKeyId, date, region, service, terminator, ...more] = credential.split('/');
  if (
    !accessKeyId ||
    !date ||
    !region ||
    !service ||
    terminator !== 'aws4_request' ||
    more.length
  ) {
    throw incomplete(
      'Credential must have five slash-separated elements: key id, date, region, service and aws4_request.',
    );
  }
  return {
    accessKeyId,
    date,
    region,
    service,
    signedHeaders: signedHeaders.toLowerCase().split(';'),
    signature,
  };
}

function incomplete(message: string): KmsError {
  return new KmsError('IncompleteSignatureException', message);
}
