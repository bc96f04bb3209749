import { formatKeyArn, parseKeyId } from '@keywrap/core';
import { type CaseInput, CONTRACT, casesOf } from '../case.js';
import { expectError, expectKeyArn } from '../expect.js';
import { bareId } from '../key-use.js';
import { allUses, keyFor } from '../operations.js';
import { manyOf } from '../statistics.js';

const exact = {
  id: 'exact-key-ids',
  statement:
    'A key id or alias is compared exactly, to its last character: a prefix, a wildcard, another case, separator or path names no key (KEY_NOT_FOUND or INVALID_INPUT), and two aliases are never one',
  source: CONTRACT,
  power:
    'Always, by full, in each operation: a prefix or suffix of the id, another case, wildcards of files, SQL and patterns, blanks, line breaks, zeros, paths, escapes, words of an ARN and names of members of objects that reach a key; in aliases, separators that are merged, dropped or taken for each other, and what is cut off after any number of characters from 60 on.',
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

/** The names that every object has, and those of files: a table of keys must not have them. */
const MEMBERS = ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'index', 'null', '0'];

/** An alias with every separator that AWS KMS takes in one: each may mean something to a backend. */
const newName = (unique: string) => `Keywrap/Team_a-b/01-${unique}/Key_2`;

const newPart = () => crypto.randomUUID().slice(-12);

/** Other aliases, all of them well-formed, that are this one for whatever changes separators, case or numbers. */
function otherAliases(name: string): string[] {
  const separators = [...name.matchAll(/[/_:-]/g)].map(({ index }) => index);
  const at = (index: number, text: string) => name.slice(0, index) + text + name.slice(index + 1);
  const changed = separators.flatMap((index) => {
    const own = name.charAt(index);
    return [own + own, '', ...['/', '_', ':', '-'].filter((each) => each !== own)].map((text) =>
      at(index, text),
    );
  });
  const ends = ['/', '_', ':', '-', '0', 's'].flatMap((text) => [text + name, name + text]);
  return [
    ...changed,
    ...ends,
    ...[
      name.toLowerCase(),
      name.toUpperCase(),
      name.replaceAll('/', ':'),
      name.replaceAll('_', '-'),
    ],
    ...[name.replace('/01-', '/1-'), name.replace('/01-', '/001-'), name.replaceAll(/[/_:-]/g, '')],
    ...[name.slice(1), name.slice(0, -1), name.replace(/\/[^/]*$/, ''), name.replace(/^.*\//, '')],
    ...[`alias/${name}`, `key/${name}`, name.split('/').reverse().join('/'), ...MEMBERS],
  ];
}

/** Aliases as long as possible that differ only in the character after so many. */
function longNames(): string[] {
  const whole = `${crypto.randomUUID()}-${'x'.repeat(LONGEST)}`.slice(0, LONGEST);
  const lengths = [60, 63, 64, 100, 127, 128, 200, LONGEST - 1];
  return [
    whole,
    ...lengths.map((length) => `${whole.slice(0, length)}y${whole.slice(length + 1)}`),
  ];
}

/** An alias has at most 256 characters, with its prefix. */
const LONGEST = 256 - 'alias/'.length;

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
          const name = await context.keys.once(`a name of ${key.keyId}`, async () => {
            const made = newName(newPart());
            await context.keys.alias(`alias/${made}`, key.keyId);
            return made;
          });
          expectKeyArn(await use.call(context, { ...key, keyId: `alias/${name}` }), key.keyId);
          const names = [...lookAlikes(name), ...otherAliases(name)].map((each) => `alias/${each}`);
          await expectAllMissing(use, context, key, new Set([...names, name, ...MEMBERS]));
        },
      },
      {
        id: `EXA-3${use.number}`,
        title: `${use.title}: each of many aliases that are nearly the same is its own key`,
        needs: [...use.needs, 'keys.alias'],
        profile: 'full',
        async run(context) {
          const { keys } = context;
          // Not those of other cases, which look for an alias that is the id of a key.
          const both = [await keyFor(use, keys, 2), await keyFor(use, keys, 3)] as const;
          const names = await keys.once(`nearly the same ${both[0].keyId}`, async () => {
            // As an alias, each is the other key.
            const ids = both.map(({ keyId }) => bareId(keyId)).reverse();
            const isPossible = ids.every((id) => /^[\w/-]+$/.test(id));
            const unique = newPart();
            const name = newName(unique);
            const others = otherAliases(name).filter(
              (each) => !each.includes(':') && each.toLowerCase().includes(unique),
            );
            const all = [...new Set([...(isPossible ? ids : []), name, ...others, ...longNames()])];
            await manyOf(all.length, (i) =>
              keys.alias(`alias/${all[i]}`, both[(i % 2) as 0 | 1].keyId),
            );
            return all;
          });
          await manyOf(names.length, async (i) => {
            const key = both[(i % 2) as 0 | 1];
            expectKeyArn(
              await use.call(context, { ...key, keyId: `alias/${names[i]}` }),
              key.keyId,
            );
          });
        },
      },
    ]),
);

async function expectAllMissing(
  use: (typeof allUses)[number],
  context: Parameters<(typeof allUses)[number]['call']>[0],
  key: { readonly ciphertext: Uint8Array },
  names: ReadonlySet<string>,
): Promise<void> {
  const { operation } = use;
  const codes = ['KEY_NOT_FOUND', 'INVALID_INPUT'] as const;
  const all = [...names];
  await manyOf(all.length, (i) =>
    expectError(use.call(context, { ...key, keyId: all[i] as string }), codes, { operation }),
  );
}
