/**
 * Says in one line what is wrong with the arguments of a command. Values are not quoted: one may be a passphrase.
 *
 * @param error What `parseArgs` of `node:util` threw, which has three lines and may quote a value.
 *
 * @example
 * ```ts
 * import { parseArgs } from 'node:util';
 * import { argumentProblem } from '@keywrap/core';
 *
 * try {
 *   parseArgs({ options: { port: { type: 'string' } } });
 * } catch (error) {
 *   console.error(argumentProblem(error));
 *   process.exitCode = 2;
 * }
 * ```
 */
export function argumentProblem(error: unknown): string {
  const { code, message } = error as Error & { readonly code?: string };
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') {
    return 'it takes options only, no other arguments';
  }
  const option = /'(-[-\w]+)/.exec(message)?.[1] ?? 'an option';
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return `${option} is not an option`;
  return `${option} ${/does not take/.test(message) ? 'takes no value' : 'needs a value'}`;
}
