import { open, openStream, parseMessageHeader, seal } from '@keywrap/envelope';
import { expect } from 'chai';
import { layoutOf } from './layout.js';
import { expectRejection, localKeys, randomBytes, rejection, utf8 } from './support.js';

const TRUSTED = { trustedKeys: ['alias/a'], encryptionContext: {} };

describe('What is no message is rejected by name', () => {
  const keys = localKeys();
  after(() => keys.close());
  let message: Buffer;
  before(async () => {
    message = Buffer.from(await seal(keys, { keyId: 'alias/a' }, randomBytes(50)));
  });

  const changed = (name: string, write: (copy: Buffer, start: number) => void): Buffer => {
    const copy = Buffer.from(message);
    write(copy, layoutOf(message).find((part) => part.name === name)?.start as number);
    return copy;
  };

  const CASES: Readonly<Record<string, () => readonly [Uint8Array, string, string]>> = {
    text: () => [utf8('Hello, world'), 'INVALID_INPUT', 'is not a message'],
    JSON: () => [utf8('{"a":1}'), 'INVALID_INPUT', 'is not a message'],
    'its own base64': () => [utf8(message.toString('base64')), 'INVALID_INPUT', 'base64'],
    'base64 of version 1': () => [utf8('AYADeJgnuW8vpQmi5QoqHIZW'), 'INVALID_INPUT', 'base64'],
    'another type': () => [Uint8Array.of(1, 0x81, 3, 0x78), 'INVALID_INPUT', 'is not a message'],
    'a text in base64url': () => [Buffer.from('DE89', 'base64url'), 'INVALID_INPUT', 'sealed'],
    'a text that starts as version 2': () => [
      Buffer.from('Agnes', 'base64url'),
      'INVALID_INPUT',
      'sealed',
    ],
    'a newer version': () => [Uint8Array.of(3, 5, 0x78), 'UNSUPPORTED', 'format version 3'],
    'an unknown suite': () => [
      changed('algorithm suite', (copy, at) => copy.writeUInt16BE(0x0678, at)),
      'UNSUPPORTED',
      '0x0678',
    ],
    'a suite of the other version': () => [
      changed('algorithm suite', (copy, at) => copy.writeUInt16BE(0x0178, at)),
      'UNSUPPORTED',
      '0x0178',
    ],
    '64 Ki data keys': () => [
      changed('data key count', (copy, at) => copy.writeUInt16BE(0xffff, at)),
      'INVALID_INPUT',
      'has 65535 encrypted data keys',
    ],
    'a frame length of 4 GiB': () => [
      changed('frame length', (copy, at) => copy.writeUInt32BE(0xffffffff, at)),
      'INVALID_INPUT',
      'has frames of 4294967295 bytes',
    ],
  };
  for (const [what, make] of Object.entries(CASES)) {
    it(`${what}, in one call`, async () => {
      const [bytes, code, words] = make();
      const error = await rejection(open(keys, bytes, TRUSTED));
      expect(error.code).to.equal(code);
      expect(error.message).to.contain(words);
      expect(error.operation).to.equal('open');
      expect(() => parseMessageHeader(bytes.subarray(0, 2))).to.throw();
    });

    it(`${what}, as a stream, before the next byte is read`, async () => {
      const [bytes, code, words] = make();
      let pulls = 0;
      const source = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            if (pulls < bytes.length) controller.enqueue(bytes.subarray(pulls, ++pulls));
            else controller.enqueue(new Uint8Array(1));
          },
        },
        { highWaterMark: 0 },
      );
      const error = await rejection(
        source.pipeThrough(openStream(keys, TRUSTED)).pipeTo(new WritableStream()),
      );
      expect(error.code).to.equal(code);
      expect(error.message).to.contain(words);
      expect(pulls).to.be.lessThan(message.length - 100);
    });
  }

  it('a start that ends before its header, when only that is read', () => {
    expect(() => parseMessageHeader(message.subarray(0, 40))).to.throw('ends before its header');
    expect(() => parseMessageHeader(message.subarray(0, -20))).not.to.throw();
  });

  it('a suite that does not commit, unless the policy allows it', async () => {
    const bytes = Buffer.from(
      'AYABeKJVcNHPZb822Y05TQyIPsIAAAABAAFrAAFrAAMAAAACAAAAAAwAAAABAAAAAAAAAAAAAAAAscNFbiu5PHGXh4QJs5cAvgAAAA==',
      'base64',
    );
    const error = await rejection(open(keys, bytes, TRUSTED));
    expect(error.code).to.equal('UNSUPPORTED');
    expect(error.message).to.contain('REQUIRE_ENCRYPT_ALLOW_DECRYPT');
    const allowed = { ...TRUSTED, commitmentPolicy: 'REQUIRE_ENCRYPT_ALLOW_DECRYPT' } as const;
    await expectRejection(open(keys, bytes, allowed), 'UNTRUSTED_KEY');
  });

  it('opens more data keys and longer frames when the caller allows them', async () => {
    const otherKeys = Array.from({ length: 16 }, () => 'alias/a');
    const many = await seal(keys, { keyId: 'alias/a', otherKeys }, randomBytes(5));
    await expectRejection(open(keys, many, TRUSTED), 'INVALID_INPUT', 'message');
    using opened = await open(keys, many, { ...TRUSTED, maximumDataKeys: 17 });
    expect(opened.plaintext.length).to.equal(5);
    await expectRejection(
      open(keys, message, { ...TRUSTED, maximumFrameLength: 4095 }),
      'INVALID_INPUT',
      'message',
    );
    using exactly = await open(keys, message, { ...TRUSTED, maximumFrameLength: 4096 });
    expect(exactly.plaintext.length).to.equal(50);
  });
});

describe('Wrong options are rejected by name', () => {
  const keys = localKeys();
  after(() => keys.close());
  const plaintext = randomBytes(5);

  const SEALING: readonly (readonly [string, object])[] = [
    ['options.keyId', {}],
    ['options.keyId', { keyId: 7 }],
    ['encryptioncontext', { keyId: 'alias/a', encryptioncontext: {} }],
    [
      'encryptionContext',
      { keyId: 'alias/a', encryptionContext: { 'aws-crypto-public-key': 'x' } },
    ],
    ['encryptionContext', { keyId: 'alias/a', encryptionContext: { a: 1 } }],
    ['signed', { keyId: 'alias/a', signed: 'yes' }],
    ['frameLength', { keyId: 'alias/a', frameLength: 0 }],
    ['frameLength', { keyId: 'alias/a', frameLength: 2 ** 24 + 1 }],
    ['otherKeys', { keyId: 'alias/a', otherKeys: 'alias/b' }],
    ['otherKeys.0.keyId', { keyId: 'alias/a', otherKeys: [{}] }],
    ['otherKeys.0.provider', { keyId: 'alias/a', otherKeys: [{ keyId: 'alias/b', provider: {} }] }],
  ];
  for (const [field, options] of SEALING) {
    it(`sealing: ${field} in ${JSON.stringify(options)}`, async () => {
      const error = await rejection(seal(keys, options as never, plaintext));
      expect(error).to.include({ code: 'INVALID_INPUT', operation: 'seal' });
      expect((error as { field?: string }).field).to.match(new RegExp(`(^|\\.)${field}$`));
    });
  }

  const OPENING: readonly (readonly [string, object])[] = [
    ['trustedKeys', { encryptionContext: {} }],
    ['trustedKeys', { trustedKeys: [], encryptionContext: {} }],
    ['trustedKeys.0.keyId', { trustedKeys: [{}], encryptionContext: {} }],
    [
      'trustedKeys.0.namespace',
      { trustedKeys: [{ keyId: 'a', name: 'n' }], encryptionContext: {} },
    ],
    ['encryptionContext', { trustedKeys: ['alias/a'] }],
    ['commitmentPolicy', { ...TRUSTED, commitmentPolicy: 'NONE' }],
    ['signature', { ...TRUSTED, signature: true }],
    ['maximumDataKeys', { ...TRUSTED, maximumDataKeys: 0 }],
    ['maximumFrameLength', { ...TRUSTED, maximumFrameLength: 1.5 }],
    ['holdBack', { ...TRUSTED, holdBack: 5 }],
  ];
  for (const [field, options] of OPENING) {
    it(`opening: ${field} in ${JSON.stringify(options)}`, async () => {
      const error = await rejection(open(keys, utf8('x'), options as never));
      expect(error).to.include({ code: 'INVALID_INPUT', operation: 'open' });
      expect((error as { field?: string }).field).to.match(new RegExp(`(^|\\.)${field}$`));
    });
  }

  it('a provider, a plaintext or a message that is none', async () => {
    await expectRejection(
      seal({} as never, { keyId: 'alias/a' }, plaintext),
      'INVALID_INPUT',
      'provider',
    );
    await expectRejection(
      seal(keys, { keyId: 'alias/a' }, 'text' as never),
      'INVALID_INPUT',
      'plaintext',
    );
    for (const bad of [new Uint8Array(), '', 'a+b/', 'a', 'ab c', null, {}]) {
      await expectRejection(open(keys, bad as never, TRUSTED), 'INVALID_INPUT', 'message');
    }
  });
});
