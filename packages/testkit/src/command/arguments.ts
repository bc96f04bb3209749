import { parseArgs } from 'node:util';

/** The parsed arguments. */
export interface CommandOptions {
  readonly module: string;
  readonly format: Format;
  readonly only: readonly string[] | undefined;
  readonly output: string | undefined;
  readonly seed: number | undefined;
  readonly timeoutMs: number | undefined;
}

const FORMATS = ['text', 'markdown', 'json', 'junit'] as const;

/** The formats of the report. */
export type Format = (typeof FORMATS)[number];

/** The arguments are invalid, or the module does not export a provider. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const USAGE = `Usage: keywrap-conformance [options] <module>

Runs the conformance suite of keywrap on the provider that a module exports,
as \`default\` or as \`harness\`:

  a harness     { name, open() } where open() returns { provider, keys }
  a class       of a provider that is a KeyManager, constructed without arguments
  a function    that returns such a provider, or { provider, keys }
  an instance   of such a provider; the module is loaded again for each one

Options:
  --only <id>       runs this case, or all with this prefix: DEC-004, CTX-, CTX
                    (may be repeated)
  --format <name>   text (the default), markdown, json or junit
  --output <file>   writes the report to a file
  --seed <number>   repeats the random cases of the run that printed this seed
  --timeout <s>     limits each case to this many seconds; 60 by default
  --help            shows this
  --version         shows the version

Exit codes: 0 if every required case passes, 1 if one fails, 2 if the arguments are wrong or
the module can't be loaded.
`;

/** Parses the arguments. */
export function readArguments(args: readonly string[]): CommandOptions | 'help' | 'version' {
  const { values, positionals } = parse(args);
  if (values.help) return 'help';
  if (values.version) return 'version';
  const [module, ...others] = positionals;
  if (module === undefined) throw new UsageError('pass a module: the file of your provider');
  if (others.length > 0) throw new UsageError(`pass one module only, without ${others.join(' ')}`);
  return {
    module,
    format: readFormat(values.format),
    only: values.only,
    output: values.output,
    seed: values.seed === undefined ? undefined : readNumber('--seed', values.seed, 0),
    timeoutMs:
      values.timeout === undefined ? undefined : readNumber('--timeout', values.timeout, 1) * 1000,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        only: { type: 'string', multiple: true },
        format: { type: 'string', default: 'text' },
        output: { type: 'string' },
        seed: { type: 'string' },
        timeout: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

function readFormat(name: string): Format {
  const format = FORMATS.find((each) => each === name);
  if (format === undefined) throw new UsageError(`--format is one of ${FORMATS.join(', ')}`);
  return format;
}

function readNumber(option: string, text: string, minimum: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < minimum || number >= 2 ** 31) {
    throw new UsageError(`${option} is a whole number from ${minimum} on`);
  }
  return number;
}
