import { inspect } from 'node:util';
import { open, openJson, openText, seal, sealJson, sealText } from '@keywrap/envelope';
import { expect } from 'chai';
import { expectRejection, localKeys, rejection, textOf, utf8 } from './support.js';

const encryptionContext = { id: '7' };
const SEAL = { keyId: 'alias/a', encryptionContext };
const OPEN = { trustedKeys: ['alias/a'], encryptionContext };

describe('Text and JSON', () => {
  const keys = localKeys();
  after(() => keys.close());

  it('go into a string of base64url and back', async () => {
    for (const text of ['', 'hello', '\uFEFFbyte order mark', 'ü€😀', 'x'.repeat(20_000)]) {
      const message = await sealText(keys, SEAL, text);
      expect(message).to.match(/^[\w-]+$/);
      expect(await openText(keys, message, OPEN)).to.equal(text);
      using opened = await open(keys, Buffer.from(message, 'base64url'), OPEN);
      expect(textOf(opened.plaintext)).to.equal(text.replace('\uFEFF', ''));
    }
    for (const value of [null, 0, 'text', [1, { a: ['b'] }]]) {
      expect(await openJson(keys, await sealJson(keys, SEAL, value), OPEN)).to.deep.equal(value);
    }
  });

  it('of a value without JSON is a mistake of the caller (INVALID_INPUT)', async () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const hostile = {
      toJSON() {
        throw new Error('a secret');
      },
    };
    for (const value of [undefined, () => 1, 1n, circular, hostile]) {
      const error = await rejection(sealJson(keys, SEAL, value));
      expect(error).to.include({ code: 'INVALID_INPUT', field: 'value' });
      expect(inspect(error)).not.to.include('a secret');
    }
  });

  it('have one encoding only', async () => {
    const message = await sealText(keys, SEAL, 'hello');
    const last = message.length % 4 === 0 ? `${message}A` : `${message.slice(0, -1)}_`;
    for (const other of [`${message}=`, ` ${message}`, `${message}\n`, last]) {
      const error = await rejection(openText(keys, other, OPEN));
      expect(error.code).to.match(/^INVALID_(INPUT|CIPHERTEXT)$/);
    }
  });

  it('reject what is no text or JSON, without quoting it', async () => {
    await expectRejection(sealText(keys, SEAL, '\uD800'), 'INVALID_INPUT', 'text');
    await expectRejection(sealJson(keys, SEAL, undefined), 'INVALID_INPUT', 'value');
    const notUtf8 = await seal(keys, SEAL, Uint8Array.of(0xff));
    await expectRejection(openText(keys, notUtf8, OPEN), 'INVALID_INPUT', 'message');
    const error = await rejection(openJson(keys, await sealText(keys, SEAL, 'secret'), OPEN));
    expect(inspect(error)).not.to.contain('secret');
  });
});

describe('An opened message', () => {
  it('does not show its plaintext, and wipes it', async () => {
    await using keys = localKeys();
    const message = await seal(keys, SEAL, utf8('the secret text'));
    const opened = await open(keys, message, OPEN);
    const { plaintext } = opened;
    for (const shown of [inspect(opened), JSON.stringify(opened), String(opened)]) {
      expect(shown).not.to.contain('secret');
      expect(shown).not.to.contain('116, 104');
    }
    opened[Symbol.dispose]();
    expect([...plaintext].every((byte) => byte === 0)).to.equal(true);
    expect(() => opened.plaintext).to.throw('disposed');
  });

  it('is not changed by what the caller does with its input', async () => {
    await using keys = localKeys();
    const plaintext = utf8('hello');
    const sealing = seal(keys, SEAL, plaintext);
    plaintext.fill(0);
    const message = await sealing;
    const opening = open(keys, message, OPEN);
    message.fill(0);
    using opened = await opening;
    expect(textOf(opened.plaintext)).to.equal('hello');
  });
});
