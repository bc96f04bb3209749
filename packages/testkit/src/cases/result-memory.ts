import { isUint8Array } from '@keywrap/core';
import { type CaseContext, type CaseInput, CONTRACT, casesOf } from '../case.js';
import { check, expectOwnMemory, sameBytes } from '../expect.js';
import { invoke, type KeyUse } from '../key-use.js';
import { RSA } from '../needs.js';
import { keyFor, toRsa, useNumbered } from '../operations.js';

const own = {
  id: 'results-own-memory',
  statement: 'Results own their memory: nothing else reads or changes it',
  source: CONTRACT,
};

/** Every kind of result with bytes, in the order of the numbers in the ids. */
const USES = [
  ...['01', '02', '03', '05', '06', '11', '12', '13', '14', '15', '04'].map(useNumbered),
  toRsa,
].map((use, i) => ({ ...use, number: `${i + 1}`.padStart(2, '0') }));

/** True if a call returns the same bytes each time, so that a provider could keep them. */
const isRepeatable = ({ operation }: KeyUse) => /^(decrypt|getPublicKey)/.test(operation);

/** Makes the call, and returns the bytes in its result. */
async function bytesOf(use: KeyUse, context: CaseContext): Promise<[string, Uint8Array][]> {
  const input = await use.input(context, await keyFor(use, context.keys));
  const result = await invoke(context.provider, use, input);
  return use.returns.map((name) => [name, result[name] as Uint8Array]);
}

export const resultMemoryCases = [
  ...casesOf(
    own,
    USES.map(
      (use): CaseInput => ({
        id: `MEM-1${use.number}`,
        title: `${use.title}: its bytes own their buffer`,
        needs: use.needs,
        async run(context) {
          // Small and larger buffers may come from different places, so it is tried more than once.
          for (let i = 0; i < 3; i++) {
            for (const [name, bytes] of await bytesOf(use, context)) expectOwnMemory(bytes, name);
          }
        },
      }),
    ),
  ),
  ...casesOf(
    own,
    USES.filter(isRepeatable).map(
      (use): CaseInput => ({
        id: `MEM-2${use.number}`,
        title: `${use.title}: changing one result changes no other`,
        needs: use.needs,
        async run(context) {
          const [one, two] = [await bytesOf(use, context), await bytesOf(use, context)];
          const before = two.map(([, bytes]) => bytes.slice());
          for (const [, bytes] of one) bytes.fill(0);
          for (const result of [two, await bytesOf(use, context)]) {
            for (const [i, [name, bytes]] of result.entries()) {
              const isOwn = sameBytes(bytes, before[i] as Uint8Array);
              check(isOwn, `${name} that owns its memory`, 'one that is shared');
            }
          }
        },
      }),
    ),
  ),
  ...casesOf(
    own,
    (
      [
        ['1', 'getPublicKey', 'RSA_2048', RSA],
        ['2', 'describeKey', 'SYMMETRIC_DEFAULT', ['key:SYMMETRIC_DEFAULT']],
      ] as const
    ).map(
      ([number, operation, kind, needs]): CaseInput => ({
        id: `MEM-22${number}`,
        title: `${operation}: changing one result, with its lists and dates, changes no other`,
        needs,
        async run({ provider, keys }) {
          const input = { keyId: await keys.get(kind) };
          const before = JSON.stringify(await provider[operation](input));
          const [one, two] = [await provider[operation](input), await provider[operation](input)];
          overwrite(one);
          for (const other of [two, await provider[operation](input)]) {
            const isOwn = JSON.stringify(other) === before;
            check(isOwn, 'a separate result', 'one that is shared');
          }
        },
      }),
    ),
  ),
];

/** Changes everything in a result that can be changed; frozen parts can't, and need not be copied. */
function overwrite(result: object): void {
  for (const [name, value] of Object.entries(result)) {
    if (value instanceof Date) value.setTime(0);
    else if (isUint8Array(value)) value.fill(0);
    else if (typeof value === 'object' && value !== null) overwrite(value);
    Reflect.set(result, name, 'overwritten');
  }
}
