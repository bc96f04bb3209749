import { formatKeyArn, parseKeyId } from '@keywrap/core';
import { type CaseInput, CONTRACT, casesOf } from '../case.js';
import { expectError } from '../expect.js';
import { bareId } from '../key-use.js';
import { allUses, keyFor } from '../operations.js';

const exact = {
  id: 'exact-key-ids',
  statement:
    'A key id or alias is compared exactly: a prefix, a wildcard, another case or a path names no key (KEY_NOT_FOUND or INVALID_INPUT)',
  source: CONTRACT,
  power:
    'Always, by full, in each operation: a prefix or suffix of the id, another case, wildcards of files, SQL and patterns, blanks, line breaks, zeros, paths, escapes and words of an ARN that reach the key.',
};

/** Writes a number in the digits that begin at this code point. */
function digitsFrom(zero: number, text: string): string {
  return text.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)));
}

/** Other ways to write an id that is a number: what compares numbers takes them for this one. */
function otherNumerals(name: string): string[] {
  if (!/^\d+$/.test(name)) return [];
  return [
    ...[`0${name}`, `00${name}`, `+${name}`, `${name}.0`, `${name}.`, `${name}e0`],
    ...[`0x${BigInt(name).toString(16)}`, digitsFrom(0x660, name)],
  ];
}

/** Returns true if the other name may be that of another key, because keys are counted: `10` and `1`, `key-2` and `key-1`. */
function isCounted(other: string, name: string): boolean {
  const stem = /^(.*?)\d+$/s.exec(name)?.[1];
  return (
    stem !== undefined && other.startsWith(stem) && /^(0|[1-9]\d*)$/.test(other.slice(stem.length))
  );
}

/** Names that a search, a pattern, a number, a file name or a URL would take for this one. */
function lookAlikes(name: string): string[] {
  const half = name.slice(0, Math.ceil(name.length / 2));
  const changed = [
    ...[half, name.slice(0, -1), name.slice(1), name.slice(0, 1), `${name}0`, `${name}x`],
    ...[`${name}${name}`, digitsFrom(0xff10, name), ...otherNumerals(name)],
    ...['*', '%', '.*', `${half}*`, `${half}%`, `${name.slice(0, -1)}?`, `${name.slice(0, -1)}_`],
    ...[` ${name}`, `${name} `, `${name}\n`, `${name}\0`, `${name}/`, `./${name}`, `x/../${name}`],
    ...[
      `${name}?`,
      `${name}#x`,
      `${name};x`,
      `${name}%00`,
      `${name}/../${name}`,
      `${name}' OR '1'='1`,
    ],
    ...[name.toUpperCase(), name.toLowerCase(), encodeURIComponent(`${name}/`), `${name}:1`],
  ];
  return [...new Set(changed)].filter((each) => each !== name && !isCounted(each, name));
}

export const exactKeyIdCases = casesOf(
  exact,
  allUses
    .filter(({ keyIdField }) => keyIdField !== undefined)
    .flatMap((use): CaseInput[] => [
      {
        id: `EXA-1${use.number}`,
        title: `${use.title}: takes no look-alike of a key id or a key ARN`,
        needs: use.needs,
        profile: 'full',
        async run(context) {
          const key = await keyFor(use, context.keys);
          const parsed = parseKeyId(key.keyId);
          if (parsed.kind !== 'key-arn') return;
          const names = lookAlikes(parsed.id);
          const inArn = bareId(key.keyId);
          // As they stand in an ARN, and with the escapes of an ARN.
          const arns = [
            ...lookAlikes(inArn).map((id) => key.keyId.replace(inArn, () => id)),
            ...names.filter((id) => id !== '').map((id) => formatKeyArn(id, parsed)),
          ];
          // The same id, written in the words of an ARN.
          const others = [
            `key/${parsed.id}`,
            `alias/${parsed.id}`,
            `arn:aws:kms:::key/${parsed.id}`,
          ];
          await expectAllMissing(use, context, key, new Set([...names, ...arns, ...others]));
        },
      },
      {
        id: `EXA-2${use.number}`,
        title: `${use.title}: takes no look-alike of an alias`,
        needs: [...use.needs, 'keys.alias'],
        profile: 'full',
        async run(context) {
          const key = await keyFor(use, context.keys);
          const name = `Keywrap-${crypto.randomUUID()}`;
          await context.keys.alias(`alias/${name}`, key.keyId);
          const names = lookAlikes(name).map((each) => `alias/${each}`);
          await expectAllMissing(use, context, key, [...names, name, `alias/alias/${name}`]);
        },
      },
    ]),
);

async function expectAllMissing(
  use: (typeof allUses)[number],
  context: Parameters<(typeof allUses)[number]['call']>[0],
  key: { readonly ciphertext: Uint8Array },
  names: Iterable<string>,
): Promise<void> {
  const { operation } = use;
  for (const keyId of names) {
    const codes = ['KEY_NOT_FOUND', 'INVALID_INPUT'] as const;
    await expectError(use.call(context, { ...key, keyId }), codes, { operation });
  }
}
