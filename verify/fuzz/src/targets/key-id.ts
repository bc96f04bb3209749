import { strict as assert } from 'node:assert';
import { formatAliasArn, formatKeyArn, isKeyArn, parseKeyId } from '@keywrap/core';
import { attempt, type FuzzTarget, textOf, utf8 } from '../target.js';

const UUID = '1234abcd-12ab-34cd-56ef-1234567890ab';
const SCOPE = { partition: 'aws', region: 'eu-west-1', account: '111122223333' };

/** A parsed key id is formatted to the same text again, and a rejection does not quote it. */
export const keyId: FuzzTarget = {
  name: 'key-id',
  words: ['arn:', 'aws-cn', ':kms:', 'key/', 'alias/', '\u0000', '\ud7ff', '\u200b', '🔑', 'mrk-'],
  async open() {
    return {
      seeds: [
        UUID,
        `mrk-${UUID.replaceAll('-', '')}`,
        'schlüssel-鍵-🔑',
        'alias/orders/2024:eu',
        formatKeyArn(UUID, SCOPE),
        formatKeyArn('orders.v2/a b', { ...SCOPE, account: '127.0.0.1:8200' }),
        formatAliasArn('alias/aws/s3', { ...SCOPE, partition: 'aws-us-gov' }),
        'k'.repeat(2048),
      ].map(utf8),
      async run(input) {
        // UTF-16 too: text from JavaScript may hold half a surrogate pair.
        const units = Buffer.from(input).toString('utf16le');
        for (const text of [textOf(input), units]) await check(text);
      },
    };
  },
};

async function check(text: string): Promise<void> {
  // Longer text than this is not in the message by chance.
  const secrets = text.length > 24 ? [utf8(text)] : [];
  const parsed = await attempt(() => parseKeyId(text), ['INVALID_INPUT'], secrets);
  assert.equal(isKeyArn(text), parsed?.kind === 'key-arn');
  switch (parsed?.kind) {
    case 'key-id':
      // An id that was taken from an ARN may have escapes.
      return assert.ok(
        parsed.id === text || formatKeyArn(parsed.id, SCOPE).endsWith(`key/${text}`),
      );
    case 'alias-name':
      return assert.equal(parsed.alias, text);
    case 'key-arn':
      return assert.equal(formatKeyArn(parsed.id, parsed), text);
    case 'alias-arn':
      return assert.equal(formatAliasArn(parsed.alias, parsed), text);
  }
}
