import { createContext, runInContext } from 'node:vm';
import { DataKey, DataKeyPair, DecryptResult, type KeyWrapProvider } from '@keywrap/core';
import { bare } from './bare.js';

type Make = (value: unknown) => unknown;

/** Copies bytes, dates, lists and plain objects with the constructors of another realm, as jest's is. */
const foreign = runInContext(
  `function foreign(value) {
    const tag = Object.prototype.toString.call(value);
    if (tag === '[object Uint8Array]') return new Uint8Array(Array.from(value));
    if (tag === '[object Date]') return new Date(Number(value));
    if (tag === '[object Array]') return Array.from(value, foreign);
    if (tag !== '[object Object]') return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, foreign(each)]));
  }
  foreign`,
  createContext({}),
) as Make;

/** A provider whose results are made in another realm, except for the contract's own classes. */
export function inOtherRealm(provider: KeyWrapProvider): KeyWrapProvider {
  const inner = bare(provider);
  const moved = <Result>(call: Promise<Result>): Promise<Result> =>
    call.then((result) => foreign(result) as Result);
  return Object.freeze<KeyWrapProvider>({
    ...inner,
    encrypt: (...input) => moved(inner.encrypt(...input)),
    reEncrypt: (...input) => moved(inner.reEncrypt(...input)),
    generateDataKeyWithoutPlaintext: (...input) =>
      moved(inner.generateDataKeyWithoutPlaintext(...input)),
    generateDataKeyPairWithoutPlaintext: (...input) =>
      moved(inner.generateDataKeyPairWithoutPlaintext(...input)),
    getPublicKey: (...input) => moved(inner.getPublicKey(...input)),
    describeKey: (...input) => moved(inner.describeKey(...input)),
    decrypt: async (...input) => reopened(await inner.decrypt(...input)),
    decryptAsymmetric: async (...input) => reopened(await inner.decryptAsymmetric(...input)),
    async generateDataKey(...input) {
      using made = await inner.generateDataKey(...input);
      const { plaintext, ciphertext } = made;
      return new DataKey({
        ...made,
        plaintext: foreign(plaintext) as Uint8Array,
        ciphertext: foreign(ciphertext) as Uint8Array,
      });
    },
    async generateDataKeyPair(...input) {
      using made = await inner.generateDataKeyPair(...input);
      const { privateKey, publicKey, privateKeyCiphertext } = made;
      return new DataKeyPair({
        ...made,
        privateKey: foreign(privateKey) as Uint8Array,
        publicKey: foreign(publicKey) as Uint8Array,
        privateKeyCiphertext: foreign(privateKeyCiphertext) as Uint8Array,
      });
    },
  });
}

function reopened(result: DecryptResult): DecryptResult {
  using opened = result;
  return new DecryptResult({ ...opened, plaintext: foreign(opened.plaintext) as Uint8Array });
}
