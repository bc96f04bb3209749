import type { KeyWrapProvider } from '@keywrap/core';
import { type CaseInput, casesOf } from '../case.js';
import { check, expectError, expectKeyArn } from '../expect.js';
import { invoke, type KeyUse, type Result, sealedIn } from '../key-use.js';
import { useNumbered } from '../operations.js';
import { open, seal } from '../round-trip.js';

const readOnce = {
  id: 'input-read-once',
  statement:
    'Each field of the input is read once, so that what is checked is what is used: a getter that changes its value has the effect of its first one, or is rejected (INVALID_INPUT)',
  source: 'CWE-367: time-of-check time-of-use',
  power: 'Always, in every profile: a context or a keyId that is read twice, in nine calls.',
};

export const inputReadOnceCases = casesOf(readOnce, [
  ...(['01', '03', '11', '13', '09'] as const).map((number): CaseInput => {
    const use = useNumbered(number);
    return {
      id: `ONC-1${number}`,
      title: `${use.title}: uses the encryption context that it read first`,
      needs: [...use.needs, 'encryptionContext'],
      async run(context) {
        const { provider, keys } = context;
        const keyId = await keys.get();
        const first = { keyId, encryptionContext: { tenant: 'a' } };
        const sealed = await seal(context, first);
        const input = await use.input(context, { ...sealed });
        const tricky = trickyContext(input, 'a', 'b');
        const result = await resultUnlessInvalid(provider, use, tricky);
        if (result === undefined || use.operation === 'decrypt') return;
        await open(provider, { ...first, ciphertext: sealedIn(result) });
      },
    };
  }),
  ...(['01', '11', '13', '15'] as const).map((number): CaseInput => {
    const use = useNumbered(number);
    return {
      id: `ONC-2${number}`,
      title: `${use.title}: uses the keyId that it read first`,
      needs: use.needs,
      async run(context) {
        const { provider, keys } = context;
        const [keyId, other] = [await keys.get(use.kind), await keys.get(use.kind, 1)];
        const { ...input } = await use.input(context, { keyId });
        Object.defineProperty(input, 'keyId', changing(keyId, other));
        const result = await resultUnlessInvalid(provider, use, input);
        if (result !== undefined) expectKeyArn(result.keyId, keyId);
      },
    };
  }),
]);

/** The result of a call, or `undefined` if its input was rejected. */
async function resultUnlessInvalid(
  provider: KeyWrapProvider,
  use: KeyUse,
  input: object,
): Promise<Result | undefined> {
  const call = invoke(provider, use, input);
  const [{ status }] = await Promise.allSettled([call]);
  if (status === 'fulfilled') return call;
  await expectError(call, 'INVALID_INPUT', { operation: use.operation });
  return undefined;
}

/** A property that has another value when it is read again. */
function changing(first: unknown, then: unknown): PropertyDescriptor {
  let reads = 0;
  return { enumerable: true, configurable: true, get: () => (reads++ === 0 ? first : then) };
}

/** The input with a context whose value changes, on the side that has one. */
function trickyContext(input: object, first: string, then: string): object {
  const encryptionContext = Object.defineProperty({}, 'tenant', changing(first, then));
  check(
    'destination' in input || 'encryptionContext' in input,
    'an input with a context',
    'another',
  );
  if ('destination' in input) {
    return { ...input, destination: { ...(input.destination as object), encryptionContext } };
  }
  return { ...input, encryptionContext };
}
