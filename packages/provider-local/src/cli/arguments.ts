import { parseArgs } from 'node:util';
import { argumentProblem } from '@keywrap/core';
import type { PassphraseArguments } from './ask-passphrase.js';

/** Reports wrong arguments. */
export class UsageError extends Error {
  constructor(problem: string) {
    super(`${problem}; see keywrap-store --help`);
  }
}

/** The arguments of an action. */
export interface ActionArguments {
  /** A path or URL. */
  readonly store: string;
  /** The path of a backup. */
  readonly file: string;
  /** A folder of the first format. */
  readonly folder: string;
  /** The id or ARN of a key. */
  readonly key: string;
  readonly passphrase: PassphraseArguments;
  readonly newPassphrase: PassphraseArguments;
  readonly trustedGroup: number | undefined;
  readonly json: boolean;
  /** The oldest acceptable generation. */
  readonly generation: number;
  /** The folder of the audit logs. */
  readonly auditLogs: string | undefined;
  /** The folder of their checkpoints. */
  readonly checkpoints: string | undefined;
  readonly scope: Partial<Record<'partition' | 'region' | 'account', string | undefined>>;
}

const OPTIONS = {
  'passphrase-file': { type: 'string' },
  'passphrase-env': { type: 'string' },
  'trusted-group': { type: 'string' },
  'new-passphrase-file': { type: 'string' },
  'new-passphrase-env': { type: 'string' },
  generation: { type: 'string' },
  'audit-logs': { type: 'string' },
  checkpoints: { type: 'string' },
  partition: { type: 'string' },
  region: { type: 'string' },
  account: { type: 'string' },
  json: { type: 'boolean' },
  version: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Option = keyof typeof OPTIONS;

interface ActionSyntax {
  /** The arguments after the action, in order. */
  readonly positionals: readonly (keyof ActionArguments)[];
  /** How many of them are optional. */
  readonly optional?: number;
  /** In addition to those of every action. */
  readonly options: readonly Option[];
}

const EVERYWHERE: readonly Option[] = ['passphrase-file', 'passphrase-env', 'trusted-group'];

const ACTIONS = {
  create: { positionals: ['store'], options: [] },
  list: { positionals: ['store'], options: ['json'] },
  verify: { positionals: ['store'], options: ['json', 'generation', 'audit-logs', 'checkpoints'] },
  backup: { positionals: ['store', 'file'], options: [] },
  restore: { positionals: ['store', 'file'], options: [] },
  import: {
    positionals: ['folder', 'store'],
    optional: 1,
    options: ['partition', 'region', 'account'],
  },
  'rotate-passphrase': {
    positionals: ['store'],
    options: ['new-passphrase-file', 'new-passphrase-env'],
  },
  'cancel-deletion': { positionals: ['store', 'key'], options: [] },
} as const satisfies Record<string, ActionSyntax>;

/** The actions of the command. */
export type ActionName = keyof typeof ACTIONS;

/** @throws {@link UsageError} */
export function parseArguments(
  args: readonly string[],
): ActionArguments & { readonly action: ActionName | 'help' | 'version' } {
  const { values, positionals } = parse(args);
  const [action = '', ...rest] = positionals;
  const asked = values.help ? 'help' : values.version ? 'version' : undefined;
  if (asked === undefined) assertSyntax(action, rest, Object.keys(values) as Option[]);
  const names: readonly string[] = asked ? [] : ACTIONS[action as ActionName].positionals;
  return {
    store: '',
    file: '',
    folder: '',
    key: '',
    ...Object.fromEntries(rest.map((value, index) => [names[index], value])),
    action: asked ?? (action as ActionName),
    passphrase: {
      option: '--passphrase',
      file: values['passphrase-file'],
      env: values['passphrase-env'],
    },
    newPassphrase: {
      option: '--new-passphrase',
      file: values['new-passphrase-file'],
      env: values['new-passphrase-env'],
    },
    trustedGroup: numberOf('trusted-group', values['trusted-group']),
    json: values.json ?? false,
    generation: numberOf('generation', values.generation) ?? 0,
    auditLogs: values['audit-logs'],
    checkpoints: values.checkpoints,
    scope: { partition: values.partition, region: values.region, account: values.account },
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(argumentProblem(error));
  }
}

function assertSyntax(action: string, given: readonly string[], options: readonly Option[]): void {
  if (action === '') throw new UsageError('no action is given');
  if (!Object.hasOwn(ACTIONS, action)) throw new UsageError(`${action} is not an action`);
  const syntax: ActionSyntax = ACTIONS[action as ActionName];
  const { positionals, optional = 0 } = syntax;
  if (given.length > positionals.length || given.length < positionals.length - optional) {
    const names = positionals.map((name) => name.toUpperCase());
    throw new UsageError(`${action} takes ${names.join(' and ')}`);
  }
  const stray = options.find((name) => ![...EVERYWHERE, ...syntax.options].includes(name));
  if (stray !== undefined) throw new UsageError(`--${stray} is not an option of ${action}`);
  for (const name of ['passphrase', 'new-passphrase'] as const) {
    if (options.includes(`${name}-file`) && options.includes(`${name}-env`)) {
      throw new UsageError(`pass one of --${name}-file and --${name}-env`);
    }
  }
}

function numberOf(option: Option, text: string | undefined): number | undefined {
  if (text === undefined || /^\d{1,12}$/.test(text))
    return text === undefined ? text : Number(text);
  throw new UsageError(`--${option} takes a number`);
}
