import { type CallOptions, type KeyWrapProvider, withLayer } from '@keywrap/core';
import { type CacheLookup, withDataKeyCache } from '@keywrap/core/data-key-cache';
import { open, parseMessageHeader, seal, sealStream } from '@keywrap/envelope';
import { expect } from 'chai';
import { hex, localKeys, randomBytes, textOf, utf8 } from './support.js';

/** A cache that counts. */
function cached(limits: { uses?: number; bytes?: number; age?: number } = {}) {
  const lookups: CacheLookup[] = [];
  let time = 0;
  const keys = withDataKeyCache(
    localKeys('alias/a', 'alias/b'),
    {
      maximumUses: limits.uses ?? 1000,
      maximumBytes: limits.bytes ?? 1e9,
      maximumAge: limits.age ?? 1e6,
    },
    { onLookup: (lookup) => void lookups.push(lookup), now: () => time },
  );
  const count = (operation: string, hit: boolean) =>
    lookups.filter((lookup) => lookup.operation === operation && lookup.hit === hit).length;
  return {
    keys,
    sealed: () => [count('generateDataKey', true), count('generateDataKey', false)],
    opened: () => [count('decrypt', true), count('decrypt', false)],
    pass: (milliseconds: number) => {
      time += milliseconds;
    },
  };
}

const tenant = { tenant: 'a' };
const SEAL = { keyId: 'alias/a', encryptionContext: tenant };

describe('With a data-key cache', () => {
  it('messages share a data key, and have keys of their own', async () => {
    const { keys, sealed, opened } = cached();
    const messages: Uint8Array[] = [];
    for (let i = 0; i < 10; i++) messages.push(await seal(keys, SEAL, utf8(`text ${i}`)));
    expect(sealed()).to.deep.equal([9, 1]);
    const headers = messages.map(parseMessageHeader);
    expect(new Set(headers.map(({ messageId }) => hex(messageId))).size).to.equal(10);
    for (const [i, message] of messages.entries()) {
      using result = await open(keys, message, {
        trustedKeys: ['alias/a'],
        encryptionContext: tenant,
      });
      expect(textOf(result.plaintext)).to.equal(`text ${i}`);
    }
    expect(opened()).to.deep.equal([9, 1]);
    await keys.close();
  });

  it('a data key is replaced after its messages, its bytes and its age', async () => {
    for (const [limits, expected] of [
      [{ uses: 3 }, [4, 2]],
      [{ bytes: 300 }, [4, 2]],
      [{ bytes: 299 }, [3, 3]],
      // No message fits, so each has a data key of its own, which is not cached.
      [{ bytes: 99 }, [0, 0]],
      [{ age: 250 }, [4, 2]],
    ] as const) {
      const { keys, sealed, pass } = cached(limits);
      for (let i = 0; i < 6; i++) {
        await seal(keys, SEAL, randomBytes(100));
        pass(100);
      }
      expect(sealed(), JSON.stringify(limits)).to.deep.equal(expected);
      await keys.close();
    }
  });

  it('pairs that differ for each record share nothing', async () => {
    const { keys, sealed } = cached();
    for (let id = 0; id < 5; id++) {
      await seal(keys, { ...SEAL, encryptionContext: { id: `${id}` } }, utf8('text'));
    }
    expect(sealed()).to.deep.equal([0, 5]);
    await keys.close();
  });

  it('another key gets the pairs of each message, also when the first binds none', async () => {
    const limits = { maximumUses: 1000, maximumBytes: 1e9, maximumAge: 1e6 };
    const bindsNone = withLayer(localKeys('alias/a'), (inner) => ({
      ...inner,
      capabilities: { ...inner.capabilities, encryptionContext: false },
    }));
    const first = withDataKeyCache(bindsNone, limits);
    await using other = localKeys('alias/b');
    for (const tenant of ['a', 'b']) {
      const encryptionContext = { tenant };
      const otherKeys = [{ provider: other, keyId: 'alias/b' }];
      const options = { keyId: 'alias/a', otherKeys, encryptionContext };
      const message = await seal(first, options, utf8('text'));
      using opened = await open(other, message, { trustedKeys: ['alias/b'], encryptionContext });
      expect(textOf(opened.plaintext)).to.equal('text');
    }
    await first.close();
  });

  it('signed messages share nothing, because each has its own public key among its pairs', async () => {
    const { keys, sealed } = cached();
    for (let i = 0; i < 3; i++) await seal(keys, { ...SEAL, signed: true }, utf8('text'));
    expect(sealed()).to.deep.equal([0, 3]);
    await keys.close();
  });

  it('streams share a data key if their longest length is known', async () => {
    const { keys, sealed } = cached();
    const run = (options?: CallOptions) =>
      ReadableStream.from([randomBytes(50)])
        .pipeThrough(sealStream(keys, SEAL, options))
        .pipeTo(new WritableStream());
    await run();
    await run();
    expect(sealed()).to.deep.equal([0, 0]);
    await run({ bytesToEncrypt: 50 });
    await run({ bytesToEncrypt: 50 });
    expect(sealed()).to.deep.equal([1, 1]);
    await keys.close();
  });

  it('what other keys made of a shared data key is shared too', async () => {
    const { keys, sealed } = cached({ uses: 3 });
    let calls = 0;
    const counting = (local: KeyWrapProvider) =>
      withLayer(local, (inner) => ({
        ...inner,
        encrypt(request, call) {
          calls += 1;
          return inner.encrypt(request, call);
        },
      }));
    const [offline, another] = [localKeys('alias/x'), localKeys('alias/x')].map(counting) as [
      KeyWrapProvider,
      KeyWrapProvider,
    ];
    const sealUnder = (provider: KeyWrapProvider) =>
      seal(keys, { ...SEAL, otherKeys: [{ provider, keyId: 'alias/x' }] }, utf8('text'));
    const opening = (provider: KeyWrapProvider, message: Uint8Array) =>
      open(provider, message, { trustedKeys: ['alias/x'], encryptionContext: tenant });
    // Two messages for one provider, then one for another provider with a key of the same name.
    for (const provider of [offline, offline, another]) {
      using opened = await opening(provider, await sealUnder(provider));
      expect(textOf(opened.plaintext)).to.equal('text');
    }
    expect(calls).to.equal(2);
    // The next data key.
    using opened = await opening(offline, await sealUnder(offline));
    expect(textOf(opened.plaintext)).to.equal('text');
    expect(calls).to.equal(3);
    expect(sealed()).to.deep.equal([2, 2]);
    for (const provider of [keys, offline, another]) await provider.close();
  });
});
