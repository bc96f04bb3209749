import { isUint8Array } from '@keywrap/core';
import { type CaseContext, type CaseInput, CONTRACT, casesOf } from '../case.js';
import { check, expectBytes, expectField, expectKeyArn, expectLength } from '../expect.js';
import { type Fields, invoke, type KeyUse, type Result, sealedIn } from '../key-use.js';
import { OWN_RUNTIME } from '../needs.js';
import { allUses, openingUses, sealingUses } from '../operations.js';
import { expectOpens, keyOf, type NamedKey, open, seal } from '../round-trip.js';
import { manyOf } from '../statistics.js';

export const inputCopied = {
  id: 'input-copied',
  statement:
    'Input is never changed, and may be wiped as soon as the call has returned its promise',
  source: CONTRACT,
};

/** The fields of an input. */
type Whole = NamedKey &
  Readonly<{
    source?: NamedKey;
    destination: NamedKey;
    plaintext: Uint8Array;
    keyPairSpec: string;
  }>;

/** A length without a key spec. */
const LENGTH = 48;

/** Makes an input with every field, and the plaintext of its ciphertext. */
async function wholeInput(use: KeyUse, context: CaseContext) {
  const { provider, keys } = context;
  const isRsa = use.kind === 'RSA_2048';
  const bound = () =>
    provider.capabilities.encryptionContext && !isRsa
      ? { encryptionContext: { use: 'b', tenant: 'a' } }
      : {};
  const keyId = await keys.get(use.kind);
  const key = openingUses.includes(use)
    ? await seal(context, { ...(isRsa ? await keyOf(context, use.kind) : { keyId }), ...bound() })
    : { keyId, plaintext: context.secret() };
  const other =
    use.operation === 'reEncrypt' ? { keyId: await keys.get(use.kind, 1), ...bound() } : undefined;
  const { keySpec, ...input } = await use.input(context, { ...key, ...bound() }, other);
  return {
    plaintext: key.plaintext,
    input: {
      ...input,
      ...(use.number === '01' && { algorithm: 'SYMMETRIC_DEFAULT' }),
      ...(keySpec !== undefined && { numberOfBytes: LENGTH }),
    },
  };
}

/** Fails the case unless the result matches the input. */
async function expectRight(
  { operation, returns, kind }: KeyUse,
  { provider, keys }: CaseContext,
  asked: Whole,
  plaintext: Uint8Array,
  keyId: string,
  result: Result,
): Promise<void> {
  const sealed = sealedIn(result);
  if (operation === 'reEncrypt') {
    const { destination } = asked;
    expectKeyArn(result.sourceKeyId, keyId, 'sourceKeyId');
    expectKeyArn(result.destinationKeyId, destination.keyId, 'destinationKeyId');
    await expectOpens(provider, { ...destination, plaintext, ciphertext: sealed });
    return;
  }
  expectKeyArn(result.keyId, keyId);
  if (operation.startsWith('decrypt')) expectBytes(result.plaintext, plaintext, 'the plaintext');
  if (/^(decrypt|getPublicKey|describeKey)/.test(operation)) return;
  const { keyPairSpec, encryptionContext } = asked;
  const key = {
    keyId,
    ...(kind === 'RSA_2048' && { algorithm: keys.rsaAlgorithm }),
    ...(encryptionContext && { encryptionContext }),
  };
  const opened = (await open(provider, { ...key, ciphertext: sealed })).plaintext;
  expectField(result.keyPairSpec, keyPairSpec, 'keyPairSpec');
  if (operation === 'encrypt') expectBytes(opened, plaintext, 'the plaintext');
  if (/^generateDataKey(W|$)/.test(operation)) expectLength(opened, LENGTH, 'a data key');
  for (const name of ['plaintext', 'privateKey'] as const) {
    if (returns.includes(name)) expectBytes(opened, result[name], `the ${name} in its ciphertext`);
  }
}

/** Changes everything in an input: bytes, pairs of a context, the fields of a side, and its own fields. */
function spoil(input: object): void {
  if (isUint8Array(input)) {
    input.fill(0);
    return;
  }
  for (const [name, value] of Object.entries(input)) {
    if (typeof value === 'object' && value !== null) spoil(value);
    Reflect.set(input, name, typeof value === 'number' ? 7 : 'spoiled');
  }
  Reflect.set(input, 'more', 'spoiled');
}

/** Calls in flight together: a provider that has more of them than slots may read input later. */
function countFor({ kind, operation, needs }: KeyUse, { profile }: CaseContext): number {
  if (profile === 'quick') return 2;
  return kind === 'RSA_2048' || needs.includes('asymmetric') || /Pair/.test(operation) ? 24 : 100;
}

/** Makes calls at once, changes the input of each as soon as it has returned, and expects the right results. */
async function callWith(
  use: KeyUse,
  context: CaseContext,
  meanwhile: (input: Fields) => void,
  count: number,
): Promise<readonly { readonly before: string; readonly after: string }[]> {
  const made = await manyOf(count, () => wholeInput(use, context));
  const calls = made.map(({ input, plaintext }) => {
    const asked = structuredClone(input) as unknown as Whole;
    const before = JSON.stringify(input);
    const known = plaintext.slice();
    const call = invoke(context.provider, use, input);
    meanwhile(input);
    return { input, asked, before, known, call };
  });
  const keyId = await context.keys.get(use.kind);
  return Promise.all(
    calls.map(async ({ input, asked, before, known, call }) => {
      const result = await call;
      const after = JSON.stringify(input);
      await expectRight(use, context, asked, known, keyId, result);
      return { before, after };
    }),
  );
}

/** Makes the cases about the input of every call. */
export const inputAtCallCases = casesOf(
  inputCopied,
  [
    ...allUses
      // The two sides of a reEncrypt are in one input.
      .filter(({ keyIdField }) => keyIdField !== 'destination.keyId')
      .flatMap((use): CaseInput[] => [
        {
          id: `MEM-6${use.number}`,
          title: `${use.title}: reads all its input before it returns its promise, with many calls in flight`,
          needs: use.needs,
          async run(context) {
            const count = countFor(use, context);
            // One call in 64 may be the one that reads late.
            for (let round = 0; round < (count < 100 ? 1 : 4); round++) {
              await callWith(use, context, spoil, count);
            }
          },
        },
        {
          id: `MEM-7${use.number}`,
          title: `${use.title}: does not change its input`,
          needs: use.needs,
          async run(context) {
            for (const { before, after } of await callWith(use, context, () => {}, 1)) {
              check(after === before, 'input that is not changed', 'other input');
            }
          },
        },
      ]),
    ...sealingUses.map(
      (use): CaseInput => ({
        id: `MEM-51${use.number}`,
        title: `${use.title} reads keyId and encryption context before it returns, and does not change them`,
        needs: [...use.needs, 'encryptionContext'],
        async run(context) {
          const { provider, keys } = context;
          const keyId = await keys.get();
          const bound = () => ({ keyId, encryptionContext: { tenant: 'a' } });
          // A copy: the input that is changed below may be shared with other cases.
          const input = structuredClone(await use.input(context, bound()));
          const before = JSON.stringify(input);
          const untouched = await invoke(provider, use, input);
          const isSame = JSON.stringify(input) === before;
          check(isSame, 'input that is not changed', 'other fields in it');
          const started = invoke(provider, use, input);
          spoil(input);
          for (const result of [untouched, await started]) {
            await open(provider, { ...bound(), ciphertext: sealedIn(result) });
          }
        },
      }),
    ),
  ],
  [OWN_RUNTIME],
);
