import { LIMITS } from '@keywrap/core';
import { type CaseInput, casesOf, kmsApi } from '../case.js';
import { check, expectBytes, expectError, expectKeyArn, sameBytes } from '../expect.js';
import { plaintextsOfEveryKind } from '../plaintexts.js';

const roundTrip = {
  id: 'encrypt-decrypt',
  statement: 'What a symmetric key encrypts, it decrypts: every byte, whatever the bytes are',
  source: kmsApi('Encrypt'),
};

const length = {
  id: 'plaintext-length',
  statement: 'A plaintext under a symmetric key has 1 to 4096 bytes',
  source: kmsApi('Encrypt'),
};

const fresh = {
  id: 'fresh-ciphertext',
  statement: 'Encrypting the same twice gives two different ciphertexts',
  source: 'NIST SP 800-38D section 8: an IV is never used twice with a key',
};

const needs = ['algorithm:SYMMETRIC_DEFAULT', 'key:SYMMETRIC_DEFAULT'] as const;

export const encryptCases = [
  ...casesOf(roundTrip, [
    {
      id: 'ENC-001',
      title: 'decrypts what it encrypted',
      needs,
      async run({ provider, keys, secret }) {
        const keyId = await keys.get();
        const plaintext = secret();
        const { ciphertext } = await provider.encrypt({ keyId, plaintext });
        const result = await provider.decrypt({ keyId, ciphertext });
        expectBytes(result.plaintext, plaintext, 'the decrypted plaintext');
      },
    },
    {
      id: 'ENC-002',
      title: 'gives back plaintexts of every kind: zeros, ones, text, and lengths around a block',
      needs,
      async run({ provider, keys, secret }) {
        const keyId = await keys.get();
        const plaintexts = [
          ...plaintextsOfEveryKind(),
          ...[2, 15, 16, 17, 31, 33, 64, 255, 256, 257, 1024].map((size) => secret(size)),
        ];
        for (const plaintext of plaintexts) {
          const { ciphertext } = await provider.encrypt({ keyId, plaintext });
          const result = await provider.decrypt({ keyId, ciphertext });
          expectBytes(result.plaintext, plaintext, `a plaintext of ${plaintext.length} bytes`);
        }
      },
    },
    {
      id: 'ENC-006',
      title: 'gives back plaintexts of every kind without a keyId',
      needs: [...needs, 'keyIdFromCiphertext'],
      async run({ provider, keys, secret }) {
        const keyId = await keys.get();
        for (const plaintext of [...plaintextsOfEveryKind(), secret(), secret(LIMITS.plaintext)]) {
          const { ciphertext } = await provider.encrypt({ keyId, plaintext });
          const result = await provider.decrypt({ ciphertext });
          expectBytes(result.plaintext, plaintext, `a plaintext of ${plaintext.length} bytes`);
        }
      },
    },
    {
      id: 'ENC-003',
      title: 'names the key ARN and the algorithm in both results',
      needs,
      async run({ provider, keys, secret }) {
        const keyId = await keys.get();
        const sealed = await provider.encrypt({ keyId, plaintext: secret() });
        expectKeyArn(sealed.keyId, keyId);
        expectAlgorithm(sealed.algorithm);
        const opened = await provider.decrypt({ keyId, ciphertext: sealed.ciphertext });
        expectKeyArn(opened.keyId, keyId);
        expectAlgorithm(opened.algorithm);
      },
    },
    {
      id: 'ENC-004',
      title: 'takes SYMMETRIC_DEFAULT by name as well',
      needs,
      async run({ provider, keys, secret }) {
        const key = { keyId: await keys.get(), algorithm: 'SYMMETRIC_DEFAULT' } as const;
        const plaintext = secret();
        const { ciphertext } = await provider.encrypt({ ...key, plaintext });
        const result = await provider.decrypt({ ...key, ciphertext });
        expectBytes(result.plaintext, plaintext, 'the decrypted plaintext');
      },
    },
    {
      id: 'ENC-005',
      title: 'does not show the plaintext in the ciphertext',
      needs,
      async run({ provider, keys, secret }) {
        const plaintext = secret(64);
        const { ciphertext } = await provider.encrypt({ keyId: await keys.get(), plaintext });
        check(
          !Buffer.from(ciphertext).includes(Buffer.from(plaintext.subarray(0, 8))),
          'an encrypted plaintext',
          'a ciphertext with the plaintext in it',
        );
      },
    },
  ]),
  ...casesOf(length, [
    ...[1, LIMITS.plaintext - 1, LIMITS.plaintext].map(
      (size, i): CaseInput => ({
        id: `LEN-00${i + 1}`,
        title: `encrypts ${size} byte${size === 1 ? '' : 's'}, in at most 6144 bytes of ciphertext`,
        needs,
        async run({ provider, keys, secret }) {
          const keyId = await keys.get();
          const plaintext = secret(size);
          const { ciphertext } = await provider.encrypt({ keyId, plaintext });
          check(
            ciphertext.length <= LIMITS.ciphertext,
            `a ciphertext of at most ${LIMITS.ciphertext} bytes`,
            `${ciphertext.length} bytes`,
          );
          const result = await provider.decrypt({ keyId, ciphertext });
          expectBytes(result.plaintext, plaintext, 'the decrypted plaintext');
        },
      }),
    ),
    {
      id: 'LEN-004',
      title: 'refuses an empty plaintext (INVALID_INPUT)',
      needs,
      async run({ provider, keys }) {
        const input = { keyId: await keys.get(), plaintext: new Uint8Array() };
        const details = { operation: 'encrypt', field: 'plaintext' };
        await expectError(provider.encrypt(input), 'INVALID_INPUT', details);
      },
    },
    {
      id: 'LEN-005',
      title: 'refuses 4097 bytes (INVALID_INPUT)',
      needs,
      async run({ provider, keys, secret }) {
        const input = { keyId: await keys.get(), plaintext: secret(LIMITS.plaintext + 1) };
        const details = { operation: 'encrypt', field: 'plaintext' };
        await expectError(provider.encrypt(input), 'INVALID_INPUT', details);
      },
    },
  ]),
  ...casesOf(fresh, [
    {
      id: 'FRE-001',
      title: 'makes 64 different ciphertexts of one plaintext under one key',
      needs,
      async run({ provider, keys, secret }) {
        const input = { keyId: await keys.get(), plaintext: secret() };
        const seen: Uint8Array[] = [];
        for (let i = 0; i < 64; i++) {
          const { ciphertext } = await provider.encrypt(input);
          check(
            !seen.some((other) => sameBytes(other, ciphertext)),
            'a ciphertext that differs from every one before',
            `number ${i + 1} the same as an earlier one`,
          );
          seen.push(ciphertext);
        }
      },
    },
    {
      id: 'FRE-002',
      title: 'makes different RSA ciphertexts of one plaintext',
      needs: ['asymmetric', 'key:RSA_2048'],
      async run({ provider, keys, secret }) {
        const algorithm = keys.rsaAlgorithm;
        const input = { keyId: await keys.get('RSA_2048'), plaintext: secret(), algorithm };
        const one = await provider.encrypt(input);
        const two = await provider.encrypt(input);
        check(
          !sameBytes(one.ciphertext, two.ciphertext),
          'two different ciphertexts (RFC 8017 section 7.1.1: a random seed)',
          'the same one twice',
        );
      },
    },
    {
      id: 'FRE-004',
      title: 'makes different RSA ciphertexts of one when it re-encrypts',
      needs: ['asymmetric', 'key:RSA_2048'],
      async run({ provider, keys }) {
        const { keyId, ciphertext } = await keys.sealed('RSA_2048');
        const key = { keyId, algorithm: keys.rsaAlgorithm };
        const input = { ciphertext, source: key, destination: key };
        const made = [ciphertext];
        for (let i = 0; i < 2; i++) made.push((await provider.reEncrypt(input)).ciphertext);
        const isFresh = made.every((one, i) =>
          made.slice(i + 1).every((two) => !sameBytes(one, two)),
        );
        check(isFresh, 'different ciphertexts', 'the same one twice');
      },
    },
    {
      id: 'FRE-003',
      title: 'makes different ciphertexts of one when it re-encrypts',
      needs,
      async run({ provider, keys }) {
        const { keyId, ciphertext } = await keys.sealed('SYMMETRIC_DEFAULT');
        const input = { ciphertext, source: { keyId }, destination: { keyId } };
        const [one, two] = [await provider.reEncrypt(input), await provider.reEncrypt(input)];
        const isFresh = !sameBytes(one.ciphertext, two.ciphertext);
        check(isFresh, 'two different ciphertexts', 'the same one twice');
      },
    },
  ]),
];

function expectAlgorithm(actual: unknown): void {
  check(actual === 'SYMMETRIC_DEFAULT', 'algorithm SYMMETRIC_DEFAULT', `algorithm ${actual}`);
}
