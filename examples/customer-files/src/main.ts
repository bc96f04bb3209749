// Keeps a customer in SQLite and a file of 200 MB, both encrypted, and reads them back. KEYWRAP_URL picks the provider:
//   node examples/customer-files/dist/main.js                     (keys in memory)
//   KEYWRAP_URL=aws-kms://eu-west-1 node ...                      (with alias/customers and alias/files in AWS KMS)
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { openKeyWrapProvider } from '@keywrap/core';
import { kmsScheme } from '@keywrap/provider-kms';
import { localScheme } from '@keywrap/provider-local';
import { CustomerFiles } from './customer-files.js';
import { Customers } from './customers.js';

const MEGABYTE = 1_000_000;
const LENGTH = 200 * MEGABYTE;

/** A long file that nobody holds in memory, and the hash of what was read of it. */
function longFile() {
  const hash = createHash('sha256');
  const block = randomBytes(MEGABYTE / 10);
  function* blocks() {
    for (let sent = 0; sent < LENGTH; sent += block.length) {
      block.writeUInt32BE(sent);
      const copy = Buffer.from(block);
      hash.update(copy);
      yield copy;
    }
  }
  return { content: Readable.from(blocks(), { objectMode: false }), hash };
}

/** In bytes. */
const peakMemory = () => process.resourceUsage().maxRSS * 1024;

async function main(): Promise<void> {
  const url = process.env.KEYWRAP_URL ?? 'local:?keys=alias/customers,alias/files';
  await using keys = await openKeyWrapProvider(url, [localScheme, kmsScheme]);
  const folder = await mkdtemp(path.join(tmpdir(), 'customer-files-'));
  try {
    using customers = new Customers(path.join(folder, 'customers.sqlite'), keys);
    await customers.put({
      id: '7',
      name: 'Ada Lovelace',
      iban: 'DE02120300000000202051',
      notes: ['prefers mail'],
    });
    const customer = await customers.get('7');
    console.log(`customer ${customer?.id}: IBAN ends in ${customer?.iban.slice(-4)}`);

    const files = new CustomerFiles(folder, keys);
    const before = peakMemory();
    const { content, hash } = longFile();
    await files.put('7', 'scans.tar', content);
    const received = createHash('sha256');
    await files.send('7', 'scans.tar', received);
    const isSame = received.digest().equals(hash.digest());
    console.log(`file of ${LENGTH / MEGABYTE} MB: ${isSame ? 'the same' : 'CHANGED'}`);
    const peak = peakMemory();
    const rounded = (bytes: number) => Math.round(bytes / MEGABYTE);
    console.log(`peak memory ${rounded(peak)} MB, ${rounded(peak - before)} MB above idle`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? `${error.name}: ${error.message}` : error);
  process.exitCode = 1;
});
