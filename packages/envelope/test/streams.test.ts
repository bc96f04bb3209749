import { getEventListeners } from 'node:events';
import { Readable, type Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { KeyWrapProvider } from '@keywrap/core';
import {
  type OpenStreamOptions,
  open,
  openStream,
  type SealOptions,
  seal,
  sealStream,
} from '@keywrap/envelope';
import { openTransform, sealTransform } from '@keywrap/envelope/node';
import { expect } from 'chai';
import { expectRejection, hex, localKeys, randomBytes, rejection } from './support.js';

const encryptionContext = { file: 'a.pdf' };
const SEAL: SealOptions = { keyId: 'alias/a', encryptionContext, frameLength: 100 };
const OPEN: OpenStreamOptions = { trustedKeys: ['alias/a'], encryptionContext };

function* chunksOf(bytes: Uint8Array, length: number): Generator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += length) yield bytes.subarray(i, i + length);
}

/** What left a stream, and how it ended. */
interface Outcome {
  readonly left: Buffer;
  readonly error: unknown;
}

type Run = (chunks: Iterable<Uint8Array>) => Promise<Outcome>;

const webRun =
  (stream: () => TransformStream<Uint8Array, Uint8Array>): Run =>
  async (chunks) => {
    const left: Uint8Array[] = [];
    const error = await ReadableStream.from(chunks)
      .pipeThrough(stream())
      .pipeTo(new WritableStream({ write: (chunk) => void left.push(chunk) }))
      .catch((error: unknown) => error);
    return { left: Buffer.concat(left), error };
  };

const nodeRun =
  (stream: () => Transform): Run =>
  async (chunks) => {
    const left: Uint8Array[] = [];
    const sink = new Writable({
      write: (chunk: Uint8Array, _encoding, callback) => {
        left.push(chunk);
        callback();
      },
    });
    const source = Readable.from(chunks, { objectMode: false });
    const error = await pipeline(source, stream(), sink).catch((error: unknown) => error);
    return { left: Buffer.concat(left), error };
  };

/** Both kinds of stream, by the same names. */
const KINDS = {
  'Web Streams': {
    sealing: (keys: KeyWrapProvider, options = SEAL) => webRun(() => sealStream(keys, options)),
    opening: (keys: KeyWrapProvider, options = OPEN) => webRun(() => openStream(keys, options)),
  },
  'Node.js streams': {
    sealing: (keys: KeyWrapProvider, options = SEAL) => nodeRun(() => sealTransform(keys, options)),
    opening: (keys: KeyWrapProvider, options = OPEN) => nodeRun(() => openTransform(keys, options)),
  },
};

for (const [kind, { sealing, opening }] of Object.entries(KINDS)) {
  describe(`Sealing and opening with ${kind}`, () => {
    const keys = localKeys();
    after(() => keys.close());

    for (const signed of [false, true]) {
      for (const length of [0, 1, 100, 101, 1000]) {
        it(`round-trips ${length} bytes in chunks of any length${signed ? ', signed' : ''}`, async () => {
          const plaintext = randomBytes(length);
          for (const chunkLength of [1, 7, 99, 100, 101, 350, 2000]) {
            const run = sealing(keys, { ...SEAL, signed });
            const message = await run(chunksOf(plaintext, chunkLength));
            expect(message.error).to.equal(undefined);
            using whole = await open(keys, message.left, OPEN);
            expect(hex(whole.plaintext)).to.equal(hex(plaintext));
            const opened = await opening(keys)(chunksOf(message.left, chunkLength));
            expect(opened.error).to.equal(undefined);
            expect(hex(opened.left)).to.equal(hex(plaintext));
          }
        });
      }
    }

    it('opens a message that one call sealed', async () => {
      const plaintext = randomBytes(1000);
      const message = await seal(keys, SEAL, plaintext);
      const opened = await opening(keys)(chunksOf(message, 64));
      expect(hex(opened.left)).to.equal(hex(plaintext));
    });

    it('releases authentic frames before a damaged one, and then fails', async () => {
      const plaintext = randomBytes(1000);
      const message = await seal(keys, SEAL, plaintext);
      message[message.length - 1] = (message.at(-1) as number) ^ 1;
      const { left, error } = await opening(keys)(chunksOf(message, 50));
      expect(error).to.have.property('code', 'INVALID_CIPHERTEXT');
      expect(hex(left)).to.equal(hex(plaintext.subarray(0, 900)));
    });

    it('holds the last frame of a signed message back until the signature is verified', async () => {
      const plaintext = randomBytes(1000);
      const message = await seal(keys, { ...SEAL, signed: true }, plaintext);
      message[message.length - 1] = (message.at(-1) as number) ^ 1;
      const { left, error } = await opening(keys)(chunksOf(message, 50));
      expect(error).to.have.property('code', 'INVALID_CIPHERTEXT');
      expect(hex(left)).to.equal(hex(plaintext.subarray(0, 900)));
    });

    for (const signed of [false, true]) {
      it(`releases nothing of a damaged message with holdBack${signed ? ', signed' : ''}`, async () => {
        const message = await seal(keys, { ...SEAL, signed }, randomBytes(1000));
        const whole = await opening(keys, { ...OPEN, holdBack: 1000 })(chunksOf(message, 50));
        expect([whole.left.length, whole.error]).to.deep.equal([1000, undefined]);
        message[message.length - 1] = (message.at(-1) as number) ^ 1;
        const { left, error } = await opening(keys, { ...OPEN, holdBack: 1000 })(
          chunksOf(message, 50),
        );
        expect(error).to.have.property('code', 'INVALID_CIPHERTEXT');
        expect(left.length).to.equal(0);
      });
    }

    it('rejects a message that is longer than holdBack', async () => {
      const message = await seal(keys, SEAL, randomBytes(1000));
      const { left, error } = await opening(keys, { ...OPEN, holdBack: 999 })(
        chunksOf(message, 50),
      );
      expect(error).to.include({ code: 'INVALID_INPUT', field: 'message' });
      expect(left.length).to.equal(0);
    });

    it('rejects a message that is truncated anywhere', async () => {
      const message = await seal(keys, { ...SEAL, signed: true }, randomBytes(150));
      for (let length = 0; length < message.length; length += 13) {
        const { error } = await opening(keys)(chunksOf(message.subarray(0, length), 50));
        expect(error).to.have.property('code', 'INVALID_CIPHERTEXT');
      }
    });

    it('rejects bytes after the message', async () => {
      for (const signed of [false, true]) {
        const message = await seal(keys, { ...SEAL, signed }, randomBytes(150));
        const { error } = await opening(keys)([message, Uint8Array.of(0)]);
        expect(error).to.have.property('code', 'INVALID_CIPHERTEXT');
      }
    });

    it('take no notice of empty chunks', async () => {
      const plaintext = randomBytes(250);
      function* withEmpty(bytes: Uint8Array): Generator<Uint8Array> {
        for (const chunk of chunksOf(bytes, 33)) yield* [new Uint8Array(), chunk, Buffer.alloc(0)];
      }
      const message = await sealing(keys)(withEmpty(plaintext));
      const opened = await opening(keys)(withEmpty(message.left));
      expect([opened.error, hex(opened.left)]).to.deep.equal([undefined, hex(plaintext)]);
      const nothing = await sealing(keys)([new Uint8Array()]);
      const openedNothing = await opening(keys)([nothing.left, new Uint8Array()]);
      expect([openedNothing.error, openedNothing.left.length]).to.deep.equal([undefined, 0]);
    });

    it('reject what has no bytes at all', async () => {
      for (const chunks of [[], [new Uint8Array()]]) {
        const { error } = await opening(keys)(chunks);
        expect(error).to.have.property('code', 'INVALID_CIPHERTEXT');
      }
    });

    it('fail with their source, and what has left a sealing one does not open', async () => {
      function* failing(chunks: Iterable<Uint8Array>): Generator<Uint8Array> {
        yield* chunks;
        throw new Error('the disk failed');
      }
      const plaintext = randomBytes(350);
      const part = await sealing(keys)(failing([plaintext]));
      expect(part.error).to.have.property('message', 'the disk failed');
      const opened = await opening(keys)([part.left]);
      expect(opened.error).to.have.property('code', 'INVALID_CIPHERTEXT');
      const message = await seal(keys, SEAL, plaintext);
      const early = await opening(keys, { ...OPEN, holdBack: 1000 })(failing([message]));
      expect(early.error).to.have.property('message', 'the disk failed');
      expect(early.left.length).to.equal(0);
    });

    it('take memory that is shared or resizable', async () => {
      const plaintext = randomBytes(250);
      const copyInto = (buffer: ArrayBufferLike, bytes: Uint8Array) => {
        const copy = new Uint8Array(buffer, 0, bytes.length);
        copy.set(bytes);
        return copy;
      };
      const Resizable = ArrayBuffer as unknown as new (
        length: number,
        options: object,
      ) => ArrayBuffer;
      for (const allocate of [
        (length: number) => new SharedArrayBuffer(length),
        (length: number) => new Resizable(length, { maxByteLength: 10_000 }),
      ]) {
        const message = await sealing(keys)([copyInto(allocate(250), plaintext)]);
        const shared = copyInto(allocate(message.left.length), message.left);
        const opened = await opening(keys)([shared]);
        expect([opened.error, hex(opened.left)]).to.deep.equal([undefined, hex(plaintext)]);
        using whole = await open(keys, shared, OPEN);
        expect(hex(whole.plaintext)).to.equal(hex(plaintext));
        expect(
          (await seal(keys, SEAL, copyInto(allocate(250), plaintext))).length,
        ).to.be.greaterThan(250);
      }
    });

    it('fails as the provider does', async () => {
      const { error } = await sealing(keys, { ...SEAL, keyId: 'alias/none' })([randomBytes(5)]);
      expect(error).to.include({ code: 'KEY_NOT_FOUND' });
    });
  });
}

describe('A sealing stream', () => {
  it('fails when it is longer than bytesToEncrypt', async () => {
    await using keys = localKeys();
    const limited = webRun(() => sealStream(keys, SEAL, { bytesToEncrypt: 99 }));
    expect((await limited([randomBytes(99)])).error).to.equal(undefined);
    const { error } = await limited([randomBytes(50), randomBytes(50)]);
    expect(error).to.include({ code: 'INVALID_INPUT', field: 'options.bytesToEncrypt' });
  });

  it('rejects a chunk that is not bytes', async () => {
    await using keys = localKeys();
    const { error } = await webRun(() => sealStream(keys, SEAL))(['text'] as never[]);
    expect(error).to.include({ code: 'INVALID_INPUT', field: 'chunk' });
  });

  it('rejects wrong options at once', () => {
    const keys = localKeys();
    expect(() => sealStream(keys, { ...SEAL, frameLength: 0 })).to.throw('frameLength');
    expect(() => sealTransform(keys, { ...SEAL, keyId: '' })).to.throw('keyId');
    expect(() => openStream(keys, { ...OPEN, holdBack: -1 })).to.throw('holdBack');
    expect(() => openTransform(keys, { ...OPEN, trustedKeys: [] })).to.throw('trustedKeys');
  });
});

describe('An opening stream', () => {
  it('says what the authentic header says', async () => {
    await using keys = localKeys();
    const message = await seal(keys, { ...SEAL, signed: true }, randomBytes(150));
    const { keyId } = await keys.describeKey({ keyId: 'alias/a' });
    const expected = {
      encryptionContext,
      keyId,
      algorithmSuite: 'ALG_AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384',
    };
    const web = openStream(keys, OPEN);
    await ReadableStream.from([message]).pipeThrough(web).pipeTo(new WritableStream());
    expect(await web.header).to.deep.equal(expected);
    const node = openTransform(keys, OPEN);
    const header = new Promise((resolve) => node.once('header', resolve));
    node.resume().end(message);
    expect(await header).to.deep.equal(expected);
  });

  it('rejects the promise of the header with its error', async () => {
    await using keys = localKeys();
    const stream = openStream(keys, OPEN);
    const message = await seal(keys, { ...SEAL, encryptionContext: {} }, randomBytes(150));
    await ReadableStream.from([message])
      .pipeThrough(stream)
      .pipeTo(new WritableStream())
      .catch(() => {});
    await expectRejection(stream.header, 'INVALID_CIPHERTEXT');
  });
});

describe('A stream', () => {
  /** A source that counts what was asked of it. */
  function counted(chunk: Uint8Array) {
    let pulls = 0;
    const source = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulls += 1;
          controller.enqueue(chunk);
        },
      },
      { highWaterMark: 0 },
    );
    return { source, pulls: () => pulls };
  }

  /** Lets everything run that can run without another chunk being read. */
  const settle = async () => {
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
  };

  it('takes no more than its reader takes: sealing', async () => {
    await using keys = localKeys();
    const { source, pulls } = counted(randomBytes(1000));
    const reader = source.pipeThrough(sealStream(keys, SEAL)).getReader();
    await settle();
    const before = pulls();
    expect(before).to.be.lessThan(5);
    await settle();
    expect(pulls()).to.equal(before);
    for (let i = 0; i < 20; i++) await reader.read();
    await settle();
    expect(pulls()).to.be.within(before + 1, before + 25);
    await reader.cancel();
  });

  it('takes no more than its reader takes: opening', async () => {
    await using keys = localKeys();
    const message = await seal(keys, SEAL, randomBytes(100_000));
    let pulls = 0;
    const source = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          controller.enqueue(message.subarray(pulls * 1000, (pulls + 1) * 1000));
          pulls += 1;
        },
      },
      { highWaterMark: 0 },
    );
    const reader = source.pipeThrough(openStream(keys, OPEN)).getReader();
    await settle();
    expect(pulls).to.be.lessThan(5);
    await reader.cancel();
  });

  it('takes no more than a stalled reader takes: Node.js, sealing and opening', async () => {
    await using keys = localKeys();
    const message = await seal(keys, SEAL, randomBytes(1_000_000));
    for (const [stream, chunk] of [
      [sealTransform(keys, SEAL), message.subarray(0, 1000)],
      [openTransform(keys, OPEN), undefined],
    ] as const) {
      let pulls = 0;
      const source = new Readable({
        highWaterMark: 0,
        read() {
          this.push(chunk ?? message.subarray(pulls * 1000, (pulls + 1) * 1000));
          pulls += 1;
        },
      });
      const written: (() => void)[] = [];
      const sink = new Writable({
        highWaterMark: 1,
        write: (_chunk, _encoding, callback) => void written.push(callback),
      });
      const ended = pipeline(source, stream, sink).catch((error: unknown) => error);
      await settle();
      const before = pulls;
      // The buffers of both sides, of 16 KiB each.
      expect(before).to.be.within(1, 60);
      await settle();
      expect([pulls, written.length]).to.deep.equal([before, 1]);
      for (let i = 0; i < 30; i++) {
        written.shift()?.();
        await settle();
      }
      expect(pulls).to.be.greaterThan(before);
      source.destroy(new Error('enough'));
      expect(await ended).to.have.property('message', 'enough');
    }
  });

  it('has one reader', async () => {
    await using keys = localKeys();
    const { readable } = openStream(keys, OPEN);
    const reader = readable.getReader();
    expect(() => readable.getReader()).to.throw(TypeError);
    await reader.cancel();
  });

  for (const kind of ['Web', 'Node.js']) {
    it(`stops when its signal is aborted: ${kind}`, async () => {
      await using keys = localKeys();
      const abort = new AbortController();
      const { signal } = abort;
      const run =
        kind === 'Web'
          ? webRun(() => sealStream(keys, SEAL, { signal }))
          : nodeRun(() => sealTransform(keys, SEAL, { signal }));
      function* endless() {
        for (let i = 0; ; i++) {
          if (i === 10) abort.abort(new Error('enough'));
          yield randomBytes(1000);
        }
      }
      const { error } = await run(endless());
      expect(error).to.have.property('code', 'ABORTED');
      expect(error).to.have.nested.property('cause.message', 'enough');
    });

    it(`never starts when its signal is aborted already: ${kind}`, async () => {
      await using keys = localKeys();
      const signal = AbortSignal.abort();
      const run =
        kind === 'Web'
          ? webRun(() => openStream(keys, OPEN, { signal }))
          : nodeRun(() => openTransform(keys, OPEN, { signal }));
      const { error, left } = await run([await seal(keys, SEAL, randomBytes(10))]);
      expect(error).to.have.property('code', 'ABORTED');
      expect(left.length).to.equal(0);
    });
  }

  it('passes the signal on to the provider', async () => {
    await using keys = localKeys();
    const error = await rejection(
      seal(keys, SEAL, randomBytes(10), { signal: AbortSignal.abort() }),
    );
    expect(error.code).to.equal('ABORTED');
  });
});

describe('The header of an opening Web stream', () => {
  it('rejects when the stream ends before the header came', async () => {
    await using keys = localKeys();
    const failing = openStream(keys, OPEN);
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error('the download failed')),
    });
    const piped = source.pipeThrough(failing).getReader().read();
    await piped.catch(() => {});
    expect((await rejection(failing.header)).code).to.equal('ABORTED');

    const cancelled = openStream(keys, OPEN);
    await cancelled.readable.cancel();
    expect((await rejection(cancelled.header)).code).to.equal('ABORTED');
  });

  it('leaves no listener on the signal of a stream that ended early', async () => {
    await using keys = localKeys();
    const { signal } = new AbortController();
    for (const stream of [openStream(keys, OPEN, { signal }), sealStream(keys, SEAL, { signal })]) {
      await stream.readable.cancel();
    }
    expect(getEventListeners(signal, 'abort')).to.have.length(0);
  });
});
