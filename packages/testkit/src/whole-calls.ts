import type { EncryptionContext, KeyWrapProvider } from '@keywrap/core';
import type { CaseContext } from './case.js';
import { check, expectBytes, expectKeyArn } from './expect.js';
import { quickestPair } from './key-uses.js';

/** A call with all its input, which the case may change once the call was made. */
export interface PreparedCall {
  readonly input: object;
  /** Makes the call at once, and resolves when its result is right for the input as it was then. */
  start(): Promise<void>;
}

/** One way to call a provider, with everything that the input of that call may hold. */
export interface WholeCall {
  /** Stable: the number in the ids of the cases, that of the use of a key. */
  readonly number: string;
  prepare(context: CaseContext): Promise<PreparedCall>;
}

/** An encryption context where the provider has one: an object of its own each time. */
const bound = ({ capabilities }: KeyWrapProvider): { encryptionContext?: EncryptionContext } =>
  capabilities.encryptionContext ? { encryptionContext: { use: 'b', tenant: 'a' } } : {};

/** A new ciphertext, and the key and the context that open it. */
async function sealed({ provider, keys, secret }: CaseContext) {
  const keyId = await keys.get();
  const plaintext = secret();
  const { ciphertext } = await provider.encrypt({ keyId, plaintext, ...bound(provider) });
  return { keyId, plaintext, ciphertext };
}

async function sealedWithRsa({ provider, keys, secret }: CaseContext) {
  const key = { keyId: await keys.get('RSA_2048'), algorithm: keys.rsaAlgorithm };
  const plaintext = secret();
  const { ciphertext } = await provider.encrypt({ ...key, plaintext });
  return { key, plaintext, ciphertext };
}

/** What a symmetric ciphertext holds under the context of these calls. */
async function opened({ provider }: CaseContext, keyId: string, ciphertext: Uint8Array) {
  const result = await provider.decrypt({ keyId, ciphertext, ...bound(provider) });
  return result.plaintext;
}

async function dataKeyInput({ provider, keys }: CaseContext, size: number) {
  const keyId = await keys.get();
  return { keyId, input: { keyId, numberOfBytes: size, ...bound(provider) } };
}

async function pairInput({ provider, keys }: CaseContext) {
  const keyId = await keys.get();
  const keyPairSpec = quickestPair(provider);
  return { keyId, keyPairSpec, input: { keyId, keyPairSpec, ...bound(provider) } };
}

function expectLength(bytes: Uint8Array, length: number): void {
  check(bytes.length === length, `a data key of ${length} bytes`, `${bytes.length} bytes`);
}

function expectSpec(actual: string, asked: string): void {
  check(actual === asked, `keyPairSpec ${asked}`, `keyPairSpec ${actual}`);
}

export const wholeCalls: readonly WholeCall[] = [
  {
    number: '01',
    async prepare(context) {
      const { provider, keys, secret } = context;
      const keyId = await keys.get();
      const plaintext = secret();
      const algorithm = 'SYMMETRIC_DEFAULT' as const;
      const input = { keyId, plaintext: plaintext.slice(), algorithm, ...bound(provider) };
      const start = async () => {
        const result = await provider.encrypt(input);
        expectKeyArn(result.keyId, keyId);
        expectBytes(await opened(context, keyId, result.ciphertext), plaintext, 'the plaintext');
      };
      return { input, start };
    },
  },
  {
    number: '02',
    async prepare({ provider, keys, secret }) {
      const key = { keyId: await keys.get('RSA_2048'), algorithm: keys.rsaAlgorithm };
      const plaintext = secret();
      const input = { ...key, plaintext: plaintext.slice() };
      const start = async () => {
        const { ciphertext, keyId } = await provider.encrypt(input);
        expectKeyArn(keyId, key.keyId);
        const result = await provider.decryptAsymmetric({ ...key, ciphertext });
        expectBytes(result.plaintext, plaintext, 'the plaintext');
      };
      return { input, start };
    },
  },
  ...(['03', '04'] as const).map(
    (number): WholeCall => ({
      number,
      async prepare(context) {
        const { provider } = context;
        const { keyId, plaintext, ciphertext } = await sealed(context);
        const key = number === '03' ? { keyId } : {};
        const input = { ...key, ciphertext, ...bound(provider) };
        const start = async () => {
          const result = await provider.decrypt(input);
          expectKeyArn(result.keyId, keyId);
          expectBytes(result.plaintext, plaintext, 'the plaintext');
        };
        return { input, start };
      },
    }),
  ),
  {
    number: '05',
    async prepare(context) {
      const { key, plaintext, ciphertext } = await sealedWithRsa(context);
      const input = { ...key, ciphertext };
      const start = async () => {
        const result = await context.provider.decryptAsymmetric(input);
        expectKeyArn(result.keyId, key.keyId);
        expectBytes(result.plaintext, plaintext, 'the plaintext');
      };
      return { input, start };
    },
  },
  ...(['06', '07'] as const).map(
    (number): WholeCall => ({
      number,
      async prepare(context) {
        const { provider, keys } = context;
        const { keyId, plaintext, ciphertext } = await sealed(context);
        const to = await keys.get('SYMMETRIC_DEFAULT', 1);
        const key = number === '06' ? { keyId } : {};
        const input = {
          ciphertext,
          source: { ...key, ...bound(provider) },
          destination: { keyId: to, ...bound(provider) },
        };
        const start = async () => {
          const result = await provider.reEncrypt(input);
          expectKeyArn(result.sourceKeyId, keyId, 'sourceKeyId');
          expectKeyArn(result.destinationKeyId, to, 'destinationKeyId');
          expectBytes(await opened(context, to, result.ciphertext), plaintext, 'the plaintext');
        };
        return { input, start };
      },
    }),
  ),
  {
    number: '08',
    async prepare(context) {
      const { provider, keys } = context;
      const { key: source, plaintext, ciphertext } = await sealedWithRsa(context);
      const { algorithm } = source;
      const to = { keyId: await keys.get('RSA_2048', 1), algorithm };
      const input = { ciphertext, source: { ...source }, destination: { ...to } };
      const start = async () => {
        const moved = await provider.reEncrypt(input);
        expectKeyArn(moved.sourceKeyId, source.keyId, 'sourceKeyId');
        expectKeyArn(moved.destinationKeyId, to.keyId, 'destinationKeyId');
        const result = await provider.decryptAsymmetric({ ...to, ciphertext: moved.ciphertext });
        expectBytes(result.plaintext, plaintext, 'the plaintext');
      };
      return { input, start };
    },
  },
  {
    number: '11',
    async prepare(context) {
      const { keyId, input } = await dataKeyInput(context, 48);
      const start = async () => {
        const result = await context.provider.generateDataKey(input);
        expectKeyArn(result.keyId, keyId);
        expectLength(result.plaintext, 48);
        const plaintext = await opened(context, keyId, result.ciphertext);
        expectBytes(plaintext, result.plaintext, 'the data key in its ciphertext');
      };
      return { input, start };
    },
  },
  {
    number: '12',
    async prepare(context) {
      const { keyId, input } = await dataKeyInput(context, 48);
      const start = async () => {
        const result = await context.provider.generateDataKeyWithoutPlaintext(input);
        expectKeyArn(result.keyId, keyId);
        expectLength(await opened(context, keyId, result.ciphertext), 48);
      };
      return { input, start };
    },
  },
  {
    number: '13',
    async prepare(context) {
      const { keyId, keyPairSpec, input } = await pairInput(context);
      const start = async () => {
        const result = await context.provider.generateDataKeyPair(input);
        expectKeyArn(result.keyId, keyId);
        expectSpec(result.keyPairSpec, keyPairSpec);
        const privateKey = await opened(context, keyId, result.privateKeyCiphertext);
        expectBytes(privateKey, result.privateKey, 'the private key in its ciphertext');
      };
      return { input, start };
    },
  },
  {
    number: '14',
    async prepare(context) {
      const { keyId, keyPairSpec, input } = await pairInput(context);
      const start = async () => {
        const result = await context.provider.generateDataKeyPairWithoutPlaintext(input);
        expectKeyArn(result.keyId, keyId);
        expectSpec(result.keyPairSpec, keyPairSpec);
        await opened(context, keyId, result.privateKeyCiphertext);
      };
      return { input, start };
    },
  },
  ...(['15', '16'] as const).map(
    (number): WholeCall => ({
      number,
      async prepare({ provider, keys }) {
        const operation = number === '15' ? 'getPublicKey' : 'describeKey';
        const kind = number === '15' ? 'RSA_2048' : 'SYMMETRIC_DEFAULT';
        const keyId = await keys.get(kind);
        const input = { keyId };
        const start = async () => expectKeyArn((await provider[operation](input)).keyId, keyId);
        return { input, start };
      },
    }),
  ),
];
