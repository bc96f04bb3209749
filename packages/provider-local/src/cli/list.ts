import { allRows } from '../keys/pages.js';
import { aliasArnOf, arnOf, targetOf } from '../keys/record.js';
import type { KeyStore } from '../keys/store.js';
import type { ActionArguments } from './arguments.js';
import { formatTable, print, printJson } from './output.js';

/** Prints the keys of a store and their aliases, without material. */
export async function list(
  store: KeyStore,
  { json }: Pick<ActionArguments, 'json'>,
): Promise<void> {
  const aliases = new Map<string, string[]>();
  for await (const record of allRows(
    (page) => store.listAliases({ scope: undefined, ...page }),
    aliasArnOf,
  )) {
    const names = aliases.get(targetOf(record)) ?? [];
    aliases.set(targetOf(record), [...names, record.alias]);
  }
  const keys = [];
  for await (const record of allRows(
    (page) => store.listKeys({ scope: undefined, ...page }),
    arnOf,
  )) {
    const { scope, versions, pendingVersion, ...rest } = record;
    const arn = arnOf(record);
    keys.push({
      arn,
      region: scope.region,
      ...rest,
      versions: versions.length,
      pendingVersion: pendingVersion?.version,
      aliases: aliases.get(arn) ?? [],
    });
  }
  if (json) return printJson(keys);
  if (keys.length === 0) {
    process.stderr.write(
      'no keys yet; services make them, with keys= in their URL or with createKey\n',
    );
  }
  process.stderr.write('not verified; run verify to find changed or removed rows\n');
  print(
    formatTable(
      ['REGION', 'KEY ID', 'SPEC', 'STATE', 'CREATED', 'DELETION', 'VERSIONS', 'ALIASES'],
      keys.map((key) => [
        key.region,
        key.id,
        key.keySpec,
        key.keyState,
        dayOf(key.creationDate),
        dayOf(key.deletionDate),
        String(key.versions),
        key.aliases.join(' '),
      ]),
    ),
  );
}

function dayOf(date: Date | undefined): string {
  return date?.toISOString().slice(0, 10) ?? '';
}
