import type { DataKeyPairSpec } from '@keywrap/core';
import { bytesOfBase64Url } from '../bytes.js';
import { type CaseContext, type CaseInput, casesOf, kmsApi } from '../case.js';
import { check, expectDifferent, expectField, expectKeyArn } from '../expect.js';
import {
  expectMatch,
  expectSpec,
  PAIR_SPECS,
  readPrivateKey,
  readPublicKey,
} from '../key-pair-check.js';
import { expectHidden } from '../leaks.js';
import { NODE_CRYPTO, pairNeeds, SYMMETRIC } from '../needs.js';
import { quickestPair } from '../operations.js';
import { expectOpens } from '../round-trip.js';

const pairs = {
  id: 'data-key-pair',
  statement:
    'A data key pair has the requested kind: public key in SPKI DER, private key in PKCS#8 DER, wrapped unchanged',
  source: kmsApi('GenerateDataKeyPair'),
};

const wrappedOnly = {
  id: 'data-key-pair-without-plaintext',
  statement:
    'generateDataKeyPairWithoutPlaintext returns a public key and its private key in wrapped form only',
  source: kmsApi('GenerateDataKeyPairWithoutPlaintext'),
};

/** Generating these takes up to seconds. */
const isSlow = (spec: DataKeyPairSpec) => spec.startsWith('RSA');

const needs = [...SYMMETRIC, 'dataKeysUnder:SYMMETRIC_DEFAULT'] as const;

/** The cases for each kind of pair. */
const forEachSpec = (cases: (spec: DataKeyPairSpec, number: number) => CaseInput[]) =>
  PAIR_SPECS.flatMap((spec, i) =>
    cases(spec, i + 1).map((each) => ({
      ...each,
      needs: [...needs, ...pairNeeds(spec)],
      profile: isSlow(spec) ? ('full' as const) : ('quick' as const),
    })),
  );

/** RSA pairs are slow to make, so the cases of one kind share a pair. */
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
    forEachSpec((spec, number) => [
      {
        id: `PAI-10${number}`,
        title: `${spec}: the public key is SPKI DER of that kind`,
        async run(context) {
          const pair = await pairOf(spec, context);
          expectSpec(readPublicKey(pair.publicKey), spec);
          expectField(pair.keyPairSpec, spec, 'keyPairSpec');
        },
      },
      {
        id: `PAI-20${number}`,
        title: `${spec}: the private key is PKCS#8 DER of that kind`,
        async run(context) {
          const pair = await pairOf(spec, context);
          expectSpec(readPrivateKey(pair.privateKey), spec);
        },
      },
      {
        id: `PAI-30${number}`,
        title: `${spec}: the two keys match`,
        async run(context) {
          const { publicKey, privateKey } = await pairOf(spec, context);
          expectMatch(readPublicKey(publicKey), readPrivateKey(privateKey));
        },
      },
      {
        id: `PAI-40${number}`,
        title: `${spec}: the wrapped private key decrypts to the private key`,
        async run(context) {
          const pair = await pairOf(spec, context);
          const { keyId, privateKey: plaintext, privateKeyCiphertext: ciphertext } = pair;
          await expectOpens(context.provider, { keyId, plaintext, ciphertext }, 'the private key');
        },
      },
    ]),
  ),
  ...casesOf(pairs, [
    {
      id: 'PAI-501',
      title: 'generates another pair each time',
      needs: [...needs, 'dataKeyPairs'],
      async run({ provider, keys }) {
        const input = { keyId: await keys.get(), keyPairSpec: quickestPair(provider) };
        const one = await provider.generateDataKeyPair(input);
        const two = await provider.generateDataKeyPair(input);
        expectDifferent(one.publicKey, two.publicKey, 'public keys');
        expectDifferent(one.privateKey, two.privateKey, 'private keys');
      },
    },
  ]),
  ...casesOf(
    pairs,
    forEachSpec((spec, number) => [
      {
        id: `PAI-60${number}`,
        title: `${spec}: is another pair than the one without plaintext`,
        async run(context) {
          const [one, two] = [await pairOf(spec, context), await wrappedPairOf(spec, context)];
          expectDifferent(one.publicKey, two.publicKey, 'public keys');
        },
      },
    ]),
  ),
  ...casesOf(
    wrappedOnly,
    forEachSpec((spec, number) => [
      {
        id: `PAW-10${number}`,
        title: `${spec}: the wrapped private key decrypts to PKCS#8 DER that matches the public key`,
        async run(context) {
          const pair = await wrappedPairOf(spec, context);
          const publicKey = readPublicKey(pair.publicKey);
          expectSpec(publicKey, spec);
          expectField(pair.keyPairSpec, spec, 'keyPairSpec');
          const input = { keyId: pair.keyId, ciphertext: pair.privateKeyCiphertext };
          const { plaintext } = await context.provider.decrypt(input);
          const privateKey = readPrivateKey(plaintext);
          expectSpec(privateKey, spec);
          expectMatch(publicKey, privateKey);
        },
      },
    ]),
  ),
  ...casesOf(
    wrappedOnly,
    [
      {
        id: 'PAW-201',
        title: 'has no private key in its result, and returns the key ARN',
        needs: [NODE_CRYPTO],
        async run(context) {
          const { provider, keys } = context;
          const keyId = await keys.get();
          const pair = await wrappedPairOf(quickestPair(provider), context);
          expectKeyArn(pair.keyId, keyId);
          check(!('privateKey' in pair), 'a result without a private key', 'one that has it');
          const input = { keyId, ciphertext: pair.privateKeyCiphertext };
          const { plaintext } = await provider.decrypt(input);
          // The end of a PKCS#8 key of an elliptic curve repeats the public key, so search for the secret part.
          const { d } = readPrivateKey(plaintext).export({ format: 'jwk' });
          expectHidden(pair, bytesOfBase64Url(d ?? ''), 'the private key');
        },
      },
      {
        id: 'PAW-202',
        title: 'generates another pair each time',
        async run({ provider, keys }) {
          const input = { keyId: await keys.get(), keyPairSpec: quickestPair(provider) };
          const one = await provider.generateDataKeyPairWithoutPlaintext(input);
          const two = await provider.generateDataKeyPairWithoutPlaintext(input);
          expectDifferent(one.publicKey, two.publicKey, 'public keys');
        },
      },
    ],
    [...needs, 'dataKeyPairs'],
  ),
];
