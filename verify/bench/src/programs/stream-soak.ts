// Streams as many MiB as its argument says through a sealing and an opening stream, and prints the memory of the process before and, at
// its most, meanwhile.
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openTransform, sealTransform } from '@keywrap/envelope/node';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';

const MIB = 2 ** 20;
const CHUNK = Buffer.alloc(64 * 1024, 7);

const keys = new LocalKeyWrapProvider({ keys: ['alias/files'] });

/** Seals and opens in one pipeline, and returns the most memory that the process had. */
async function stream(mebibytes: number): Promise<number> {
  let most = 0;
  let length = 0;
  const source = function* () {
    for (let i = 0; i < mebibytes * 16; i++) yield CHUNK;
  };
  const sink = new Writable({
    write(chunk: Uint8Array, _encoding, callback) {
      length += chunk.length;
      most = Math.max(most, process.memoryUsage.rss());
      callback();
    },
  });
  await pipeline(
    Readable.from(source(), { objectMode: false }),
    sealTransform(keys, { keyId: 'alias/files' }),
    openTransform(keys, { trustedKeys: ['alias/files'], encryptionContext: {} }),
    sink,
  );
  if (length !== mebibytes * MIB) throw new Error(`${length} bytes came out`);
  return most;
}

// Loads and compiles everything first.
await stream(1);
globalThis.gc?.();
const before = process.memoryUsage.rss();
const most = await stream(Number(process.argv[2]));
await keys.close();
console.log(JSON.stringify({ ours: [most / MIB], reference: [before / MIB] }));
