import {
  type AliasDescription,
  type AliasInput,
  type Call,
  type CallOptions,
  type CompleteDriver,
  type CreateKeyInput,
  DriverProvider,
  type ImportKeyMaterialInput,
  type KeyDescription,
  type KeyInput,
  type KeyManager,
  type Operation,
  type OwnedBytes,
  parseKeyInput,
  type ScheduleKeyDeletionInput,
} from '@keywrap/core';
import type { LocalKeyManager } from './key-manager.js';
import { LocalDriver } from './local-driver.js';
import { type LocalKeyWrapOptions, parseOptions } from './options.js';
import * as parse from './parse-input.js';

const OPEN = operation('open', () => ({}));
const CREATE_KEY = operation('createKey', parse.parseCreateKeyInput);
const IMPORT_KEY_MATERIAL = operation('importKeyMaterial', parse.parseImportInput, {
  requestSecrets: ['keyMaterial'],
});
const EXPORT_KEY_MATERIAL = operation('exportKeyMaterial', parse.parseExportInput, {
  outputSecrets: ['material'],
});
const ENABLE_KEY = operation('enableKey', parseKeyInput);
const DISABLE_KEY = operation('disableKey', parseKeyInput);
const ROTATE_KEY = operation('rotateKey', parseKeyInput);
const SCHEDULE_KEY_DELETION = operation('scheduleKeyDeletion', parse.parseDeletionInput);
const CANCEL_KEY_DELETION = operation('cancelKeyDeletion', parseKeyInput);
const CREATE_ALIAS = operation('createAlias', parse.parseAliasInput);
const UPDATE_ALIAS = operation('updateAlias', parse.parseAliasInput);
const DELETE_ALIAS = operation('deleteAlias', parse.parseAliasName);
const LIST_KEYS = operation('listKeys', () => ({}));
const LIST_ALIASES = operation('listAliases', () => ({}));

/**
 * A provider whose keys are on this machine. It behaves as AWS KMS does, so that a service tested against it
 * runs against AWS KMS unchanged. It is also its {@link KeyManager}.
 *
 * @example
 * ```ts
 * import { LocalKeyWrapProvider } from '@keywrap/provider-local';
 *
 * await using keys = new LocalKeyWrapProvider({ keys: ['alias/orders'] });
 * using dataKey = await keys.generateDataKey({ keyId: 'alias/orders', keySpec: 'AES_256' });
 * ```
 */
export class LocalKeyWrapProvider extends DriverProvider<LocalKeyManager> implements KeyManager {
  /**
   * Loads and creates nothing; the first call does.
   *
   * @throws {@link InvalidInputError} naming the wrong option.
   */
  constructor(options: LocalKeyWrapOptions = {}) {
    super(new LocalDriver(parseOptions(options)));
  }

  /**
   * Opens the store and creates the keys of the options now rather than at the first call, so that errors in
   * them appear when a service starts.
   */
  open(options?: CallOptions): Promise<void> {
    return this.run(OPEN, {}, options);
  }

  createKey(input?: CreateKeyInput, options?: CallOptions): Promise<KeyDescription> {
    return this.run(CREATE_KEY, input, options);
  }

  importKeyMaterial(input: ImportKeyMaterialInput, options?: CallOptions): Promise<KeyDescription> {
    return this.run(IMPORT_KEY_MATERIAL, input, options);
  }

  enableKey(input: KeyInput, options?: CallOptions): Promise<KeyDescription> {
    return this.run(ENABLE_KEY, input, options);
  }

  disableKey(input: KeyInput, options?: CallOptions): Promise<KeyDescription> {
    return this.run(DISABLE_KEY, input, options);
  }

  rotateKey(input: KeyInput, options?: CallOptions): Promise<KeyDescription> {
    return this.run(ROTATE_KEY, input, options);
  }

  scheduleKeyDeletion(
    input: ScheduleKeyDeletionInput,
    options?: CallOptions,
  ): Promise<KeyDescription> {
    return this.run(SCHEDULE_KEY_DELETION, input, options);
  }

  cancelKeyDeletion(input: KeyInput, options?: CallOptions): Promise<KeyDescription> {
    return this.run(CANCEL_KEY_DELETION, input, options);
  }

  createAlias(input: AliasInput, options?: CallOptions): Promise<AliasDescription> {
    return this.run(CREATE_ALIAS, input, options);
  }

  updateAlias(input: AliasInput, options?: CallOptions): Promise<AliasDescription> {
    return this.run(UPDATE_ALIAS, input, options);
  }

  deleteAlias(input: { readonly alias: string }, options?: CallOptions): Promise<void> {
    return this.run(DELETE_ALIAS, input, options);
  }

  listKeys(options?: CallOptions): Promise<readonly KeyDescription[]> {
    return this.run(LIST_KEYS, {}, options);
  }

  listAliases(options?: CallOptions): Promise<readonly AliasDescription[]> {
    return this.run(LIST_ALIASES, {}, options);
  }

  /**
   * Exports a key's material, for a backup or another system. Anyone who has it can decrypt everything that
   * the key ever encrypted.
   *
   * @returns The bytes of a symmetric or HMAC key; a string for the PEM formats.
   * @throws {@link InvalidInputError} for a format that is not for this kind of key, or a passphrase that
   * is missing or superfluous; {@link KeyStateError} while there is no material.
   */
  async exportKeyMaterial(
    input: parse.ExportKeyMaterialInput,
    options?: CallOptions,
  ): Promise<string | OwnedBytes> {
    return (await this.run(EXPORT_KEY_MATERIAL, input, options)).material;
  }
}

type RequestOf<Name extends keyof LocalKeyManager> = Parameters<LocalKeyManager[Name]>[0];
type OutputOf<Name extends keyof LocalKeyManager> = Awaited<ReturnType<LocalKeyManager[Name]>>;

/** Returns the operation that calls the driver's function of this name. */
function operation<Name extends keyof LocalKeyManager>(
  name: Name,
  parseInput: (input: unknown) => RequestOf<Name>,
  secrets: Pick<
    Operation<LocalKeyManager, RequestOf<Name>, OutputOf<Name>>,
    'requestSecrets' | 'outputSecrets'
  > = {},
): Operation<LocalKeyManager, RequestOf<Name>, OutputOf<Name>> {
  type Work = (request: RequestOf<Name>, call: Call) => Promise<OutputOf<Name>>;
  const functionOf = ({ keys }: CompleteDriver<LocalKeyManager>) => keys[name] as unknown as Work;
  return { name, parse: parseInput, functionOf, ...secrets };
}
