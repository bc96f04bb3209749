import { parseArgs } from 'node:util';
import { argumentProblem } from '@keywrap/core';
import { PROFILES, type Profile } from '../profile.js';

/** The parsed arguments of a run. */
export interface CommandOptions extends Selection {
  readonly module: string;
  readonly format: Format;
  readonly output: string | undefined;
  readonly bail: boolean;
  readonly seed: number | undefined;
  readonly timeoutMs: number | undefined;
}

/** The cases to run. */
export interface Selection {
  readonly only: readonly string[] | undefined;
  readonly profile: Profile;
}

/** What the arguments ask for. */
export type Arguments =
  | 'help'
  | 'version'
  | { readonly list: Selection }
  | { readonly run: CommandOptions };

const FORMATS = ['text', 'markdown', 'json', 'junit'] as const;

/** The formats of the report. */
export type Format = (typeof FORMATS)[number];

/** The arguments are invalid, or the module does not export a provider. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const USAGE = `Usage: keywrap-conformance [options] <module>
       keywrap-conformance --list [--only <name>] [--profile <name>] [<module>]

Runs the conformance suite of keywrap on the provider that a module exports,
as \`default\` or as \`harness\`:

  a harness     { name, open() } where open() returns { provider, keys }
  a class       of a provider that is a KeyManager, constructed without arguments
  a function    that returns such a provider, or { provider, keys }
  an instance   of such a provider; the module is loaded again for each one

Options:
  --profile <name>  quick (without what is slow), full (the default) or soak (minutes)
  --only <name>     runs this case, all cases with this prefix, or those of a rule:
                    DEC-004, CTX-, key-disabled (may be repeated)
  --bail            starts no more cases after the first failure; those that run are finished
  --list            lists the cases and runs none; the module is not loaded
  --format <name>   text (the default), markdown, json or junit
  --output <file>   writes the report to a file
  --seed <number>   repeats the random cases of the run that printed this seed
  --timeout <s>     limits each call to this many seconds; 60 by default, and more for
                    a provider whose calls take long
  --help            shows this
  --version         shows the version

Exit codes: 0 if every required case passes; 1 if one fails, or a rejection is not handled;
2 if the arguments are wrong, the module can't be loaded, or it can't open a provider or
make a key.
`;

/** Parses the arguments. */
export function readArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args);
  if (values.help) return 'help';
  if (values.version) return 'version';
  const selection = { only: values.only, profile: readName('--profile', values.profile, PROFILES) };
  if (values.list) return { list: selection };
  const [module, ...others] = positionals;
  if (module === undefined) throw new UsageError('pass a module: the file of your provider');
  if (others.length > 0) throw new UsageError(`pass one module only, without ${others.join(' ')}`);
  const { output, bail, seed, timeout } = values;
  return {
    run: {
      ...selection,
      module,
      format: readName('--format', values.format, FORMATS),
      output,
      bail,
      seed: seed === undefined ? undefined : readNumber('--seed', seed, 0),
      timeoutMs: timeout === undefined ? undefined : readNumber('--timeout', timeout, 1) * 1000,
    },
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        only: { type: 'string', multiple: true },
        profile: { type: 'string', default: 'full' },
        bail: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        format: { type: 'string', default: 'text' },
        output: { type: 'string' },
        seed: { type: 'string' },
        timeout: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(argumentProblem(error));
  }
}

function readName<Name extends string>(option: string, name: string, names: readonly Name[]): Name {
  const known = names.find((each) => each === name);
  if (known === undefined) throw new UsageError(`${option} is one of ${names.join(', ')}`);
  return known;
}

function readNumber(option: string, text: string, minimum: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < minimum || number >= 2 ** 31) {
    throw new UsageError(`${option} is a whole number from ${minimum} on`);
  }
  return number;
}
