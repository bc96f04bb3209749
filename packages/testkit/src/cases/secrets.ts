import { type CaseContext, type CaseInput, CONTRACT, casesOf } from '../case.js';
import { check, describeError, expectKeyWrapError, kindOf } from '../expect.js';
import { invoke, type KeyUse, type Result, sealedIn } from '../key-use.js';
import { expectHidden, leakInTexts, textsOf } from '../leaks.js';
import { OWN_RUNTIME } from '../needs.js';
import { keyFor, useNumbered } from '../operations.js';
import { seal } from '../round-trip.js';

const hidden = {
  id: 'results-hide-secrets',
  statement:
    'No result shows its secret through console.log, util.inspect, JSON.stringify or a spread',
  source: CONTRACT,
};

const disposable = {
  id: 'results-disposable',
  statement: '[Symbol.dispose]() wipes the secret of a result; reading it after that throws',
  source: CONTRACT,
};

/** Every kind of result with a secret, in the order of the numbers in the ids. */
const USES = ['03', '05', '11', '13', '04'].map(useNumbered);

/** Results that have no secret at all. */
const WITHOUT = ['01', '06', '12', '14'].map(useNumbered);

/** Returns the fields of a result that are not secret. */
const REST = [
  ...['keyId', 'algorithm', 'ciphertext', 'keyPairSpec', 'publicKey', 'privateKeyCiphertext'],
] as (keyof Result)[];

/** Makes the call, and returns its result and a function that reads its secret. */
async function hold(use: KeyUse, context: CaseContext) {
  const input = await use.input(context, await keyFor(use, context.keys));
  const result = await invoke(context.provider, use, input);
  const secret = use.operation === 'generateDataKeyPair' ? 'privateKey' : 'plaintext';
  return { result, read: () => result[secret] };
}

const restOf = (result: Result) => JSON.stringify(REST.map((name) => result[name]));

export const secretCases = [
  ...casesOf(
    hidden,
    USES.map(
      (use, i): CaseInput => ({
        id: `SEC-10${i + 1}`,
        title: `${use.title}: its result does not show the secret`,
        needs: use.needs,
        async run(context) {
          const { result, read } = await hold(use, context);
          expectHidden(result, secretIn(read()), 'its secret');
        },
      }),
    ),
    [OWN_RUNTIME],
  ),
  ...casesOf(
    hidden,
    WITHOUT.map(
      (use, i): CaseInput => ({
        id: `SEC-50${i + 1}`,
        title: `${use.title}: nothing in its result shows what it encrypted`,
        needs: use.needs,
        async run(context) {
          const { provider, keys } = context;
          const key =
            use.operation === 'reEncrypt' ? await seal(context) : { keyId: await keys.get() };
          const result = await invoke(provider, use, await use.input(context, key));
          const { destinationKeyId: keyId = result.keyId } = result;
          const opened = await provider.decrypt({ keyId, ciphertext: sealedIn(result) });
          const text = textsOf(result).join('\n');
          const where = leakInTexts([text], [secretIn(opened.plaintext)]);
          check(where === undefined, 'a result without a secret', `one that shows it ${where}`);
        },
      }),
    ),
    [OWN_RUNTIME],
  ),
  ...casesOf(
    disposable,
    USES.flatMap((use, i): CaseInput[] => [
      {
        id: `SEC-20${i + 1}`,
        title: `${use.title}: dispose overwrites the secret, and may be called twice`,
        needs: use.needs,
        async run(context) {
          const { result, read } = await hold(use, context);
          const secret = read();
          const dispose: unknown = result[Symbol.dispose];
          check(typeof dispose === 'function', 'a [Symbol.dispose] method', kindOf(dispose));
          result[Symbol.dispose]();
          check(
            secret.every((byte) => byte === 0),
            'zeros where the secret was',
            'the secret, still there',
          );
          result[Symbol.dispose]();
        },
      },
      {
        id: `SEC-30${i + 1}`,
        title: `${use.title}: reading the secret after dispose throws (CLOSED)`,
        needs: use.needs,
        async run(context) {
          const { result, read } = await hold(use, context);
          result[Symbol.dispose]();
          const wanted = 'ProviderClosedError (CLOSED) thrown';
          let error: unknown;
          try {
            const bytes = read();
            error = new Error(`${kindOf(bytes)} read`);
          } catch (thrown) {
            error = thrown;
          }
          expectKeyWrapError(error, wanted);
          check(error.code === 'CLOSED', wanted, describeError(error));
        },
      },
      {
        id: `SEC-40${i + 1}`,
        title: `${use.title}: fields that are not secret can be read after dispose`,
        needs: use.needs,
        async run(context) {
          const { result } = await hold(use, context);
          const before = restOf(result);
          result[Symbol.dispose]();
          check(restOf(result) === before, 'the rest of the result unchanged', 'something else');
        },
      },
    ]),
    [OWN_RUNTIME],
  ),
];

// DER of a key begins the same way for every key of its kind, so the beginning is not secret.
function secretIn(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0x30 && bytes.length > 64 ? bytes.slice(36, 64) : bytes.slice();
}
