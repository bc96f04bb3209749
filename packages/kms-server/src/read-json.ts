import { readFile } from 'node:fs/promises';

/**
 * Reads a JSON file in UTF-8, with or without a byte order mark. Its contents are checked where they are used.
 *
 * @param option The option that named it, for messages. They quote nothing of the file, which may contain secrets.
 * @throws Error if it can't be read, or with the line and column where it is not JSON.
 */
export async function readJson<Contents>(
  file: string | undefined,
  option: string,
): Promise<Contents | undefined> {
  if (file === undefined) return undefined;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (cause) {
    throw new Error(`${option} ${file} ${problemOf(cause)}`, { cause });
  }
  try {
    return JSON.parse(text);
  } catch {
    const before = text.slice(0, errorIn(text)).split('\n');
    const place = `line ${before.length}, column ${(before.at(-1) as string).length + 1}`;
    throw new Error(`${option} ${file} is not JSON: see ${place}`);
  }
}

/** What is wrong with a file that was not read, by the system's code. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EISDIR: 'it is a folder',
  EACCES: 'not allowed',
};

function problemOf(error: unknown): string {
  if (error instanceof TypeError) return 'is not UTF-8';
  const code = `${(error as NodeJS.ErrnoException).code}`;
  return `can not be read: ${REASONS[code] ?? code}`;
}

/** A token of JSON (RFC 8259 §2), after white space. */
const TOKEN =
  /[ \t\n\r]*(?:([[\]{},:])|("(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*")|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-]))/y;

/** What may come next, by what came before; a string is `"`, and any other value `v`. */
const NEXT = {
  value: '"v[{',
  firstItem: '"v[{]',
  firstName: '"}',
  name: '"',
  colon: ':',
  item: ',]',
  member: ',}',
  end: '',
} as const;

/** Returns the index of the first character that can't be there. JavaScript engines do not tell it for every error. */
function errorIn(text: string): number {
  const open: string[] = [];
  let state: keyof typeof NEXT = 'value';
  for (let index = 0; ; index = TOKEN.lastIndex) {
    TOKEN.lastIndex = index;
    const [, sign, string] = TOKEN.exec(text) ?? [];
    const isToken = TOKEN.lastIndex > index;
    const token = sign ?? (string === undefined ? 'v' : '"');
    if (!isToken || !NEXT[state].includes(token)) {
      return index + (/^[ \t\n\r]*/.exec(text.slice(index))?.[0].length ?? 0);
    }
    if (token === '[' || token === '{') open.push(token);
    if (token === ']' || token === '}') open.pop();
    state = stateAfter(token, state, open.at(-1));
  }
}

function stateAfter(
  token: string,
  state: keyof typeof NEXT,
  inside: string | undefined,
): keyof typeof NEXT {
  if (token === '[') return 'firstItem';
  if (token === '{') return 'firstName';
  if (token === ':') return 'value';
  if (token === ',') return inside === '[' ? 'value' : 'name';
  if (token === '"' && (state === 'firstName' || state === 'name')) return 'colon';
  if (inside === undefined) return 'end';
  return inside === '[' ? 'item' : 'member';
}
