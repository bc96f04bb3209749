import type { Client } from '../key-pairs.js';
import type { OperationName, RequestOf } from '../protocol/requests.js';
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
  client: Client,
) => unknown;

/** The operations, by KMS's names: each is a function of that name. */
export const HANDLERS: { readonly [Name in OperationName]: Handler<Name> } = {
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
};
