import { getEventListeners } from 'node:events';
import { InvalidInputError } from '@keywrap/core';
import { parseMessageHeader } from '@keywrap/envelope';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { SeveralKeysProvider } from '@keywrap/resilience';
import { describeConformance } from '@keywrap/testkit';
import { expect } from 'chai';
import { severalKeysHarness, twoRegions } from './harness.js';
import { breakable, rejection } from './support.js';

const PLAINTEXT = Uint8Array.from({ length: 32 }, (_, i) => i);
const CONTEXT = { order: '7' };

// `npm run conformance:matrix` runs the rest.
const harness = severalKeysHarness('SeveralKeysProvider over two Regions', twoRegions);
await describeConformance(harness, undefined, { profile: 'quick' });

describe('SeveralKeysProvider', () => {
  const open = async () => {
    const near = breakable(
      new LocalKeyWrapProvider({ region: 'eu-west-1', keys: ['alias/orders'] }),
    );
    const far = breakable(
      new LocalKeyWrapProvider({ region: 'us-east-1', keys: ['alias/orders'] }),
    );
    const members = [near, far].map(({ provider }) => ({ provider, keyId: 'alias/orders' }));
    const keys = new SeveralKeysProvider({
      keys: { orders: members, others: members },
      circuitBreaker: { failures: 2, retryAfter: 60_000 },
    });
    return { near, far, keys };
  };
  const input = { keyId: 'orders', plaintext: PLAINTEXT, encryptionContext: CONTEXT };

  it('wraps under every key, in one message of the AWS Encryption SDK', async () => {
    const { keys } = await open();
    const { ciphertext } = await keys.encrypt(input);
    expect(parseMessageHeader(ciphertext).keys).to.have.length(2);
  });

  it('opens with the nearest key alone while it answers', async () => {
    const { keys, near, far } = await open();
    const { ciphertext } = await keys.encrypt(input);
    const before = [near.calls.length, far.calls.length];
    await keys.decrypt({ keyId: 'orders', ciphertext, encryptionContext: CONTEXT });
    expect(near.calls.slice(before[0])).to.deep.equal(['decrypt']);
    expect(far.calls.slice(before[1])).to.deep.equal([]);
  });

  it('opens with another key while the nearest fails, and stops calling that', async () => {
    const { keys, near } = await open();
    const { ciphertext } = await keys.encrypt(input);
    near.isDown = true;
    near.calls.length = 0;
    for (let i = 0; i < 5; i++) {
      const opened = await keys.decrypt({
        keyId: 'orders',
        ciphertext,
        encryptionContext: CONTEXT,
      });
      expect(opened.plaintext).to.deep.equal(PLAINTEXT);
    }
    expect(near.calls).to.deep.equal(['decrypt', 'decrypt']);
  });

  it('does not wrap while one of them fails (UNAVAILABLE)', async () => {
    const { keys, far } = await open();
    far.isDown = true;
    expect((await rejection(keys.encrypt(input))).code).to.equal('UNAVAILABLE');
  });

  it('says which backend it does not call for a while', async () => {
    const { keys, far } = await open();
    far.isDown = true;
    for (let i = 0; i < 2; i++) await rejection(keys.encrypt(input));
    const { message } = await rejection(keys.encrypt(input));
    expect(message).to.match(/^local of options\.keys\.orders\.1 failed several times/);
  });

  it('reports an outage of all as an outage, and never as damage', async () => {
    const { keys, near, far } = await open();
    const { ciphertext } = await keys.encrypt(input);
    near.isDown = true;
    far.isDown = true;
    const error = await rejection(
      keys.decrypt({ keyId: 'orders', ciphertext, encryptionContext: CONTEXT }),
    );
    expect(error).to.include({ code: 'UNAVAILABLE', retryable: true });
  });

  it('reports a mistake in a setting of a backend as a mistake, and never as damage (INVALID_INPUT)', async () => {
    const { keys, near, far } = await open();
    const { ciphertext } = await keys.encrypt(input);
    const mistake = new InvalidInputError('options.address', 'is not where requests are answered');
    // An alias is tried with each of the two wrapped data keys.
    for (const { errors } of [near, far]) errors.push(mistake, mistake);
    const error = await rejection(
      keys.decrypt({ keyId: 'orders', ciphertext, encryptionContext: CONTEXT }),
    );
    expect(error).to.include({ code: 'INVALID_INPUT', field: 'options.address' });
  });

  it('passes an abort on, and tries no other key after it (ABORTED)', async () => {
    const { keys, near, far } = await open();
    const { ciphertext } = await keys.encrypt(input);
    const controller = new AbortController();
    const { signal } = controller;
    const before = far.calls.length;
    near.onCall = () => controller.abort();
    const call = keys.decrypt(
      { keyId: 'orders', ciphertext, encryptionContext: CONTEXT },
      { signal },
    );
    expect((await rejection(call)).code).to.equal('ABORTED');
    await keys.close();
    expect(near.calls.at(-1)).to.equal('decrypt');
    expect(far.calls).to.have.length(before);
    expect(getEventListeners(signal, 'abort')).to.have.length(0);
  });

  it('rejects a ciphertext of another name with the same keys (INVALID_CIPHERTEXT)', async () => {
    const { keys } = await open();
    const { ciphertext } = await keys.encrypt(input);
    const error = await rejection(
      keys.decrypt({ keyId: 'others', ciphertext, encryptionContext: CONTEXT }),
    );
    expect(error.code).to.equal('INVALID_CIPHERTEXT');
  });

  it('finds no keys under the ARN of another account (KEY_NOT_FOUND)', async () => {
    const { keys } = await open();
    for (const resource of ['key/orders', 'alias/orders']) {
      for (const scope of [
        'keywrap:kms:several:other',
        'keywrap:kms:other:keys',
        'aws:kms:several:keys',
      ]) {
        const error = await rejection(keys.describeKey({ keyId: `arn:${scope}:${resource}` }));
        expect(error.code, `${scope}:${resource}`).to.equal('KEY_NOT_FOUND');
      }
    }
  });

  it('takes the longest plaintext and context, under four keys', async () => {
    const provider = new LocalKeyWrapProvider({
      keys: ['alias/a', 'alias/b', 'alias/c', 'alias/d'],
    });
    const members = ['a', 'b', 'c', 'd'].map((name) => ({ provider, keyId: `alias/${name}` }));
    const keys = new SeveralKeysProvider({ keys: { orders: members } });
    const { ciphertext } = await keys.encrypt({
      keyId: 'orders',
      plaintext: new Uint8Array(1024),
      encryptionContext: { a: 'x'.repeat(3577) },
    });
    expect(ciphertext.length).to.be.at.most(6144);
  });

  const ARN = 'arn:aws:kms:eu-west-1:111122223333:key/a';
  const provider = new LocalKeyWrapProvider();
  const WRONG: readonly (readonly [title: string, options: object, field: string])[] = [
    ['no keys', {}, 'options.keys'],
    ['an empty list', { keys: { orders: [] } }, 'options.keys.orders'],
    [
      'five keys',
      { keys: { orders: Array(5).fill({ provider, keyId: 'a' }) } },
      'options.keys.orders',
    ],
    [
      'a name that is an ARN',
      { keys: { [ARN]: [{ provider, keyId: 'a' }] } },
      `options.keys.${ARN}`,
    ],
    ['a key without a provider', { keys: { a: [{ keyId: 'a' }] } }, 'options.keys.a.0.provider'],
    ['a key without a name', { keys: { a: [{ provider }] } }, 'options.keys.a.0.keyId'],
  ];
  for (const [title, options, field] of WRONG) {
    it(`rejects ${title} (INVALID_INPUT)`, async () => {
      const error = await rejection((async () => new SeveralKeysProvider(options as never))());
      expect(error).to.include({ code: 'INVALID_INPUT', field });
    });
  }
});
