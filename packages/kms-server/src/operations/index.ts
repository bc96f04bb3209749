import type { OperationName, RequestOf } from '../protocol/model.js';
import type { Region } from '../regions.js';
import * as aliases from './aliases.js';
import * as createKey from './create-key.js';
import * as dataKeys from './data-keys.js';
import * as encryption from './encryption.js';
import * as importing from './import.js';
import * as keys from './keys.js';
import * as macs from './macs.js';
import * as policies from './policies.js';
import * as random from './random.js';
import * as rotation from './rotation.js';
import * as signing from './signing.js';
import * as tags from './tags.js';

/** Performs an operation with a request that was checked; returns the members of the response, if there are any. */
export type Handler<Name extends OperationName> = (
  request: RequestOf<Name>,
  region: Region,
) => unknown;

/** The operations of this server, by KMS's names: each is a function of that name. */
export const HANDLERS = {
  ...aliases,
  ...createKey,
  ...dataKeys,
  ...encryption,
  ...importing,
  ...keys,
  ...macs,
  ...policies,
  ...random,
  ...rotation,
  ...signing,
  ...tags,
} as const satisfies { readonly [Name in OperationName]?: Handler<Name> };

/** The operations of AWS KMS that this server implements. */
export type ImplementedOperation = keyof typeof HANDLERS;
