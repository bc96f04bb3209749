import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { Readable, Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { open, seal } from '@keywrap/envelope';
import { openTransform, sealTransform } from '@keywrap/envelope/node';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { timeAlternately } from '../alternate.js';
import type { Benchmark } from '../benchmark.js';
import { NEVER_FULL } from '../cache-limits.js';
import { soakStream } from './memory.js';

const KEY_ID = 'alias/records';
const encryptionContext = { tenant: 'a' };
const SEAL = { keyId: KEY_ID, encryptionContext };
const OPEN = { trustedKeys: [KEY_ID], encryptionContext };
const RECORD = randomBytes(1024);

const cachedKeys = () => withDataKeyCache(new LocalKeyWrapProvider({ keys: [KEY_ID] }), NEVER_FULL);

const IV = new Uint8Array(12);
const INFO = Buffer.from('\x04\x78DERIVEKEY');

const derive = (dataKey: Uint8Array, salt: Uint8Array) =>
  new Uint8Array(hkdfSync('sha512', dataKey, salt, INFO, 32));

/** HKDF and AES-GCM of a record, and nothing else. */
function bareSeal(dataKey: Uint8Array): Buffer {
  const salt = randomBytes(32);
  const cipher = createCipheriv('aes-256-gcm', derive(dataKey, salt), IV);
  return Buffer.concat([salt, cipher.update(RECORD), cipher.final(), cipher.getAuthTag()]);
}

function bareOpen(dataKey: Uint8Array, sealed: Uint8Array): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', derive(dataKey, sealed.subarray(0, 32)), IV);
  decipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(32, -16)), decipher.final()]);
}

const FRAME = 4096;
const TAG = 16;
const CHUNK = randomBytes(64 * 1024);
const CHUNKS = 256;

/** Runs 16 MiB through a stream, in chunks of 64 KiB as files come. */
async function run(stream: Transform, chunks: Iterable<Uint8Array>): Promise<Uint8Array[]> {
  const left: Uint8Array[] = [];
  const sink = new Writable({
    write(chunk: Uint8Array, _encoding, callback) {
      left.push(chunk);
      callback();
    },
  });
  await pipeline(Readable.from(chunks, { objectMode: false }), stream, sink);
  return left;
}

const plaintextChunks = Array.from({ length: CHUNKS }, () => CHUNK);

/** AES-256-GCM of each frame, and nothing else: the chunks are whole frames. */
function bareSealTransform(key: Uint8Array): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      const parts: Buffer[] = [];
      for (let at = 0; at < chunk.length; at += FRAME) {
        const cipher = createCipheriv('aes-256-gcm', key, IV);
        parts.push(
          cipher.update(chunk.subarray(at, at + FRAME)),
          cipher.final(),
          cipher.getAuthTag(),
        );
      }
      callback(null, Buffer.concat(parts));
    },
  });
}

function bareOpenTransform(key: Uint8Array): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      const parts: Buffer[] = [];
      for (let at = 0; at < chunk.length; at += FRAME + TAG) {
        const decipher = createDecipheriv('aes-256-gcm', key, IV);
        decipher.setAuthTag(chunk.subarray(at + FRAME, at + FRAME + TAG));
        parts.push(decipher.update(chunk.subarray(at, at + FRAME)), decipher.final());
      }
      callback(null, Buffer.concat(parts));
    },
  });
}

export const envelopeBenchmarks: readonly Benchmark[] = [
  {
    name: 'envelope-seal',
    unit: 'µs',
    ours: 'envelope `seal` of 1 KiB, its data key in the cache',
    reference: 'bare node:crypto: HKDF-SHA-512 and AES-256-GCM of the same',
    target: { ratio: 3 },
    measure() {
      const keys = cachedKeys();
      const dataKey = randomBytes(32);
      const reference = () => bareSeal(dataKey);
      return timeAlternately({
        ours: () => seal(keys, SEAL, RECORD),
        reference,
        batch: 200,
        unit: 'µs',
      });
    },
  },
  {
    name: 'envelope-open',
    unit: 'µs',
    ours: '`open` of the same',
    reference: 'the bare functions that open it',
    target: { ratio: 3 },
    async measure() {
      const keys = cachedKeys();
      const message = await seal(keys, SEAL, RECORD);
      const dataKey = randomBytes(32);
      const sealed = bareSeal(dataKey);
      return timeAlternately({
        ours: () => open(keys, message, OPEN),
        reference: () => bareOpen(dataKey, sealed),
        batch: 200,
        unit: 'µs',
      });
    },
  },
  {
    name: 'envelope-seal-stream',
    unit: 'ms',
    ours: 'a sealing stream: 16 MiB in frames of 4 KiB',
    reference: 'a stream of bare AES-256-GCM in the same frames',
    target: { ratio: 1.25 },
    measure() {
      const keys = cachedKeys();
      const key = randomBytes(32);
      return timeAlternately({
        ours: () => run(sealTransform(keys, SEAL), plaintextChunks),
        reference: () => run(bareSealTransform(key), plaintextChunks),
        batch: 1,
        time: 1000,
        unit: 'ms',
      });
    },
  },
  {
    name: 'envelope-open-stream',
    unit: 'ms',
    ours: 'an opening stream of the same',
    reference: 'a stream that opens the bare frames',
    target: { ratio: 1.25 },
    async measure() {
      const keys = cachedKeys();
      const key = randomBytes(32);
      const message = await run(sealTransform(keys, SEAL), plaintextChunks);
      const bare = await run(bareSealTransform(key), plaintextChunks);
      return timeAlternately({
        ours: () => run(openTransform(keys, OPEN), message),
        reference: () => run(bareOpenTransform(key), bare),
        batch: 1,
        time: 1000,
        unit: 'ms',
      });
    },
  },
  ...(['seal', 'open'] as const).flatMap((mode) =>
    (['node', 'web'] as const).map(
      (kind): Benchmark => ({
        name: `envelope-memory-${mode}-${kind}`,
        unit: 'MiB',
        ours: `memory of the process while 2 GiB are ${mode === 'seal' ? 'sealed' : 'opened'} as a ${kind === 'node' ? 'stream of Node.js' : 'Web Stream'}`,
        reference: 'memory before',
        target: { more: 32 },
        measure: () => soakStream(mode, kind, 2048),
      }),
    ),
  ),
];
