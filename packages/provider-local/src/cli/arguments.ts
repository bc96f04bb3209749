import { parseArgs } from 'node:util';
import type { PassphraseSource } from '../file-store/passphrase-source.js';

/** The command was called wrongly. */
export class UsageError extends Error {
  constructor(problem: string) {
    super(`${problem}; keywrap-store --help says how it is used`);
  }
}

/** What an action works with. */
export interface ActionArguments {
  readonly folder: string;
  /** Of a backup. */
  readonly file: string;
  readonly keyId: string;
  readonly passphrase: PassphraseSource;
  readonly newPassphrase: PassphraseSource;
  readonly json: boolean;
  /** The oldest generation that will do. */
  readonly generation: number;
}

/** What follows the action, by name, in order. */
const POSITIONALS = {
  create: ['folder'],
  list: ['folder'],
  verify: ['folder'],
  backup: ['folder', 'file'],
  restore: ['folder', 'file'],
  'rotate-passphrase': ['folder'],
  'cancel-deletion': ['folder', 'keyId'],
} as const satisfies Record<string, readonly (keyof ActionArguments)[]>;

/** What the command can do. */
export type ActionName = keyof typeof POSITIONALS;

const OPTIONS = {
  'passphrase-file': { type: 'string' },
  'passphrase-env': { type: 'string' },
  'new-passphrase-file': { type: 'string' },
  'new-passphrase-env': { type: 'string' },
  generation: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** @throws {@link UsageError} */
export function readArguments(
  args: readonly string[],
): ActionArguments & { readonly action: ActionName | 'help' } {
  const { values, positionals } = parse(args);
  const [action = '', ...rest] = positionals;
  const isAction = Object.hasOwn(POSITIONALS, action);
  if (!isAction && !values.help) {
    throw new UsageError(action === '' ? 'no action is given' : `there is no action ${action}`);
  }
  const names = isAction ? POSITIONALS[action as ActionName] : [];
  if (!values.help && rest.length !== names.length) {
    throw new UsageError(
      `${action} takes ${names.map((name) => name.toUpperCase()).join(' and ')}`,
    );
  }
  const { generation = '0' } = values;
  if (!/^\d{1,12}$/.test(generation)) throw new UsageError('--generation takes a number');
  const named = Object.fromEntries(names.map((name, index) => [name, rest[index] as string]));
  return {
    folder: '',
    file: '',
    keyId: '',
    ...named,
    action: values.help ? 'help' : (action as ActionName),
    passphrase: { file: values['passphrase-file'], env: values['passphrase-env'] },
    newPassphrase: { file: values['new-passphrase-file'], env: values['new-passphrase-env'] },
    json: values.json ?? false,
    generation: Number(generation),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    // What was given is not repeated: it may be a passphrase.
    const code = (error as NodeJS.ErrnoException).code;
    throw new UsageError(
      code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION'
        ? 'there is no such option'
        : 'an option lacks its value',
    );
  }
}
