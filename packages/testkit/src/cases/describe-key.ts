import { isRsaKeySpec } from '@keywrap/core';
import { type CaseContext, type CaseInput, casesOf, kmsApi } from '../case.js';
import {
  check,
  expectDifferent,
  expectError,
  expectField,
  expectKeyArn,
  sameBytes,
} from '../expect.js';
import { readPublicKey } from '../key-pair-check.js';
import type { KeyKind } from '../key-ring.js';
import { NODE_CRYPTO, RSA } from '../needs.js';

const describes = {
  id: 'describe-key',
  statement: 'describeKey describes a key in any state',
  source: kmsApi('DescribeKey'),
};

const publicKeys = {
  id: 'public-key',
  statement:
    'getPublicKey returns the public half of an asymmetric key as SPKI DER; other keys have none',
  source: kmsApi('GetPublicKey'),
};

const KINDS = [
  ['1', 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT'],
  ['2', 'RSA_2048', 'ENCRYPT_DECRYPT'],
  ['3', 'RSA_2048/SIGN_VERIFY', 'SIGN_VERIFY'],
  ['4', 'HMAC_256/GENERATE_VERIFY_MAC', 'GENERATE_VERIFY_MAC'],
  ['5', 'ECC_NIST_P256/SIGN_VERIFY', 'SIGN_VERIFY'],
] as const;

const specOf = (kind: KeyKind) => kind.split('/')[0] as string;

function expectAlgorithms(actual: unknown, kind: KeyKind, { provider, keys }: CaseContext): void {
  check(Array.isArray(actual), 'algorithms as an array', typeof actual);
  const { algorithms: declared, oneAlgorithmPerKey } = provider.capabilities;
  const [spec = '', usage = 'ENCRYPT_DECRYPT'] = kind.split('/');
  const own = spec.startsWith('RSA') ? /^RSAES/ : /^SYMMETRIC/;
  const encrypts = usage === 'ENCRYPT_DECRYPT';
  const hasOne = oneAlgorithmPerKey === true && isRsaKeySpec(spec);
  const all = hasOne ? [keys.rsaAlgorithm] : declared.filter((each) => own.test(each));
  const wanted: readonly string[] = encrypts ? all : [];
  const hasAll = wanted.every((algorithm) => actual.includes(algorithm));
  const hasNoOther = actual.every((each) =>
    hasOne || !encrypts ? wanted.includes(each) : own.test(String(each)),
  );
  check(
    hasAll && hasNoOther,
    `the algorithms of a key of the kind ${kind}: ${wanted.join(', ') || 'none'}`,
    actual.join(', ') || 'none',
  );
}

const STATES = [
  ['1', 'Enabled', [], 'SYMMETRIC_DEFAULT'],
  ['2', 'Disabled', ['keys.disable'], 'SYMMETRIC_DEFAULT'],
  ['3', 'PendingDeletion', ['keys.scheduleDeletion'], 'SYMMETRIC_DEFAULT'],
  ['4', 'PendingImport', ['key:SYMMETRIC_DEFAULT/EXTERNAL'], 'SYMMETRIC_DEFAULT/EXTERNAL'],
] as const;

export const describeKeyCases = [
  ...casesOf(describes, [
    ...KINDS.map(
      ([number, kind, usage]): CaseInput => ({
        id: `DSC-10${number}`,
        title: `describes a key of the kind ${kind}`,
        needs: [`key:${kind}`],
        async run(context) {
          const { provider, keys } = context;
          const keyId = await keys.get(kind);
          const key = await provider.describeKey({ keyId });
          expectKeyArn(key.keyId, keyId);
          expectField(key.keySpec, specOf(kind), 'keySpec');
          expectField(key.keyUsage, usage, 'keyUsage');
          expectField(key.keyState, 'Enabled', 'keyState');
          expectAlgorithms(key.algorithms, kind, context);
          check(typeof key.description === 'string', 'a description', typeof key.description);
        },
      }),
    ),
    ...STATES.map(
      ([number, state, needs, kind]): CaseInput => ({
        id: `DSC-20${number}`,
        title: `describes a key that is ${state}`,
        needs: ['key:SYMMETRIC_DEFAULT', ...needs],
        async run({ provider, keys }) {
          const keyId = await keys.create(kind);
          if (state === 'Disabled') await keys.disable(keyId);
          if (state === 'PendingDeletion') await keys.scheduleDeletion(keyId);
          const key = await provider.describeKey({ keyId });
          expectField(key.keyState, state, 'keyState');
          expectKeyArn(key.keyId, keyId);
          if (state === 'PendingImport') expectField(key.origin, 'EXTERNAL', 'origin');
          const { deletionDate } = key;
          const isAhead = Number(deletionDate?.getTime()) > Date.now();
          // Not every backend knows the date, but if it returns one, it must be true.
          check(
            deletionDate === undefined || (state === 'PendingDeletion' && isAhead),
            state === 'PendingDeletion'
              ? 'a deletionDate in the future, or none'
              : 'no deletionDate',
            `deletionDate ${String(deletionDate)}`,
          );
        },
      }),
    ),
    {
      id: 'DSC-301',
      title: 'returns the creation date of the key, where it is known',
      needs: ['key:SYMMETRIC_DEFAULT'],
      async run({ provider, keys }) {
        const keyId = await keys.get();
        const { creationDate } = await provider.describeKey({ keyId });
        // Many HSMs keep no date.
        if (creationDate === undefined) return;
        const isDate = Object.prototype.toString.call(creationDate) === '[object Date]';
        check(isDate, 'creationDate as a Date', typeof creationDate);
        // A day, because the backend may have another clock.
        const isPast = creationDate.getTime() < Date.now() + 86_400_000;
        check(isPast, 'a creationDate that is not in the future', String(creationDate));
      },
    },
  ]),
  ...casesOf(publicKeys, [
    ...(['RSA_2048', 'RSA_3072', 'RSA_4096'] as const).map(
      (spec, i): CaseInput => ({
        id: `PUB-10${i + 1}`,
        title: `returns the public key of an ${spec} key as SPKI DER, and its description`,
        needs: ['asymmetric', `key:${spec}`, NODE_CRYPTO],
        profile: spec === 'RSA_2048' ? 'quick' : 'full',
        async run(context) {
          const { provider, keys } = context;
          const keyId = await keys.get(spec);
          const result = await provider.getPublicKey({ keyId });
          expectKeyArn(result.keyId, keyId);
          const bits = readPublicKey(result.publicKey).asymmetricKeyDetails?.modulusLength;
          check(`RSA_${bits}` === spec, `a public key of ${spec}`, `one of ${bits} bits`);
          expectField(result.keySpec, spec, 'keySpec');
          expectField(result.keyUsage, 'ENCRYPT_DECRYPT', 'keyUsage');
          expectAlgorithms(result.algorithms, spec, context);
        },
      }),
    ),
    {
      id: 'PUB-201',
      title: 'returns the same public key each time, and different ones for different keys',
      needs: RSA,
      async run({ provider, keys }) {
        const input = { keyId: await keys.get('RSA_2048') };
        const one = await provider.getPublicKey(input);
        const two = await provider.getPublicKey(input);
        check(sameBytes(one.publicKey, two.publicKey), 'the same public key', 'another one');
        const other = await provider.getPublicKey({ keyId: await keys.get('RSA_2048', 1) });
        expectDifferent(one.publicKey, other.publicKey, 'public keys');
      },
    },
    {
      id: 'PUB-202',
      title: 'returns the public key of a key that signs, without encryption algorithms',
      needs: ['asymmetric', 'key:RSA_2048/SIGN_VERIFY', NODE_CRYPTO],
      async run(context) {
        const { provider, keys } = context;
        const kind = 'RSA_2048/SIGN_VERIFY';
        const result = await provider.getPublicKey({ keyId: await keys.get(kind) });
        readPublicKey(result.publicKey);
        expectField(result.keyUsage, 'SIGN_VERIFY', 'keyUsage');
        expectAlgorithms(result.algorithms, kind, context);
      },
    },
    ...(['SYMMETRIC_DEFAULT', 'HMAC_256/GENERATE_VERIFY_MAC'] as const).map(
      (kind, i): CaseInput => ({
        id: `PUB-30${i + 1}`,
        title: `rejects a key of the kind ${kind}, which has none (UNSUPPORTED)`,
        needs: ['asymmetric', `key:${kind}`],
        async run({ provider, keys }) {
          const call = provider.getPublicKey({ keyId: await keys.get(kind) });
          await expectError(call, 'UNSUPPORTED', { operation: 'getPublicKey' });
        },
      }),
    ),
  ]),
];
