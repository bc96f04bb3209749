import { AccessDeniedError, KeyWrapError } from '../provider/errors.js';
import { failureOf } from './classify-error.js';

/**
 * Calls a caller's function that returns a credential, such as a token or a PIN. The error never repeats what it returned.
 *
 * @param field The option that the function is.
 * @param isValid Tells whether the backend can have such a credential.
 * @throws {@link AccessDeniedError} when the function fails, or returns something else; an outage of the server that it asks
 * stays one ({@link failureOf}), and may be retried.
 */
export async function askForCredential(
  source: () => unknown,
  field: string,
  isValid: (text: string) => boolean,
): Promise<string> {
  let credential: unknown;
  try {
    credential = await source();
  } catch (cause) {
    if (cause instanceof KeyWrapError && cause.retryable) throw cause;
    throw (
      failureOf(cause) ??
      new AccessDeniedError(`the function of ${field} failed; see the cause`, { cause })
    );
  }
  if (typeof credential === 'string' && isValid(credential)) return credential;
  throw new AccessDeniedError(`the function of ${field} did not return a valid credential`);
}
