import { generateKeyPairSync, publicEncrypt } from 'node:crypto';
import { withLayer } from '@keywrap/core';
import { open, openStream, parseMessageHeader, seal, sealForPublicKey } from '@keywrap/envelope';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { expect } from 'chai';
import { engine } from '#dist/engines/node.js';
import { SUITE } from '#dist/format/algorithm-suite.js';
import { MessageOpener } from '#dist/format/message-opener.js';
import { MessageSealer } from '#dist/format/message-sealer.js';
import { Author, pairs } from './author.js';
import { expectRejection, hex, knowing, localKeys, randomBytes, rejection } from './support.js';

const OPEN = { trustedKeys: ['alias/known'], encryptionContext: {} };

describe('The number of frames', () => {
  const LAST = 2 ** 32 - 1;
  const author = new Author();

  /** Seals with the key of the author, as if this many frames were sealed before. */
  async function sealAfter(frames: number, plaintext: Uint8Array): Promise<Uint8Array> {
    const header = author.header({ frameLength: 10 });
    const messageId = header.subarray(3, 35);
    const { key } = await engine.deriveKeys(SUITE, author.dataKey, messageId);
    const parameters = { header, key, messageId, frameLength: 10, signer: undefined };
    return Buffer.concat(await new MessageSealer(parameters, frames).final(plaintext));
  }

  async function openAfter(frames: number, message: Uint8Array): Promise<Buffer> {
    const opener = new MessageOpener(
      {
        ...{ maximumDataKeys: 1, maximumFrameLength: 100, maximumSingleBlock: 0 },
        async authenticate({ messageId }) {
          const { key } = await engine.deriveKeys(SUITE, author.dataKey, messageId);
          return { key, verifier: undefined };
        },
      },
      frames,
    );
    const opened = Buffer.concat(await opener.update(message));
    opener.final();
    return opened;
  }

  it('is at most 2^32 - 1, and the final frame has that number', async () => {
    const plaintext = randomBytes(30);
    const message = Buffer.from(await sealAfter(LAST - 3, plaintext));
    const final = message.length - (4 + 4 + 12 + 4 + 10 + 16);
    expect(message.readUInt32BE(final)).to.equal(LAST);
    expect(message.readUInt32BE(final + 4)).to.equal(LAST);
    expect(message.readUInt32BE(final - 2 * 42)).to.equal(LAST - 2);
    expect(hex(await openAfter(LAST - 3, message))).to.equal(hex(plaintext));
  });

  it('is not exceeded: sealing fails before a frame has the mark of the final one as its number', async () => {
    for (const [frames, length] of [
      [LAST - 3, 31],
      [LAST - 1, 11],
      [LAST, 1],
      [LAST, 0],
    ] as const) {
      await expectRejection(sealAfter(frames, randomBytes(length)), 'INVALID_INPUT', 'frameLength');
    }
    expect((await sealAfter(LAST - 1, randomBytes(10))).length).to.be.greaterThan(0);
  });

  it('ends there for who opens', async () => {
    const message = Buffer.concat([
      author.header({ frameLength: 10 }),
      author.final(LAST, randomBytes(3)),
    ]);
    expect((await openAfter(LAST - 1, message)).length).to.equal(3);
    const more = Buffer.concat([
      author.header({ frameLength: 10 }),
      author.final(0, randomBytes(3)),
    ]);
    await expectRejection(openAfter(LAST, more), 'INVALID_CIPHERTEXT');
  });
});

describe('The length of a frame', () => {
  it('may be 2^32 - 1 where the caller allows it, and takes memory only as bytes come', async () => {
    const author = new Author();
    await using keys = knowing('known', author.dataKey);
    const content = randomBytes(7);
    const header = author.header({ frameLength: 2 ** 32 - 1 });
    const message = Buffer.concat([header, author.final(1, content)]);
    await expectRejection(open(keys, message, OPEN), 'INVALID_INPUT', 'message');
    const allowed = { ...OPEN, maximumFrameLength: 2 ** 32 - 1 };
    using opened = await open(keys, message, allowed);
    expect(hex(opened.plaintext)).to.equal(hex(content));
    // A regular frame that never ends.
    const before = process.memoryUsage().arrayBuffers;
    const start = Buffer.concat([header, author.frame(1, content)]);
    await expectRejection(open(keys, start, allowed), 'INVALID_CIPHERTEXT');
    expect(process.memoryUsage().arrayBuffers - before).to.be.lessThan(2 ** 24);
  });
});

describe('The number of data keys', () => {
  it('may be 65535 where the caller allows it', async () => {
    const author = new Author();
    await using keys = knowing('known', author.dataKey);
    const header = author.header({ dataKeys: 65535 });
    const message = Buffer.concat([header, author.final(1, randomBytes(3))]);
    await expectRejection(open(keys, message, OPEN), 'INVALID_INPUT', 'message');
    expect(parseMessageHeader(message).keys).to.have.length(65535);
    using opened = await open(keys, message, { ...OPEN, maximumDataKeys: 65535 });
    expect(opened.plaintext.length).to.equal(3);
  });

  it('is not exceeded by sealing', async () => {
    await using keys = localKeys();
    const otherKeys = Array.from({ length: 65535 }, () => 'alias/a');
    const sealing = seal(keys, { keyId: 'alias/a', otherKeys }, randomBytes(3));
    await expectRejection(sealing, 'INVALID_INPUT', 'otherKeys');
  });
});

describe('The length of a field of the header', () => {
  it('is at most 65535 bytes: a longer one is rejected, not cut', async () => {
    await using local = localKeys();
    for (const [length, fits] of [
      [65535, true],
      [65536, false],
    ] as const) {
      const id = 'x'.repeat(length);
      const keys = withLayer(local, (inner) => ({ ...inner, id }));
      const sealing = seal(keys, { keyId: 'alias/a' }, randomBytes(3));
      if (!fits) await expectRejection(sealing, 'INVALID_INPUT', 'keyId');
      else {
        const options = { trustedKeys: ['alias/a'], encryptionContext: {} };
        using opened = await open(keys, await sealing, options);
        expect(opened.plaintext.length).to.equal(3);
      }
    }
  });
});

describe('The length of an encryption context', () => {
  it('is at most 8192 bytes to seal', async () => {
    await using keys = localKeys();
    // Two bytes for the count, two for each length.
    const contextOf = (length: number) => ({ a: 'x'.repeat(length - 7) });
    const sealing = (encryptionContext: object) =>
      seal(keys, { keyId: 'alias/a', encryptionContext } as never, randomBytes(3));
    expect((await sealing(contextOf(8192))).length).to.be.greaterThan(8192);
    await expectRejection(sealing(contextOf(8193)), 'INVALID_INPUT', 'encryptionContext');
    // The public key of a signed message needs room too.
    const signed = { keyId: 'alias/a', encryptionContext: contextOf(8192), signed: true };
    const error = await rejection(seal(keys, signed, randomBytes(3)));
    expect(error).to.have.property('code', 'INVALID_INPUT');
    expect(error).to.have.property('field').that.contains('encryptionContext');
  });

  it('is at most 65535 bytes to open, with a raw RSA key; otherwise what the provider takes', async () => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const keyMaterial = pair.privateKey.export({ format: 'der', type: 'pkcs8' });
    await using keys = new LocalKeyWrapProvider({
      keys: ['alias/a', { keyId: 'alias/inbox', keySpec: 'RSA_2048', keyMaterial }],
    });
    const author = new Author();
    const wrapped = publicEncrypt({ key: pair.publicKey, oaepHash: 'sha256' }, author.dataKey);
    const context = pairs(['a', 'x'.repeat(32760)], ['b', 'x'.repeat(32761)]);
    expect(context.length).to.equal(65533);
    const messageFor = (providerId: string) =>
      Buffer.concat([
        author.header({ context, providerId, keyName: 'inbox', wrapped }),
        author.final(1, randomBytes(3)),
      ]);
    const raw = { keyId: 'alias/inbox', namespace: 'partners', name: 'inbox' };
    const options = { trustedKeys: [raw], encryptionContext: {} };
    using opened = await open(keys, messageFor('partners'), options);
    expect(opened.encryptionContext.a).to.have.length(32760);
    const other = { trustedKeys: ['alias/a'], encryptionContext: {} };
    await expectRejection(open(keys, messageFor('local'), other), 'INVALID_CIPHERTEXT');
    const publicKey = pair.publicKey.export({ format: 'der', type: 'spki' });
    const tooLong = { encryptionContext: { a: 'x'.repeat(8186) } };
    await expectRejection(
      sealForPublicKey(
        { publicKey, namespace: 'partners', name: 'inbox' },
        tooLong,
        randomBytes(3),
      ),
      'INVALID_INPUT',
      'encryptionContext',
    );
  });
});

describe('A body without frames', () => {
  it('is held by a stream up to maximumFrameLength, and rejected at its length above that', async () => {
    const author = new Author();
    await using keys = knowing('known', author.dataKey);
    const message = Buffer.concat([
      author.header({ contentType: 1, frameLength: 0 }),
      author.single(randomBytes(1000)),
    ]);
    const opening = (maximumFrameLength: number) =>
      ReadableStream.from([message])
        .pipeThrough(openStream(keys, { ...OPEN, maximumFrameLength }))
        .pipeTo(new WritableStream());
    await opening(1000);
    await expectRejection(opening(999), 'INVALID_INPUT', 'message');
    // 2^36 - 31 bytes are more than the format allows.
    const claim = Buffer.from(message);
    claim.writeBigUInt64BE(2n ** 36n - 31n, claim.length - 1000 - 16 - 8);
    await expectRejection(open(keys, claim, OPEN), 'INVALID_CIPHERTEXT');
  });
});
