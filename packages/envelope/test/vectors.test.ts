import { readFileSync } from 'node:fs';
import { open, openStream, parseMessageHeader } from '@keywrap/envelope';
import { expect } from 'chai';
import { expectRejection, hex, knowing, textOf } from './support.js';

const readVectors = (name: string) =>
  JSON.parse(readFileSync(new URL(`../test/vectors/${name}`, import.meta.url), 'utf8'));

const AWS: {
  readonly committing: readonly {
    readonly comment: string;
    readonly ciphertext: string;
    readonly status: boolean;
    readonly dataKey: string;
    readonly messageId: string;
    readonly encryptionContext: Readonly<Record<string, string>>;
    readonly plaintext?: string;
  }[];
  readonly zeroDataKey: readonly {
    readonly name: string;
    readonly valid: boolean;
    readonly message: string;
  }[];
} = readVectors('aws-encryption-sdk-javascript.json');

const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));

/** Opens in one call and as a stream, and expects the same. */
async function openBoth(message: Uint8Array, dataKey: Uint8Array) {
  const [first] = parseMessageHeader(message).keys;
  await using keys = knowing(first?.providerId as string, dataKey);
  const options = {
    trustedKeys: ['alias/known'],
    encryptionContext: {},
    commitmentPolicy: 'REQUIRE_ENCRYPT_ALLOW_DECRYPT',
  } as const;
  const parts: Uint8Array[] = [];
  await ReadableStream.from([message])
    .pipeThrough(openStream(keys, options))
    .pipeTo(new WritableStream({ write: (part) => void parts.push(part) }));
  using opened = await open(keys, message, options);
  expect(hex(Buffer.concat(parts))).to.equal(hex(opened.plaintext));
  return { text: textOf(opened.plaintext), encryptionContext: opened.encryptionContext };
}

describe('The vectors of the AWS Encryption SDK for message format version 2', () => {
  for (const vector of AWS.committing) {
    it(vector.comment, async () => {
      const message = bytesOf(vector.ciphertext);
      const opening = openBoth(message, bytesOf(vector.dataKey));
      if (!vector.status) return expectRejection(opening, 'INVALID_CIPHERTEXT');
      const { text, encryptionContext } = await opening;
      expect(text).to.equal(vector.plaintext);
      const { 'aws-crypto-public-key': _, ...pairs } = vector.encryptionContext;
      expect(encryptionContext).to.deep.equal(pairs);
      const header = parseMessageHeader(message);
      expect(hex(header.messageId)).to.equal(hex(bytesOf(vector.messageId)));
      expect(header.encryptionContext).to.deep.equal(vector.encryptionContext);
    });
  }
});

describe('The messages of the AWS Encryption SDK for JavaScript under a data key of zeros', () => {
  for (const { name, valid, message } of AWS.zeroDataKey) {
    it(`${valid ? 'opens' : 'rejects'} ${name}`, async () => {
      const bytes = bytesOf(message);
      const suite = parseMessageHeader(bytes).algorithmSuite;
      const dataKey = new Uint8Array(suite.includes('128') ? 16 : 32);
      if (!valid) return expectRejection(openBoth(bytes, dataKey), 'INVALID_CIPHERTEXT');
      expect((await openBoth(bytes, dataKey)).text).not.to.equal('');
    });
  }
});

describe('The example of the specification', () => {
  it('is read as its comments say, but for a slip: its "encryption" is not UTF-8', () => {
    const printed: string = readVectors('specification-header.json').header;
    expect(() => parseMessageHeader(Buffer.from(printed, 'hex'))).to.throw('can not be opened');
    const slip = '656e6372797746906f6e';
    expect(printed).to.contain(slip);
    const bytes = Buffer.from(
      printed.replace(slip, Buffer.from('encryption').toString('hex')),
      'hex',
    );
    const { messageId, ...header } = parseMessageHeader(bytes);
    expect(hex(messageId)).to.equal('b8929b01753d4a45c0217f39404f70ff');
    expect(header).to.deep.equal({
      version: 1,
      algorithmSuite: 'ALG_AES_256_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384',
      encryptionContext: {
        '0this': 'is',
        '1an': 'encryption',
        '2context': 'example',
        'aws-crypto-public-key':
          'AsG8gG9InLPu16YKlqXTOD+nykG8YqHAhqecj8aXfD2e5B4gtVE73dZkyClA+rAMOQ==',
      },
      keys: [
        {
          providerId: 'aws-kms',
          key: 'arn:aws:kms:us-west-2:111122223333:key/715c0818-5825-4245-a755-138a6d9a11e6',
        },
        {
          providerId: 'aws-kms',
          key: 'arn:aws:kms:ca-central-1:111122223333:key/9b13ca4b-afcc-46a8-aa47-be3435b423ff',
        },
      ],
      frameLength: 0,
      headerLength: bytes.length,
    });
  });
});
