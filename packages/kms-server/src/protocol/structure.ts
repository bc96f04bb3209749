import { ownFields } from '@keywrap/core';
import { type KmsError, validationError } from './kms-error.js';
import { type Complain, isObject, mismatch, type Shape } from './shapes.js';

/** A member that is required. */
export interface RequiredMember<Value> {
  readonly required: Shape<Value>;
}

/** The members of a structure, by the names of KMS's model. */
export type Members = Readonly<Record<string, Shape<unknown> | RequiredMember<unknown>>>;

type Mutable<Value> = { -readonly [Name in keyof Value]: Value[Name] };

/** The value of a structure: required members are set, the others may be undefined. */
export type ValueOf<M extends Members> = Mutable<
  {
    readonly [Name in keyof M as M[Name] extends RequiredMember<unknown>
      ? Name
      : never]: M[Name] extends RequiredMember<infer Value> ? Value : never;
  } & {
    readonly [Name in keyof M as M[Name] extends RequiredMember<unknown>
      ? never
      : Name]?: M[Name] extends Shape<infer Value> ? Value : never;
  }
>;

/** Marks a member as required. */
export function required<Value>(shape: Shape<Value>): RequiredMember<Value> {
  return { required: shape };
}

interface Member {
  readonly name: string;
  /** Its name in messages: `keyId` for `KeyId`. */
  readonly path: string;
  readonly shape: Shape<unknown>;
  readonly isRequired: boolean;
}

/** A structure of these members; others are ignored, as by AWS. */
export function structure<M extends Members>(members: M): Shape<ValueOf<M>> {
  // Prepared once, not for every request.
  const all = Object.entries(members).map(([name, member]): Member => {
    const isRequired = 'required' in member;
    const path = name[0]?.toLowerCase() + name.slice(1);
    return { name, path, isRequired, shape: isRequired ? member.required : member };
  });
  return {
    parse(value) {
      if (!isObject(value)) throw mismatch(value, 'a Structure');
      const result: Record<string, unknown> = ownFields({});
      for (const { name, shape } of all) {
        const member = Object.hasOwn(value, name) ? value[name] : undefined;
        if (member !== undefined && member !== null) result[name] = shape.parse(member);
      }
      return result as ValueOf<M>;
    },
    check(value, path, complain) {
      const values = value as Readonly<Record<string, unknown>>;
      for (const member of all) {
        const memberPath = path === '' ? member.path : `${path}.${member.path}`;
        const memberValue = values[member.name];
        if (memberValue !== undefined) member.shape.check(memberValue, memberPath, complain);
        else if (member.isRequired) complain(memberPath, NOT_NULL);
      }
    },
  };
}

const NOT_NULL = 'not be null';

/** Limits the response: a list of empty strings would make it many times as long as the request. */
const MAXIMUM_PROBLEMS = 100;

/**
 * Parses a request and checks its constraints.
 *
 * @throws KmsError `SerializationException`, or one `ValidationException` for all violations.
 */
export function parseRequest<Value>(shape: Shape<Value>, json: unknown): Value {
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
