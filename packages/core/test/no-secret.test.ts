import { inspect } from 'node:util';
import {
  type KeyWrapProvider,
  reEncryptAcross,
  sealWithPublicKey,
  withTrustedKeys,
} from '@keywrap/core';
import { expect } from 'chai';
import { js, rejection } from './support/failures.js';
import { ARN, MinimalProvider, ScriptedProvider } from './support/scripted-driver.js';
import { ToyProvider } from './support/toy-provider.js';

const SECRET = 'correct-horse-battery-staple';
const bytes = () => new TextEncoder().encode(SECRET);

/** The secret in every way that an error could spell it, or enough of it to matter. */
function spellings(): string[] {
  const buffer = Buffer.from(SECRET);
  return [
    SECRET,
    SECRET.slice(0, 12),
    buffer.toString('hex').slice(0, 16),
    buffer.toString('base64').slice(0, 16),
    buffer.toString('base64url').slice(0, 16),
    [...buffer.subarray(0, 8)].join(','),
    [...buffer.subarray(0, 8)].join(', '),
    [...buffer.subarray(0, 8)].join(' '),
    [...buffer.subarray(0, 8)].map((byte) => byte.toString(16)).join(' '),
    '"0":99,"1":111,"2":114',
  ];
}

/** Everything that an error shows, in every way of logging it, causes included. */
function everythingOf(error: unknown): string {
  const texts: string[] = [];
  for (let at: unknown = error; at !== undefined; at = at instanceof Error ? at.cause : undefined) {
    texts.push(
      String(at),
      JSON.stringify(at) ?? '',
      inspect(at, { depth: null, showHidden: true, getters: true }),
      inspect(at, { depth: null, customInspect: false, maxArrayLength: null }),
    );
    if (at instanceof Error) texts.push(at.message, at.stack ?? '');
  }
  return texts.join('\n');
}

/** A provider whose every hook fails. */
const failing = () => {
  const hook = () => Promise.reject(new Error('failed inside'));
  return new ScriptedProvider({
    encrypt: hook,
    decrypt: hook,
    describeKey: hook,
    generateDataKeyPair: hook,
    getPublicKey: hook,
  });
};

/** A provider whose backend returns the secret in the wrong places. */
const confused = (plaintext: Uint8Array) =>
  new ScriptedProvider({
    encrypt: async () => js({ ciphertext: new Uint8Array(7000), keyId: SECRET, plaintext }),
    decrypt: async () => js({ plaintext, keyId: SECRET }),
    generateDataKeyPair: async () =>
      js({ privateKey: plaintext, publicKey: SECRET, privateKeyCiphertext: SECRET, keyId: SECRET }),
    getPublicKey: async () => js({ publicKey: SECRET, keyId: SECRET }),
    describeKey: async () => js({ keyId: SECRET }),
  });

type Attempt = readonly [what: string, run: () => Promise<unknown>];

/** Calls with the secret as plaintext, and in place of other input. */
function calls(name: string, make: () => KeyWrapProvider): Attempt[] {
  const algorithm = 'RSAES_OAEP_SHA_256';
  const plaintext = bytes();
  const context = (value: unknown) =>
    js({ keyId: ARN, plaintext, encryptionContext: { a: value } });
  const attempts: Record<string, (provider: KeyWrapProvider) => Promise<unknown>> = {
    encrypt: (p) => p.encrypt({ keyId: ARN, plaintext }),
    'encrypt asymmetric': (p) => p.encrypt({ keyId: ARN, plaintext, algorithm }),
    'encrypt too much': (p) =>
      p.encrypt({ keyId: ARN, plaintext: Buffer.from(SECRET.repeat(200)) }),
    'encrypt text': (p) => p.encrypt(js({ keyId: ARN, plaintext: SECRET })),
    'encrypt an array': (p) => p.encrypt(js({ keyId: ARN, plaintext: [...plaintext] })),
    'encrypt shared memory': (p) => {
      const shared = new Uint8Array(new SharedArrayBuffer(plaintext.length));
      shared.set(plaintext);
      return p.encrypt({ keyId: ARN, plaintext: shared });
    },
    'the bytes as input': (p) => p.encrypt(js(plaintext)),
    'the text as input': (p) => p.encrypt(js(SECRET)),
    'the text as options': (p) => p.encrypt({ keyId: ARN, plaintext }, js(SECRET)),
    'the text as key id': (p) => p.encrypt({ keyId: `${SECRET} `, plaintext }),
    'the text in an ARN': (p) => p.encrypt({ keyId: `arn:aws:s3:::${SECRET}`, plaintext }),
    'the text as algorithm': (p) => p.encrypt(js({ keyId: ARN, plaintext, algorithm: SECRET })),
    'the text as grant token': (p) =>
      p.encrypt({ keyId: ARN, plaintext }, js({ grantTokens: [SECRET, 7] })),
    'the text as key spec': (p) => p.generateDataKey(js({ keyId: ARN, keySpec: SECRET })),
    'the text as number': (p) => p.generateDataKey(js({ keyId: ARN, numberOfBytes: SECRET })),
    'the text as pair spec': (p) => p.generateDataKeyPair(js({ keyId: ARN, keyPairSpec: SECRET })),
    'the bytes in a context': (p) => p.encrypt(context(plaintext)),
    'the text in a context that is malformed': (p) => p.encrypt(context(`${SECRET}\ud83d`)),
    'the text in a context that is too long': (p) => p.encrypt(context(SECRET.repeat(400))),
    decrypt: (p) => p.decrypt({ ciphertext: plaintext, keyId: ARN }),
    'decrypt without key': (p) => p.decrypt({ ciphertext: plaintext }),
    'decrypt asymmetric': (p) =>
      p.decryptAsymmetric({ keyId: ARN, ciphertext: plaintext, algorithm }),
    reEncrypt: (p) => p.reEncrypt({ ciphertext: plaintext, destination: { keyId: ARN } }),
    generateDataKey: (p) => p.generateDataKey({ keyId: ARN, keySpec: 'AES_256' }),
    generateDataKeyPair: (p) => p.generateDataKeyPair({ keyId: ARN, keyPairSpec: 'RSA_2048' }),
    getPublicKey: (p) => p.getPublicKey({ keyId: ARN }),
    describeKey: (p) => p.describeKey({ keyId: ARN }),
    'abort in progress': (p) => {
      const controller = new AbortController();
      const call = p.encrypt({ keyId: ARN, plaintext }, { signal: controller.signal });
      controller.abort();
      return call;
    },
    'after close': async (p) => {
      await p.close();
      return p.encrypt({ keyId: ARN, plaintext });
    },
  };
  return Object.entries(attempts).map(([what, run]) => [`${name}: ${what}`, () => run(make())]);
}

const emptying = () =>
  new MinimalProvider({
    decrypt: async () => ({ plaintext: Buffer.from(SECRET.repeat(30)), keyId: ARN }),
  });

const ATTEMPTS: readonly Attempt[] = [
  ...calls('a failing backend', failing),
  ...calls('a confused backend', () => confused(bytes())),
  ...calls('keys that are not there', () => new ToyProvider()),
  [
    'reEncrypt to a key that takes less',
    () =>
      emptying().reEncrypt({
        ciphertext: bytes(),
        destination: { keyId: ARN, algorithm: 'RSAES_OAEP_SHA_1' },
      }),
  ],
  [
    'reEncryptAcross to a backend that fails',
    () =>
      reEncryptAcross({
        ciphertext: bytes(),
        source: { provider: emptying() },
        destination: { provider: failing(), keyId: ARN },
      }),
  ],
  [
    'an untrusted key',
    async () => {
      const trusted = await withTrustedKeys(new ScriptedProvider(), [ARN]);
      return trusted.encrypt({ keyId: 'alias/other', plaintext: bytes() });
    },
  ],
  [
    'sealWithPublicKey with the wrong order of arguments',
    () => sealWithPublicKey(bytes(), bytes(), 'RSAES_OAEP_SHA_256'),
  ],
  [
    'a wrong context',
    async () => {
      const provider = new ToyProvider();
      const keyId = provider.addKey('alias/orders');
      const { ciphertext } = await provider.encrypt({ keyId, plaintext: bytes() });
      return provider.decrypt({ ciphertext, encryptionContext: { a: 'b' } });
    },
  ],
];

describe('no error shows a secret', () => {
  it('and this search would find one in a message, a field, a cause or bytes', () => {
    const found = (error: unknown) =>
      spellings().some((spelling) => everythingOf(error).includes(spelling));
    expect(found(new Error(`could not encrypt ${SECRET}`))).to.equal(true);
    expect(found(Object.assign(new Error(''), { input: bytes() }))).to.equal(true);
    expect(found(Object.assign(new Error(''), { input: Buffer.from(SECRET) }))).to.equal(true);
    expect(found(new Error('', { cause: new Error(SECRET) }))).to.equal(true);
    expect(found(new Error('', { cause: { hex: Buffer.from(SECRET).toString('hex') } }))).to.equal(
      true,
    );
    expect(found(new Error('nothing'))).to.equal(false);
  });

  for (const [what, run] of ATTEMPTS) {
    it(what, async () => {
      const error = await rejection(run());
      expect(error).to.have.property('code').that.is.a('string');
      const text = everythingOf(error);
      for (const spelling of spellings()) expect(text).not.to.include(spelling);
    });
  }
});
