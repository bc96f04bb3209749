// Streams as many MiB as its second argument says through a sealing or an opening stream, as the first says, and
// prints the memory of the process before and, at its most, meanwhile. Another process makes the message to open.
import { spawn } from 'node:child_process';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { openTransform, sealTransform } from '@keywrap/envelope/node';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';

const MIB = 2 ** 20;
const CHUNK = Buffer.alloc(64 * 1024, 7);
const KEY_ID = 'files';

/** The same key in both processes. */
const keys = new LocalKeyWrapProvider({
  keys: [{ keyId: KEY_ID, keyMaterial: new Uint8Array(32).fill(9) }],
});

const [mode, mebibytes = '1'] = process.argv.slice(2);

function source(mebibytes: number): Readable {
  const chunks = function* () {
    for (let i = 0; i < mebibytes * 16; i++) yield CHUNK;
  };
  return Readable.from(chunks(), { objectMode: false });
}

const sealing = () => sealTransform(keys, { keyId: KEY_ID });

function sealedElsewhere(mebibytes: number): Readable {
  const program = [fileURLToPath(import.meta.url), 'produce', String(mebibytes)];
  return spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'inherit'] }).stdout;
}

/** Returns the most memory that the process had. */
async function stream(mebibytes: number): Promise<number> {
  let most = 0;
  let length = 0;
  const sink = new Writable({
    write(chunk: Uint8Array, _encoding, callback) {
      length += chunk.length;
      most = Math.max(most, process.memoryUsage.rss());
      callback();
    },
  });
  if (mode === 'seal') await pipeline(source(mebibytes), sealing(), sink);
  else {
    const opening = openTransform(keys, { trustedKeys: [KEY_ID], encryptionContext: {} });
    await pipeline(sealedElsewhere(mebibytes), opening, sink);
  }
  if (length < mebibytes * MIB) throw new Error(`${length} bytes came out`);
  return most;
}

if (mode === 'produce') await pipeline(source(Number(mebibytes)), sealing(), process.stdout);
else {
  // Loads and compiles everything first.
  await stream(1);
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  const most = await stream(Number(mebibytes));
  console.log(JSON.stringify({ ours: [most / MIB], reference: [before / MIB] }));
}
await keys.close();
