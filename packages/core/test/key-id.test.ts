import {
  formatAliasArn,
  formatKeyArn,
  InvalidInputError,
  isKeyArn,
  LIMITS,
  parseKeyId,
} from '@keywrap/core';
import { expect } from 'chai';
import fc from 'fast-check';
import { expectThrown } from './support/failures.js';

const scope = { partition: 'aws', region: 'eu-west-1', account: '111122223333' };
const uuid = '1234abcd-12ab-34cd-56ef-1234567890ab';

const characters = (alphabet: string, minLength = 1) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength: 40 });
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

const anyScope = fc.record({
  partition: fc.constantFrom('aws', 'aws-cn', 'aws-us-gov', 'aws-iso-b', 'local'),
  region: fc.constantFrom('eu-west-1', 'cn-north-1', 'us-gov-west-1', 'local-1'),
  account: characters('0123456789'),
});
const anyId = fc
  .tuple(characters(LETTERS), characters(`${LETTERS}_-`, 0))
  .map(([first, rest]) => first + rest);
const anyAlias = characters(`${LETTERS}:/_-`).map((name) => `alias/${name}`);

/** The parsed parts, without the text itself. */
function partsOf(keyId: string) {
  const { text, ...parts } = parseKeyId(keyId);
  expect(text).to.equal(keyId);
  return parts;
}

describe('parseKeyId', () => {
  it('parses a key id', () => {
    expect(partsOf(uuid)).to.deep.equal({ kind: 'key-id', id: uuid });
  });

  it('parses a key ARN', () => {
    const parsed = partsOf(`arn:aws:kms:eu-west-1:111122223333:key/${uuid}`);
    expect(parsed).to.deep.equal({ kind: 'key-arn', id: uuid, ...scope });
  });

  it('parses an alias name, with its prefix', () => {
    const parsed = partsOf('alias/orders/2024:eu');
    expect(parsed).to.deep.equal({ kind: 'alias-name', alias: 'alias/orders/2024:eu' });
  });

  it('parses an alias ARN', () => {
    const parsed = partsOf('arn:aws:kms:eu-west-1:111122223333:alias/aws/s3');
    expect(parsed).to.deep.equal({ kind: 'alias-arn', alias: 'alias/aws/s3', ...scope });
  });

  for (const partition of ['aws-cn', 'aws-us-gov', 'aws-iso', 'aws-eusc']) {
    it(`parses ARNs of the partition ${partition}`, () => {
      const parsed = partsOf(`arn:${partition}:kms:r-1:111122223333:key/${uuid}`);
      expect(parsed).to.include({ kind: 'key-arn', partition, region: 'r-1' });
    });
  }

  it('parses the id of a multi-Region key, bare and in an ARN', () => {
    const id = `mrk-${uuid.replaceAll('-', '')}`;
    expect(partsOf(id)).to.deep.equal({ kind: 'key-id', id });
    expect(partsOf(formatKeyArn(id, scope))).to.include({ kind: 'key-arn', id });
  });

  it('accepts any printable text as a key id', () => {
    for (const id of ['a', '0', 'HSM#7', 'schlüssel', '鍵', '🔑', 'a'.repeat(2048)]) {
      expect(partsOf(id), id).to.deep.equal({ kind: 'key-id', id });
    }
  });

  it('accepts 2048 characters and rejects 2049', () => {
    const longest = formatAliasArn(`alias/${'x'.repeat(2000)}`, scope);
    const padded = longest + 'x'.repeat(LIMITS.keyId - longest.length);

    expect(parseKeyId(padded).kind).to.equal('alias-arn');
    expectThrown(() => parseKeyId(`${padded}x`), InvalidInputError, { field: 'keyId' });
  });

  it('rejects a megabyte at once, in whatever form', () => {
    const megabyte = 'a:'.repeat(1 << 19);
    for (const keyId of [megabyte, `alias/${megabyte}`, `arn:${megabyte}`]) {
      expectThrown(() => parseKeyId(keyId), InvalidInputError);
    }
  });

  for (const [what, keyId] of [
    ['nothing', undefined],
    ['null', null],
    ['a number', 7],
    ['a String object', Object('alias/orders')],
    ['an array of one', ['alias/orders']],
    ['bytes', Buffer.from('alias/orders')],
    ['an object with toString', { toString: () => 'alias/orders' }],
    ['a symbol', Symbol('alias/orders')],
    ['the empty string', ''],
    ['a space', ' '],
    ['a leading space', ' alias/orders'],
    ['a trailing newline', `${uuid}\n`],
    ['a trailing newline after an alias', 'alias/orders\n'],
    ['a trailing newline after an ARN', `${formatKeyArn(uuid, scope)}\n`],
    ['a NUL', 'key\0'],
    ['a tab', 'key\tkey'],
    ['DEL', 'key\u007f'],
    ['a no-break space', 'key\u00a0'],
    ['a zero-width space', 'key\u200b'],
    ['a right-to-left override', 'key\u202e'],
    ['a byte order mark', '\ufeffkey'],
    ['an unpaired high surrogate', 'key\ud83d'],
    ['an unpaired low surrogate', '\udd11key'],
    ['an alias without a name', 'alias/'],
    ['an alias with other characters', 'alias/order.s'],
    ['an alias with letters of other scripts', 'alias/bestellungen-für-märz'],
    ['arn: alone', 'arn:'],
    ['an ARN that ends early', 'arn:aws:kms:eu-west-1'],
    ['an ARN without a resource', 'arn:aws:kms:eu-west-1:111122223333:'],
    ['an ARN without a partition', `arn::kms:eu-west-1:111122223333:key/${uuid}`],
    ['an ARN without a region', `arn:aws:kms::111122223333:key/${uuid}`],
    ['an ARN without an account', `arn:aws:kms:eu-west-1::key/${uuid}`],
    ['a key ARN without an id', 'arn:aws:kms:eu-west-1:111122223333:key/'],
    ['a key ARN with a path', 'arn:aws:kms:eu-west-1:111122223333:key/a/b'],
    ['a key ARN with one field too many', `arn:aws:kms:eu-west-1:1:extra:key/${uuid}`],
    ['a key ARN whose id begins with a dash', 'arn:aws:kms:eu-west-1:111122223333:key/-a'],
    ['an alias ARN without a name', 'arn:aws:kms:eu-west-1:111122223333:alias/'],
    ['an ARN of neither kind', 'arn:aws:kms:eu-west-1:111122223333:grant/1'],
    ['the ARN of an S3 bucket', 'arn:aws:s3:::orders'],
    ['the ARN of a secret', 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:orders'],
    ["another service's key ARN", 'arn:aws:payment:eu-west-1:111122223333:key/abc'],
    ['the service in capitals', `arn:aws:KMS:eu-west-1:111122223333:key/${uuid}`],
  ] as const) {
    it(`rejects ${what} (INVALID_INPUT)`, () => {
      expectThrown(() => parseKeyId(keyId), InvalidInputError, { field: 'keyId' });
    });
  }

  it('names the given field, and never repeats the rejected input', () => {
    const secret = 'arn:aws:s3:::hunter2';
    const error = expectThrown(() => parseKeyId(secret, 'source.keyId'), InvalidInputError, {
      field: 'source.keyId',
      keyId: undefined,
    });
    expect(error.message).to.match(/^source\.keyId /);
    expect(error.message).not.to.include('hunter2');
  });

  it('parses what formatKeyArn and formatAliasArn return', () => {
    fc.assert(
      fc.property(anyScope, anyId, anyAlias, (where, id, alias) => {
        expect(partsOf(formatKeyArn(id, where))).to.deep.equal({
          kind: 'key-arn',
          id,
          ...where,
        });
        const arn = formatAliasArn(alias, where);
        expect(partsOf(arn)).to.deep.equal({ kind: 'alias-arn', alias, ...where });
        expect(partsOf(alias)).to.deep.equal({ kind: 'alias-name', alias });
      }),
    );
  });
});

describe('isKeyArn', () => {
  it('knows the form in which results name keys', () => {
    expect(isKeyArn(formatKeyArn(uuid, scope))).to.equal(true);
  });

  it('rejects the three other forms, and anything but a string', () => {
    const others = [uuid, 'alias/orders', formatAliasArn('alias/orders', scope), undefined, 7, {}];
    for (const other of others) expect(isKeyArn(other), String(other)).to.equal(false);
  });

  it('rejects spaces, control characters and more than 2048 characters', () => {
    const arn = formatKeyArn(uuid, scope);
    expect(isKeyArn(arn.replace('eu-west-1', 'eu west'))).to.equal(false);
    expect(isKeyArn(arn.replace('eu-west-1', 'eu\nwest'))).to.equal(false);
    expect(isKeyArn(arn + 'a'.repeat(2048))).to.equal(false);
  });
});

describe('the escapes in ARNs', () => {
  const vault = { partition: 'vault', region: 'team/transit', account: '127.0.0.1:8200' };
  const ARNS = [
    [
      'a dot (Vault)',
      'orders.v2',
      vault,
      'arn:vault:kms:team/transit:127.0.0.1%3A8200:key/orders%2Ev2',
    ],
    ['slashes (Google)', 'global/ring/orders', scope, '...:key/global%2Fring%2Forders'],
    ['a colon (Azure)', 'orders:78deebed', scope, '...:key/orders%3A78deebed'],
    ['a space (PKCS #11)', 'my key', scope, '...:key/my%20key'],
    ['letters of other scripts', 'schlüssel-鍵', scope, '...:key/schl%C3%BCssel-%E9%8D%B5'],
    ['a per cent sign', '100%', scope, '...:key/100%25'],
    ['an escape', 'a%2Eb', scope, '...:key/a%252Eb'],
    ['an underscore at the beginning', '_a_b', scope, '...:key/%5Fa_b'],
  ] as const;
  for (const [what, id, where, expected] of ARNS) {
    it(`write ${what}, and parseKeyId reads it`, () => {
      const arn = formatKeyArn(id, where);
      expect(arn).to.equal(expected.replace('...', 'arn:aws:kms:eu-west-1:111122223333'));
      expect(partsOf(arn)).to.deep.equal({ kind: 'key-arn', id, ...where });
      expect(isKeyArn(arn)).to.equal(true);
    });
  }

  it('are undone in an id that was taken from an ARN, and only there', () => {
    expect(partsOf('orders%2Ev2')).to.deep.equal({ kind: 'key-id', id: 'orders.v2' });
    for (const id of ['orders.v2', '100%', 'a%2eb', 'a%41', 'a%2E.b', '%ff']) {
      expect(partsOf(id)).to.deep.equal({ kind: 'key-id', id });
    }
  });

  it('are rejected where formatKeyArn would not have written them: a key has one ARN', () => {
    const escaped = ['orders%2ev2', 'orders%41', 'orders%', 'orders%2', '%ED%A0%80', 'a.b', ''];
    for (const arn of [
      ...escaped.map((id) => `arn:aws:kms:eu-west-1:111122223333:key/${id}`),
      `arn:aws:kms:eu%2Dwest-1:111122223333:key/${uuid}`,
      `arn:aws:kms:eu-west-1:1%3a2:key/${uuid}`,
    ]) {
      expectThrown(() => parseKeyId(arn), InvalidInputError, { field: 'keyId' });
      expect(isKeyArn(arn), arn).to.equal(false);
    }
  });

  it('are reversed for every name and every scope', () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });
    const any = fc.record({ partition: text, region: text, account: text });
    fc.assert(
      fc.property(text, any, (id, where) => {
        const arn = formatKeyArn(id, where);
        expect(isKeyArn(arn)).to.equal(true);
        expect(partsOf(arn)).to.deep.equal({ kind: 'key-arn', id, ...where });
        expect(partsOf(arn.slice(arn.lastIndexOf('/') + 1))).to.deep.equal({ kind: 'key-id', id });
      }),
    );
  });

  it('agree with isKeyArn, whatever the text', () => {
    const piece = fc.constantFrom(
      'arn:',
      'aws',
      ':kms:',
      ':key/',
      ':alias/',
      '%2E',
      '%',
      'a',
      '.',
      '_',
      ':',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        let kind: string | undefined;
        try {
          kind = parseKeyId(text).kind;
        } catch {
          kind = undefined;
        }
        expect(isKeyArn(text)).to.equal(kind === 'key-arn');
      }),
      { examples: [[['arn:', 'aws', ':kms:', 'a', ':', 'a', ':key/', '%2E', 'a']]] },
    );
  });

  it('do not help names that no ARN can have (INVALID_INPUT)', () => {
    for (const id of ['', 'key\ud83d', '\udd11', '.'.repeat(700)]) {
      expectThrown(() => formatKeyArn(id, scope), InvalidInputError, { field: 'keyId' });
    }
    for (const part of ['', 'a\ud83d']) {
      expectThrown(() => formatKeyArn('a', { ...scope, region: part }), InvalidInputError);
    }
    for (const alias of ['', 'orders', 'alias/', 'alias/order.s']) {
      expectThrown(() => formatAliasArn(alias, scope), InvalidInputError);
    }
  });
});
