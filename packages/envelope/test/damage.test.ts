import type { KeyWrapError, KeyWrapErrorCode } from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { open, openStream, seal } from '@keywrap/envelope';
import { expect } from 'chai';
import { layoutOf } from './layout.js';
import { localKeys, randomBytes, rejection } from './support.js';

const encryptionContext = { order: '7', table: 'orders' };
const SEAL = { keyId: 'alias/a', otherKeys: ['alias/b'], encryptionContext, frameLength: 100 };

/** So that no length is too long at once. */
const NO_LIMITS = { maximumDataKeys: 2 ** 16 - 1, maximumFrameLength: 2 ** 32 - 1 };

/** These say what a message is, and where to send it, before any key is used; each has its own error. */
const ROUTING: Readonly<Record<string, KeyWrapErrorCode>> = {
  version: 'UNSUPPORTED',
  'algorithm suite': 'INVALID_INPUT',
};

const flip = (message: Uint8Array, at: number): Uint8Array =>
  message.map((byte, i) => (i === at ? byte ^ 1 : byte));

const cut = (message: Uint8Array, start: number, end: number): Uint8Array =>
  Buffer.concat([message.subarray(0, start), message.subarray(end)]);

/** Everything about an error that a caller could tell two apart by. */
const aboutOf = (error: KeyWrapError): unknown => ({
  ...error,
  name: error.name,
  code: error.code,
  message: error.message,
  cause: error.cause,
  own: Object.getOwnPropertyNames(error).sort(),
  stack: error.stack,
});

for (const signed of [false, true]) {
  describe(`A damaged message, ${signed ? '' : 'not '}signed`, () => {
    const keys = withDataKeyCache(localKeys('alias/a', 'alias/b'), {
      maximumUses: 1000,
      maximumBytes: 1e6,
      maximumAge: 1e6,
    });
    after(() => keys.close());
    let message: Uint8Array;
    /** Another message with the same length; not signed, it has the same data key too. */
    let other: Uint8Array;
    let at: (name: string) => { readonly start: number; readonly end: number };

    before(async () => {
      message = await seal(keys, { ...SEAL, signed }, randomBytes(350));
      other = await seal(keys, { ...SEAL, signed }, randomBytes(350));
      const layout = layoutOf(message);
      at = (name) => layout.find((part) => part.name === name) as never;
    });

    /** Opens from one place, so that the stacks are the same. */
    const openIt = (damaged: Uint8Array) =>
      rejection(
        open(keys, damaged, {
          ...NO_LIMITS,
          trustedKeys: ['alias/a', 'alias/b'],
          encryptionContext,
        }),
      );

    const expectSameError = async (damaged: readonly Uint8Array[]) => {
      const errors: unknown[] = [];
      for (const one of damaged) errors.push(aboutOf(await openIt(one)));
      const expected = {
        code: 'INVALID_CIPHERTEXT',
        operation: 'open',
        keyId: undefined,
        cause: undefined,
      };
      expect(errors[0]).to.include(expected);
      for (const error of errors) expect(error).to.deep.equal(errors[0]);
    };

    it('is rejected with one error, whichever field has a wrong bit', async () => {
      const damaged: Uint8Array[] = [];
      for (const { name, start, end } of layoutOf(message)) {
        if (name in ROUTING) continue;
        for (const i of new Set([start, (start + end) >> 1, end - 1]))
          damaged.push(flip(message, i));
      }
      expect(damaged.length).to.be.greaterThan(80);
      await expectSameError(damaged);
    });

    it('names what is wrong with the fields that are read before any key', async () => {
      for (const [name, code] of Object.entries(ROUTING)) {
        const { end } = at(name);
        expect((await openIt(flip(message, end - 1))).code, name).to.equal(code);
      }
    });

    it('is rejected with one error when it is truncated anywhere', async () => {
      const lengths = new Set(layoutOf(message).flatMap(({ start, end }) => [start, end - 1, end]));
      lengths.delete(0);
      lengths.delete(message.length);
      await expectSameError([...lengths].map((length) => message.slice(0, length)));
    });

    it('is rejected with one error when frames are reordered, repeated, missing or of another message', async () => {
      const frame = (bytes: Uint8Array, i: number) =>
        bytes.subarray(at(`frame ${i} sequence number`).start, at(`frame ${i} tag`).end);
      const first = at('frame 1 sequence number').start;
      const final = at('final mark').start;
      const assemble = (...frames: Uint8Array[]) =>
        Buffer.concat([message.subarray(0, first), ...frames, message.subarray(final)]);
      const [one, two, three] = [1, 2, 3].map((i) => frame(message, i)) as [Buffer, Buffer, Buffer];
      const renumbered = (bytes: Uint8Array, number: number) => {
        const copy = Buffer.from(bytes);
        copy.writeUInt32BE(number);
        return copy;
      };
      await expectSameError([
        assemble(two, one, three),
        assemble(renumbered(two, 1), renumbered(one, 2), three),
        assemble(one, one, two, three),
        assemble(one, two, two, three),
        assemble(one, three),
        assemble(two, three),
        assemble(one, two),
        assemble(),
        assemble(one, renumbered(three, 2)),
        assemble(one, frame(other, 2), three),
        // The final frame as the first, as a regular one, twice.
        Buffer.concat([message.subarray(0, first), message.subarray(final)]),
        cut(message, at('final mark').start, at('final mark').end),
        Buffer.concat([message, message.subarray(final)]),
        // The head of one, the body of another.
        Buffer.concat([message.subarray(0, first), other.subarray(first)]),
        Buffer.concat([other.subarray(0, first), message.subarray(first)]),
        Buffer.concat([message.subarray(0, final), other.subarray(final)]),
      ]);
    });

    it('is rejected with one error when a length or a number is one more, less, zero or the most', async () => {
      const damaged: Uint8Array[] = [];
      for (const { name, start, end } of layoutOf(message)) {
        const isLength = /length|count|sequence number|content type/.test(name);
        if (!isLength) continue;
        const value = Buffer.from(message).readUIntBE(start, end - start);
        for (const wrong of [0, value - 1, value + 1, 256 ** (end - start) - 1]) {
          if (wrong === value) continue;
          const copy = Buffer.from(message);
          copy.writeUIntBE(wrong, start, end - start);
          damaged.push(copy);
        }
      }
      expect(damaged.length).to.be.greaterThan(40);
      await expectSameError(damaged);
    });

    it('is rejected with one error when bytes are added, at the end or inside', async () => {
      const damaged = [
        Buffer.concat([message, Buffer.alloc(1)]),
        Buffer.concat([message, message]),
      ];
      for (const { start } of layoutOf(message).filter(({ end }) => end > 3)) {
        damaged.push(
          Buffer.concat([message.subarray(0, start), Buffer.alloc(1), message.subarray(start)]),
        );
      }
      await expectSameError(damaged);
    });

    it('is rejected when it takes a part of the header from another message', async () => {
      const names = ['message id', 'commit key', 'header tag'];
      const damaged = names.map((name) => {
        const { start, end } = at(name);
        const copy = Buffer.from(message);
        copy.set(other.subarray(start, end), start);
        return copy;
      });
      await expectSameError(damaged);
    });

    it('is rejected when its pairs, or its data keys, are in another order, or one is missing', async () => {
      const range = (from: string, to: string) => message.subarray(at(from).start, at(to).end);
      const swap = (first: readonly [string, string], second: readonly [string, string]) => {
        const [a, b] = [range(...first), range(...second)];
        return Buffer.concat([
          message.subarray(0, at(first[0]).start),
          b,
          a,
          message.subarray(at(second[1]).end),
        ]);
      };
      const last = signed ? ['name 1', 'value 1'] : ['name 0', 'value 0'];
      const without = cut(message, at('provider id 1 length').start, at('data key 1').end);
      without[at('data key count').end - 1] = 1;
      await expectSameError([
        swap(
          last as never,
          (signed ? ['name 2', 'value 2'] : ['name 1', 'value 1']).map((name, i) =>
            i === 0 ? `${name} length` : name,
          ) as never,
        ),
        swap(['provider id 0 length', 'data key 0'], ['provider id 1 length', 'data key 1']),
        without,
      ]);
    });

    it('releases nothing of it as a stream, when its header is damaged', async () => {
      const headerEnd = at('header tag').end;
      for (let i = 0; i < headerEnd; i += 11) {
        const left: Uint8Array[] = [];
        const error: unknown = await ReadableStream.from([flip(message, i)])
          .pipeThrough(openStream(keys, { trustedKeys: ['alias/a'], encryptionContext }))
          .pipeTo(new WritableStream({ write: (chunk) => void left.push(chunk) }))
          .then(
            () => undefined,
            (error: unknown) => error,
          );
        expect(error, `byte ${i}`).to.be.an('error');
        expect(left).to.deep.equal([]);
      }
    });
  });
}

describe('A signed message', () => {
  it('is rejected when its signature is taken off, and when a signature is put on', async () => {
    await using keys = localKeys();
    const trusted = { trustedKeys: ['alias/a'], encryptionContext };
    const options = { keyId: 'alias/a', encryptionContext };
    const message = await seal(keys, { ...options, signed: true }, randomBytes(50));
    const { start } = layoutOf(message).find(({ name }) => name === 'signature length') as never;
    const unsigned = message.slice(0, start);
    expect((await rejection(open(keys, unsigned, trusted))).code).to.equal('INVALID_CIPHERTEXT');
    // The suite that does not sign, with the public key still in the context.
    unsigned[1] = 0x04;
    expect((await rejection(open(keys, unsigned, trusted))).code).to.equal('INVALID_CIPHERTEXT');
    const plain = await seal(keys, options, randomBytes(50));
    plain[1] = 0x05;
    expect((await rejection(open(keys, plain, trusted))).code).to.equal('INVALID_CIPHERTEXT');
  });

  it('is required, or rejected, by the option signature', async () => {
    await using keys = localKeys();
    const trusted = { trustedKeys: ['alias/a'], encryptionContext };
    for (const signed of [false, true]) {
      const message = await seal(
        keys,
        { keyId: 'alias/a', encryptionContext, signed },
        randomBytes(5),
      );
      const [right, wrong] = signed
        ? (['required', 'forbidden'] as const)
        : (['forbidden', 'required'] as const);
      using opened = await open(keys, message, { ...trusted, signature: right });
      expect(opened.plaintext.length).to.equal(5);
      const error = await rejection(open(keys, message, { ...trusted, signature: wrong }));
      expect(error.code).to.equal('UNSUPPORTED');
    }
  });
});
