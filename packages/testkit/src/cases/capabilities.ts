import {
  isAsymmetricAlgorithm,
  isDataKeyPairSpec,
  isEncryptionAlgorithm,
  LIMITS,
  type ProviderCapabilities,
  type ProviderLimits,
} from '@keywrap/core';
import { CONTRACT, casesOf } from '../case.js';
import { check, kindOf } from '../expect.js';
import type { KeyKind, KeyRing } from '../key-ring.js';

const declared = {
  id: 'capabilities',
  statement:
    'A provider has an id and declares its capabilities completely and without contradiction',
  source: CONTRACT,
};

const FLAGS = [
  'encryptionContext',
  'keyIdFromCiphertext',
  'dataKeys',
  'oneAlgorithmPerKey',
] as const;

export const capabilityCases = casesOf(declared, [
  {
    id: 'CAP-001',
    title: 'has an id',
    async run({ provider }) {
      const { id } = provider;
      check(typeof id === 'string' && id.length > 0, 'an id that is a string', kindOf(id));
    },
  },
  {
    id: 'CAP-002',
    title: 'declares algorithms and kinds of pair by their names, each once',
    async run({ provider }) {
      const { algorithms, dataKeyPairSpecs } = provider.capabilities;
      expectNames('algorithms', algorithms, isEncryptionAlgorithm);
      expectNames('dataKeyPairSpecs', dataKeyPairSpecs, isDataKeyPairSpec);
      check(algorithms.length > 0, 'one algorithm at least', 'none');
    },
  },
  {
    id: 'CAP-003',
    title: 'declares everything else as true or false',
    async run({ provider }) {
      for (const name of FLAGS) {
        const value = provider.capabilities[name];
        if (name === 'oneAlgorithmPerKey' && value === undefined) continue;
        check(typeof value === 'boolean', `${name} as true or false`, kindOf(value));
      }
    },
  },
  {
    id: 'CAP-004',
    title:
      'declares nothing about symmetric keys without SYMMETRIC_DEFAULT, but data keys under RSA',
    needs: ['without algorithm:SYMMETRIC_DEFAULT'],
    async run({ provider }) {
      const { encryptionContext, keyIdFromCiphertext, dataKeys, dataKeyPairSpecs, ...more } =
        provider.capabilities;
      const wraps = more.dataKeyAlgorithm !== undefined;
      check(
        !encryptionContext && !keyIdFromCiphertext,
        'no encryption context, and no key id from the ciphertext',
        'one of them',
      );
      check(
        wraps || (!dataKeys && dataKeyPairSpecs.length === 0),
        'a dataKeyAlgorithm, or no data keys and no pairs',
        'data keys that no algorithm can wrap',
      );
    },
  },
  {
    id: 'CAP-007',
    title: 'declares a dataKeyAlgorithm among its algorithms, if any',
    async run({ provider }) {
      const { algorithms, dataKeyAlgorithm } = provider.capabilities;
      check(
        dataKeyAlgorithm === undefined || algorithms.includes(dataKeyAlgorithm),
        'a dataKeyAlgorithm that is one of its algorithms',
        String(dataKeyAlgorithm),
      );
    },
  },
  {
    id: 'CAP-008',
    title:
      'declares limits as integers that are not above those of the contract, nor too low to be of use',
    async run({ provider }) {
      const { limits = {} } = provider.capabilities;
      for (const [name, lowest] of Object.entries(LOWEST)) {
        const value = limits[name as keyof ProviderLimits];
        if (value === undefined) continue;
        const highest = LIMITS[name as keyof ProviderLimits];
        check(
          Number.isInteger(value) && value >= lowest && value <= highest,
          `limits.${name} as an integer from ${lowest} to ${highest}`,
          String(value),
        );
      }
    },
  },
  {
    id: 'CAP-005',
    title: 'declares the same each time',
    async run({ provider, open }) {
      const other = await open();
      const one = shown(provider.capabilities);
      const two = shown(other.provider.capabilities);
      check(one === two, `the same capabilities in every provider: ${one}`, two);
    },
  },
  {
    id: 'CAP-006',
    title: 'has keys for the algorithms that it declares',
    async run({ provider, keys }) {
      const { algorithms } = provider.capabilities;
      const kinds = {
        'a symmetric key': algorithms.includes('SYMMETRIC_DEFAULT') ? SYMMETRIC : undefined,
        'an RSA key': algorithms.some(isAsymmetricAlgorithm) ? RSA : undefined,
      };
      for (const [what, wanted] of Object.entries(kinds)) {
        if (wanted === undefined) continue;
        const found = await firstAvailable(keys, wanted);
        check(found, `${what}, since the algorithm is declared`, 'none: keys.create rejects them');
      }
    },
  },
]);

/** Shorter ones can't hold a data key, its ciphertext, or the contexts of the suite. */
const LOWEST: Readonly<Record<keyof ProviderLimits, number>> = {
  plaintext: 64,
  ciphertext: 256,
  encryptionContext: 512,
};

const SYMMETRIC = ['SYMMETRIC_DEFAULT'] as const;
const RSA = ['RSA_2048', 'RSA_3072', 'RSA_4096'] as const;

async function firstAvailable(keys: KeyRing, kinds: readonly KeyKind[]): Promise<boolean> {
  for (const kind of kinds) if (await keys.isAvailable(kind)) return true;
  return false;
}

function expectNames(
  what: string,
  names: readonly unknown[],
  isName: (value: unknown) => boolean,
): void {
  check(Array.isArray(names), `${what} as an array`, kindOf(names));
  check(names.every(isName), `${what} that the contract knows`, names.map(String).join(', '));
  check(new Set(names).size === names.length, `${what} each once`, names.join(', '));
}

function shown({ algorithms, dataKeyPairSpecs, ...flags }: ProviderCapabilities): string {
  const { dataKeyAlgorithm, limits } = flags;
  const lists = [...algorithms].sort().concat([...dataKeyPairSpecs].sort() as never[]);
  const values = [...FLAGS.map((name) => flags[name]), dataKeyAlgorithm, limits];
  return JSON.stringify([lists, ...values]);
}
