import { strict as assert } from 'node:assert';
import { open, openStream, parseMessageHeader, type SealOptions, seal } from '@keywrap/envelope';
import { LocalKeyWrapProvider } from '@keywrap/provider-local';
import { attempt, type FuzzTarget, utf8 } from '../target.js';

const KEY_ID = 'orders';
const CODES = ['INVALID_CIPHERTEXT', 'INVALID_INPUT', 'UNSUPPORTED', 'UNTRUSTED_KEY'] as const;
const encryptionContext = { order: '4711', customer: 'acme' };
const OPTIONS = {
  trustedKeys: [KEY_ID],
  encryptionContext,
  commitmentPolicy: 'REQUIRE_ENCRYPT_ALLOW_DECRYPT',
} as const;
const PLAINTEXT = utf8('the plaintext that no error may show '.repeat(5));
const KEY = Uint8Array.from({ length: 32 }, (_, index) => (index * 37 + 11) & 0xff);

/**
 * Only messages that were really sealed open, in one call and as a stream alike; their headers parse or are
 * rejected.
 */
export const envelope: FuzzTarget = {
  name: 'envelope',
  words: [
    '\x02\x05\x78',
    '\x02\x04\x78',
    '\x01\x80\x03\x78',
    '\x01\x80\x00\x14',
    'aws-crypto-public-key',
    'aws-kms',
    'local',
    '\u00ff'.repeat(4),
    '\x00\x00\x00\x01',
  ],
  async open() {
    const keys = new LocalKeyWrapProvider({ keys: [{ keyId: KEY_ID, keyMaterial: KEY }] });
    const seeds: Uint8Array[] = [];
    const kinds: readonly Partial<SealOptions>[] = [
      {},
      { frameLength: 50 },
      { frameLength: 50, signed: true },
      { otherKeys: [KEY_ID] },
    ];
    for (const kind of kinds) {
      seeds.push(await seal(keys, { keyId: KEY_ID, encryptionContext, ...kind }, PLAINTEXT));
    }
    const genuine = new Set(seeds.map((seed) => Buffer.from(seed).toString('latin1')));
    const secrets = [PLAINTEXT, KEY];

    const openWhole = (input: Uint8Array) =>
      attempt(async () => (await open(keys, input, OPTIONS)).plaintext, CODES, secrets);
    /** In two chunks. */
    const openParts = (input: Uint8Array) =>
      attempt(
        async () => {
          const parts: Uint8Array[] = [];
          const middle = input.length >> 1;
          await ReadableStream.from([input.subarray(0, middle), input.subarray(middle)])
            .pipeThrough(openStream(keys, OPTIONS))
            .pipeTo(new WritableStream({ write: (part) => void parts.push(part) }));
          return new Uint8Array(Buffer.concat(parts));
        },
        CODES,
        secrets,
      );

    return {
      seeds,
      async run(input) {
        const before = input.slice();
        const isGenuine = genuine.has(Buffer.from(input).toString('latin1'));
        const header = await attempt(() => parseMessageHeader(input), CODES);
        const whole = await openWhole(input);
        const parts = await openParts(input);
        assert.equal(
          whole !== undefined,
          isGenuine,
          'it opens what was not sealed, or not what was',
        );
        assert.deepEqual(parts, whole, 'a stream opens it differently');
        if (isGenuine) {
          assert.deepEqual(whole, PLAINTEXT);
          assert.ok(header !== undefined);
        }
        assert.deepEqual(input, before, 'it changed its input');
      },
      close: () => keys.close(),
    };
  },
};
