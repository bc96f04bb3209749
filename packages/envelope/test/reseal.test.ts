import { open, openText, parseMessageHeader, reseal, seal, sealText } from '@keywrap/envelope';
import { expect } from 'chai';
import { expectRejection, hex, localKeys, randomBytes } from './support.js';

const encryptionContext = { order: '7' };
const from = { trustedKeys: ['alias/a'], encryptionContext };

describe('Moving a message to other keys', () => {
  for (const signed of [false, true]) {
    it(`keeps its pairs${signed ? ' and that it is signed' : ''}`, async () => {
      await using keys = localKeys('alias/a', 'alias/b', 'alias/c');
      const plaintext = randomBytes(10_000);
      const message = await seal(keys, { keyId: 'alias/a', encryptionContext, signed }, plaintext);
      const moved = await reseal(keys, message, from, {
        keyId: 'alias/b',
        otherKeys: ['alias/c'],
      });
      expect(parseMessageHeader(moved).keys.length).to.equal(2);
      await expectRejection(open(keys, moved, from), 'UNTRUSTED_KEY');
      for (const key of ['alias/b', 'alias/c']) {
        const trusted = { ...from, trustedKeys: [key] };
        using opened = await open(keys, moved, {
          ...trusted,
          signature: signed ? 'required' : 'forbidden',
        });
        expect(hex(opened.plaintext)).to.equal(hex(plaintext));
        expect(opened.encryptionContext).to.deep.equal(encryptionContext);
      }
    });
  }

  it('makes a text of a text', async () => {
    await using keys = localKeys('alias/a', 'alias/b');
    const column = await sealText(keys, { keyId: 'alias/a', encryptionContext }, 'tea');
    const moved: string = await reseal(keys, column, from, { keyId: 'alias/b' });
    const trusted = { trustedKeys: ['alias/b'], encryptionContext };
    expect(await openText(keys, moved, trusted)).to.equal('tea');
  });

  it('never uses the key of the old message again', async () => {
    await using keys = localKeys();
    const message = await seal(keys, { keyId: 'alias/a', encryptionContext }, randomBytes(10));
    const moved = await reseal(keys, message, from, { keyId: 'alias/a' });
    const [before, after] = [message, moved].map(parseMessageHeader);
    expect(hex(before?.messageId as Uint8Array)).not.to.equal(hex(after?.messageId as Uint8Array));
  });

  it('stays signed when the option is given as undefined', async () => {
    await using keys = localKeys('alias/a', 'alias/b');
    const sealOptions = { keyId: 'alias/a', encryptionContext, signed: true };
    const message = await seal(keys, sealOptions, randomBytes(10));
    const moved = await reseal(keys, message, from, { keyId: 'alias/b', signed: undefined });
    const trusted = { trustedKeys: ['alias/b'], encryptionContext };
    using opened = await open(keys, moved, { ...trusted, signature: 'required' });
    expect(opened.plaintext).to.have.length(10);
    const unsigned = await reseal(keys, message, from, { keyId: 'alias/b', signed: false });
    using other = await open(keys, unsigned, { ...trusted, signature: 'forbidden' });
    expect(other.plaintext).to.have.length(10);
  });

  it('reads its options before it returns, and rejects wrong ones before it opens the message', async () => {
    await using keys = localKeys('alias/a', 'alias/b');
    const message = await seal(keys, { keyId: 'alias/a', encryptionContext }, randomBytes(10));
    const to = { keyId: 'alias/b' };
    const moving = reseal(keys, message, from, to);
    to.keyId = 'alias/a';
    const moved = await moving;
    using opened = await open(keys, moved, { trustedKeys: ['alias/b'], encryptionContext });
    expect(opened.plaintext).to.have.length(10);

    const damaged = Uint8Array.from(message.subarray(0, -1));
    const hostile = {
      get keyId(): string {
        throw new Error('a getter');
      },
    };
    for (const [wrong, field] of [
      [null, 'to'],
      [hostile, 'options'],
      [{ keyId: 'alias/b', frameLength: 0 }, 'frameLength'],
      [{ keyId: 'alias/b', encryptionContext: {} }, 'to.encryptionContext'],
      [{ keyId: '' }, 'to.keyId'],
    ] as const) {
      await expectRejection(reseal(keys, damaged, from, wrong as never), 'INVALID_INPUT', field);
    }
    await expectRejection(
      reseal(keys, message, { ...from, keyId: 'alias/a' } as never, { keyId: 'alias/b' }),
      'INVALID_INPUT',
      'from.keyId',
    );
  });

  it('rejects a damaged message', async () => {
    await using keys = localKeys();
    const message = await seal(keys, { keyId: 'alias/a', encryptionContext }, randomBytes(10));
    message[message.length - 1] = (message.at(-1) as number) ^ 1;
    await expectRejection(reseal(keys, message, from, { keyId: 'alias/a' }), 'INVALID_CIPHERTEXT');
  });
});
