import type { DataKeyPairSpec } from '@keywrap/core';
import { type CaseContext, type CaseInput, casesOf, kmsApi } from '../case.js';
import { check, expectBytes, expectKeyArn, sameBytes } from '../expect.js';
import { expectMatch, expectSpec, readPrivateKey, readPublicKey } from '../key-pair-check.js';
import { quickestPair } from '../key-uses.js';
import { leakInResult } from '../leaks.js';

const pairs = {
  id: 'data-key-pair',
  statement:
    'A data key pair is of the kind asked for: public key SPKI DER, private key PKCS#8 DER, wrapped as it is',
  source: kmsApi('GenerateDataKeyPair'),
};

const wrappedOnly = {
  id: 'data-key-pair-without-plaintext',
  statement:
    'generateDataKeyPairWithoutPlaintext gives a public key and its wrapped private key, and nothing more of that',
  source: kmsApi('GenerateDataKeyPairWithoutPlaintext'),
};

const SPECS: readonly [string, DataKeyPairSpec][] = [
  ['1', 'RSA_2048'],
  ['2', 'RSA_3072'],
  ['3', 'RSA_4096'],
  ['4', 'ECC_NIST_P256'],
  ['5', 'ECC_NIST_P384'],
  ['6', 'ECC_NIST_P521'],
  ['7', 'ECC_SECG_P256K1'],
];

const symmetric = ['algorithm:SYMMETRIC_DEFAULT', 'key:SYMMETRIC_DEFAULT'] as const;

/** RSA pairs are slow to make, so the cases of one kind look at the same pair. */
function pairOf(keyPairSpec: DataKeyPairSpec, { provider, keys }: CaseContext) {
  return keys.once(`pair ${keyPairSpec}`, async () =>
    provider.generateDataKeyPair({ keyId: await keys.get(), keyPairSpec }),
  );
}

function wrappedPairOf(keyPairSpec: DataKeyPairSpec, { provider, keys }: CaseContext) {
  return keys.once(`wrapped pair ${keyPairSpec}`, async () =>
    provider.generateDataKeyPairWithoutPlaintext({ keyId: await keys.get(), keyPairSpec }),
  );
}

export const dataKeyPairCases = [
  ...casesOf(
    pairs,
    SPECS.flatMap(([number, spec]): CaseInput[] => {
      const needs = [...symmetric, `pair:${spec}`] as const;
      return [
        {
          id: `PAI-10${number}`,
          title: `${spec}: the public key is SPKI DER of that kind`,
          needs,
          async run(context) {
            const pair = await pairOf(spec, context);
            expectSpec(readPublicKey(pair.publicKey), spec);
            expectPairSpec(pair.keyPairSpec, spec);
          },
        },
        {
          id: `PAI-20${number}`,
          title: `${spec}: the private key is PKCS#8 DER of that kind`,
          needs,
          async run(context) {
            const pair = await pairOf(spec, context);
            expectSpec(readPrivateKey(pair.privateKey), spec);
          },
        },
        {
          id: `PAI-30${number}`,
          title: `${spec}: the two belong together`,
          needs,
          async run(context) {
            const { publicKey, privateKey } = await pairOf(spec, context);
            expectMatch(readPublicKey(publicKey), readPrivateKey(privateKey));
          },
        },
        {
          id: `PAI-40${number}`,
          title: `${spec}: the wrapped private key opens to the private key`,
          needs,
          async run(context) {
            const { provider } = context;
            const pair = await pairOf(spec, context);
            const input = { keyId: pair.keyId, ciphertext: pair.privateKeyCiphertext };
            const { plaintext } = await provider.decrypt(input);
            expectBytes(plaintext, pair.privateKey, 'the private key in the ciphertext');
          },
        },
      ];
    }),
  ),
  ...casesOf(pairs, [
    {
      id: 'PAI-501',
      title: 'generates another pair each time',
      needs: [...symmetric, 'dataKeyPairs'],
      async run({ provider, keys }) {
        const input = { keyId: await keys.get(), keyPairSpec: quickestPair(provider) };
        const one = await provider.generateDataKeyPair(input);
        const two = await provider.generateDataKeyPair(input);
        const isNew =
          !sameBytes(one.publicKey, two.publicKey) && !sameBytes(one.privateKey, two.privateKey);
        check(isNew, 'two different pairs', 'the same key twice');
      },
    },
  ]),
  ...casesOf(
    pairs,
    SPECS.map(
      ([number, spec]): CaseInput => ({
        id: `PAI-60${number}`,
        title: `${spec}: is another pair than the one without plaintext`,
        needs: [...symmetric, `pair:${spec}`],
        async run(context) {
          const [one, two] = [await pairOf(spec, context), await wrappedPairOf(spec, context)];
          const isNew = !sameBytes(one.publicKey, two.publicKey);
          check(isNew, 'two different pairs', 'the same public key twice');
        },
      }),
    ),
  ),
  ...casesOf(
    wrappedOnly,
    SPECS.map(
      ([number, spec]): CaseInput => ({
        id: `PAW-10${number}`,
        title: `${spec}: the wrapped private key opens to PKCS#8 DER that belongs to the public key`,
        needs: [...symmetric, `pair:${spec}`],
        async run(context) {
          const pair = await wrappedPairOf(spec, context);
          const publicKey = readPublicKey(pair.publicKey);
          expectSpec(publicKey, spec);
          expectPairSpec(pair.keyPairSpec, spec);
          const input = { keyId: pair.keyId, ciphertext: pair.privateKeyCiphertext };
          const { plaintext } = await context.provider.decrypt(input);
          const privateKey = readPrivateKey(plaintext);
          expectSpec(privateKey, spec);
          expectMatch(publicKey, privateKey);
        },
      }),
    ),
  ),
  ...casesOf(wrappedOnly, [
    {
      id: 'PAW-201',
      title: 'has no private key in its result, and names the key ARN',
      needs: [...symmetric, 'dataKeyPairs'],
      async run(context) {
        const { provider, keys } = context;
        const keyId = await keys.get();
        const pair = await wrappedPairOf(quickestPair(provider), context);
        expectKeyArn(pair.keyId, keyId);
        check(!('privateKey' in pair), 'a result without a private key', 'one that has it');
        const input = { keyId, ciphertext: pair.privateKeyCiphertext };
        const { plaintext } = await provider.decrypt(input);
        // The end of a PKCS#8 key of an elliptic curve repeats the public key, so look at what is secret.
        const { d } = readPrivateKey(plaintext).export({ format: 'jwk' });
        const where = leakInResult(pair, [Buffer.from(d ?? '', 'base64url')]);
        check(
          where === undefined,
          'a result without the private key',
          `one that shows it ${where}`,
        );
      },
    },
    {
      id: 'PAW-202',
      title: 'generates another pair each time',
      needs: [...symmetric, 'dataKeyPairs'],
      async run({ provider, keys }) {
        const input = { keyId: await keys.get(), keyPairSpec: quickestPair(provider) };
        const one = await provider.generateDataKeyPairWithoutPlaintext(input);
        const two = await provider.generateDataKeyPairWithoutPlaintext(input);
        check(
          !sameBytes(one.publicKey, two.publicKey),
          'two different pairs',
          'the same public key twice',
        );
      },
    },
  ]),
];

function expectPairSpec(actual: unknown, spec: DataKeyPairSpec): void {
  check(actual === spec, `keyPairSpec ${spec}`, `keyPairSpec ${String(actual)}`);
}
