import { createHash, randomFillSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { attempt, type Outcome } from '../outcome.js';
import { MESSAGES, type Message, nameOf } from './message.js';
import type { Party } from './party.js';

/** What came of a reader opening a message of a writer with all its keys, one after the other. */
export interface Delivery {
  readonly writer: string;
  readonly reader: string;
  readonly kind: string;
  readonly outcome: Outcome;
}

/** Has every party open what every party sealed. */
export async function exchange(parties: readonly Party[]): Promise<Delivery[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'keywrap-envelope-'));
  try {
    const plaintexts = await writePlaintexts(folder);
    // One kind after the other, so that large messages are deleted before the next are made.
    const deliveries: Delivery[] = [];
    for (const kind of new Set(MESSAGES.map((message) => message.kind))) {
      const messages = MESSAGES.filter((message) => message.kind === kind);
      const written = (
        await Promise.all(parties.map((writer) => write(writer, messages, plaintexts, folder)))
      ).flat();
      deliveries.push(
        ...(await Promise.all(parties.map((reader) => read(reader, written, folder)))).flat(),
      );
      for (const { file } of written) await rm(file, { force: true });
    }
    return deliveries;
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface Plaintext {
  readonly file: string;
  readonly hash: string;
}

interface Written {
  readonly writer: string;
  readonly message: Message;
  readonly plaintext: Plaintext;
  readonly file: string;
  /** Why it was not written, which each reader reports. */
  readonly failure: unknown;
}

async function writePlaintexts(folder: string): Promise<ReadonlyMap<number, Plaintext>> {
  const plaintexts = new Map<number, Plaintext>();
  for (const length of new Set(MESSAGES.map((message) => message.length))) {
    const file = path.join(folder, `plaintext-${length}`);
    await writeFile(file, randomFillSync(Buffer.alloc(length)));
    plaintexts.set(length, { file, hash: await hashOf(file) });
  }
  return plaintexts;
}

async function write(
  writer: Party,
  messages: readonly Message[],
  plaintexts: ReadonlyMap<number, Plaintext>,
  folder: string,
): Promise<Written[]> {
  const written: Written[] = [];
  for (const message of messages.filter((each) => writer.writes(each))) {
    const plaintext = plaintexts.get(message.length) as Plaintext;
    const file = path.join(folder, `${writer.name}-${MESSAGES.indexOf(message)}`);
    const failure = await writer.seal(message, plaintext.file, file).then(
      () => undefined,
      (error: unknown) => error,
    );
    written.push({ writer: writer.name, message, plaintext, file, failure });
  }
  return written;
}

async function read(
  reader: Party,
  written: readonly Written[],
  folder: string,
): Promise<Delivery[]> {
  const opened = path.join(folder, `opened by ${reader.name}`);
  const deliveries: Delivery[] = [];
  for (const { writer, message, plaintext, file, failure } of written) {
    const { kind, suite, keys, length } = message;
    const what = `${writer} to ${reader.name}: ${kind}, ${nameOf(suite)}, ${length} bytes`;
    const outcome = await attempt(what, async () => {
      if (failure !== undefined) throw failure;
      for (const key of keys.filter((key) => key !== 'offline' || canReadOffline(reader))) {
        await rm(opened, { force: true });
        await reader.open(message, key, file, opened);
        if ((await hashOf(opened)) !== plaintext.hash) throw new Error('other bytes came');
      }
    });
    deliveries.push({ writer, reader: reader.name, kind, outcome });
  }
  return deliveries;
}

/** Who writes under a key of another provider of keywrap reads with it. */
const canReadOffline = (reader: Party) =>
  MESSAGES.some((message) => message.keys.includes('offline') && reader.writes(message));

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
