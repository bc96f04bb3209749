import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type KeyWrapProvider, withLayer } from '@keywrap/core';
import {
  open,
  openFields,
  openStream,
  openText,
  seal,
  sealFields,
  sealStream,
} from '@keywrap/envelope';
import { openTransform, sealTransform } from '@keywrap/envelope/node';
import { expect } from 'chai';
import { localKeys, randomBytes, rejection } from './support.js';
import { trackSecrets, wipedOf } from './track-secrets.js';

const SEAL = { keyId: 'alias/a', encryptionContext: { id: '7' }, frameLength: 100 };
const OPEN = { trustedKeys: ['alias/a'], encryptionContext: { id: '7' } };
const HOLD = { ...OPEN, holdBack: 10_000 };

const damage = (message: Uint8Array) => {
  const copy = message.slice();
  copy[copy.length - 1] = (copy.at(-1) as number) ^ 1;
  return copy;
};

describe('Plaintext that does not reach the caller, and the key of its message, are wiped', () => {
  // The data keys are not wrapped by AES-GCM of node:crypto here, which would be tracked too.
  let keys: KeyWrapProvider;
  before(() => {
    const local = localKeys();
    const known = randomBytes(32);
    keys = withLayer(local, (inner) => ({
      ...inner,
      async generateDataKey(request) {
        const { keyId } = await local.describeKey({ keyId: request.key.text });
        return { plaintext: known.slice(), ciphertext: Uint8Array.of(1), keyId };
      },
      async decrypt() {
        const { keyId } = await local.describeKey({ keyId: 'alias/a' });
        return { plaintext: known.slice(), keyId };
      },
    }));
  });
  after(() => keys.close());

  for (const signed of [false, true]) {
    it(`when one call fails${signed ? ', signed' : ''}`, async () => {
      const message = await seal(keys, { ...SEAL, signed }, randomBytes(550));
      const wrong = [damage(message), message.subarray(0, -1), Buffer.concat([message, message])];
      for (const bytes of wrong) {
        using tracked = trackSecrets();
        await rejection(open(keys, bytes, OPEN));
        expect(tracked.plaintext.size).to.be.greaterThan(6);
        expect(wipedOf(tracked.plaintext)).to.equal('wiped');
        expect(wipedOf(tracked.keys)).to.equal('wiped');
      }
    });
  }

  it('but not what an opened message holds, until it is disposed of', async () => {
    for (const length of [50, 550]) {
      const message = await seal(keys, SEAL, randomBytes(length));
      using tracked = trackSecrets();
      const opened = await open(keys, message, OPEN);
      expect(wipedOf(tracked.plaintext)).to.match(/left/);
      expect(wipedOf(tracked.keys)).to.equal('wiped');
      opened[Symbol.dispose]();
      expect(wipedOf(tracked.plaintext)).to.equal('wiped');
    }
  });

  it('after a text that is none, and fields of another path', async () => {
    const bytes = await seal(keys, SEAL, Uint8Array.of(0xff, 1, 2));
    const record = { a: 'first', b: 'second' };
    const fields = ['/a', '/b'];
    const { frameLength: _, ...sealing } = SEAL;
    const row = await sealFields(keys, { ...sealing, fields }, record);
    using tracked = trackSecrets();
    await rejection(openText(keys, bytes, OPEN));
    await rejection(openFields(keys, { a: row.b, b: row.a }, { ...OPEN, fields }));
    expect(wipedOf(tracked.plaintext)).to.equal('wiped');
    expect(wipedOf(tracked.keys)).to.equal('wiped');
  });

  it('after sealing, by one call and by streams', async () => {
    const plaintext = randomBytes(550);
    using tracked = trackSecrets(plaintext);
    await seal(keys, SEAL, plaintext);
    const chunks = () => [plaintext.subarray(0, 250), plaintext.subarray(250)];
    await ReadableStream.from(chunks())
      .pipeThrough(sealStream(keys, SEAL))
      .pipeTo(new WritableStream());
    await pipeline(chunks(), sealTransform(keys, SEAL), discard());
    expect(tracked.plaintext.size).to.be.greaterThan(2);
    expect(wipedOf(tracked.plaintext)).to.equal('wiped');
    expect(wipedOf(tracked.keys)).to.equal('wiped');
  });

  const discard = () => new Writable({ write: (_chunk, _encoding, callback) => callback() });

  /** Lets everything run that can run without more input. */
  const settle = async () => {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  };

  /** Ways in which a stream ends early, once it has taken the first chunk. */
  const ENDS: Readonly<Record<string, (chunk: Uint8Array, sealing: boolean) => Promise<unknown>>> =
    {
      'a Node.js stream is destroyed': async (chunk, sealing) => {
        const stream = sealing ? sealTransform(keys, SEAL) : openTransform(keys, HOLD);
        stream.write(chunk);
        await settle();
        return () => stream.destroy();
      },
      'the signal of a Node.js stream is aborted': async (chunk, sealing) => {
        const abort = new AbortController();
        const call = { signal: abort.signal };
        const stream = sealing ? sealTransform(keys, SEAL, call) : openTransform(keys, HOLD, call);
        stream.on('error', () => {}).write(chunk);
        await settle();
        return () => abort.abort();
      },
      'the source of a Node.js stream fails': async (chunk, sealing) => {
        const source = new Readable({ read() {} });
        const stream = sealing ? sealTransform(keys, SEAL) : openTransform(keys, HOLD);
        pipeline(source, stream, discard()).catch(() => {});
        source.push(chunk);
        await settle();
        return () => source.destroy(new Error('the disk failed'));
      },
      'the reader of a Web stream cancels': async (chunk, sealing) => {
        const stream = sealing ? sealStream(keys, SEAL) : openStream(keys, HOLD);
        const writer = stream.writable.getWriter();
        const reader = stream.readable.getReader();
        writer.write(chunk).catch(() => {});
        if (sealing) await reader.read();
        else reader.read().catch(() => {});
        await settle();
        return () => reader.cancel();
      },
      'the writer of a Web stream aborts': async (chunk, sealing) => {
        const stream = sealing ? sealStream(keys, SEAL) : openStream(keys, HOLD);
        const writer = stream.writable.getWriter();
        stream.readable
          .getReader()
          .read()
          .catch(() => {});
        writer.write(chunk).catch(() => {});
        await settle();
        return () => writer.abort();
      },
      'the signal of a Web stream is aborted': async (chunk, sealing) => {
        const abort = new AbortController();
        const call = { signal: abort.signal };
        const stream = sealing ? sealStream(keys, SEAL, call) : openStream(keys, HOLD, call);
        const writer = stream.writable.getWriter();
        stream.readable
          .getReader()
          .read()
          .catch(() => {});
        for (const promise of [writer.closed, writer.write(chunk)]) promise.catch(() => {});
        await settle();
        return () => abort.abort();
      },
    };
  for (const [what, start] of Object.entries(ENDS)) {
    it(`when ${what}: sealing`, async () => {
      const chunk = randomBytes(550);
      using tracked = trackSecrets(chunk);
      const end = (await start(chunk, true)) as () => unknown;
      expect(wipedOf(tracked.plaintext)).to.match(/left/);
      expect(wipedOf(tracked.keys)).to.match(/left/);
      end();
      await settle();
      expect(wipedOf(tracked.plaintext)).to.equal('wiped');
      expect(wipedOf(tracked.keys)).to.equal('wiped');
    });

    it(`when ${what}: opening with holdBack`, async () => {
      const message = await seal(keys, SEAL, randomBytes(550));
      using tracked = trackSecrets();
      const end = (await start(message.subarray(0, -1), false)) as () => unknown;
      expect(wipedOf(tracked.plaintext)).to.match(/left/);
      expect(wipedOf(tracked.keys)).to.match(/left/);
      end();
      await settle();
      expect(wipedOf(tracked.plaintext)).to.equal('wiped');
      expect(wipedOf(tracked.keys)).to.equal('wiped');
    });
  }

  it('when a message is truncated, damaged or longer than holdBack', async () => {
    const message = await seal(keys, SEAL, randomBytes(550));
    for (const [bytes, options] of [
      [message.subarray(0, -1), HOLD],
      [damage(message), HOLD],
      [message, { ...OPEN, holdBack: 500 }],
    ] as const) {
      using tracked = trackSecrets();
      const chunks = () => [bytes.subarray(0, 700), bytes.subarray(700)];
      await rejection(pipeline(chunks(), openTransform(keys, options), discard()));
      await rejection(
        ReadableStream.from(chunks())
          .pipeThrough(openStream(keys, options))
          .pipeTo(new WritableStream()),
      );
      expect(tracked.plaintext.size).to.be.greaterThan(6);
      expect(wipedOf(tracked.plaintext)).to.equal('wiped');
      expect(wipedOf(tracked.keys)).to.equal('wiped');
    }
  });

  it('when a stream is destroyed while its provider works', async () => {
    const message = await seal(keys, SEAL, randomBytes(550));
    let answer = () => {};
    const waiting = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const slow = withLayer(keys, (inner) => ({
      ...inner,
      async decrypt(request, call) {
        await waiting;
        return inner.decrypt(request, call);
      },
      async generateDataKey(request, call) {
        await waiting;
        return inner.generateDataKey(request, call);
      },
    }));
    const chunk = randomBytes(550);
    using tracked = trackSecrets(chunk);
    const streams = [sealTransform(slow, SEAL), openTransform(slow, HOLD)] as const;
    streams[0].write(chunk);
    streams[1].write(message);
    await settle();
    for (const stream of streams) stream.destroy();
    answer();
    await settle();
    expect(wipedOf(tracked.plaintext)).to.match(/none|wiped/);
    expect(tracked.keys.size).to.equal(2);
    expect(wipedOf(tracked.keys)).to.equal('wiped');
  });
});
