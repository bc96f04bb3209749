import { strict as assert } from 'node:assert';
import type { ImplementedOperation } from '../../../../packages/kms-server/dist/operations/index.js';
import { jsonMutation } from '../json-mutation.js';
import { type FuzzTarget, textOf, utf8 } from '../target.js';
import { startServer } from './kms-server.js';

const KeyId = 'alias/aes';
const spare = { KeyId: 'aes' };
const Plaintext = 'AQID';
const [AliasName, Message] = ['alias/new', 'AQID'];
const context = { order: '4711' };
const signing = { KeyId: 'alias/rsa', Message, SigningAlgorithm: 'RSASSA_PSS_SHA_256' };
const mac = { KeyId: 'alias/mac', Message, MacAlgorithm: 'HMAC_SHA_256' };
const CiphertextBlob = 'a3diAQ==';

/** A request for each operation that the server has. */
const REQUESTS: Readonly<Record<ImplementedOperation, object>> = {
  CancelKeyDeletion: spare,
  CreateAlias: { AliasName, TargetKeyId: 'rsa' },
  CreateKey: {
    KeySpec: 'HMAC_256',
    KeyUsage: 'GENERATE_VERIFY_MAC',
    Tags: [{ TagKey: 'a', TagValue: 'b' }],
  },
  Decrypt: {
    CiphertextBlob,
    EncryptionContext: context,
    KeyId,
    EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
  },
  DeleteAlias: { AliasName: 'alias/mac' },
  DeleteImportedKeyMaterial: spare,
  DescribeKey: { KeyId, GrantTokens: ['a'] },
  DisableKey: spare,
  DisableKeyRotation: spare,
  EnableKey: spare,
  EnableKeyRotation: { ...spare, RotationPeriodInDays: 90 },
  Encrypt: { KeyId, Plaintext, EncryptionContext: context, DryRun: false },
  GenerateDataKey: { KeyId, EncryptionContext: context, NumberOfBytes: 24 },
  GenerateDataKeyPair: { KeyId, KeyPairSpec: 'ECC_NIST_P256' },
  GenerateDataKeyPairWithoutPlaintext: { KeyId, KeyPairSpec: 'ECC_SECG_P256K1' },
  GenerateDataKeyWithoutPlaintext: { KeyId, KeySpec: 'AES_256' },
  GenerateMac: mac,
  GenerateRandom: { NumberOfBytes: 32 },
  GetKeyPolicy: { KeyId, PolicyName: 'default' },
  GetKeyRotationStatus: spare,
  GetParametersForImport: {
    KeyId: 'aes',
    WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
    WrappingKeySpec: 'RSA_2048',
  },
  GetPublicKey: { KeyId: 'alias/ecc' },
  ImportKeyMaterial: {
    KeyId: 'aes',
    ImportToken: 'AQID',
    EncryptedKeyMaterial: 'AQID',
    ValidTo: 1798761600.5,
  },
  ListAliases: { KeyId: 'aes', Limit: 1 },
  ListKeyPolicies: { KeyId, Limit: 10 },
  ListKeyRotations: { KeyId: 'aes', IncludeKeyMaterial: 'ALL_KEY_MATERIAL' },
  ListKeys: { Limit: 2, Marker: 'aes' },
  ListResourceTags: { KeyId: 'aes', Limit: 50 },
  PutKeyPolicy: { KeyId: 'aes', Policy: '{"Version":"2012-10-17","Statement":[]}' },
  ReEncrypt: {
    CiphertextBlob,
    SourceEncryptionContext: context,
    DestinationKeyId: 'alias/rsa',
    DestinationEncryptionAlgorithm: 'RSAES_OAEP_SHA_1',
  },
  RotateKeyOnDemand: spare,
  ScheduleKeyDeletion: { ...spare, PendingWindowInDays: 7 },
  Sign: { ...signing, MessageType: 'RAW' },
  TagResource: { KeyId: 'aes', Tags: [{ TagKey: 'a', TagValue: 'b' }] },
  UntagResource: { KeyId: 'aes', TagKeys: ['a'] },
  UpdateAlias: { AliasName: 'alias/aes', TargetKeyId: 'aes' },
  UpdateKeyDescription: { KeyId: 'aes', Description: 'a' },
  Verify: { ...signing, Signature: 'AQID' },
  VerifyMac: { ...mac, Mac: 'AQID' },
};

/** Requests that follow each other: what one has done, the next one meets. */
const SEQUENCES: readonly (readonly ImplementedOperation[])[] = [
  ['ScheduleKeyDeletion', 'Encrypt', 'CancelKeyDeletion', 'Encrypt', 'EnableKey', 'Encrypt'],
  ['TagResource', 'ListResourceTags', 'UntagResource', 'CreateAlias', 'ListAliases', 'DeleteAlias'],
  ['EnableKeyRotation', 'RotateKeyOnDemand', 'ListKeyRotations', 'GetKeyRotationStatus'],
];

const WORDS =
  'alias/aes alias/rsa alias/ecc alias/mac arn:aws:kms:us-east-1:111122223333:key/aes "KeyId": ' +
  '"Origin":"EXTERNAL", "DryRun":true, "GrantTokens":[], "KeySpec":"RSA_2048", ' +
  '"MessageType":"DIGEST", "RSASSA_PKCS1_V1_5_SHA_512" "ECDSA_SHA_256" "RSAES_OAEP_SHA_256" ' +
  '"HMAC_SHA_512" "SYMMETRIC_DEFAULT" "__proto__":{"a":"b"}, \\ud800 \\u0000 AAAA = ==';

const MOST = 8;

/**
 * Every response is a result or an error that SDKs know; an internal failure of the server is
 * none. An input is a line for each request: the operation, a space, and the JSON.
 */
export const kmsRequest: FuzzTarget = {
  name: 'kms-request',
  words: [...Object.keys(REQUESTS).map((name) => `\n${name} `), ...WORDS.split(' '), '\n'],
  mutation: jsonMutation,
  async open() {
    const line = (name: ImplementedOperation) => `${name} ${JSON.stringify(REQUESTS[name])}`;
    const names = Object.keys(REQUESTS) as ImplementedOperation[];
    return {
      seeds: [
        ...names.map((name) => utf8(line(name))),
        ...SEQUENCES.map((sequence) => utf8(sequence.map(line).join('\n'))),
      ],
      async run(input) {
        let failure = '';
        await using server = await startServer((text) => {
          failure = text;
        });
        for (const request of textOf(input).split('\n').slice(0, MOST)) {
          const [name = '', ...json] = request.split(' ');
          const response = await fetch(server.url, {
            method: 'POST',
            headers: { 'X-Amz-Target': `TrentService.${name.replace(/[^!-~]/g, '?')}` },
            body: json.join(' '),
          });
          assertResponse(response.status, await response.text(), failure);
        }
      },
    };
  },
};

/** @throws AssertionError for a response that SDKs can't read, or that reports a failure of the server. */
export function assertResponse(status: number, body: string, failure: string): void {
  assert.ok(
    [200, 400, 408, 413, 431].includes(status),
    `it responded with ${status} ${body} ${failure}`,
  );
  assert.ok(!/\.js:\d+|node:internal|\bat [A-Za-z.]+ \(/.test(body), `it shows its code: ${body}`);
  if (status === 200) return;
  const { __type, message, ...more } = JSON.parse(body);
  assert.match(__type, /^[A-Za-z]+Exception$/);
  assert.ok(message === undefined || typeof message === 'string');
  assert.deepEqual(more, {});
}
