// Streams MiB through a sealing or an opening stream and prints the memory of the process: before, and the most meanwhile.
// Another process makes the message to open. Arguments: seal or open, node or web, MiB, the frame length.
import { spawn } from 'node:child_process';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { openStream, sealStream } from '@keywrap/envelope';
import { openTransform, sealTransform } from '@keywrap/envelope/node';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import type { Memory } from '../rows/memory.js';

const MIB = 2 ** 20;
const CHUNK = Buffer.alloc(64 * 1024, 7);
const KEY_ID = 'files';

/** The same key in both processes. */
const keys = new LocalKeyWrapProvider({
  keys: [{ keyId: KEY_ID, keyMaterial: new Uint8Array(32).fill(9) }],
});

const [mode = '', kind = '', mebibytes = '', frameLength = ''] = process.argv.slice(2);
const sealing = { keyId: KEY_ID, frameLength: Number(frameLength) };
const opening = { trustedKeys: [KEY_ID], encryptionContext: {} };

function* plaintext(mebibytes: number) {
  for (let i = 0; i < mebibytes * 16; i++) yield CHUNK;
}

function sealedElsewhere(mebibytes: number): Readable {
  const program = [fileURLToPath(import.meta.url), 'produce', 'node', `${mebibytes}`, frameLength];
  return spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'inherit'] }).stdout;
}

async function runNode(mebibytes: number, onChunk: (chunk: Uint8Array) => void): Promise<void> {
  const sink = new Writable({
    write(chunk: Uint8Array, _encoding, callback) {
      onChunk(chunk);
      callback();
    },
  });
  if (mode === 'open') {
    await pipeline(sealedElsewhere(mebibytes), openTransform(keys, opening), sink);
  } else {
    const source = Readable.from(plaintext(mebibytes), { objectMode: false });
    await pipeline(source, sealTransform(keys, sealing), sink);
  }
}

async function runWeb(mebibytes: number, onChunk: (chunk: Uint8Array) => void): Promise<void> {
  const source: AsyncIterable<Uint8Array> | Iterable<Uint8Array> =
    mode === 'open' ? sealedElsewhere(mebibytes) : plaintext(mebibytes);
  await ReadableStream.from(source)
    .pipeThrough(mode === 'open' ? openStream(keys, opening) : sealStream(keys, sealing))
    .pipeTo(new WritableStream({ write: onChunk }));
}

/** What the process has, and how much of that V8 knows of, in MiB. */
function readMemory(): { readonly process: number; readonly counted: number } {
  const { rss, heapTotal, arrayBuffers } = process.memoryUsage();
  return { process: rss / MIB, counted: (heapTotal + arrayBuffers) / MIB };
}

/** Returns the most memory that there was. */
async function stream(mebibytes: number): Promise<ReturnType<typeof readMemory>> {
  const most = { process: 0, counted: 0 };
  let length = 0;
  await (kind === 'web' ? runWeb : runNode)(mebibytes, (chunk) => {
    length += chunk.length;
    const now = readMemory();
    most.process = Math.max(most.process, now.process);
    most.counted = Math.max(most.counted, now.counted);
  });
  if (length < mebibytes * MIB) throw new Error(`${length} bytes came out`);
  return most;
}

if (mode === 'produce') {
  const source = Readable.from(plaintext(Number(mebibytes)), { objectMode: false });
  await pipeline(source, sealTransform(keys, sealing), process.stdout);
} else {
  // Loads and compiles everything first.
  await stream(1);
  globalThis.gc?.();
  const before = readMemory();
  const most = await stream(Number(mebibytes));
  const memory: Memory = {
    ours: [most.process],
    reference: [before.process],
    counted: most.counted - before.counted,
  };
  console.log(JSON.stringify(memory));
}
await keys.close();
