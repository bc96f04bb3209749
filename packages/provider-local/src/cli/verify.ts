import { InvalidInputError } from '@keywrap/core';
import { readCheckpoints } from '../audit/checkpoints.js';
import type { SqlKeyStore } from '../store/sql-key-store.js';
import { type ActionArguments, UsageError } from './arguments.js';
import { countOf, print, printJson, showProgress } from './output.js';

/** Verifies a store and its audit logs, and prints the result. @returns True if nothing is damaged. */
export async function verify(
  store: SqlKeyStore,
  {
    auditLogs,
    checkpoints: witnesses,
    trustedGroup,
    generation,
    json,
  }: Pick<ActionArguments, 'auditLogs' | 'checkpoints' | 'trustedGroup' | 'generation' | 'json'>,
): Promise<boolean> {
  // The logs first, so that none has seen a newer generation than the store is found at.
  if (witnesses !== undefined && auditLogs === undefined) {
    throw new UsageError('--checkpoints is for --audit-logs');
  }
  const checkpoints =
    witnesses === undefined ? [] : await readCheckpoints(witnesses, { trustedGroup });
  const options = { checkpoints, trustedGroup };
  const logs = auditLogs === undefined ? [] : await store.verifyAuditLogs(auditLogs, options);
  if (auditLogs !== undefined && logs.length === 0) {
    throw new InvalidInputError(
      '--audit-logs',
      `names a folder without audit logs: ${auditLogs}; nothing was verified`,
    );
  }
  const report = await store.verify(showProgress('verifying rows'));
  const { keys, aliases, generation: found } = report;
  const damaged = report.damaged.map(({ message, keyId }) => ({ keyId, message }));
  const damagedLogs = logs.filter(({ problem }) => problem !== undefined);
  const newerLogs = logs.filter((log) => (log.generation ?? 0) > found);
  const isOld = found < generation || newerLogs.length > 0;
  const sound = damaged.length === 0 && damagedLogs.length === 0 && !isOld;
  if (json) {
    printJson({ generation: found, keys, aliases, damaged, logs, setBack: isOld, sound });
    return sound;
  }
  for (const { message } of damaged) print(`damaged: ${message}`);
  for (const { log, problem } of damagedLogs) print(`damaged: audit log ${log} ${problem}`);
  for (const { log, lines, witnessed } of logs.filter((each) => !each.closed && !each.problem)) {
    const last = witnessed === lines ? 'the last' : `line ${witnessed}`;
    const rest = `lines after ${last} can not be found if they were removed`;
    print(`open: audit log ${log} is being written, or its process was killed; ${rest}`);
  }
  for (const { log, generation: seen } of newerLogs) {
    print(`set back: audit log ${log} has seen generation ${seen}`);
  }
  if (found < generation) print(`set back: the store is older than generation ${generation}`);
  const rows = `${countOf(keys, 'key')} and ${countOf(aliases, 'alias', 'aliases')}, ${damaged.length} damaged`;
  const lines = logs.reduce((sum, log) => sum + log.lines, 0);
  const audited = `; ${countOf(logs.length, 'audit log')} of ${countOf(lines, 'line')}, ${damagedLogs.length} damaged`;
  print(`generation ${found}: ${rows}${auditLogs === undefined ? '' : audited}`);
  return sound;
}
