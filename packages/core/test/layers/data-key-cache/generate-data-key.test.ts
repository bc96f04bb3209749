import type { DataKey, KeyWrapProvider } from '@keywrap/core';
import { withDataKeyCache } from '@keywrap/core/data-key-cache';
import { expect } from 'chai';
import fc from 'fast-check';
import { Backend, isWiped, makeGate } from './backend.js';

const LIMITS = { maximumUses: 3, maximumBytes: 1000, maximumAge: 60_000 };
const INPUT = { keyId: 'orders', keySpec: 'AES_256', encryptionContext: { a: 'bc' } } as const;

describe('withDataKeyCache: generateDataKey', () => {
  let backend: Backend;
  let time: number;
  let keys: KeyWrapProvider;

  beforeEach(() => {
    backend = new Backend();
    time = 0;
    keys = withDataKeyCache(backend, LIMITS, { now: () => time });
  });

  const generate = (bytesToEncrypt = 1, change: object = {}): Promise<DataKey> =>
    keys.generateDataKey({ ...INPUT, ...change }, { bytesToEncrypt });

  const isSame = (a: DataKey, b: DataKey) => Buffer.compare(a.ciphertext, b.ciphertext) === 0;

  it('returns the same data key, as a separate copy', async () => {
    const first = await generate();
    const second = await generate();
    expect(second).to.deep.equal(first);
    expect(second.plaintext).to.deep.equal(first.plaintext);
    expect(second.plaintext.buffer).not.to.equal(first.plaintext.buffer);
    expect(second.ciphertext.buffer).not.to.equal(first.ciphertext.buffer);
    expect(second.plaintext.buffer.byteLength).to.equal(32);
    first[Symbol.dispose]();
    first.ciphertext.fill(0);
    const third = await generate();
    expect(third.plaintext).to.deep.equal(second.plaintext);
    expect(third.ciphertext).to.deep.equal(second.ciphertext);
  });

  it('returns it maximumUses times, and wipes it with the last use', async () => {
    for (let use = 1; use <= 3; use++) {
      expect(isWiped(backend.given[0])).to.equal(false);
      await generate();
    }
    expect(backend.given).to.have.length(1);
    expect(isWiped(backend.given[0])).to.equal(true);
    await generate();
    expect(backend.given).to.have.length(2);
  });

  it('returns it for maximumBytes bytes, not one more', async () => {
    await generate(600);
    await generate(400);
    expect(isWiped(backend.given[0])).to.equal(true);
    await generate(600);
    expect(backend.given).to.have.length(2);
    await generate(401);
    expect(backend.given).to.have.length(3);
    expect(isWiped(backend.given[1])).to.equal(true);
  });

  it('returns it until maximumAge has passed, not a millisecond longer', async () => {
    await generate();
    time += 60_000;
    await generate();
    expect(backend.given).to.have.length(1);
    time += 1;
    await generate();
    expect(backend.given).to.have.length(2);
    expect(isWiped(backend.given[0])).to.equal(true);
  });

  it('wipes a secret that is not requested again, once it is too old', async () => {
    keys = withDataKeyCache(backend, { ...LIMITS, maximumAge: 1 });
    await generate();
    while (!isWiped(backend.given[0])) await new Promise((resolve) => setTimeout(resolve, 1));
  });

  it('wipes the least recently used secret when it is full', async () => {
    keys = withDataKeyCache(backend, LIMITS, { maximumEntries: 2 });
    for (const keyId of ['a', 'b', 'a', 'c']) await generate(1, { keyId });
    expect(backend.given.map(isWiped)).to.deep.equal([false, true, false]);
  });

  it('enforces every limit exactly, whatever the order of requests', async () => {
    const step = fc.record({
      wait: fc.nat({ max: 40 }),
      keyId: fc.constantFrom('a', 'b'),
      context: fc.constantFrom({}, { ab: 'c' }, { a: 'bc' }),
      bytes: fc.nat({ max: 120 }),
    });
    const limits = fc.record({
      maximumUses: fc.integer({ min: 1, max: 6 }),
      maximumBytes: fc.integer({ min: 1, max: 300 }),
      maximumAge: fc.integer({ min: 1, max: 100 }),
    });
    await fc.assert(
      fc.asyncProperty(limits, fc.array(step, { maxLength: 60 }), async (given, steps) => {
        let now = 0;
        const cached = withDataKeyCache(new Backend(), given, { now: () => now });
        // The model: what each data key that was ever handed out was used for.
        const uses = new Map<string, { question: string; made: number; bytes: number[] }>();
        const newest = new Map<string, string>();
        for (const { wait, keyId, context, bytes } of steps) {
          now += wait;
          const question = JSON.stringify([keyId, context]);
          const model = uses.get(newest.get(question) ?? '');
          const total = model?.bytes.reduce((sum, each) => sum + each, 0) ?? 0;
          const mayReuse =
            model !== undefined &&
            model.bytes.length < given.maximumUses &&
            total < given.maximumBytes &&
            total + bytes <= given.maximumBytes &&
            now - model.made <= given.maximumAge;
          const input = { ...INPUT, keyId, encryptionContext: context };
          const dataKey = await cached.generateDataKey(input, { bytesToEncrypt: bytes });
          const id = Buffer.from(dataKey.plaintext).toString('hex');
          const known = uses.get(id);
          // Too large for any cached key: a separate data key, and the cached one stays.
          if (bytes > given.maximumBytes) {
            expect(known).to.equal(undefined);
            continue;
          }
          expect(known !== undefined).to.equal(mayReuse);
          if (known === undefined) uses.set(id, { question, made: now, bytes: [bytes] });
          else known.bytes.push(bytes);
          expect(uses.get(id)?.question).to.equal(question);
          newest.set(question, id);
        }
        await cached.close();
      }),
      { numRuns: 200 },
    );
  });

  for (const [what, change] of [
    ['another key id', { keyId: 'invoices' }],
    ['another context', { encryptionContext: { ab: 'c' } }],
    ['no context', { encryptionContext: undefined }],
    ['another length', { keySpec: undefined, numberOfBytes: 16 }],
  ] as const) {
    it(`makes another data key for ${what}`, async () => {
      expect(isSame(await generate(), await generate(1, change))).to.equal(false);
      expect(backend.given).to.have.length(2);
    });
  }

  it('makes another data key for other grant tokens', async () => {
    await keys.generateDataKey(INPUT, { bytesToEncrypt: 1, grantTokens: ['x'] });
    await keys.generateDataKey(INPUT, { bytesToEncrypt: 1, grantTokens: ['y'] });
    await generate();
    expect(backend.calls.map(({ grantTokens }) => grantTokens)).to.deep.equal([
      ['x'],
      ['y'],
      undefined,
    ]);
  });

  it('treats a context in another order, and AES_256 and 32 bytes, as the same', async () => {
    await generate(1, { encryptionContext: { a: '1', b: '2' } });
    await generate(1, {
      keySpec: undefined,
      numberOfBytes: 32,
      encryptionContext: { b: '2', a: '1' },
    });
    expect(backend.given).to.have.length(1);
  });

  it('shares nothing without bytesToEncrypt', async () => {
    await generate();
    await keys.generateDataKey(INPUT);
    await keys.generateDataKey(INPUT);
    expect(backend.given).to.have.length(3);
    expect(isWiped(backend.given[0])).to.equal(false);
  });

  it('shares nothing when more than maximumBytes will be encrypted', async () => {
    await generate(1001);
    await generate(1001);
    await generate(1);
    expect(backend.given).to.have.length(3);
  });

  it('makes one call for concurrent requests of the same data key', async () => {
    const { gate, open } = makeGate();
    backend.gate = gate;
    const waiting = [generate(), generate(), generate(), generate()];
    open();
    const [first, second, third, fourth] = (await Promise.all(waiting)) as [
      DataKey,
      DataKey,
      DataKey,
      DataKey,
    ];
    expect(isSame(first, second) && isSame(first, third)).to.equal(true);
    expect(isSame(first, fourth)).to.equal(false); // three uses, and not one more
    expect(first.plaintext.buffer).not.to.equal(second.plaintext.buffer);
    expect(backend.given).to.have.length(2);
    expect(isWiped(backend.given[0])).to.equal(true);
    expect(isWiped(first.plaintext)).to.equal(false);
  });

  it('aborts one waiting call, and not the others', async () => {
    const { gate, open } = makeGate();
    backend.gate = gate;
    const controller = new AbortController();
    const options = { bytesToEncrypt: 1, signal: controller.signal };
    const aborted = keys.generateDataKey(INPUT, options).catch((error: unknown) => error);
    const patient = generate();
    controller.abort('enough');
    expect(await aborted).to.include({
      code: 'ABORTED',
      cause: 'enough',
      operation: 'generateDataKey',
      keyId: 'orders',
    });
    expect(backend.calls[0]?.signal?.aborted).to.equal(false);
    open();
    expect((await patient).plaintext).to.have.length(32);
    expect(backend.calls).to.have.length(1);
  });

  it('aborts the call to the provider when all waiting calls were aborted', async () => {
    const { gate, open } = makeGate();
    backend.gate = gate;
    const controller = new AbortController();
    const options = { bytesToEncrypt: 1, signal: controller.signal };
    const waiting = [keys.generateDataKey(INPUT, options), keys.generateDataKey(INPUT, options)];
    controller.abort();
    const codes = await Promise.all(waiting.map((each) => each.catch(({ code }) => code)));
    expect(codes).to.deep.equal(['ABORTED', 'ABORTED']);
    expect(backend.calls[0]?.signal?.aborted).to.equal(true);
    backend.gate = Promise.resolve();
    await generate(); // does not join the call that was aborted
    expect(backend.calls).to.have.length(2);
    open();
  });

  it('does not cache errors: all waiting calls get it, and the next one calls the provider again', async () => {
    const failing = () => generate(1, { keyId: 'missing' }).catch(({ code }) => code);
    expect(await Promise.all([failing(), failing()])).to.deep.equal([
      'KEY_NOT_FOUND',
      'KEY_NOT_FOUND',
    ]);
    expect(backend.calls).to.have.length(1);
    await failing();
    expect(backend.calls).to.have.length(2);
  });
});
