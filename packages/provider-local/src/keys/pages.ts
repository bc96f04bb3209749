import type { ScopePage } from './keys.js';

const PAGE = 1000;

/** Reads all pages of a list. */
export async function* allRows<Row>(
  list: (page: ScopePage) => Promise<readonly Row[]>,
  arnOfRow: (row: Row) => string,
): AsyncGenerator<Row> {
  let after: string | undefined;
  for (;;) {
    const rows = await list({ after, limit: PAGE });
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = arnOfRow(last);
  }
}
