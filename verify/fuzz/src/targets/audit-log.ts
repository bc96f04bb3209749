import { strict as assert } from 'node:assert';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  AuditChain,
  type ChainedLine,
} from '../../../../packages/provider-local/dist/audit/audit-chain.js';
import { verifyAuditLogs } from '../../../../packages/provider-local/dist/audit/audit-verify.js';
import { jsonMutation } from '../json-mutation.js';
import { attempt, type FuzzTarget, textOf, utf8 } from '../target.js';

const KEY = Uint8Array.from({ length: 32 }, (_, index) => index * 5 + 1);
const STORE = '6f2c1e4a-9b7d-4c3e-8a51-0d9e7f6b5a43';
const [FIRST, SECOND] = [
  '20260101T000000000Z-1-00000000.jsonl',
  '20260102T000000000Z-2-11111111.jsonl',
];

/**
 * The report counts no line as genuine that the log did not write. The first byte of an input: even, a log
 * as it is; odd, JSON lines, which are then chained with the key of the store.
 */
export const auditLog: FuzzTarget = {
  name: 'audit-log',
  words: [
    '\n',
    '","mac":"',
    '"before":',
    '"generation":1e999',
    '"operation":"audit.close"',
    '"audit.open"',
    '[["',
    '\u2028',
    '{}',
    'null',
  ],
  mutation: jsonMutation,
  async open(parent) {
    const folder = path.join(parent, 'audit');
    await mkdir(folder);
    const first = chained(FIRST, linesOf([]));
    const mac = first.at(-1)?.match(/"mac":"(.*)"/)?.[1] as string;
    const second = linesOf([[FIRST, mac]]);
    const genuine = chained(SECOND, second);
    await writeFile(path.join(folder, FIRST), first.join(''));
    const file = path.join(folder, SECOND);
    return {
      seeds: [
        utf8(`0${genuine.join('')}`),
        utf8(`1${second.map((line) => JSON.stringify(line)).join('\n')}`),
      ],
      async run(input) {
        const isRaw = ((input[0] ?? 0) & 1) === 0;
        const bytes = isRaw ? input.slice(1) : chainedBytes(textOf(input.subarray(1)));
        if (bytes === undefined) return;
        await writeFile(file, bytes);
        const reports = await attempt(
          () => verifyAuditLogs({ folder, key: KEY, storeId: STORE }),
          [],
        );
        const report = reports?.find(({ log }) => log === SECOND);
        assert.ok(report !== undefined);
        if (!isRaw) return;
        const same = Buffer.from(bytes)
          .toString('latin1')
          .split(/(?<=\n)/);
        const written = genuine.map((line) => Buffer.from(line).toString('latin1'));
        const differs = written.findIndex((line, index) => same[index] !== line);
        const known = differs === -1 ? written.length : differs;
        assert.equal(
          report.lines,
          known,
          'it counts a line that the log did not write, or drops one',
        );
        const isWhole = Buffer.compare(Buffer.from(genuine.join('')), bytes) === 0;
        const isCut =
          genuine.join('').startsWith(textOf(bytes)) && (bytes.length === 0 || bytes.at(-1) === 10);
        assert.equal(report.problem === undefined, isWhole || isCut);
      },
    };
  },
};

function linesOf(before: readonly unknown[]): ChainedLine[] {
  const events = [
    { operation: 'audit.open', store: STORE, before },
    { operation: 'encrypt', generation: 7, asked: ['alias/a'], context: ['鍵'], outcome: 'ok' },
    { operation: 'decrypt', asked: ['alias/b'], outcome: 'INCORRECT_KEY' },
    { operation: 'audit.close' },
  ];
  return events.map((event, seq) => ({ seq, time: '2026-01-02T03:04:05.678Z', ...event }));
}

function chained(name: string, lines: readonly ChainedLine[]): string[] {
  const chain = new AuditChain(KEY, STORE, name);
  return lines.map((line) => {
    const { text, mac } = chain.next(line);
    chain.accept(mac);
    return text;
  });
}

/** `undefined` if a line is not a JSON object: the log writes nothing else. */
function chainedBytes(text: string): Uint8Array | undefined {
  try {
    const lines = text.split('\n').map((line) => JSON.parse(line));
    const isObject = (line: unknown) =>
      typeof line === 'object' && line !== null && !Array.isArray(line);
    return lines.every(isObject) ? utf8(chained(SECOND, lines).join('')) : undefined;
  } catch {
    return undefined;
  }
}
