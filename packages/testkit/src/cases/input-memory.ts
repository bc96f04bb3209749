import { type CaseContext, type CaseInput, CONTRACT, casesOf } from '../case.js';
import { check, expectBytes, expectKeyArn, sameBytes } from '../expect.js';
import type { Need } from '../needs.js';
import { sealingCalls } from '../sealing-calls.js';

export const inputCopied = {
  id: 'input-copied',
  statement:
    'Input is never changed, and may be wiped as soon as the call has returned its promise',
  source: CONTRACT,
};

const symmetric = ['algorithm:SYMMETRIC_DEFAULT', 'key:SYMMETRIC_DEFAULT'] as const;
const rsa = ['asymmetric', 'key:RSA_2048'] as const;

/** Calls that read bytes: what they read, and a check that they read them as they were. */
const READERS: readonly [string, string, readonly Need[], ReadCase][] = [
  [
    '1',
    'encrypt',
    symmetric,
    async ({ provider, keys, secret }, spoil) => {
      const keyId = await keys.get();
      const original = secret();
      const plaintext = original.slice();
      const call = provider.encrypt({ keyId, plaintext });
      spoil(plaintext);
      const { ciphertext } = await call;
      const result = await provider.decrypt({ keyId, ciphertext });
      expectBytes(result.plaintext, original, 'the plaintext as it was at the call');
      return [plaintext, original];
    },
  ],
  [
    '2',
    'encrypt with RSA',
    rsa,
    async ({ provider, keys, secret }, spoil) => {
      const key = { keyId: await keys.get('RSA_2048'), algorithm: keys.rsaAlgorithm };
      const original = secret();
      const plaintext = original.slice();
      const call = provider.encrypt({ ...key, plaintext });
      spoil(plaintext);
      const { ciphertext } = await call;
      const result = await provider.decryptAsymmetric({ ...key, ciphertext });
      expectBytes(result.plaintext, original, 'the plaintext as it was at the call');
      return [plaintext, original];
    },
  ],
  [
    '3',
    'decrypt',
    symmetric,
    async ({ provider, keys }, spoil) => {
      const { keyId, ciphertext: original } = await keys.sealed('SYMMETRIC_DEFAULT');
      const ciphertext = original.slice();
      const call = provider.decrypt({ keyId, ciphertext });
      spoil(ciphertext);
      expectKeyArn((await call).keyId, keyId);
      return [ciphertext, original];
    },
  ],
  [
    '4',
    'decryptAsymmetric',
    rsa,
    async ({ provider, keys }, spoil) => {
      const { keyId, ciphertext: original } = await keys.sealed('RSA_2048');
      const ciphertext = original.slice();
      const call = provider.decryptAsymmetric({ keyId, ciphertext, algorithm: keys.rsaAlgorithm });
      spoil(ciphertext);
      expectKeyArn((await call).keyId, keyId);
      return [ciphertext, original];
    },
  ],
  [
    '5',
    'reEncrypt',
    symmetric,
    async ({ provider, keys }, spoil) => {
      const { keyId, ciphertext: original } = await keys.sealed('SYMMETRIC_DEFAULT');
      const ciphertext = original.slice();
      const input = { ciphertext, source: { keyId }, destination: { keyId } };
      const call = provider.reEncrypt(input);
      spoil(ciphertext);
      expectKeyArn((await call).sourceKeyId, keyId, 'sourceKeyId');
      return [ciphertext, original];
    },
  ],
];

type ReadCase = (
  context: CaseContext,
  spoil: (bytes: Uint8Array) => void,
) => Promise<[given: Uint8Array, original: Uint8Array]>;

export const inputMemoryCases = [
  ...casesOf(inputCopied, [
    ...READERS.map(
      ([number, title, needs, read]): CaseInput => ({
        id: `MEM-30${number}`,
        title: `${title}: the caller may wipe the input while the call is under way`,
        needs,
        async run(context) {
          await read(context, (bytes) => bytes.fill(0));
        },
      }),
    ),
    ...READERS.map(
      ([number, title, needs, read]): CaseInput => ({
        id: `MEM-40${number}`,
        title: `${title}: the input is afterwards what it was`,
        needs,
        async run(context) {
          const [given, original] = await read(context, () => {});
          check(sameBytes(given, original), 'input that is not changed', 'other bytes in it');
        },
      }),
    ),
    {
      id: 'MEM-501',
      title: 'reads the bytes of a view, not of the buffer around it',
      needs: symmetric,
      async run({ provider, keys, secret }) {
        const keyId = await keys.get();
        const around = secret(96);
        const plaintext = around.subarray(32, 64);
        const sealed = (await provider.encrypt({ keyId, plaintext })).ciphertext;
        const room = new Uint8Array(sealed.length + 32);
        room.set(sealed, 16);
        const ciphertext = room.subarray(16, 16 + sealed.length);
        const result = await provider.decrypt({ keyId, ciphertext });
        expectBytes(result.plaintext, plaintext, 'the plaintext of the view');
      },
    },
    {
      id: 'MEM-502',
      title: 'takes a Buffer, and leaves it alone',
      needs: symmetric,
      async run({ provider, keys, secret }) {
        const keyId = await keys.get();
        const plaintext = Buffer.from(secret());
        const before = Buffer.from(plaintext);
        const sealed = await provider.encrypt({ keyId, plaintext });
        const ciphertext = Buffer.from(sealed.ciphertext);
        const result = await provider.decrypt({ keyId, ciphertext });
        expectBytes(result.plaintext, before, 'the plaintext of the Buffer');
        check(sameBytes(plaintext, before), 'a Buffer that is not changed', 'other bytes in it');
      },
    },
    {
      id: 'MEM-503',
      title: 'reads keyId and encryption context at the call, not later',
      needs: [...symmetric, 'encryptionContext'],
      async run({ provider, keys, secret }) {
        const keyId = await keys.get();
        const plaintext = secret();
        const encryptionContext: Record<string, string> = { tenant: 'a' };
        const input = { keyId, plaintext, encryptionContext };
        const other = await keys.get('SYMMETRIC_DEFAULT', 1);
        const call = provider.encrypt(input);
        input.keyId = other;
        encryptionContext.tenant = 'b';
        encryptionContext.more = 'c';
        const { ciphertext, keyId: used } = await call;
        expectKeyArn(used, keyId);
        const context = { tenant: 'a' };
        const result = await provider.decrypt({ keyId, ciphertext, encryptionContext: context });
        expectBytes(result.plaintext, plaintext, 'the plaintext');
      },
    },
    {
      id: 'MEM-504',
      title: 'takes frozen input, so it changes nothing in it',
      needs: [...symmetric, 'encryptionContext'],
      async run({ provider, keys, secret }) {
        const encryptionContext = Object.freeze({ b: '1', a: '2' });
        const key = { keyId: await keys.get(), encryptionContext };
        const plaintext = secret();
        const sealed = await provider.encrypt(Object.freeze({ ...key, plaintext }));
        const { ciphertext } = sealed;
        const result = await provider.decrypt(Object.freeze({ ...key, ciphertext }));
        expectBytes(result.plaintext, plaintext, 'the plaintext');
      },
    },
    ...sealingCalls.map(
      (call): CaseInput => ({
        id: `MEM-51${call.number}`,
        title: `${call.title} reads keyId and encryption context at the call, and leaves them alone`,
        needs: [...symmetric, 'encryptionContext', ...call.needs],
        async run(context) {
          const { provider, keys } = context;
          const [keyId, other] = [await keys.get(), await keys.get('SYMMETRIC_DEFAULT', 1)];
          const encryptionContext: Record<string, string> = { tenant: 'a' };
          const input = { keyId, encryptionContext };
          const start = await call.prepare(context, input);
          const before = JSON.stringify(input);
          const untouched = await start();
          const after = JSON.stringify(input);
          check(after === before, 'input that is not changed', 'other fields in it');
          const started = start();
          input.keyId = other;
          encryptionContext.tenant = 'b';
          for (const ciphertext of [untouched, await started]) {
            const right = { keyId, ciphertext, encryptionContext: { tenant: 'a' } };
            expectKeyArn((await provider.decrypt(right)).keyId, keyId);
          }
        },
      }),
    ),
    {
      id: 'MEM-521',
      title: 'decrypt reads the encryption context at the call, not later',
      needs: [...symmetric, 'encryptionContext'],
      async run({ provider, keys, secret }) {
        const keyId = await keys.get();
        const encryptionContext: Record<string, string> = { tenant: 'a' };
        const plaintext = secret();
        const sealed = await provider.encrypt({ keyId, plaintext, encryptionContext });
        const { ciphertext } = sealed;
        const call = provider.decrypt({ keyId, ciphertext, encryptionContext });
        encryptionContext.tenant = 'b';
        expectBytes((await call).plaintext, plaintext, 'the plaintext');
      },
    },
    {
      id: 'MEM-522',
      title: 'reEncrypt reads the source context at the call, not later',
      needs: [...symmetric, 'encryptionContext'],
      async run({ provider, keys, secret }) {
        const keyId = await keys.get();
        const encryptionContext: Record<string, string> = { tenant: 'a' };
        const input = { keyId, plaintext: secret(), encryptionContext };
        const { ciphertext } = await provider.encrypt(input);
        const source = { keyId, encryptionContext };
        const call = provider.reEncrypt({ ciphertext, source, destination: { keyId } });
        encryptionContext.tenant = 'b';
        expectKeyArn((await call).sourceKeyId, keyId, 'sourceKeyId');
      },
    },
  ]),
];
