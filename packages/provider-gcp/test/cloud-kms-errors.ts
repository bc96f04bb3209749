import { status as code } from '@grpc/grpc-js';

export { code };

/** An error with a code, which gRPC sends. */
export class CloudKmsError extends Error {
  readonly code: number;

  constructor(code: number, details: string) {
    super(details);
    this.code = code;
  }
}

export const invalid = (text: string) => new CloudKmsError(code.INVALID_ARGUMENT, text);

export const notFound = (text: string) => new CloudKmsError(code.NOT_FOUND, text);

/** The text of IAM ([roles](https://cloud.google.com/kms/docs/reference/permissions-and-roles)). */
export const denied = (method: string, key: string) =>
  new CloudKmsError(
    code.PERMISSION_DENIED,
    `Permission '${method}' denied on resource '${key}' (or it may not exist).`,
  );
