import { type KmsError, validationError } from './kms-error.js';
import { type Complain, NOT_NULL, type Shape } from './shapes.js';

/** Limits the response: a list of empty strings would make it many times as long as the request. */
const MAXIMUM_PROBLEMS = 100;

/**
 * Parses a request and checks its constraints.
 *
 * @throws KmsError `SerializationException`, or one `ValidationException` for all violations.
 */
export function parseRequest(shape: Shape, json: unknown): unknown {
  const request = shape.parse(json);
  const problems: string[] = [];
  let count = 0;
  const complain: Complain = (path, constraint, shown) => {
    count += 1;
    if (count > MAXIMUM_PROBLEMS) return;
    const value = constraint === NOT_NULL ? ' null' : shown === undefined ? '' : ` '${shown}'`;
    problems.push(
      `Value${value} at '${path}' failed to satisfy constraint: Member must ${constraint}`,
    );
  };
  shape.check(request, '', complain);
  if (count > 0) throw constraintError(problems, count);
  return request;
}

function constraintError(problems: readonly string[], count: number): KmsError {
  const errors = count === 1 ? 'error' : 'errors';
  return validationError(`${count} validation ${errors} detected: ${problems.join('; ')}`);
}
