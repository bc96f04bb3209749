/**
 * An error as AWS KMS returns it: the name of the exception and, for most of them, a message.
 *
 * @example
 * ```ts
 * import { KmsError } from '@keywrap/kms-server';
 *
 * const error = new KmsError('DisabledException', 'the key is disabled');
 * error.body; // '{"__type":"DisabledException","message":"the key is disabled"}'
 * ```
 */
export class KmsError extends Error {
  /** The name of the exception, which SDKs turn into a class or a code. */
  readonly type: string;
  /** The HTTP status: 400 for an error of the caller, 500 for one of the server. */
  readonly status: number;

  constructor(type: string, message = '', status = 400) {
    super(message);
    this.name = type;
    this.type = type;
    this.status = status;
  }

  /** The body of the response. KMS leaves an empty message out. */
  get body(): string {
    const { type, message } = this;
    return JSON.stringify(message === '' ? { __type: type } : { __type: type, message });
  }
}

/** Makes the error for a well-formed request that KMS rejects. */
export function validationError(message: string): KmsError {
  return new KmsError('ValidationException', message);
}

/** Makes the error for a body that is not JSON of the operation's form. */
export function serializationError(message = ''): KmsError {
  return new KmsError('SerializationException', message);
}

/** Makes the error that SDKs retry after a while. */
export function throttling(message: string): KmsError {
  return new KmsError('ThrottlingException', message);
}
