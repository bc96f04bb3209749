import {
  InvalidCiphertextError,
  InvalidInputError,
  KeyWrapError,
  type KeyWrapErrorCode,
  LIMITS,
} from '@keywrap/core';
import { CALLS } from '../../../packages/testkit/dist/input-calls.js';
import type { KeyUse } from '../../../packages/testkit/dist/key-use.js';
import {
  allUses,
  keyUses,
  openingUses,
  sealingUses,
} from '../../../packages/testkit/dist/operations.js';
import { type Mutant, type Operation, replaced, wrapped } from './mutant.js';
import { ReferenceDriver } from './reference-driver.js';
import { type Input, using } from './uses.js';

// Results, errors, limits and rotation: right everywhere but in one operation.

const later = () => new Promise((resolve) => setTimeout(resolve, 2));
const operationOf = ({ operation }: { readonly operation: string }) => operation as Operation;
const isRsa = (key: Input): boolean => key?.algorithm?.startsWith?.('RSA') ?? false;

const concurrent = allUses.map((use) => {
  let current: Input;
  return using(
    use,
    'calls share their input',
    'concurrency-at-scale',
    async (_, input, inner, options) => {
      current = input;
      await later();
      return inner[operationOf(use)](current, options);
    },
  );
});

const contexts = sealingUses.map((call) =>
  wrapped(`${call.title}: calls share their context`, 'concurrency-at-scale', (inner) => {
    let current: Input;
    return {
      [call.operation]: async (input, options) => {
        const isMove = call.operation === 'reEncrypt';
        if (isMove && isRsa(input.source) !== (call.number === '8'))
          return inner.reEncrypt(input, options);
        const side = isMove ? input.destination : input;
        current = side.encryptionContext;
        await later();
        const other = { ...side, encryptionContext: current };
        return inner[operationOf(call)](isMove ? { ...input, destination: other } : other, options);
      },
    };
  }),
);

/** Opens only what the newest key material made. */
function newestOnly(use: KeyUse): Mutant {
  let driver: ReferenceDriver;
  const make = () => {
    driver = new ReferenceDriver();
    return driver;
  };
  const name = 'only the newest key material';
  const check = (call: () => Promise<object>, { ciphertext }: Input) => {
    const key = driver.madeBy(ciphertext);
    if (key !== undefined && ciphertext[16] !== key.materials.length - 1)
      throw new InvalidCiphertextError('it is too old', { operation: use.operation });
    return call();
  };
  return using(use, name, 'rotation', check, make);
}

const withoutZeros = (bytes: Uint8Array) =>
  new Uint8Array(
    bytes.subarray(
      0,
      1 +
        Math.max(
          0,
          bytes.findLastIndex((byte) => byte !== 0),
        ),
    ),
  );

const stripping = [
  ...openingUses
    .filter(({ operation }) => operation !== 'reEncrypt')
    .map((use) =>
      using(
        use,
        'zeros at the end lost',
        use.kind === 'RSA_2048' ? 'asymmetric' : 'encrypt-decrypt',
        async (call) => {
          const result = (await call()) as { readonly plaintext: Uint8Array };
          return replaced(result, { plaintext: withoutZeros(result.plaintext) });
        },
      ),
    ),
  ...[false, true]
    .flatMap((from) =>
      [false, true].flatMap((to) =>
        [true, false]
          .map((isNamed) => ({ from, to, isNamed }))
          .filter((each) => each.isNamed || !(from || to)),
      ),
    )
    .map(({ from, to, isNamed }) => {
      const name = (is: boolean) => (is ? 'RSA' : 'symmetric');
      return wrapped(
        `reEncrypt ${name(from)} to ${name(to)}, source ${isNamed ? '' : 'not '}named: zeros at the end lost`,
        're-encrypt',
        (inner) => ({
          reEncrypt: async (input, options) => {
            const { source, destination, ciphertext } = input;
            const result = await inner.reEncrypt(input, options);
            const isIt = isRsa(source) === from && isRsa(destination) === to;
            if (!isIt || (source?.keyId !== undefined) !== isNamed) return result;
            const opened = await inner[from ? 'decryptAsymmetric' : 'decrypt']({
              ...source,
              ciphertext,
            });
            const plaintext = withoutZeros(opened.plaintext);
            const sealed = await inner.encrypt({ ...destination, plaintext });
            return { ...result, ciphertext: sealed.ciphertext };
          },
        }),
      );
    }),
  wrapped('reEncrypt to RSA without a random seed', 'fresh-ciphertext', (inner) => {
    const made = new Map<string, object>();
    return {
      reEncrypt: async (input, options) => {
        const result = await inner.reEncrypt(input, options);
        if (!isRsa(input.destination)) return result;
        const name = JSON.stringify(input);
        const known = made.get(name) ?? result;
        made.set(name, known);
        return known;
      },
    };
  }),
];

/** Does something to the errors of one code in one use. */
const failing = (
  use: KeyUse,
  name: string,
  breaks: string,
  code: KeyWrapErrorCode,
  change: (error: KeyWrapError, input: Input) => void,
) =>
  using(use, name, breaks, (call, input) =>
    call().catch((error: unknown) => {
      if (error instanceof KeyWrapError && error.code === code) change(error, input);
      throw error;
    }),
  );

const show = (error: KeyWrapError, input: Input) => {
  const bytes = Buffer.from(input.plaintext ?? input.ciphertext);
  error.message += ` ${bytes.toString('base64')}`;
};

const telling = [
  ...keyUses
    .filter(({ operation, keyIdField }) => /crypt/i.test(operation) && keyIdField !== undefined)
    .map((use) =>
      failing(use, 'no key, the input shown', 'errors-hide-secrets', 'KEY_NOT_FOUND', show),
    ),
  ...openingUses.map((use) =>
    failing(use, 'what does not open shown', 'errors-hide-secrets', 'INVALID_CIPHERTEXT', show),
  ),
  ...openingUses.map((use) =>
    failing(use, 'INVALID_CIPHERTEXT of another key', 'errors', 'INVALID_CIPHERTEXT', (error) =>
      Object.assign(error, { keyId: undefined, operation: use.keyIdField && error.operation }),
    ),
  ),
];

const utf8 = (text: unknown) => (typeof text === 'string' ? Buffer.byteLength(text) : 0);

/** One field of one operation, with another limit for its context. */
const limits = CALLS.flatMap((call) =>
  (call.contexts ?? []).flatMap((path) => {
    const operation = operationOf(call);
    const [side, inside] = path.split('.') as [string, string | undefined];
    const contextIn = (input: Input) => (inside ? input?.[side]?.[inside] : input?.[side]);
    return [
      ...[8185, 2729].map((length) =>
        wrapped(
          `${operation}: ${path} of ${length} characters rejected`,
          'encryption-context-input',
          (inner) => ({
            [operation]: async (input, options) => {
              if (contextIn(input)?.k?.length !== length) return inner[operation](input, options);
              throw new InvalidInputError(path, 'is too long', { operation });
            },
          }),
        ),
      ),
      wrapped(
        `${operation}: ${path} measured in characters`,
        'encryption-context-input',
        (inner) => ({
          [operation]: (input, options) => {
            const text = contextIn(input)?.k;
            const isWide = utf8(text) + 7 > LIMITS.encryptionContext && text.length < 8000;
            return isWide ? Promise.resolve({}) : inner[operation](input, options);
          },
        }),
      ),
    ];
  }),
);

const FIELDS = {
  decrypt: ['keyId', 'algorithm'],
  decryptAsymmetric: ['keyId', 'algorithm'],
  generateDataKey: ['keyId', 'ciphertext'],
  generateDataKeyPair: ['keyId', 'keyPairSpec', 'publicKey', 'privateKeyCiphertext'],
} as const;

/** Loses more on disposal than the secret. */
const disposing = Object.entries(FIELDS).flatMap(([name, fields]) =>
  fields.flatMap((field) =>
    (name === 'decrypt' ? [true, false] : [undefined]).map((isNamed) => {
      const title = isNamed === false ? `${name} without a keyId` : name;
      return wrapped(`${title}: dispose takes ${field} too`, 'results-disposable', (inner) => ({
        [name]: async (input, options) => {
          const result = await inner[name as Operation](input, options);
          if (isNamed !== undefined && isNamed !== (input.keyId !== undefined)) return result;
          const fields: Record<string | symbol, object | undefined> = {};
          fields[Symbol.dispose] = () => {
            result[Symbol.dispose]();
            fields[field] = undefined;
          };
          return replaced(result, fields);
        },
      }));
    }),
  ),
);

const decryptUnnamed = keyUses.find(({ number }) => number === '04') as KeyUse;
const reEncryptToRsa = keyUses.find(({ number }) => number === '10') as KeyUse;

/** `decrypt` without a keyId, and `reEncrypt` to RSA, have a way of their own with results. */
const results = [
  using(decryptUnnamed, 'a view of a pool', 'results-own-memory', async (call) =>
    pooled(await call(), 'plaintext'),
  ),
  using(reEncryptToRsa, 'a view of a pool', 'results-own-memory', async (call) =>
    pooled(await call(), 'ciphertext'),
  ),
  (() => {
    const known = new Map<string, Uint8Array>();
    return using(decryptUnnamed, 'one array twice', 'results-own-memory', async (call, input) => {
      const result = (await call()) as { readonly plaintext: Uint8Array };
      const name = JSON.stringify(input);
      const plaintext = known.get(name) ?? result.plaintext;
      known.set(name, plaintext);
      return replaced(result, { plaintext });
    });
  })(),
  using(decryptUnnamed, 'a plain object', 'results-hide-secrets', async (call) => {
    const { keyId, algorithm, plaintext } = (await call()) as Input;
    return { keyId, algorithm, plaintext, [Symbol.dispose]: () => plaintext.fill(0) };
  }),
  using(decryptUnnamed, 'dispose does not wipe', 'results-disposable', async (call) =>
    replaced(await call(), { [Symbol.dispose]: () => {} }),
  ),
];

function pooled(result: object, field: string): object {
  const bytes: Uint8Array = Reflect.get(result, field);
  const pool = new Uint8Array(8192);
  pool.set(bytes, 64);
  return replaced(result, { [field]: pool.subarray(64, 64 + bytes.length) });
}

export const oneOperationMutants: readonly Mutant[] = [
  ...concurrent,
  ...contexts,
  ...openingUses.filter(({ kind }) => kind !== 'RSA_2048').map(newestOnly),
  ...stripping,
  ...telling,
  ...limits,
  ...disposing,
  ...results,
];
