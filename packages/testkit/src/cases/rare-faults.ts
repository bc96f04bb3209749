import { type CaseContext, type CaseInput, CONTRACT, casesOf } from '../case.js';
import { changed, flip } from '../damage.js';
import { check, expectBytes, expectError, expectKeyArn } from '../expect.js';
import { arnIn, invoke, type KeyUse, sealedIn } from '../key-use.js';
import { allUses, keyFor, openingUses } from '../operations.js';
import { keyOf, type NamedKey, open, seal } from '../round-trip.js';
import { manyOf } from '../statistics.js';

const rare = {
  id: 'no-rare-faults',
  statement: 'Every call is right, not most of them',
  source: CONTRACT,
  power:
    'A fault in 1 of 1,000 calls is found with 63 % by full and 99.9 % by soak, in 1 of 100 with 99.99 % by full; with RSA and key pairs, in 1 of 10 with 92 % by full and in 1 of 100 with 99 % by soak.',
};

/** How often a call is made: those with RSA and pairs are slow. */
function countFor({ operation, kind, needs }: KeyUse, { profile }: CaseContext): number {
  const isSlow = operation.endsWith('Pair') || operation.includes('PairW') || kind === 'RSA_2048';
  const isSlower = isSlow || needs.includes('asymmetric');
  if (profile === 'soak') return isSlower ? 500 : 7000;
  return isSlower ? 24 : 1000;
}

export const rareFaultCases = casesOf(rare, [
  ...allUses.map(
    (use): CaseInput => ({
      id: `RAR-1${use.number}`,
      title: `${use.title}: each of many calls does what it was asked for`,
      needs: use.needs,
      profile: 'full',
      run: (context) => expectRight(use, context, countFor(use, context)),
    }),
  ),
  ...openingUses.map(
    (use): CaseInput => ({
      id: `RAR-2${use.number}`,
      title: `${use.title}: each of many damaged ciphertexts and wrong contexts is rejected`,
      needs: use.needs,
      profile: 'full',
      run: (context) => expectWrong(use, context, countFor(use, context)),
    }),
  ),
]);

/** Makes a call many times, and checks each result. */
async function expectRight(use: KeyUse, context: CaseContext, count: number): Promise<void> {
  const { provider, keys } = context;
  const isOpening = openingUses.includes(use);
  const key = isOpening
    ? await seal(context, await keyOf(context, use.kind))
    : { ...(await keyFor(use, keys)), plaintext: context.secret() };
  const input = await use.input(context, key);
  const seen = new Set<string>();
  await manyOf(count, async () => {
    const result = await invoke(provider, use, input);
    expectKeyArn(arnIn(result, use), key.keyId);
    if (use.operation === 'describeKey' || use.operation === 'getPublicKey') {
      seen.add(
        JSON.stringify(result, (_, value) => (value instanceof Uint8Array ? [...value] : value)),
      );
      check(seen.size === 1, 'the same answer each time', 'another one');
      return;
    }
    const { plaintext: wanted } = key;
    if (use.operation.startsWith('decrypt')) {
      expectBytes(result.plaintext, wanted, 'the plaintext');
      return;
    }
    const { keyId, algorithm } = ('destination' in input ? input.destination : input) as NamedKey;
    const target = { keyId, ...(algorithm && { algorithm }) };
    const opened = await open(provider, { ...target, ciphertext: sealedIn(result) });
    if (use.operation === 'encrypt' || isOpening)
      expectBytes(opened.plaintext, wanted, 'the plaintext');
    for (const name of ['plaintext', 'privateKey'] as const) {
      if (use.returns.includes(name)) expectBytes(opened.plaintext, result[name], `the ${name}`);
    }
  });
}

/** Makes a call with something wrong each time. */
async function expectWrong(use: KeyUse, context: CaseContext, count: number): Promise<void> {
  const { provider } = context;
  const hasContext = provider.capabilities.encryptionContext && use.kind !== 'RSA_2048';
  const key = await seal(context, await keyOf(context, use.kind));
  await manyOf(count, async (index) => {
    const wrong =
      hasContext && index % 2 === 0
        ? { ...key, encryptionContext: { tenant: `${index}` } }
        : { ...key, ciphertext: spoilt(key.ciphertext, index) };
    const call = invoke(provider, use, await use.input(context, wrong));
    // A flipped bit in what names the key may name another one.
    const codes = ['INVALID_CIPHERTEXT', 'INCORRECT_KEY', 'ACCESS_DENIED'] as const;
    await expectError(call, codes, { operation: use.operation });
  });
}

/** Flips a bit; each second time the last bytes are zeros too, which some comparisons take for the end (strncmp). */
function spoilt(ciphertext: Uint8Array, index: number): Uint8Array {
  const { length } = ciphertext;
  const flipped = flip(ciphertext, index % length, 1 << (index % 8));
  if (index % 4 < 2 || length <= 32) return flipped;
  return changed(flipped.fill(0, -16), 'a flipped bit, and the last 16 bytes all 0');
}
