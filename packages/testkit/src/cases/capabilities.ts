import {
  isAsymmetricAlgorithm,
  isDataKeyPairSpec,
  isEncryptionAlgorithm,
  type ProviderCapabilities,
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
      for (const name of ['encryptionContext', 'keyIdFromCiphertext', 'dataKeys'] as const) {
        const value = provider.capabilities[name];
        check(typeof value === 'boolean', `${name} as true or false`, kindOf(value));
      }
    },
  },
  {
    id: 'CAP-004',
    title: 'declares nothing about symmetric keys without SYMMETRIC_DEFAULT',
    needs: ['without algorithm:SYMMETRIC_DEFAULT'],
    async run({ provider }) {
      const { encryptionContext, keyIdFromCiphertext, dataKeys, dataKeyPairSpecs } =
        provider.capabilities;
      const none = !encryptionContext && !keyIdFromCiphertext && !dataKeys;
      check(
        none && dataKeyPairSpecs.length === 0,
        'no encryption context, key id from the ciphertext, data keys or pairs',
        'some of them',
      );
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
  const { encryptionContext, keyIdFromCiphertext, dataKeys } = flags;
  const lists = [...algorithms].sort().concat([...dataKeyPairSpecs].sort() as never[]);
  return JSON.stringify([lists, encryptionContext, keyIdFromCiphertext, dataKeys]);
}
