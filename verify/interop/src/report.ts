import { type Client, find, type InstalledClient } from './clients.js';
import type { Outcome } from './outcome.js';
import { formatTable } from './table.js';

/** Looks for the clients, and prints their versions. */
export function survey(
  title: string,
  clients: readonly Client[],
): { readonly installed: InstalledClient[]; readonly outcomes: Outcome[] } {
  const installed: InstalledClient[] = [];
  const outcomes: Outcome[] = [];
  const rows = [];
  for (const client of clients) {
    const found = find(client);
    if (typeof found !== 'string') {
      installed.push(found);
      rows.push([client.name, found.version, client.note ?? '']);
      continue;
    }
    rows.push([client.name, '-', found]);
    // On a developer's machine a client may be missing; in a complete check, none may.
    if (process.env.CI === 'true') outcomes.push({ what: client.name, failure: `is ${found}` });
  }
  console.log(`${title}\n${formatTable(rows)}\n`);
  return { installed, outcomes };
}

/** Prints what failed, and sets the exit code. */
export function report(outcomes: readonly Outcome[]): void {
  const failed = outcomes.filter(({ failure }) => failure !== undefined);
  for (const { what, failure } of failed) console.log(`${what}\n  ${failure}`);
  console.log(`${outcomes.length - failed.length} passed, ${failed.length} failed`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}
