import type * as sdk from '@aws-sdk/client-kms';
import model from './model.json' with { type: 'json' };

// AWS's service model of KMS, made by scripts/kms-model.js.

/** Every operation of AWS KMS. */
export type OperationName = keyof typeof model.operations;

/** The type of a value, its parts by the names of their shapes, and its constraints. */
export interface ModelShape {
  readonly type:
    | 'structure'
    | 'list'
    | 'map'
    | 'string'
    | 'blob'
    | 'integer'
    | 'boolean'
    | 'timestamp';
  /** The members of a structure; these are required. */
  readonly members?: Readonly<Record<string, string>>;
  readonly required?: readonly string[];
  /** The shape of the items of a list. */
  readonly member?: string;
  /** The limits of a number, or of the length of a value. */
  readonly min?: number;
  readonly max?: number;
  /** A regular expression; the whole value must match. */
  readonly pattern?: string;
  readonly enum?: readonly string[];
  /** The value may not be quoted in messages. */
  readonly sensitive?: boolean;
}

/** All shapes, by their names. */
export type ModelShapes = Readonly<Record<string, ModelShape>>;

export const SHAPES = model.shapes as ModelShapes;

/** The shape of each operation's request, and the errors that are particular to it. */
export const OPERATIONS: Readonly<
  Record<OperationName, { readonly input: string; readonly errors: readonly string[] }>
> = model.operations;

/** Tells whether AWS KMS has an operation of this name. */
export function isOperation(name: string): name is OperationName {
  return Object.hasOwn(OPERATIONS, name);
}

/** The parsed request of an operation: as the AWS SDK types it, with its required members set. */
export type RequestOf<Name extends OperationName> = Complete<
  InstanceType<(typeof sdk)[`${Name}Command`]>['input']
>;

/** The SDK lets required members be undefined. */
type Complete<Value> = Value extends Uint8Array | Date | string | number | boolean | undefined
  ? Value
  : Value extends readonly (infer Item)[]
    ? readonly Complete<Item>[]
    : {
        readonly [Name in keyof Value]: object extends Pick<Value, Name>
          ? Complete<Value[Name]>
          : Complete<NonNullable<Value[Name]>>;
      };
